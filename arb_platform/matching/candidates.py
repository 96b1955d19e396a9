"""Pairs worth asking about: near in words, or equal in a structured key.

Words: TF-IDF over the shared spelling, the best ``keep`` partners per Polymarket market by a
threaded sparse product. Keys: elections and economic releases have titles that differ in one token
of ten, so the token alone finds the partner. A close-time window is a feature, never a filter:
Kalshi closes sports two weeks late and elections a year late.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sparse_dot_topn import sp_matmul_topn

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.matching.keys import structured_keys
from arb_platform.matching.normalise import normalise_once
from arb_platform.matching.reading import headline_of
from arb_platform.matching.rules import broken_rules

# Ten find what fifty find once shared keys come first, and a fifth of the questions are asked.
KEEP: Final = 10
# Identical pairs score far above this; below it, two markets share little but "will" and a year.
MIN_SCORE: Final = 0.3
# Two keyed markets whose words differ are still asked about.
_KEY_SCORE: Final = 0.5
# A token in more than this share of all titles says nothing and costs most of the product's time.
_COMMON_SHARE: Final = 0.2
_COMMON_FROM: Final = 2_000
_THREADS: Final = 2
_SHOWN_TERMS: Final = 8
# A key that more pairs share than this is too coarse to prove anything.
_COARSE_KEY: Final = 400


@dataclass(frozen=True, slots=True)
class Nearness:
    """Scored index pairs: ``left[i]`` of Polymarket beside ``right[i]`` of Kalshi, best first per market."""

    left: np.ndarray[Any, np.dtype[np.int64]]
    right: np.ndarray[Any, np.dtype[np.int64]]
    score: np.ndarray[Any, np.dtype[np.float32]]
    keys: dict[tuple[int, int], str]
    spelled: tuple[list[str], list[str]]
    weights: dict[str, float]


def propose(
    polymarket: Sequence[Market],
    kalshi: Sequence[Market],
    *,
    keep: int = KEEP,
    min_score: float = MIN_SCORE,
) -> list[Candidate]:
    """At most ``keep`` candidates per Polymarket market, each pair once, best first.

    Every candidate carries the features that made it one and the hard rules it breaks. Empty
    listings give no candidates. Takes 1 market a side or 100,000.
    """
    left, right = _distinct(polymarket), _distinct(kalshi)
    nearness = nearest(left, right, keep=keep, min_score=min_score)
    return [_candidate(left, right, nearness, index) for index in range(len(nearness.left))]


def nearest(
    polymarket: Sequence[Market], kalshi: Sequence[Market], *, keep: int = KEEP, min_score: float = MIN_SCORE
) -> Nearness:
    """The scored pairs behind :func:`propose`, as arrays: what a listing of 100,000 markets needs."""
    spelled = [_spelled(market) for market in polymarket], [_spelled(market) for market in kalshi]
    empty = Nearness(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), {}, spelled, {})
    if not any(spelled[0]) or not any(spelled[1]) or keep < 1:
        return empty
    vectorizer = TfidfVectorizer(
        analyzer=str.split, lowercase=False, sublinear_tf=True, dtype=np.float32, max_df=_max_share(spelled)
    )
    vectorizer.fit(spelled[0] + spelled[1])
    ours, theirs = vectorizer.transform(spelled[0]), vectorizer.transform(spelled[1])
    found = sp_matmul_topn(
        ours, theirs.T.tocsr(), top_n=keep, threshold=min_score, sort=True, n_threads=_THREADS
    ).tocoo()
    keys = _keyed_pairs((polymarket, kalshi), spelled)
    left, right, score = _merged(found.row, found.col, found.data, _scored(keys, ours, theirs), keep)
    weights = dict(zip(vectorizer.get_feature_names_out(), vectorizer.idf_, strict=True))
    return Nearness(left, right, score, keys, spelled, weights)


def _distinct(markets: Iterable[Market]) -> list[Market]:
    # A listing that pages over a moving list repeats ids; the later entry is the newer one.
    return list({market.market_id: market for market in markets}.values())


def _spelled(market: Market) -> str:
    words: dict[str, None] = {}
    for part in headline_of(market).split(" | "):
        words.update(dict.fromkeys(normalise_once(part).split()))
    return " ".join(words)


def _max_share(spelled: tuple[list[str], list[str]]) -> float:
    return _COMMON_SHARE if len(spelled[0]) + len(spelled[1]) > _COMMON_FROM else 1.0


def _keyed_pairs(
    markets: tuple[Sequence[Market], Sequence[Market]], spelled: tuple[list[str], list[str]]
) -> dict[tuple[int, int], str]:
    """Index pairs that share a structured key, with the key."""
    mine, theirs = _by_key(markets[0], spelled[0]), _by_key(markets[1], spelled[1])
    return {
        (one, other): key
        for key, ones in mine.items()
        if len(ones) * len(theirs.get(key, ())) <= _COARSE_KEY
        for one in ones
        for other in theirs.get(key, ())
    }


def _by_key(markets: Sequence[Market], spelled: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, (market, text) in enumerate(zip(markets, spelled, strict=True)):
        for key in structured_keys(market, text):
            found[key].append(index)
    return found


def _scored(
    keys: dict[tuple[int, int], str], ours: csr_matrix, theirs: csr_matrix
) -> Iterator[tuple[int, int, float]]:
    if not keys:
        return
    pairs = np.array(list(keys), dtype=np.int64)
    cosine = np.asarray(ours[pairs[:, 0]].multiply(theirs[pairs[:, 1]]).sum(axis=1)).ravel()
    for (one, other), similarity in zip(keys, cosine, strict=True):
        yield one, other, float(max(similarity, _KEY_SCORE))


def _merged(
    rows: np.ndarray[Any, Any],
    columns: np.ndarray[Any, Any],
    scores: np.ndarray[Any, Any],
    keyed: Iterator[tuple[int, int, float]],
    keep: int,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Both ways of finding, each pair once with its best score, cut to the best ``keep`` per row."""
    extra = np.array(list(keyed), dtype=np.float64).reshape(-1, 3)
    left = np.concatenate([rows.astype(np.int64), extra[:, 0].astype(np.int64)])
    right = np.concatenate([columns.astype(np.int64), extra[:, 1].astype(np.int64)])
    score = np.concatenate([scores, extra[:, 2].astype(np.float32)])
    # A shared key outranks shared words: the words of a family are all alike.
    keyed_first = np.concatenate([np.ones(len(scores), np.int8), np.zeros(len(extra), np.int8)])
    order = np.lexsort((right, -score, keyed_first, left))
    left, right, score = left[order], right[order], score[order]
    if len(extra):
        _, first = np.unique(np.column_stack([left, right]), axis=0, return_index=True)
        first.sort()
        left, right, score = left[first], right[first], score[first]
    starts = np.searchsorted(left, left)
    kept = np.arange(len(left)) - starts < keep
    return left[kept], right[kept], score[kept]


def _candidate(left: Sequence[Market], right: Sequence[Market], nearness: Nearness, index: int) -> Candidate:
    one, other = int(nearness.left[index]), int(nearness.right[index])
    pair = MarketPair(left[one], right[other])
    score = round(float(nearness.score[index]), 4)
    features = {
        "score": score,
        "shared_terms": _shared_terms(nearness, one, other),
        "title_similarity": _title_similarity(nearness.spelled[0][one], nearness.spelled[1][other]),
        "days_between_closes": _days_between(pair),
        "structured_key": nearness.keys.get((one, other)),
    }
    return Candidate(pair, score, features, broken_rules(pair))


def _shared_terms(nearness: Nearness, one: int, other: int) -> list[str]:
    shared = set(nearness.spelled[0][one].split()) & set(nearness.spelled[1][other].split())
    return sorted(shared, key=lambda word: (-nearness.weights.get(word, 0.0), word))[:_SHOWN_TERMS]


def _title_similarity(one: str, other: str) -> float:
    """Dice's coefficient of the two headlines' words: 1 when they use the same ones."""
    mine, theirs = set(one.split()), set(other.split())
    total = len(mine) + len(theirs)
    return round(2 * len(mine & theirs) / total, 4) if total else 0.0


def _days_between(pair: MarketPair) -> float | None:
    """Days by which Kalshi closes later; None when one side has no close time."""
    if pair.polymarket.close_time is None or pair.kalshi.close_time is None:
        return None
    return round((pair.kalshi.close_time - pair.polymarket.close_time).total_seconds() / 86_400, 2)
