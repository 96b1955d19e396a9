"""The stages of the platform, each one function: what the command line and Dagster both call.

listing -> candidates -> verdicts -> reports, and beside them the streams. A stage reads its inputs
from the lake and writes its results there, so each can run alone and in any order.
"""

from arb_platform.pipeline.catalogue import CANDIDATES_PER_MARKET, Listed, list_venue, propose_candidates
from arb_platform.pipeline.ground import now, open_writer, refuse_real_venue, venue_named
from arb_platform.pipeline.streams import adapter_for, markets_to_stream, stream_venue
from arb_platform.pipeline.upkeep import build_report, maintain_lake, publish_lake
from arb_platform.pipeline.validation import Forecast, forecast_validation, judge_for, validate_pairs

__all__ = [
    "CANDIDATES_PER_MARKET",
    "Forecast",
    "Listed",
    "adapter_for",
    "build_report",
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
    "stream_venue",
    "validate_pairs",
    "venue_named",
]
