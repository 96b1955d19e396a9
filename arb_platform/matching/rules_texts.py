"""Rules about what is asked: kinds of measure, office and prize, stage, source, polarity, bet type."""

from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.matching.reading import Comparison, Reading
from arb_platform.matching.subjects import named_state
from arb_platform.matching.word_lists import MODIFIERS
from arb_platform.matching.wording import unsaid


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
        mine, theirs = _answers(name, one, other), _answers(name, other, one)
        if not mine or not theirs or mine & theirs:
            return None
        return f"{name}: {_listed(mine)} against {_listed(theirs)}"

    return compare


def _answers(name: str, one: Reading, other: Reading) -> frozenset[str]:
    """The headline's answer; where it is silent and the other's is not, that of the first sentences."""
    told = one.facets.get(name, frozenset())
    if told or name not in other.facets or name not in one.opening_facets:
        return told
    if name == "country" and not (one.facets.keys() & {"measure"} and other.facets.keys() & {"measure"}):
        # Whose figure it is; elsewhere rules name countries that only act in the story.
        return told
    return one.opening_facets[name]


def condition(one: Reading, other: Reading) -> str | None:
    """What only one side demands: an emergency meeting, a majority, landfall."""
    for mine, theirs, order in ((one, other, "{} against none"), (other, one, "none against {}")):
        only = (mine.conditions - theirs.conditions_told) | ((mine.words & MODIFIERS) - theirs.said)
        if only:
            return "condition: " + order.format(_listed(only))
    return None


def wording(one: Reading, other: Reading) -> str | None:
    """Each headline says something for which the other market has no word anywhere."""
    if one.teams and other.teams:
        return None
    mine, theirs = unsaid(one.telling, other.begun), unsaid(other.telling, one.begun)
    if not mine or not theirs:
        return None
    return f"wording: {', '.join(mine[:3])} against {', '.join(theirs[:3])}"


def state(one: Reading, other: Reading) -> str | None:
    """What happens in one state is not what happens in the country, nor in another state."""
    if one.state == other.state or any(_elects_or_plays(side) for side in (one, other)):
        return None
    for mine, theirs in ((one, other), (other, one)):
        if mine.state in _ALSO_CITIES:
            continue
        if mine.state and mine.state.lower() not in theirs.said and named_state(theirs.opening) != mine.state:
            return f"place: {one.state or 'no state'} against {other.state or 'no state'}"
    return None


def _elects_or_plays(one: Reading) -> bool:
    return bool(one.seat or one.teams or one.facets.keys() & {"office", "league", "competition", "stage"})


_ALSO_CITIES: Final = ("NY", "WA")


def stage(one: Reading, other: Reading) -> str | None:
    """Nominee or winner, first round or whole election, conference or championship; silence is the whole."""
    mine, theirs = _stages(one), _stages(other)
    return None if mine == theirs or mine & theirs else f"stage: {_listed(mine)} against {_listed(theirs)}"


def _stages(one: Reading) -> frozenset[str]:
    stages = one.facets.get("stage", frozenset())
    # Who runs for a nomination need not be nominated: it is said of what they run for.
    return stages - {"nominee", "primary"} if "candidacy" in one.facets else stages


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
