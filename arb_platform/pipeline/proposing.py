"""Proposing pairs at the scale of whole catalogues: what changed is compared, the rest is confirmed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.matching.candidates import MIN_SCORE, Proposals
from arb_platform.matching.nearness import Nearness, Side, compare_sides, unchanged_pairs
from arb_platform.matching.remembered import recall, remember
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import load_markets
from arb_platform.storage.pairs import confirm_candidates, save_candidates

# Markets in memory at a time, and pairs in one transaction.
_MARKETS_AT_ONCE: Final = 20_000
_PAIRS_AT_ONCE: Final = 10_000

Contents = Mapping[str, Mapping[str, str]]


Progress = Callable[[int, int], None]


def propose_changes(
    lake: Lake,
    contents: Contents,
    memory: Path,
    *,
    keep: int,
    at: datetime,
    progress: Progress | None = None,
) -> int:
    """Bring ``candidate_pairs`` to what a comparison of everything would give; returns the pairs saved.

    ``contents`` is the content hash of each active market by venue and id. What is near is
    remembered in the file ``memory``; the pairs that stand have ``proposed_at`` = ``at``.
    """
    notes = {"keep": keep, "min_score": MIN_SCORE}
    before = recall(memory, notes)
    old = before.sides if before else (None, None)
    sides = _side(lake, POLYMARKET, contents, old[0]), _side(lake, KALSHI, contents, old[1])
    nearness = compare_sides(*sides, keep=keep, min_score=MIN_SCORE, before=before)
    fresh = np.ones(len(nearness.left), np.bool_)
    if before is not None:
        known = unchanged_pairs(nearness, before)
        if confirm_candidates(lake, _told(nearness, np.flatnonzero(known)), at) == known.sum():
            fresh = ~known
        # else this lake is not the one that the memory is about: everything is saved again
    _save(lake, nearness, np.flatnonzero(fresh), at, progress)
    remember(memory, nearness, notes)
    return int(fresh.sum())


def _side(lake: Lake, venue: str, contents: Contents, before: Side | None) -> Side:
    """The markets of a venue as they are compared; those of ``before`` are not read again."""
    known: dict[tuple[str, str], tuple[str, str]] = {}
    if before is not None:
        known = {
            (one, version): (text, keys)
            for one, version, text, keys in zip(
                before.ids, before.versions, before.spelled, before.keys, strict=True
            )
        }
    unread = [pair[0] for pair in contents[venue].items() if pair not in known]
    for markets in _loaded(lake, venue, unread):
        read = Side.of(markets)
        for one, text, keys in zip(read.ids, read.spelled, read.keys, strict=True):
            known[one, contents[venue][one]] = text, keys
    # A market can go between two queries; it is left out until the next time.
    pairs = [pair for pair in contents[venue].items() if pair in known]
    return Side(
        [one for one, _ in pairs],
        [version for _, version in pairs],
        [known[pair][0] for pair in pairs],
        [known[pair][1] for pair in pairs],
    )


def _loaded(lake: Lake, venue: str, ids: Sequence[str]) -> Iterator[list[Market]]:
    for start in range(0, len(ids), _MARKETS_AT_ONCE):
        yield load_markets(lake, venue, ids=ids[start : start + _MARKETS_AT_ONCE])


def _told(nearness: Nearness, places: np.ndarray) -> list[tuple[str, str, str, str]]:
    """Ids and content hashes of pairs, as the lake knows them."""
    left, right = nearness.sides
    return [
        (left.ids[one], right.ids[other], left.versions[one], right.versions[other])
        for one, other in zip(nearness.left[places].tolist(), nearness.right[places].tolist(), strict=True)
    ]


def _save(
    lake: Lake, nearness: Nearness, places: np.ndarray, at: datetime, progress: Progress | None
) -> None:
    """Make the candidates at ``places`` and save them.

    In the order of Kalshi's tickers, which begin with their series: the partners of neighbours are
    neighbours, and their terms are still known from the pair before.
    """
    places = places[np.lexsort((nearness.left[places], nearness.right[places]))]
    for start in range(0, len(places), _PAIRS_AT_ONCE):
        chunk = places[start : start + _PAIRS_AT_ONCE]
        markets = [
            {one.market_id: one for batch in _loaded(lake, venue, ids) for one in batch}
            for venue, ids in zip((POLYMARKET, KALSHI), _ids(nearness, chunk), strict=True)
        ]
        left, right = nearness.sides
        proposals = Proposals(
            nearness,
            lambda one, of=markets[0], ids=left.ids: of[ids[one]],  # type: ignore[misc]
            lambda other, of=markets[1], ids=right.ids: of[ids[other]],  # type: ignore[misc]
        )
        save_candidates(lake, [proposals[int(place)] for place in chunk], at)
        if progress is not None:
            progress(start + len(chunk), len(places))


def _ids(nearness: Nearness, places: np.ndarray) -> tuple[list[str], list[str]]:
    left, right = nearness.sides
    return (
        [left.ids[one] for one in np.unique(nearness.left[places]).tolist()],
        [right.ids[other] for other in np.unique(nearness.right[places]).tolist()],
    )
