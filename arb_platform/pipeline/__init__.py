"""The stages of the platform, each one function: what the command line and Dagster both call.

listing -> candidates -> verdicts -> reports, and beside them the streams. A stage reads its inputs
from the lake and writes its results there, so each can run alone and in any order.
A name is loaded when it is first used: a stream needs nothing of what matching needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arb_platform.pipeline.audit import SettlementAudit, audit_settlements, settlement_check
    from arb_platform.pipeline.catalogue import (
        CANDIDATES_PER_MARKET,
        Listed,
        Proposed,
        list_venue,
        propose_candidates,
    )
    from arb_platform.pipeline.clock import now
    from arb_platform.pipeline.ground import open_writer, refuse_real_venue, venue_named
    from arb_platform.pipeline.judges import judge_for
    from arb_platform.pipeline.review import Waiting, waiting_pairs
    from arb_platform.pipeline.streams import adapter_for, markets_to_stream, stream_venue
    from arb_platform.pipeline.upkeep import (
        build_report,
        build_reports,
        edge_thresholds,
        maintain_lake,
        publish_lake,
    )
    from arb_platform.pipeline.validation import (
        Forecast,
        candidate_of,
        forecast_validation,
        shown_prompt,
        validate_pairs,
    )

_HOMES = {
    "CANDIDATES_PER_MARKET": "catalogue",
    "Forecast": "validation",
    "Listed": "catalogue",
    "Proposed": "catalogue",
    "SettlementAudit": "audit",
    "Waiting": "review",
    "adapter_for": "streams",
    "audit_settlements": "audit",
    "build_report": "upkeep",
    "build_reports": "upkeep",
    "candidate_of": "validation",
    "edge_thresholds": "upkeep",
    "forecast_validation": "validation",
    "judge_for": "judges",
    "list_venue": "catalogue",
    "maintain_lake": "upkeep",
    "markets_to_stream": "streams",
    "now": "clock",
    "open_writer": "ground",
    "propose_candidates": "catalogue",
    "publish_lake": "upkeep",
    "refuse_real_venue": "ground",
    "settlement_check": "audit",
    "shown_prompt": "validation",
    "stream_venue": "streams",
    "validate_pairs": "validation",
    "venue_named": "ground",
    "waiting_pairs": "review",
}

__all__ = [
    "CANDIDATES_PER_MARKET",
    "Forecast",
    "Listed",
    "Proposed",
    "SettlementAudit",
    "Waiting",
    "adapter_for",
    "audit_settlements",
    "build_report",
    "build_reports",
    "candidate_of",
    "edge_thresholds",
    "forecast_validation",
    "judge_for",
    "list_venue",
    "maintain_lake",
    "markets_to_stream",
    "now",
    "open_writer",
    "propose_candidates",
    "publish_lake",
    "refuse_real_venue",
    "settlement_check",
    "shown_prompt",
    "stream_venue",
    "validate_pairs",
    "venue_named",
    "waiting_pairs",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
