"""What the rows must say about a run; each check returns complaints, none when all is well."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from arb_platform.domain.markets import POLYMARKET
from arb_platform.domain.units import units
from arb_platform.simulate.faults import WORDS, Injected
from arb_platform_tests.faults.runs import TOKEN_OF, Run
from arb_platform_tests.faults.truth import State, milliseconds

# From the fault to the row: the next frame, or the silence that has to last first.
WITHIN = timedelta(seconds=5)
# Kinds during which the book of a market is not vouched for at all.
DOUBTS = ("gap", "resync", "silence", "reconnect")
# Polymarket numbers nothing, so these are held to account level by level: losses.check_losses.
UNNUMBERED = ("drop", "gap", "reorder")
# Noise between the books' frames: each piece is a row of its own.
_NOISE = ("truncate", "garbage", "unknown", "nonsense")


def check_faults(run: Run) -> list[str]:
    """Every fault that must leave a row has one: of its kind, about its market or connection, at its time."""
    complaints = []
    for fault in run.injected:
        leaves = WORDS[fault.kind].leaves
        if not leaves or (run.name == POLYMARKET and fault.kind in UNNUMBERED):
            continue
        if fault.kind == "no_first_book" and run.name == POLYMARKET and fault.detail not in TOKEN_OF.values():
            continue  # the other token's book is the mirror of the one that is followed
        if "quarantine" not in leaves and not any(
            _about(row, fault) for row in _events(run, (*leaves, *DOUBTS))
        ):
            complaints.append(f"no row of {leaves} for {fault}")
    return complaints + _unkept(run)


def _unkept(run: Run) -> list[str]:
    """Pieces of noise without a quarantined row of their own."""
    free = sorted((row["received_at"], row["reason"]) for row in run.rows["quarantined_frames"])
    complaints = []
    for fault in run.injected:
        if fault.kind not in _NOISE:
            continue
        names_it = fault.kind == "unknown"
        kept = next(
            (
                row
                for row in free
                if fault.at <= row[0] <= fault.at + WITHIN
                and names_it is row[1].startswith("unknown event type")
            ),
            None,
        )
        if kept is None:
            complaints.append(f"no quarantined frame for {fault}")
        else:
            free.remove(kept)
    return complaints


def _events(run: Run, kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    return (row for row in run.rows["stream_events"] if row["kind"] in kinds)


def _about(row: dict[str, Any], fault: Injected) -> bool:
    """Whether an event is about this market, or its whole connection, between the fault and a little later."""
    if row["market_id"] is not None and fault.market_id is not None and row["market_id"] != fault.market_id:
        return False
    ended_at = row["ended_at"]
    return row["started_at"] <= fault.at + WITHIN and (ended_at is None or ended_at >= fault.at)


def check_clean(run: Run) -> list[str]:
    """A run without faults has no row that would make anybody doubt."""
    said = [f"{row['kind']}: {row['detail']}" for row in run.rows["stream_events"]]
    kept = [f"quarantined: {row['reason']}" for row in run.rows["quarantined_frames"]]
    return said + kept


def check_books(run: Run, *, losses: bool = False) -> list[str]:
    """Every trusted row is a state in which the simulator's book really was at that time.

    With ``losses``, a level may be an older one where the venue did not tell of its change and it is
    Polymarket, which numbers nothing.
    """
    complaints = []
    for row in run.rows["books_trusted"]:
        times = row["market_id"], row["exchange_time"], row["received_at"]
        if not any(
            not (wrong := differing(row, state)) or (losses and wrong <= _lost(run, row, number))
            for number, state in run.truth.between(*times)
        ):
            complaints.append(f"no such book: {row}; nearest {_nearest(run, row)}")
    return complaints


def check_end(run: Run) -> list[str]:
    """The last trusted row of each market is the simulator's book as it stands at the end."""
    last = {row["market_id"]: row for row in run.rows["books_trusted"]}
    complaints = []
    for market_id, states in run.truth.states.items():
        row = last.get(market_id)
        if row is None:
            complaints.append(f"no trusted book of {market_id}")
        elif wrong := differing(row, states[-1]):
            after = [
                (event["kind"], event["started_at"], event["ended_at"], event["detail"])
                for event in run.rows["stream_events"]
                if event["market_id"] in (None, market_id)
                and not (event["ended_at"] and event["ended_at"] < row["received_at"])
            ]
            shown = sum(
                one["market_id"] == market_id and one["received_at"] > row["received_at"]
                for one in run.rows["book_snapshots"]
            )
            complaints.append(
                f"the last trusted book of {market_id} is not the venue's at {sorted(wrong)}; "
                f"{shown} rows came after {row['received_at']}, not trusted for {after}"
            )
    return complaints


def check_goes_on(run: Run) -> list[str]:
    """Trusted rows of every market that had a fault came after the last fault."""
    last = max((fault.at for fault in run.injected), default=None)
    late = [row for row in run.rows["books_trusted"] if last is None or row["received_at"] > last]
    return [] if late else ["no trusted row after the last fault"]


def differing(row: dict[str, Any], state: State) -> set[tuple[str, int]]:
    """The visible levels at which a row is not the state."""
    wrong: set[tuple[str, int]] = set()
    for side, ladder in (("bid", state.bids), ("ask", state.asks)):
        shown = levels(row, side)
        wrong |= {(side, price) for price, size in shown.items() if ladder.get(price) != size}
        worst = list(shown)[-1] if len(shown) == 3 else None
        for price in ladder:
            visible = worst is None or (price >= worst if side == "bid" else price <= worst)
            if visible and price not in shown:
                wrong.add((side, price))
    return wrong


def levels(row: dict[str, Any], side: str) -> dict[int, int]:
    """Size by price in millionths, best first."""
    pairs = [(row[f"{side}{place}_px"], row[f"{side}{place}_sz"]) for place in (1, 2, 3)]
    return {units(str(price)): units(str(size)) for price, size in pairs if price is not None}


def _lost(run: Run, row: dict[str, Any], number: int) -> set[tuple[str, int]]:
    """Levels whose last change up to state ``number`` never came off the socket."""
    if run.name != POLYMARKET:
        return set()
    market_id, states = row["market_id"], run.truth.states[row["market_id"]]
    told = run.received.told.get((row["session_id"], market_id), [])
    came = [(run.truth.index_at(market_id, ms), whole) for at, ms, whole in told if at <= row["received_at"]]
    base = max((index for index, whole in came if whole and index <= number), default=0)
    known = {index for index, _ in came}
    lost: set[tuple[str, int]] = set()
    for index in range(base + 1, number + 1):
        lost = lost - states[index].changed if index in known else lost | states[index].changed
    return lost


def _nearest(run: Run, row: dict[str, Any]) -> str:
    found = run.truth.between(row["market_id"], row["exchange_time"], row["received_at"])
    best = min(
        ((len(wrong := differing(row, state)), sorted(wrong), state.since) for _, state in found),
        default=None,
    )
    return f"{best}, received {milliseconds(row['received_at'])}"
