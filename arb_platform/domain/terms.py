"""What a market's words mean, in terms that two venues can be compared by.

Everything here may be absent: ``None`` or an empty set says that the text does not tell, and what
one side does not tell never counts as agreement.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

Operator = Literal[">", ">=", "<", "<=", "=", "between"]
UPWARD: Final = frozenset({">", ">="})

PERCENT: Final = "%"
DOLLAR: Final = "$"
POINTS: Final = "bps"
# The finest step in which a quantity of this unit is published. A count has no unit and steps by
# the decimals it is written with.
_COARSEST_GRID: Final = {PERCENT: Decimal("0.1"), DOLLAR: Decimal("0.01")}
# Central banks move in quarters of a percent, so "more than 25 bps" is "50 bps or more", and a policy
# rate above 3.25 % is one of at least 3.50 %.
_RATE_STEP: Final = Decimal(25)
POLICY_RATE_STEP: Final = Decimal("0.25")

# The four ways in which two thresholds can relate, from the same down to unlike.
ThresholdRelation = Literal["same", "inclusive", "bucket", "opposite", "different"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition on a number: ``value`` is the lower bound of ``between``, ``upper`` its upper one."""

    operator: Operator
    value: Decimal
    unit: str = ""
    upper: Decimal | None = None

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.operator == "between":
            return f"between {self.value:f} and {self.upper or self.value:f}{unit}"
        return f"{self.operator} {self.value:f}{unit}"

    @property
    def decimals(self) -> int:
        """How many decimals the numbers are written with, trailing zeros left out."""
        return max(_decimals(self.value), _decimals(self.upper) if self.upper is not None else 0)

    @property
    def is_bucket(self) -> bool:
        return self.operator in ("between", "=")

    def steps(self, grid: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """The closed interval of published values that fulfil this, on a ``grid``; None is open.

        >>> Threshold(">", Decimal("2.9")).steps(Decimal("0.1"))
        (Decimal('3.0'), None)
        """
        if self.operator == "between":
            return self.value, self.upper
        if self.operator == "=":
            return self.value, self.value
        if self.operator in UPWARD:
            return (self.value + grid if self.operator == ">" else self.value), None
        return None, (self.value - grid if self.operator == "<" else self.value)


def shared_grid(one: Threshold, other: Threshold) -> Decimal:
    """The step in which both numbers are published, as far as their writing shows.

    Percentages come with one decimal at least and dollars with cents, whatever the question says;
    counts and degrees step as they are written. ``>= 3.0`` is ``> 2.9`` on a one-decimal grid.
    """
    written = Decimal(1).scaleb(-max(one.decimals, other.decimals))
    unit = one.unit or other.unit
    if unit == POINTS and one.value % _RATE_STEP == 0 and other.value % _RATE_STEP == 0:
        return _RATE_STEP
    return min(written, _COARSEST_GRID.get(unit, written))


def compare_thresholds(one: Threshold, other: Threshold, *, step: Decimal | None = None) -> ThresholdRelation:
    """How two conditions on the same quantity relate; ``step`` is in what the quantity moves, where that is known.

    ``inclusive`` is the same number where only one side includes it, ``opposite`` the other
    direction at the same number, ``bucket`` a range against an open end.
    """
    one, other = _in_one_unit(one, other)
    if one.unit and other.unit and one.unit != other.unit:
        return "different"
    grid = shared_grid(one, other)
    if step is not None and one.value % step == 0 and other.value % step == 0:
        grid = step
    mine, theirs = one.steps(grid), other.steps(grid)
    if mine == theirs or _same_price_range(one, other, grid):
        return "same"
    if one.is_bucket != other.is_bucket:
        return "bucket"
    if one.is_bucket:
        return "different"
    if (one.operator in UPWARD) != (other.operator in UPWARD):
        edges = abs(one.value - other.value)
        return "opposite" if edges <= grid else "different"
    return "inclusive" if one.value == other.value else "different"


def _in_one_unit(one: Threshold, other: Threshold) -> tuple[Threshold, Threshold]:
    if {one.unit, other.unit} != {PERCENT, POINTS}:
        return _in_one_degree(one, other)
    return _as_points(one), _as_points(other)


def _as_points(threshold: Threshold) -> Threshold:
    if threshold.unit == POINTS:
        return threshold
    upper = None if threshold.upper is None else threshold.upper * 100
    return replace(threshold, value=threshold.value * 100, unit=POINTS, upper=upper)


def _in_one_degree(one: Threshold, other: Threshold) -> tuple[Threshold, Threshold]:
    # A bare degree sign is whichever scale the other side names.
    degrees = {"°", "°F", "°C"}
    if one.unit in degrees and other.unit in degrees and "°" in (one.unit, other.unit):
        return replace(one, unit="°"), replace(other, unit="°")
    return one, other


def _same_price_range(one: Threshold, other: Threshold, grid: Decimal) -> bool:
    # "74,250 to 74,499.99" and "74,250 to 74,500" are one price range, its end written twice.
    if one.unit != DOLLAR or other.unit != DOLLAR or one.upper is None or other.upper is None:
        return False
    return abs(one.value - other.value) <= grid and abs(one.upper - other.upper) <= grid


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


# deadline: at any time before ``end``. date, week, month, quarter: what is measured or held then.
# window: from one date through another. year: at any time within it. edition: the year that names an election, a season, an award.
PeriodKind = Literal["deadline", "date", "week", "window", "month", "quarter", "year", "edition"]


@dataclass(frozen=True, slots=True)
class Period:
    """When it counts: from ``start`` (None: from now on) up to and without ``end``."""

    kind: PeriodKind
    start: date | None
    end: date

    def __str__(self) -> str:
        if self.kind == "deadline" or self.start is None:
            return f"before {self.end.isoformat()}"
        if self.kind in ("date", "week"):
            return self.start.isoformat()
        if self.kind == "window":
            return f"{self.start.isoformat()} to {self.end - timedelta(days=1)}"
        if self.kind == "month":
            return f"{self.start:%Y-%m}"
        if self.kind == "quarter":
            return f"{self.start.year} Q{(self.start.month + 2) // 3}"
        years = sorted(self.years)
        return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"

    @property
    def years(self) -> frozenset[int]:
        """Calendar years the period touches; a deadline names only the year it ends in."""
        last = (self.end - timedelta(days=1)).year
        return frozenset(range(self.start.year if self.start else last, last + 1))

    def agrees_with(self, other: "Period") -> bool:
        """Whether both can be the same time.

        A month agrees with a date inside it (a meeting, a release); a whole year is measured as a
        whole and agrees only with itself, a deadline at its end, or the edition of that year.
        """
        if "edition" in (self.kind, other.kind):
            return self._agrees_as_edition(other)
        if "deadline" in (self.kind, other.kind):
            return self.end == other.end
        if "window" in (self.kind, other.kind):
            return self.start == other.start and self.end == other.end
        if "year" in (self.kind, other.kind) and self.kind != other.kind:
            return False
        assert self.start is not None
        assert other.start is not None
        if self.kind == other.kind or {self.kind, other.kind} == {"date", "week"}:
            return self.start == other.start and self.end == other.end
        inside = self.start >= other.start and self.end <= other.end
        return inside or (other.start >= self.start and other.end <= self.end)

    def _agrees_as_edition(self, other: "Period") -> bool:
        kinds = {self.kind, other.kind}
        if kinds <= {"edition", "year"}:
            if len(self.years) == len(other.years):
                # Two seasons that meet in a year are two seasons.
                return self.years == other.years
            return bool(self.years & other.years)
        # An edition is a name: the 2026 election may be decided in January 2027, but what is measured
        # in June 2026 is not what is measured in 2026.
        return not kinds & {"month", "quarter", "window"}


@dataclass(frozen=True, slots=True)
class CutOff:
    """A moment of the day: minutes after midnight on the clock of ``zone``."""

    minute: int
    zone: str

    def __str__(self) -> str:
        return f"{self.minute // 60:02d}:{self.minute % 60:02d} {self.zone}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose or what's fate decides: the words of its name, folded, and the name as written."""

    name: str
    words: frozenset[str]
    # named as the outcome itself (a subtitle), not only as somebody in a sentence
    as_outcome: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Seat:
    """An elected office in one place: ``house`` in ``TX-17``, ``governor`` in ``NH``; party where told."""

    office: str
    place: str
    party: str | None = None
    year: int | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.office, self.place, self.party or "") if part)


@dataclass(frozen=True, slots=True)
class Source:
    """Who says what the outcome is, by families whose members publish the same number."""

    families: frozenset[str]

    def __str__(self) -> str:
        return ", ".join(sorted(self.families)) or "unknown"
