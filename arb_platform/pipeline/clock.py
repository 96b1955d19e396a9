"""What time it is, for every stage."""

from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
