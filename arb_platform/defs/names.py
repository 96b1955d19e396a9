"""Names that operators bookmark; they are part of the contract."""

from typing import Final

CATALOGUE: Final = "catalogue"
STREAMS: Final = "streams"
MATCHING: Final = "matching"
REPORTS: Final = "reports"
MAINTENANCE: Final = "maintenance"

OWNERS: Final = ["team:arb-platform"]
# One run per value: Dagster's own limit is the second lock behind the lease.
STREAM_TAG: Final = "arb/stream"
