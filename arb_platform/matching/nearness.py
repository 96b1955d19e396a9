"""The nearest markets of the other venue, in full or again after some markets changed.

Words: the best partners of each Polymarket market by a threaded sparse product of weighted words.
Keys: elections and economic releases have titles that differ in one token of ten, so the token
alone finds the partner.

What was found is kept somewhat deeper than asked for. After a change only the changed markets are
multiplied again, and what is kept of the others is still the whole truth: the outcome is the same
as that of a full run, to the last digit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix
from sparse_dot_topn import sp_matmul_topn

from arb_platform.domain.markets import Market
from arb_platform.matching.keys import structured_keys
from arb_platform.matching.normalise import normalise_plain
from arb_platform.matching.reading import headline_of
from arb_platform.matching.words import Weights, Words, tie_breakers, weighted

# Two keyed markets whose words differ are still asked about.
_KEY_SCORE: Final = 0.5
_THREADS: Final = 2
# Kept beyond what is asked for, so that a row that lost some partners is still known.
_SPARE: Final = 10
# A key that more pairs share than this is too coarse to prove anything.
_COARSE_KEY: Final = 400

Indices = np.ndarray[Any, np.dtype[np.int64]]
Scores = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Side:
    """One venue's markets as they are compared: ``versions`` say when a market must be read again.

    ``spelled`` is the headline in the shared spelling, each word once and in the singular; ``keys`` are
    the structured keys, one a line.
    """

    ids: list[str]
    versions: list[str]
    spelled: list[str]
    keys: list[str]

    @classmethod
    def of(cls, markets: Sequence[Market], versions: Sequence[str] | None = None) -> "Side":
        spelled = [spell(market) for market in markets]
        keys = ["\n".join(structured_keys(market, text)) for market, text in zip(markets, spelled, strict=True)]  # fmt: skip
        ids = [market.market_id for market in markets]
        told = list(versions) if versions is not None else [""] * len(ids)
        return cls(ids, told, [singular(text) for text in spelled], keys)


@dataclass(frozen=True, slots=True)
class Found:
    """Scored index pairs by row; ``whole`` rows have every partner above the least score."""

    rows: Indices
    columns: Indices
    scores: Scores
    whole: Mask


@dataclass(frozen=True, slots=True)
class Nearness:
    """Scored index pairs: ``left[i]`` of Polymarket beside ``right[i]`` of Kalshi, best first per market."""

    left: Indices
    right: Indices
    score: Scores
    keys: dict[tuple[int, int], str]
    spelled: tuple[list[str], list[str]]
    weights: dict[str, float]
    # what a refresh starts from
    sides: tuple[Side, Side]
    found: Found
    # rows and columns that were multiplied: all of them in a full run
    looked_at: tuple[Mask, Mask]


def spell(market: Market) -> str:
    """The headline in the shared spelling, each word once."""
    words: dict[str, None] = {}
    for part in headline_of(market).split(" | "):
        words.update(dict.fromkeys(normalise_plain(part).split()))
    return " ".join(words)


def singular(spelled: str) -> str:
    """``spelled`` without the s of plurals and verbs: "aliens" finds "alien", "confirms" finds "confirm"."""
    return " ".join(
        dict.fromkeys(
            word[:-1] if len(word) > _SHORT and word[-1] == "s" and word[-2] not in "aisu" else word
            for word in spelled.split()
        )
    )


_SHORT: Final = 4


def compare_sides(
    left: Side, right: Side, *, keep: int, min_score: float, before: Nearness | None = None
) -> Nearness:
    """The best ``keep`` partners of every market of ``left``; ``before`` saves most of the work.

    The outcome does not depend on ``before``, which must have been made with the same ``keep`` and
    ``min_score``.
    """
    words = Words.of([*left.spelled, *right.spelled])
    weights = Weights.fitted(words)
    matrix = weighted(words, weights)
    ours, theirs = matrix[: len(left.ids)], matrix[len(left.ids) :]
    factors = tie_breakers(right.ids)
    if before is None:
        rows, columns = np.ones(len(left.ids), np.bool_), np.ones(len(right.ids), np.bool_)
        kept = _nothing(len(left.ids))
    else:
        crossed = words.with_any(weights.changed_from(Weights(before.weights)))
        rows = _unlike(left, before.sides[0]) | crossed[: len(left.ids)]
        columns = _unlike(right, before.sides[1]) | crossed[len(left.ids) :]
        kept = _carried(before, (left, right), (rows, columns))
        rows |= ~kept.whole & (np.bincount(kept.rows, minlength=len(left.ids)) < keep)
    search = _Search(ours, theirs, factors, keep + _SPARE, min_score)
    found = search.again(kept, rows, columns)
    keys = _keyed_pairs(left, right)
    extra = _scored(keys, ours, theirs, factors)
    one, other, score = _merged(found, extra, keep)
    spelled = (left.spelled, right.spelled)
    return Nearness(one, other, score, keys, spelled, weights.of, (left, right), found, (rows, columns))


def shown_scores(nearness: Nearness) -> Scores:
    """Scores as they are stored and shown; what decides between equal titles is below their digits."""
    shown: Scores = np.round(np.minimum(nearness.score, 1.0), 4).astype(np.float64)
    return shown


def unchanged_pairs(now: Nearness, before: Nearness) -> Mask:
    """Which pairs of ``now`` were in ``before`` with the same versions, score and reasons."""
    moved = []
    for side, old, looked_at in zip(now.sides, before.sides, now.looked_at, strict=True):
        known = dict(zip(old.ids, old.versions, strict=True))
        pairs = zip(side.ids, side.versions, strict=True)
        other = np.array([known.get(one) != version for one, version in pairs], bool)
        moved.append(_moved(old, side, looked_at | other))
    width = max(1, len(now.sides[1].ids))
    rows, columns = moved[0][before.left], moved[1][before.right]
    still = (rows >= 0) & (columns >= 0)
    old_codes, old_scores = rows[still] * width + columns[still], shown_scores(before)[still]
    order = np.argsort(old_codes)
    old_codes, old_scores = old_codes[order], old_scores[order]
    codes = now.left * width + now.right
    if not len(old_codes):
        return np.zeros(len(codes), bool)
    places = np.minimum(np.searchsorted(old_codes, codes), len(old_codes) - 1)
    same = (old_codes[places] == codes) & (old_scores[places] == shown_scores(now))
    unchanged: Mask = same & ~np.isin(codes, _other_keys(now, before, moved, width))
    return unchanged


def _other_keys(now: Nearness, before: Nearness, moved: list[Indices], width: int) -> Indices:
    """Codes of the pairs that share another key than before, or none."""
    old = {
        int(moved[0][one]) * width + int(moved[1][other]): key
        for (one, other), key in before.keys.items()
        if moved[0][one] >= 0 and moved[1][other] >= 0
    }
    new = {one * width + other: key for (one, other), key in now.keys.items()}
    return np.array([code for code in old.keys() | new.keys() if old.get(code) != new.get(code)], np.int64)


@dataclass(frozen=True, slots=True)
class _Search:
    ours: csr_matrix
    theirs: csr_matrix
    factors: Scores
    depth: int
    min_score: float

    def again(self, kept: Found, rows: Mask, columns: Mask) -> Found:
        """``kept``, the changed rows against everything, and the other rows against the changed columns."""
        parts = [self._product(np.flatnonzero(rows), np.arange(len(self.factors)))]
        if len(kept.rows) or not rows.all():
            parts += [self._product(np.flatnonzero(~rows), np.flatnonzero(columns))]
            still = ~rows[kept.rows]
            parts += [(kept.rows[still], kept.columns[still], kept.scores[still])]
        joined = (np.concatenate(side) for side in zip(*parts, strict=True))
        one, other, score = _ordered(*joined)
        rank = np.arange(len(one)) - np.searchsorted(one, one)
        # A row that is not whole is known only as deep as what is left of it.
        depth = np.full(len(rows), self.depth)
        narrow = ~kept.whole & ~rows
        depth[narrow] = np.minimum(self.depth, np.bincount(kept.rows, minlength=len(rows))[narrow])
        within = rank < depth[one]
        one, other, score = one[within], other[within], score[within]
        whole = np.bincount(one, minlength=len(rows)) < self.depth
        whole[narrow] = False
        return Found(one, other, score, whole)

    def _product(self, rows: Indices, columns: Indices) -> tuple[Indices, Indices, Scores]:
        if not len(rows) or not len(columns) or self.depth < 1:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
        theirs = self.theirs if len(columns) == len(self.factors) else self.theirs[columns]
        theirs = theirs.copy()
        theirs.data *= np.repeat(self.factors[columns], np.diff(theirs.indptr))
        ours = self.ours if len(rows) == self.ours.shape[0] else self.ours[rows]
        found = sp_matmul_topn(
            ours, theirs.T.tocsr(), top_n=self.depth, threshold=self.min_score, sort=True, n_threads=_THREADS
        ).tocoo()
        return rows[found.row], columns[found.col], found.data


def _nothing(rows: int) -> Found:
    return Found(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64), np.ones(rows, bool))


def _unlike(side: Side, before: Side) -> Mask:
    """Markets that are new or say something else."""
    old = dict(zip(before.ids, before.spelled, strict=True))
    same = (old.get(one) != text for one, text in zip(side.ids, side.spelled, strict=True))
    return np.fromiter(same, np.bool_, len(side.ids))


def _carried(
    before: Nearness,
    sides: tuple[Side, Side],
    changed: tuple[Mask, Mask],
) -> Found:
    """What ``before`` found between markets that did not change, in the indices of today."""
    row_now, column_now = (
        _moved(old, new, unlike) for old, new, unlike in zip(before.sides, sides, changed, strict=True)
    )
    found = before.found
    rows, columns = row_now[found.rows], column_now[found.columns]
    still = (rows >= 0) & (columns >= 0)
    whole = np.ones(len(sides[0].ids), bool)
    standing = row_now >= 0
    whole[row_now[standing]] = found.whole[standing]
    return Found(rows[still], columns[still], found.scores[still], whole)


def _moved(before: Side, now: Side, unlike: Mask) -> Indices:
    """Where each market of ``before`` is now; -1 where it is gone or changed."""
    places = {one: place for place, one in enumerate(now.ids) if not unlike[place]}
    return np.array([places.get(one, -1) for one in before.ids], np.int64)


def _keyed_pairs(left: Side, right: Side) -> dict[tuple[int, int], str]:
    """Index pairs that share a structured key, with the first such key."""
    mine, theirs = _by_key(left), _by_key(right)
    found: dict[tuple[int, int], str] = {}
    for key in sorted(mine.keys() & theirs.keys()):
        ones, others = mine[key], theirs[key]
        if len(ones) * len(others) <= _COARSE_KEY:
            for one in ones:
                for other in others:
                    found.setdefault((one, other), key)
    return found


def _by_key(side: Side) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, keys in enumerate(side.keys):
        for key in keys.split("\n") if keys else ():
            found[key].append(index)
    return found


def _scored(
    keys: dict[tuple[int, int], str], ours: csr_matrix, theirs: csr_matrix, factors: Scores
) -> tuple[Indices, Indices, Scores]:
    if not keys:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
    pairs = np.array(list(keys), dtype=np.int64)
    cosine = np.asarray(ours[pairs[:, 0]].multiply(theirs[pairs[:, 1]]).sum(axis=1)).ravel()
    return pairs[:, 0], pairs[:, 1], np.maximum(cosine, _KEY_SCORE) * factors[pairs[:, 1]]


def _ordered(one: Indices, other: Indices, score: Scores) -> tuple[Indices, Indices, Scores]:
    """By row, the best score first, then by column."""
    if len(_misplaced(one, other, score)):
        # One number for row and score is sorted many times faster than three keys, and nearly right.
        order = np.argsort(2.0 * one - score)
        one, other, score = one[order], other[order], score[order]
        places = np.flatnonzero(np.isin(one, _misplaced(one, other, score)))
        order = places[np.lexsort((other[places], -score[places], one[places]))]
        other[places], score[places] = other[order], score[order]
    return one, other, score


def _misplaced(one: Indices, other: Indices, score: Scores) -> Indices:
    """Rows whose entries are not in order; where the rows are not either, some of them."""
    better = (score[1:] > score[:-1]) | ((score[1:] == score[:-1]) & (other[1:] < other[:-1]))
    wrong: Indices = one[1:][(one[1:] < one[:-1]) | ((one[1:] == one[:-1]) & better)]
    return wrong


def _merged(
    found: Found, keyed: tuple[Indices, Indices, Scores], keep: int
) -> tuple[Indices, Indices, Scores]:
    """Both ways of finding, each pair once, cut to the best ``keep`` per row.

    A shared key outranks shared words: the words of a family are all alike.
    """
    rows = np.zeros(1 + max(found.rows.max(initial=-1), keyed[0].max(initial=-1)), np.bool_)
    rows[keyed[0]] = True
    both = rows[found.rows]
    first = _keyed_first([part[both] for part in (found.rows, found.columns, found.scores)], keyed)
    words_alone = [part[~both] for part in (found.rows, found.columns, found.scores)]
    left, right, score = (np.concatenate(parts) for parts in zip(words_alone, first, strict=True))
    order = np.argsort(left, kind="stable")
    left, right, score = left[order], right[order], score[order]
    kept = np.arange(len(left)) - np.searchsorted(left, left) < keep
    return left[kept], right[kept], score[kept]


def _keyed_first(
    words: Sequence[np.ndarray[Any, Any]], keyed: tuple[Indices, Indices, Scores]
) -> tuple[Indices, Indices, Scores]:
    left, right, score = (np.concatenate(parts) for parts in zip(words, keyed, strict=True))
    by_words = np.concatenate([np.ones(len(words[0]), np.int8), np.zeros(len(keyed[0]), np.int8)])
    order = np.lexsort((right, -score, by_words, left))
    left, right, score = left[order], right[order], score[order]
    if not len(left):
        return left, right, score
    _, first = np.unique(left * (int(right.max()) + 1) + right, return_index=True)
    first.sort()
    return left[first], right[first], score[first]
