"""Which bet each simulated market is, and how two of them relate: the answers the models are graded by.

Only the simulators and the tests may read this. The platform sees what a user of the venues sees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arb_platform.domain.pairs import FieldMatches, Orientation, Relation
from arb_platform.simulate.outcomes import Names, Outcome, outcome_relation


@dataclass(frozen=True, slots=True)
class Claim:
    """What has to happen for the first outcome of a market to pay.

    ``question`` is what is measured or decided, ``period`` when (a release month, a meeting, a
    game), ``cutoff`` the hour and clock where that makes a difference, ``by`` a deadline for events
    that can come at any time, and ``source`` who has the last word.
    """

    question: str
    outcome: Outcome
    period: str = ""
    cutoff: str = ""
    by: datetime | None = None
    source: str = ""
    # how the venue words a threshold ("at least", "above"), which changes nothing on a grid
    words: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """How a Polymarket market relates to a Kalshi one: ``subset`` says the Polymarket side is narrower.

    ``stratum`` is the kind of trap (:data:`STRATA`), for counting errors by kind.
    """

    relation: Relation
    orientation: Orientation
    field_matches: FieldMatches
    reason: str
    stratum: str


UNRELATED: Final = Truth("disjoint", "unknown", FieldMatches(), "two unrelated questions", "unrelated")

# The kinds of pairs a matcher meets: true pairs first, then the traps.
STRATA: Final = (
    "same_bet",
    "same_bet_other_threshold_words",
    "complement",
    "inclusive_threshold",
    "threshold",
    "bucket_or_cumulative",
    "sibling",
    "period",
    "cut_off_hour",
    "deadline",
    "measure",
    "touch_or_on_date",
    "index_or_exchange",
    "station",
    "source",
    "announce_or_do",
    "nominee_or_winner",
    "race_or_standalone",
    "game_line",
    "stage",
    "scalar_or_binary",
    "placeholder",
    "hostile_text",
)


@dataclass(frozen=True, slots=True)
class Link:
    """How two different questions relate where both markets name the same outcome."""

    polymarket_question: str
    kalshi_question: str
    relation: Relation
    stratum: str
    reason: str
    time_window: bool = True
    outcome_definition: bool = False
    resolution_source: bool = True
    # holds for any two outcomes of the questions, or for any with this Kalshi one, not only for equal ones
    any_outcome: bool = False
    kalshi_outcome: Outcome | None = None
    orientation: Orientation = "same"

    def truth(self) -> Truth:
        fields = FieldMatches(self.time_window, self.outcome_definition, self.resolution_source)
        orientation: Orientation = "unknown" if self.relation in _WITHOUT_SIDE else self.orientation
        return Truth(self.relation, orientation, fields, self.reason, self.stratum)


_WITHOUT_SIDE: Final = ("disjoint", "unknown")


def compare(polymarket: Claim, kalshi: Claim, links: tuple[Link, ...] = ()) -> Truth | None:
    """How the two bets relate, or None when they have nothing to do with each other."""
    if polymarket.question != kalshi.question:
        return _linked(polymarket, kalshi, links)
    outcomes = outcome_relation(polymarket.outcome, kalshi.outcome)
    same_source = polymarket.source == kalshi.source
    same_outcome = outcomes == "identity"
    if polymarket.period != kalshi.period:
        fields = FieldMatches(False, same_outcome, same_source)
        return Truth("disjoint", "unknown", fields, "the same question about another period", "period")
    if polymarket.by != kalshi.by:
        return _with_deadlines(polymarket, kalshi, outcomes)
    if polymarket.cutoff != kalshi.cutoff:
        return _seam(
            outcomes,
            FieldMatches(False, same_outcome, same_source),
            "another hour of the same day",
            "cut_off_hour",
        )
    if not same_source:
        return _seam(
            outcomes,
            FieldMatches(True, same_outcome, False),
            "settled by another source",
            _source_stratum(polymarket, kalshi),
        )
    return _same_window(polymarket, kalshi, outcomes)


def _linked(polymarket: Claim, kalshi: Claim, links: tuple[Link, ...]) -> Truth | None:
    for link in links:
        if (link.polymarket_question, link.kalshi_question) != (polymarket.question, kalshi.question):
            continue
        if link.kalshi_outcome is not None:
            if link.kalshi_outcome == kalshi.outcome:
                return link.truth()
        elif link.any_outcome or polymarket.outcome == kalshi.outcome:
            return link.truth()
    return None


def _same_window(polymarket: Claim, kalshi: Claim, outcomes: Relation) -> Truth:
    fields = FieldMatches(True, outcomes == "identity", True)
    if outcomes == "identity":
        if polymarket.words != kalshi.words:
            reason = f"{polymarket.words} and {kalshi.words} the next value mean the same on this grid"
            return Truth("identity", "same", fields, reason, "same_bet_other_threshold_words")
        return Truth("identity", "same", fields, "the same outcome, period and source", "same_bet")
    if outcomes == "complement":
        return Truth(
            "complement", "inverted", fields, "one pays exactly when the other does not", "complement"
        )
    if outcomes == "disjoint":
        return Truth(
            "disjoint", "unknown", fields, "two outcomes of one question that exclude each other", "sibling"
        )
    reason = {
        "subset": "the Polymarket outcome is part of the Kalshi outcome",
        "superset": "the Kalshi outcome is part of the Polymarket outcome",
    }.get(outcomes, "the outcomes share values and each has some of its own")
    return Truth(outcomes, "same", fields, reason, _partial_stratum(polymarket.outcome, kalshi.outcome))


def _partial_stratum(one: Outcome, other: Outcome) -> str:
    """Which trap two outcomes are that share a part."""
    if isinstance(one, Names) or isinstance(other, Names):
        return "race_or_standalone"
    if (one.low is None) == (other.low is None) and (one.high is None) == (other.high is None):
        steps = abs((one.low or 0) - (other.low or 0)) + abs((one.high or 0) - (other.high or 0))
        return "inclusive_threshold" if steps == 1 else "threshold"
    return "bucket_or_cumulative"


def _with_deadlines(polymarket: Claim, kalshi: Claim, outcomes: Relation) -> Truth:
    assert polymarket.by is not None
    assert kalshi.by is not None
    earlier = polymarket.by < kalshi.by
    fields = FieldMatches(False, outcomes == "identity", polymarket.source == kalshi.source)
    reason = f"the Polymarket deadline is {'earlier' if earlier else 'later'}"
    relation: Relation = "overlap"
    if outcomes in ("identity", "subset") and earlier:
        relation = "subset"
    elif outcomes in ("identity", "superset") and not earlier:
        relation = "superset"
    elif outcomes == "disjoint":
        relation = "disjoint"
    orientation: Orientation = "unknown" if relation == "disjoint" else "same"
    if outcomes == "complement":
        orientation = "inverted"
    return Truth(relation, orientation, fields, reason, "deadline")


def _seam(outcomes: Relation, fields: FieldMatches, reason: str, stratum: str) -> Truth:
    if outcomes == "disjoint":
        return Truth("disjoint", "unknown", fields, f"other outcomes, {reason}", "sibling")
    if outcomes == "complement":
        return Truth("overlap", "inverted", fields, f"nearly a complement, but {reason}", stratum)
    return Truth("overlap", "same", fields, reason, stratum)


def _source_stratum(polymarket: Claim, kalshi: Claim) -> str:
    sources = {polymarket.source.partition(":")[0], kalshi.source.partition(":")[0]}
    if "station" in sources:
        return "station"
    return "index_or_exchange" if "exchange" in sources else "source"


class TruthTable(Mapping[tuple[str, str], Truth]):
    """``(polymarket_id, kalshi_id) -> Truth`` for pairs of one topic; every other pair is UNRELATED.

    Worked out when asked, because a large catalogue has millions of related pairs.
    """

    def __init__(self) -> None:
        self._claims: dict[str, tuple[int, Claim]] = {}
        self._topics: list[tuple[list[str], list[str], tuple[Link, ...]]] = []

    def add_topic(
        self, polymarket: Mapping[str, Claim], kalshi: Mapping[str, Claim], links: tuple[Link, ...]
    ) -> None:
        place = len(self._topics)
        self._topics.append((list(polymarket), list(kalshi), links))
        for market_id, claim in (*polymarket.items(), *kalshi.items()):
            self._claims[market_id] = (place, claim)

    def __getitem__(self, pair: tuple[str, str]) -> Truth:
        polymarket_place, polymarket = self._claims[pair[0]]
        kalshi_place, kalshi = self._claims[pair[1]]
        if polymarket_place == kalshi_place:
            truth = compare(polymarket, kalshi, self._topics[kalshi_place][2])
            if truth is not None:
                return truth
        raise KeyError(pair)

    def of(self, polymarket_id: str, kalshi_id: str) -> Truth:
        """The truth about any two markets, also unrelated or unknown ones."""
        return self.get((polymarket_id, kalshi_id), UNRELATED)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for polymarket_ids, kalshi_ids, links in self._topics:
            for polymarket_id in polymarket_ids:
                for kalshi_id in kalshi_ids:
                    if compare(self._claims[polymarket_id][1], self._claims[kalshi_id][1], links) is not None:
                        yield polymarket_id, kalshi_id

    def __len__(self) -> int:
        return sum(1 for _ in self)
