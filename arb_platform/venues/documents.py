"""Fields of a venue's JSON documents, read with suspicion.

REST documents come decoded, with numbers as int, Decimal or float and as texts, sometimes all three
for one field over the years.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from arb_platform.domain.errors import WireError

# Go's zero time stands for "never" in Kalshi's documents.
_FIRST_YEAR: Final = 1970
_LONGEST_NUMBER: Final = 64


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """``value`` itself. Raises WireError unless it is an object."""
    if not isinstance(value, Mapping):
        raise WireError(f"{what} came as {type(value).__name__} where an object was due")
    return value


def text(fields: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """The text of a field, "" where it is missing. Raises WireError if it must be there, or is no text."""
    value = fields.get(name)
    if value is None:
        value = ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise WireError(f"{name} is not text: {str(value)[:80]!r}")
    if required and not value:
        raise WireError(f"{name} is missing")
    return value


def flag(fields: Mapping[str, Any], name: str) -> bool | None:
    """True or False, or None where the field is missing. Raises WireError for anything else."""
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise WireError(f"{name} is not true or false: {str(value)[:80]!r}")


def decimal_of(fields: Mapping[str, Any], *names: str) -> Decimal | None:
    """The number in the first of these fields that has one. Raises WireError for what is no finite number."""
    for name in names:
        value = fields.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise WireError(f"{name} is not a number: {str(value)[:80]!r}")
        return _number(name, str(value) if isinstance(value, float) else value)
    return None


def moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    """A time of day with zone, or None where there is none. A date alone is its midnight in UTC.

    Raises WireError for what is no time.
    """
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER:
        raise WireError(f"{name} is not a time: {str(value)[:80]!r}")
    try:
        parsed = datetime.fromisoformat(value)
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WireError(f"{name} is not a time: {value!r}") from None
    return parsed if parsed.year >= _FIRST_YEAR else None


def _number(name: str, value: str | int | Decimal) -> Decimal:
    if len(str(value)) > _LONGEST_NUMBER:
        raise WireError(f"{name} is not a number of this world: {str(value)[:80]!r}")
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        raise WireError(f"{name} is not a number: {value!r}") from None
    if not number.is_finite():
        raise WireError(f"{name} is not a finite number: {value!r}")
    return number
