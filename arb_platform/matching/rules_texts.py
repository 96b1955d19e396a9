"""Rules about what is asked: kinds of measure, office and prize, stage, source, polarity, bet type."""

from arb_platform.domain.markets import Market
from arb_platform.matching.reading import Comparison, Reading


def _listed(values: frozenset[str]) -> str:
    return "/".join(sorted(values)) or "none"


def placeholder(one: Reading, other: Reading) -> str | None:
    """A contract with a hole in its text cannot be compared: it fails closed."""
    for reading in (one, other):
        if reading.hole:
            return f"placeholder: {reading.market.venue} says {reading.hole}"
    return None


def market_type(one: Reading, other: Reading) -> str | None:
    """A binary bet is not a scalar one, nor one of three or more outcomes."""
    mine, theirs = _kind(one.market), _kind(other.market)
    return None if mine == theirs == "binary" else f"market type: {mine} against {theirs}"


def _kind(market: Market) -> str:
    if market.market_type not in ("binary", ""):
        return market.market_type
    return "binary" if len(market.outcomes) in (0, 2) else f"{len(market.outcomes)} outcomes"


def facet(name: str) -> Comparison:
    """The rule of one facet: both headlines answer it, and have no answer in common."""

    def compare(one: Reading, other: Reading) -> str | None:
        mine, theirs = one.facets.get(name), other.facets.get(name)
        if not mine or not theirs or mine & theirs:
            return None
        return f"{name}: {_listed(mine)} against {_listed(theirs)}"

    return compare


def stage(one: Reading, other: Reading) -> str | None:
    """Nominee or winner, first round or whole election, conference or championship; silence is the whole."""
    mine, theirs = one.facets.get("stage", frozenset()), other.facets.get("stage", frozenset())
    return None if mine == theirs or mine & theirs else f"stage: {_listed(mine)} against {_listed(theirs)}"


def race(one: Reading, other: Reading) -> str | None:
    """Being the next one to do it is not doing it."""
    return _told_once(
        "race or standalone", "race" in one.facets, "race" in other.facets, ("race", "standalone")
    )


def candidacy(one: Reading, other: Reading) -> str | None:
    """Standing for an office is not winning it."""
    return _told_once(
        "stand or win", "candidacy" in one.facets, "candidacy" in other.facets, ("stand", "win")
    )


def announcement(one: Reading, other: Reading) -> str | None:
    """Announcing is not doing; a headline that is silent about it may say it in its first sentence."""
    mine, theirs = "announcement" in one.facets, "announcement" in other.facets
    if mine != theirs and (other if mine else one).announced:
        return None
    return _told_once("announce or do", mine, theirs, ("announce", "do"))


def negation(one: Reading, other: Reading) -> str | None:
    """Yes on one side is No on the other: a complement, worth knowing, not the same bet."""
    return _told_once("polarity", one.negated, other.negated, ("negated", "plain"))


def _told_once(what: str, mine: bool, theirs: bool, words: tuple[str, str]) -> str | None:  # noqa: FBT001 - one flag a side
    if mine == theirs:
        return None
    return f"{what}: {words[0] if mine else words[1]} against {words[0] if theirs else words[1]}"


def price_source(one: Reading, other: Reading) -> str | None:
    """Index or exchange: prices of different sources are correlated, not identical."""
    if not (one.facets.get("asset") or other.facets.get("asset")):
        return None
    return _disjoint("source", one.price_source.families, other.price_source.families)


def station(one: Reading, other: Reading) -> str | None:
    """Weather is measured at a station and published by a service."""
    return _disjoint("station", one.stations, other.stations) or _disjoint(
        "source", one.weather_source.families, other.weather_source.families
    )


def _disjoint(what: str, mine: frozenset[str], theirs: frozenset[str]) -> str | None:
    if not mine or not theirs or mine & theirs:
        return None
    return f"{what}: {_listed(mine)} against {_listed(theirs)}"


def bet_type(one: Reading, other: Reading) -> str | None:
    """Spread, total, half or winner of a game."""
    if not (one.teams or other.teams or one.facets.get("league") or other.facets.get("league")):
        return None
    if one.bet_types == other.bet_types:
        return None
    mine, theirs = one.bet_types or frozenset({"winner"}), other.bet_types or frozenset({"winner"})
    return f"bet type: {_listed(mine)} against {_listed(theirs)}"


def numbered(one: Reading, other: Reading) -> str | None:
    """Group F, stage 3, week 12, game 4: the same noun with another number."""
    for noun in sorted(one.numbered.keys() & other.numbered.keys()):
        if not one.numbered[noun] & other.numbered[noun]:
            return f"{noun}: {_listed(one.numbered[noun])} against {_listed(other.numbered[noun])}"
    return None


def county(one: Reading, other: Reading) -> str | None:
    """A result in one county is not the result."""
    if one.county == other.county:
        return None
    return f"place: {one.county or 'everywhere'} against {other.county or 'everywhere'}"
