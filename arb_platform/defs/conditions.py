"""When assets materialize by themselves."""

from typing import Final

import dagster as dg

_Condition = dg.AutomationCondition

# An empty lake fills itself once. `on_missing` would not: it waits for something to become missing,
# and in a new instance nothing ever was there. After a failure it tries again, but not at once.
_MISSING: Final = (
    _Condition.missing()
    & ~_Condition.in_progress()
    & ~_Condition.any_deps_missing()
    & ~_Condition.any_deps_in_progress()
    & (~_Condition.execution_failed() | _Condition.cron_tick_passed("*/2 * * * *"))
)
FIRST_TIME: Final = _MISSING.with_label("there is nothing yet")

# Reports come together when there are pairs: a run is a process, whatever it makes. After that a schedule has them.
FIRST_TOGETHER: Final = (
    _MISSING & ~_Condition.asset_matches("matched_pairs", _Condition.missing())
).with_label("there is nothing yet, and pairs are there")

# Follows what it is made from: candidates the listings, verdicts the candidates.
FOLLOWS: Final = (_Condition.eager() | FIRST_TIME).with_label("follows its inputs")
