"""The stages of the platform, each one function: what the command line and Dagster both call.

listing -> candidates -> verdicts -> reports, and beside them the streams. A stage reads its inputs
from the lake and writes its results there, so each can run alone and in any order.
"""

from arb_platform.pipeline.audit import SettlementAudit, audit_settlements, settlement_check
from arb_platform.pipeline.catalogue import (
    CANDIDATES_PER_MARKET,
    Listed,
    Proposed,
    list_venue,
    propose_candidates,
)
from arb_platform.pipeline.ground import now, open_writer, refuse_real_venue, venue_named
from arb_platform.pipeline.review import Waiting, waiting_pairs
from arb_platform.pipeline.streams import adapter_for, markets_to_stream, stream_venue
from arb_platform.pipeline.upkeep import build_report, maintain_lake, publish_lake
from arb_platform.pipeline.validation import (
    Forecast,
    candidate_of,
    forecast_validation,
    judge_for,
    shown_prompt,
    validate_pairs,
)

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
    "candidate_of",
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
