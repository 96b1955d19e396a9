"""Hard rules: why two markets cannot be the same bet, whatever a model says.

Each rule looks at one term of both markets and returns a sentence that names both values, or None
where the term agrees or one side does not tell it. Silence never breaks a rule, and never proves
anything either: acceptance needs more than unbroken rules.
"""

import re
from collections.abc import Callable
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import MarketPair
from arb_platform.domain.terms import Period, Threshold, ThresholdRelation, compare_thresholds
from arb_platform.matching.normalise import plain
from arb_platform.matching.reading import Reading, read
from arb_platform.matching.subjects import mentioned, same_subject

# Change it with any change of meaning in this package's reading or rules: verdicts are kept under it.
RULES_VERSION: Final = "rules-1"

Rule = Callable[[MarketPair], str | None]


def broken_rules(pair: MarketPair) -> tuple[str, ...]:
    """The reasons of every rule that objects; empty when none does."""
    return tuple(reason for rule in HARD_RULES if (reason := rule(pair)) is not None)


def _both(pair: MarketPair) -> tuple[Reading, Reading]:
    return read(pair.polymarket), read(pair.kalshi)


def _listed(values: frozenset[str]) -> str:
    return "/".join(sorted(values)) or "none"


# --- texts and market types -----------------------------------------------------------------------

_PLACEHOLDER: Final = re.compile(r"\|\|[^|]{0,40}\|\||\{\{[^}]{0,40}\}\}|<[A-Z_ ]{3,30}>|\[(?:INSERT|TBD|DATE|NAME)[^\]]{0,30}\]|\bTBD\b|\bTBA\b")


def placeholder_rule(pair: MarketPair) -> str | None:
    """A contract with a hole in its text cannot be compared: it fails closed."""
    for market in (pair.polymarket, pair.kalshi):
        for text in (market.title, market.subtitle, market.rules):
            hole = _PLACEHOLDER.search(plain(text))
            if hole:
                return f"placeholder: {market.venue} says {hole.group()!r}"
        if not plain(market.title):
            return f"placeholder: {market.venue} has no title"
    return None


def market_type_rule(pair: MarketPair) -> str | None:
    """A binary bet is not a scalar one, nor one of three or more outcomes."""
    mine, theirs = _kind(pair.polymarket), _kind(pair.kalshi)
    return None if mine == theirs == "binary" else f"market type: {mine} against {theirs}"


def _kind(market: Market) -> str:
    if market.market_type not in ("binary", ""):
        return market.market_type
    return "binary" if len(market.outcomes) in (0, 2) else f"{len(market.outcomes)} outcomes"


# --- numbers --------------------------------------------------------------------------------------


def _worst(pair: MarketPair) -> tuple[ThresholdRelation, Threshold, Threshold] | None:
    """How the thresholds of both relate at best; None when one side has none anywhere."""
    one, other = _both(pair)
    for mine, theirs in (
        (one.thresholds, other.thresholds),
        (one.thresholds, other.opening_thresholds),
        (one.opening_thresholds, other.thresholds),
    ):
        if mine and theirs:
            return _closest(mine, theirs)
    return None


_NEARNESS: Final[tuple[ThresholdRelation, ...]] = ("same", "inclusive", "opposite", "bucket", "different")


def _closest(
    mine: tuple[Threshold, ...], theirs: tuple[Threshold, ...]
) -> tuple[ThresholdRelation, Threshold, Threshold]:
    """The relation of the threshold that fits worst, each of the shorter list taking its best partner."""
    fewer, more = (mine, theirs) if len(mine) <= len(theirs) else (theirs, mine)
    fits = [
        min(
            ((compare_thresholds(one, other), one, other) for other in more),
            key=lambda fit: _NEARNESS.index(fit[0]),
        )
        for one in fewer
    ]
    relation, one, other = max(fits, key=lambda fit: _NEARNESS.index(fit[0]))
    return (relation, one, other) if fewer is mine else (relation, other, one)


def threshold_rule(pair: MarketPair) -> str | None:
    """The number and whether it is included; ``>= 3.0 %`` on a one-decimal grid is ``> 2.9 %``."""
    found = _worst(pair)
    if found is None or found[0] not in ("inclusive", "different"):
        return None
    return f"threshold: {found[1]} against {found[2]}"


def bucket_rule(pair: MarketPair) -> str | None:
    """A range or an exact value is not an open-ended condition."""
    found = _worst(pair)
    if found is None or found[0] != "bucket":
        return None
    return f"bucket or cumulative: {found[1]} against {found[2]}"


def lone_threshold_rule(pair: MarketPair) -> str | None:
    """A condition on a number in one headline that the other market does not have at all."""
    one, other = _both(pair)
    for mine, theirs, venue in ((one, other, "polymarket"), (other, one, "kalshi")):
        if mine.thresholds and not theirs.thresholds and not theirs.opening_thresholds:
            return f"threshold: only {venue} has one, {mine.thresholds[0]}"
    return None


# --- time -----------------------------------------------------------------------------------------


def period_rule(pair: MarketPair) -> str | None:
    """Release month, meeting, date, window or deadline."""
    one, other = _both(pair)
    mine, theirs = _told(one, other), _told(other, one)
    if not mine or not theirs or any(a.agrees_with(b) for a in mine for b in theirs):
        return None
    return f"period: {mine[0]} against {theirs[0]}"


def _told(one: Reading, other: Reading) -> tuple[Period, ...]:
    if one.periods:
        return one.periods
    kinds = {period.kind for period in other.periods or other.opening_periods}
    return tuple(period for period in one.opening_periods if period.kind in kinds)


def game_day_rule(pair: MarketPair) -> str | None:
    """The same teams play again: a game is told by its day, which often only the rule text names."""
    one, other = _both(pair)
    if one.teams is None or other.teams is None:
        return None
    mine, theirs = _days(one), _days(other)
    if not mine or not theirs or mine & theirs:
        return None
    return f"game day: {_listed(mine)} against {_listed(theirs)}"


def _days(one: Reading) -> frozenset[str]:
    periods = (*one.periods, *one.opening_periods)
    return frozenset(str(period) for period in periods if period.kind == "date")


def cut_off_rule(pair: MarketPair) -> str | None:
    """The hour and zone at which a price is taken or a deadline passes."""
    one, other = _both(pair)
    if one.teams or other.teams or not one.cut_offs or not other.cut_offs:
        return None
    mine = {minute for cut_off in one.cut_offs for minute in _utc_minutes(cut_off.minute, cut_off.zone)}
    theirs = {minute for cut_off in other.cut_offs for minute in _utc_minutes(cut_off.minute, cut_off.zone)}
    if mine & theirs:
        return None
    return f"cut-off: {one.cut_offs[0]} against {other.cut_offs[0]}"


# Minutes behind UTC in winter and in summer; without the date either may be meant.
_ZONE_OFFSETS: Final = {
    "ET": (300, 240), "CT": (360, 300), "PT": (480, 420), "UTC": (0,), "CET": (-60, -120), "BST": (-60,),
    "JST": (-540,), "KST": (-540,),
}  # fmt: skip


def _utc_minutes(minute: int, zone: str) -> set[int]:
    return {(minute + offset) % 1440 for offset in _ZONE_OFFSETS[zone]}


def moment_rule(pair: MarketPair) -> str | None:
    """Touching a price at any time is not standing there at one time."""
    one, other = _both(pair)
    if not (one.thresholds and other.thresholds and one.moment and other.moment):
        return None
    if not (one.facets.get("asset") or other.facets.get("asset")):
        return None
    if one.moment == other.moment:
        return None
    return f"touch or on the date: {one.moment} against {other.moment}"


# --- who and what ---------------------------------------------------------------------------------


def facet_rule(facet: str) -> Rule:
    """A rule for one facet: both sides tell it, and have nothing in common."""

    def rule(pair: MarketPair) -> str | None:
        one, other = _both(pair)
        mine, theirs = one.facets.get(facet), other.facets.get(facet)
        if not mine or not theirs or mine & theirs:
            return None
        return f"{facet}: {_listed(mine)} against {_listed(theirs)}"

    rule.__name__ = f"{facet.replace(' ', '_')}_rule"
    rule.__doc__ = f"The {facet} that the headlines name."
    return rule


def stage_rule(pair: MarketPair) -> str | None:
    """Nominee or winner, first round or whole election, conference or championship; silence is the whole."""
    one, other = _both(pair)
    mine, theirs = one.facets.get("stage", frozenset()), other.facets.get("stage", frozenset())
    if mine == theirs or mine & theirs:
        return None
    return f"stage: {_listed(mine)} against {_listed(theirs)}"


def race_rule(pair: MarketPair) -> str | None:
    """Being the next one to do it is not doing it."""
    one, other = _both(pair)
    mine, theirs = "race" in one.facets, "race" in other.facets
    if mine == theirs:
        return None
    return f"race or standalone: {_race(mine)} against {_race(theirs)}"


def _race(race: bool) -> str:  # noqa: FBT001 - a word for a flag
    return "race" if race else "standalone"


def announcement_rule(pair: MarketPair) -> str | None:
    """Announcing is not doing."""
    one, other = _both(pair)
    mine, theirs = "announcement" in one.facets, "announcement" in other.facets
    if mine == theirs:
        return None
    silent = other if mine else one
    if "announcement" in silent.opening_facets:
        return None
    return "announce or do: " + ("announce against do" if mine else "do against announce")


def seat_rule(pair: MarketPair) -> str | None:
    """Office, state or district, and party of an election."""
    one, other = _both(pair)
    mine, theirs = one.seat, other.seat
    if mine is None or theirs is None:
        return None
    if mine.office != theirs.office or mine.place != theirs.place:
        return f"seat: {mine} against {theirs}"
    if mine.party and theirs.party and mine.party != theirs.party:
        return f"party: {mine} against {theirs}"
    return None


def subject_rule(pair: MarketPair) -> str | None:
    """Whose fate decides: two names with nothing that makes them one, or a name the other never says."""
    one, other = _both(pair)
    if one.teams or other.teams:
        return None
    mine, theirs = one.subject, other.subject
    if mine is not None and theirs is not None:
        return None if same_subject(mine, theirs) else f"subject: {mine} against {theirs}"
    for subject, text, venue in ((mine, other.whole, "kalshi"), (theirs, one.whole, "polymarket")):
        if subject is not None and not mentioned(subject, text):
            return f"subject: {subject} against nobody of that name on {venue}"
    return None


def teams_rule(pair: MarketPair) -> str | None:
    """Which two sides play."""
    one, other = _both(pair)
    if one.teams is None or other.teams is None:
        return None
    (a, b), (c, d) = one.teams, other.teams
    if (same_subject(a, c) and same_subject(b, d)) or (same_subject(a, d) and same_subject(b, c)):
        return None
    return f"teams: {a} and {b} against {c} and {d}"


def bet_type_rule(pair: MarketPair) -> str | None:
    """Spread, total, half or winner of a game."""
    one, other = _both(pair)
    if not (one.teams or other.teams or one.facets.get("league") or other.facets.get("league")):
        return None
    if one.bet_types == other.bet_types:
        return None
    mine, theirs = one.bet_types or {"winner"}, other.bet_types or {"winner"}
    return f"bet type: {_listed(frozenset(mine))} against {_listed(frozenset(theirs))}"


def numbered_rule(pair: MarketPair) -> str | None:
    """Group F, stage 3, week 12, game 4: the same noun with another number."""
    one, other = _both(pair)
    for noun in sorted(one.numbered.keys() & other.numbered.keys()):
        if not one.numbered[noun] & other.numbered[noun]:
            return f"{noun}: {_listed(one.numbered[noun])} against {_listed(other.numbered[noun])}"
    return None


def names_rule(pair: MarketPair) -> str | None:
    """Each headline has a proper name that the other market does not mention anywhere."""
    one, other = _both(pair)
    mine = _unsaid(one.names, other)
    theirs = _unsaid(other.names, one)
    if not mine or not theirs:
        return None
    return f"names: {', '.join(sorted(mine))} against {', '.join(sorted(theirs))}"


def _unsaid(names: frozenset[str], other: Reading) -> set[str]:
    said = set(other.whole.split())
    return {name for name in names if name not in said and not any(_stem(name) == _stem(word) for word in said)}


def _stem(word: str) -> str:
    return word[:5]


# --- who decides ----------------------------------------------------------------------------------


def price_source_rule(pair: MarketPair) -> str | None:
    """Index or exchange: prices of different sources are correlated, not identical."""
    one, other = _both(pair)
    if not (one.facets.get("asset") or other.facets.get("asset")):
        return None
    return _disjoint_sources("source", one.price_source.families, other.price_source.families)


def station_rule(pair: MarketPair) -> str | None:
    """Weather is measured at a station and published by a service."""
    one, other = _both(pair)
    return _disjoint_sources("station", one.stations, other.stations) or _disjoint_sources(
        "source", one.weather_source.families, other.weather_source.families
    )


def _disjoint_sources(what: str, mine: frozenset[str], theirs: frozenset[str]) -> str | None:
    if not mine or not theirs or mine & theirs:
        return None
    return f"{what}: {_listed(mine)} against {_listed(theirs)}"


# --- which way round ------------------------------------------------------------------------------


def polarity_rule(pair: MarketPair) -> str | None:
    """Yes on one side is No on the other: a complement, worth knowing, not the same bet."""
    one, other = _both(pair)
    found = _worst(pair)
    if found is not None and found[0] == "opposite":
        return f"polarity: {found[1]} against {found[2]}"
    if one.negated != other.negated:
        return "polarity: " + ("negated against plain" if one.negated else "plain against negated")
    if one.teams and other.teams and one.subject and other.subject and not same_subject(one.subject, other.subject):
        return f"polarity: {one.subject} against {other.subject}"
    return None


HARD_RULES: Final[tuple[Rule, ...]] = (
    placeholder_rule,
    market_type_rule,
    threshold_rule,
    bucket_rule,
    lone_threshold_rule,
    period_rule,
    game_day_rule,
    cut_off_rule,
    moment_rule,
    *(
        facet_rule(facet)
        for facet in (
            "measure", "basis", "release", "rate decision", "central bank", "tenor", "asset", "office", "competition",
            "league", "award", "prize", "chart", "statistic", "gender", "ordinal", "action",
        )
    ),
    stage_rule,
    race_rule,
    announcement_rule,
    seat_rule,
    subject_rule,
    teams_rule,
    bet_type_rule,
    numbered_rule,
    names_rule,
    price_source_rule,
    station_rule,
    polarity_rule,
)  # fmt: skip
