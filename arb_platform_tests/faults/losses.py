"""What Polymarket did not tell: every level that our book had wrong, from when to when, and who could have seen it."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any

from arb_platform_tests.faults.checks import DOUBTS, differing
from arb_platform_tests.faults.runs import Run
from arb_platform_tests.faults.truth import EPOCH, State

Place = tuple[str, int]
NEVER = datetime.max.replace(tzinfo=EPOCH.tzinfo)


@dataclass(frozen=True, slots=True)
class Loss:
    """A level whose change never came: our size was wrong from ``since`` until ``until``.

    ``seen_at`` is when a second REST book in a row showed the same other size, and the socket had come to
    the time of the first; None if there was none.
    """

    market_id: str
    place: Place
    since: datetime
    until: datetime
    seen_at: datetime | None


def losses(run: Run) -> Iterator[Loss]:
    """Every level of every market that was wrong for a while because its change was lost."""
    heard = _heard(run)
    for market_id, states in run.truth.states.items():
        told = _told(run, market_id, heard)
        for number, state in enumerate(states):
            for place in state.changed if number and number not in told.states else ():
                loss = _loss(run, market_id, place, number, told)
                if loss is not None:
                    yield loss


def check_losses(run: Run) -> list[str]:
    """What two REST books showed is a row, and no trusted row shows it.

    What is left are levels that were told again before that: their trusted rows were wrong for so long.
    """
    complaints = []
    for loss in losses(run):
        if loss.seen_at is None:
            continue
        if not any(_covers(row, loss) for row in run.rows["stream_events"]):
            complaints.append(f"no row for {loss}")
        complaints += [f"trusted in spite of {loss}: {row}" for row in wrong_rows(run, loss)]
    return complaints


def wrong_rows(run: Run, loss: Loss) -> list[dict[str, Any]]:
    """Trusted rows that show the lost level as it was before."""
    return [
        row
        for row in run.rows["books_trusted"]
        if row["market_id"] == loss.market_id
        and loss.since <= row["received_at"] < loss.until
        and all(loss.place in differing(row, state) for _, state in _states(run, row))
    ]


def _states(run: Run, row: dict[str, Any]) -> Iterator[tuple[int, State]]:
    return run.truth.between(row["market_id"], row["exchange_time"], row["received_at"])


@dataclass(frozen=True, slots=True)
class _Told:
    """What came of one market: when each state was told, whole books and REST books as (received, state).

    ``heard`` is the newest time told of any market, by when it was received.
    """

    states: dict[int, datetime]
    wholes: list[tuple[datetime, int]]
    checks: list[tuple[datetime, int]]
    heard: list[tuple[datetime, int]]

    def reached(self, ms: int, by: datetime) -> bool:
        """Whether the socket had come to this venue time."""
        place = bisect_right(self.heard, by, key=lambda one: one[0]) - 1
        return place >= 0 and self.heard[place][1] >= ms


def _told(run: Run, market_id: str, heard: list[tuple[datetime, int]]) -> _Told:
    truth = run.truth
    told = _Told({}, [], [], heard)
    for (_, market), frames in run.received.told.items():
        for at, ms, whole in frames if market == market_id else ():
            number = truth.index_at(market_id, ms)
            if whole:
                told.wholes.append((at, number))
            else:
                told.states.setdefault(number, at)
    rebuilding = [
        (row["started_at"], row["ended_at"] or NEVER)
        for row in run.rows["stream_events"]
        if row["market_id"] == market_id and row["kind"] in ("resync", "silence")
    ]
    for at, ms in run.received.checks.get(market_id, ()):
        if any(ended == at for _, ended in rebuilding):
            told.wholes.append((at, truth.index_at(market_id, ms)))
        elif not any(began < at < ended for began, ended in rebuilding):
            told.checks.append((at, ms))
    return told


def _heard(run: Run) -> list[tuple[datetime, int]]:
    frames = sorted((at, ms) for told in run.received.told.values() for at, ms, _ in told)
    newest = accumulate((ms for _, ms in frames), max)
    return [(at, ms) for (at, _), ms in zip(frames, newest, strict=True)]


def _loss(run: Run, market_id: str, place: Place, number: int, told: _Told) -> Loss | None:
    states = run.truth.states[market_id]
    side, price = place

    def size(at: int) -> int:
        return (states[at].bids if side == "bid" else states[at].asks).get(price, 0)

    base = max((whole for _, whole in told.wholes if whole < number), default=0)
    earlier = (n for n in range(number - 1, base, -1) if n in told.states and place in states[n].changed)
    held = max(earlier, default=base)
    if size(held) == size(number):
        return None
    again = [at for n, at in told.states.items() if n > number and place in states[n].changed]
    again += [at for at, whole in told.wholes if whole >= number]
    until = min(again, default=NEVER)
    since = EPOCH + timedelta(milliseconds=states[number].since)
    seen = [(at, ms) for at, ms in told.checks if ms >= states[number].since and at < until]
    for (_, first), (at, second) in pairwise(seen):
        sizes = {size(run.truth.index_at(market_id, ms)) for ms in (first, second)}
        if len(sizes) == 1 and size(held) not in sizes and told.reached(first, at):
            return Loss(market_id, place, since, until, at)
    return Loss(market_id, place, since, until, None)


def _covers(row: dict[str, Any], loss: Loss) -> bool:
    """Whether this row says that the market's book was not to be trusted from the loss on."""
    mine = row["kind"] in DOUBTS and row["market_id"] in (None, loss.market_id)
    return (
        mine
        and row["started_at"] <= loss.since
        and (row["ended_at"] is None or row["ended_at"] >= loss.since)
    )
