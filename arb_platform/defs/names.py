"""Names that operators bookmark; they are part of the contract."""

from collections.abc import Mapping
from typing import Final

CATALOGUE: Final = "catalogue"
STREAMS: Final = "streams"
MATCHING: Final = "matching"
REPORTS: Final = "reports"
MAINTENANCE: Final = "maintenance"

OWNERS: Final = ["team:arb-platform"]
STREAM_JOB: Final = "stream_order_books"
# One run per value: Dagster's own limit is the second lock behind the lease.
STREAM_TAG: Final = "arb/stream"
# While a run hands over to the next there are two, so two values take turns.
_OTHER: Final = "-renewed"


def stream_tags(venue: str) -> list[str]:
    """The two values of STREAM_TAG that runs of ``venue`` may have."""
    return [venue, f"{venue}{_OTHER}"]


def venue_of(tags: Mapping[str, str]) -> str | None:
    """The venue that a run's tags name, if any."""
    value = tags.get(STREAM_TAG)
    return None if value is None else value.removesuffix(_OTHER)
