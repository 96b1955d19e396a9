"""Hard rules: why two markets cannot be the same bet, whatever a model says.

Each rule looks at one term of both markets and returns a sentence that names both values, or None
where the term agrees or one side does not tell it. Silence never breaks a rule, and never proves
anything either: acceptance needs more than unbroken rules.

A new rule is one function of two readings in one of the ``rules_*`` modules and one entry here.
"""

from dataclasses import dataclass
from typing import Final

from arb_platform.domain.pairs import MarketPair
from arb_platform.matching import rules_numbers, rules_subjects, rules_texts, rules_time
from arb_platform.matching.reading import Comparison, read

# Change it with any change of meaning in the rules or in what they read: verdicts are kept under it.
RULES_VERSION: Final = "rules-3"


@dataclass(frozen=True, slots=True)
class HardRule:
    """One rule under its name; calling it with a pair gives the reason it objects, or None."""

    name: str
    compare: Comparison

    def __call__(self, pair: MarketPair) -> str | None:
        return self.compare(read(pair.polymarket), read(pair.kalshi))


_FACETS: Final = (
    "measure", "basis", "pollster", "storm", "sold where", "release", "rate decision", "central bank", "course", "country", "tenor", "asset", "office", "competition",
    "league", "award", "prize", "chart", "statistic", "gender", "ordinal", "action",
)  # fmt: skip

HARD_RULES: Final[list[HardRule]] = [
    HardRule("placeholder", rules_texts.placeholder),
    HardRule("market type", rules_texts.market_type),
    HardRule("threshold", rules_numbers.threshold),
    HardRule("bucket or cumulative", rules_numbers.bucket),
    HardRule("lone threshold", rules_numbers.lone_threshold),
    HardRule("threshold polarity", rules_numbers.opposite_threshold),
    HardRule("period", rules_time.period),
    HardRule("game day", rules_time.game_day),
    HardRule("cut-off", rules_time.cut_off),
    HardRule("touch or on the date", rules_time.moment),
    *(HardRule(name, rules_texts.facet(name)) for name in _FACETS),
    HardRule("stage", rules_texts.stage),
    HardRule("race or standalone", rules_texts.race),
    HardRule("candidacy", rules_texts.candidacy),
    HardRule("announce or do", rules_texts.announcement),
    HardRule("negation", rules_texts.negation),
    HardRule("source", rules_texts.price_source),
    HardRule("station", rules_texts.station),
    HardRule("bet type", rules_texts.bet_type),
    HardRule("numbered", rules_texts.numbered),
    HardRule("county", rules_texts.county),
    HardRule("state", rules_texts.state),
    HardRule("condition", rules_texts.condition),
    HardRule("wording", rules_texts.wording),
    HardRule("seat", rules_subjects.seat),
    HardRule("subject", rules_subjects.subject),
    HardRule("teams", rules_subjects.teams),
    HardRule("game or title", rules_subjects.game_or_title),
    HardRule("agent", rules_subjects.agent),
    HardRule("anyone", rules_subjects.anyone),
    HardRule("side", rules_subjects.side),
    HardRule("names", rules_subjects.names),
    HardRule("topic", rules_subjects.topic),
]


def broken_rules(pair: MarketPair) -> tuple[str, ...]:
    """The reasons of every rule that objects; empty when none does."""
    one, other = read(pair.polymarket), read(pair.kalshi)
    return tuple(reason for rule in HARD_RULES if (reason := rule.compare(one, other)) is not None)
