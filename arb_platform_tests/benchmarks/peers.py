"""T2: other projects' code on the same frames, in an interpreter that has it.

The peers are heavy and bring other versions of what we lock, so they live in an environment of their
own; there our hot path needs msgspec only. Each row is twice there: as shipped, and like for like,
where the peer is given our design (one book a market, a call only when the visible levels changed).
"""

import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform_tests.benchmarks.hot_path import MARKETS, Handled, ours
from arb_platform_tests.benchmarks.load import Load, load
from arb_platform_tests.benchmarks.measure import (
    ROOT,
    BooksDiffer,
    Figure,
    Outcome,
    Pace,
    interleaved,
    our_book,
    progress,
    verify,
)

TARGETS: Final = ("T2",)
ENVIRONMENT: Final = ROOT / ".venv-peers" / "bin" / "python"
_INSTALL: Final = "see docs/benchmarks.md: .venv-peers/bin/python -m pip install --group peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """``kind`` is its class in ``module`` here, ``needs`` the top modules of its distributions."""

    name: str
    venue: str
    needs: tuple[str, ...]
    module: str
    kind: str
    # Times slower than us it is to be; none where nothing is promised.
    wanted: float | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def installed(self) -> bool:
        return all(find_spec(name) is not None for name in self.needs)

    def make(self, made: Load, *, like_us: bool) -> Any:
        """The peer with its first books in it."""
        module = importlib.import_module(f"arb_platform_tests.benchmarks.{self.module}")
        client = getattr(module, self.kind)(made.markets, like_us=like_us, **dict(self.options))
        Handled(client.receive)(made.opening)
        return client


# Its Polymarket adapter imports the venue's client.
_NAUTILUS: Final = ("nautilus_trader", "py_clob_client")
PEERS: Final = (
    Peer("ccxt.prediction.polymarket", POLYMARKET, ("ccxt",), "peer_ccxt", "CcxtPolymarket", 5.0),
    Peer("cryptofeed pieces", POLYMARKET, ("cryptofeed",), "peer_cryptofeed", "CryptofeedPieces", 3.0),
    Peer("nautilus_trader (Python), top 3", POLYMARKET, _NAUTILUS, "peer_nautilus", "NautilusPolymarket", 15.0),
    Peer(
        "nautilus_trader (Python), best quote", POLYMARKET, _NAUTILUS, "peer_nautilus", "NautilusPolymarket",
        options=(("top", False),),
    ),
    Peer("kalshi-simple-ws-orderbook", KALSHI, ("orderbook_manager",), "peer_kalshi", "KalshiSimpleOrderbook"),
)  # fmt: skip


def measure(pace: Pace) -> Outcome:
    """Here, or in the peers' own interpreter when there is one. Raises BooksDiffer."""
    python = _elsewhere(pace.peers)
    return _measure_in(python, pace) if python else measure_here(pace)


def _elsewhere(asked: Path | None) -> Path | None:
    """The interpreter to go to; a link is not followed, because an environment's interpreter is one."""
    if asked is not None:
        python = asked.absolute()
    elif ENVIRONMENT.exists():
        python = ENVIRONMENT
    else:
        return None
    return None if python == Path(sys.executable).absolute() else python


def _measure_in(python: Path, pace: Pace) -> Outcome:
    if not python.exists():
        raise FileNotFoundError(f"there is no interpreter at {python}; {_INSTALL}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "peers.json"
        module = "arb_platform_tests.benchmarks"
        command = [str(python), "-m", module, "T2", "--seed", str(pace.seed), "--peers", str(python)]
        command += ["--json", str(file), *(["--full"] if pace.full else [])]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if not file.exists():
            raise RuntimeError(f"{python} did not run; {_INSTALL}")
        told = json.loads(file.read_text(encoding="utf-8"))
    if told["failures"]:
        raise BooksDiffer(told["failures"][0])
    return Outcome([Figure(**one) for one in told["figures"]], [tuple(row) for row in told["absolute"]])


def measure_here(pace: Pace) -> Outcome:
    outcome = Outcome()
    for venue in (POLYMARKET, KALSHI):
        there = [peer for peer in PEERS if peer.venue == venue and peer.installed]
        if there:
            with progress(f"T2: {venue}: {', '.join(peer.name for peer in there)}"):
                _compare(venue, there, pace, outcome)
    for peer in PEERS:
        if not peer.installed:
            wanted = "" if peer.wanted is None else f">= {peer.wanted:g}x"
            outcome.figures.append(Figure("T2", peer.name, f"not installed ({_INSTALL})", wanted))
    return outcome


def _compare(venue: str, peers: list[Peer], pace: Pace, outcome: Outcome) -> None:
    made = load(venue, frames=pace.of(15_000, 60_000), markets=MARKETS, seed=pace.seed)
    feed, our_run = ours(made)
    clients = {
        (peer.name, like_us): peer.make(made, like_us=like_us) for peer in peers for like_us in (False, True)
    }
    runners: dict[str, Callable[[Any], Any]] = {"ours": our_run}
    runners |= {str(key): Handled(client.receive) for key, client in clients.items()}
    spent = interleaved(runners, made.frames)
    verify("ours", partial(our_book, feed), made.books)
    markets = {market.market_id: market for market in made.markets}
    for key, client in clients.items():
        # One at a time: what was measured is told only of equal books.
        verify(key[0], lambda market_id, of=client: of.whole(markets[market_id]), made.books)
    outcome.cost(f"{venue}: ours, in the peers' run", spent["ours"], f"{len(made.frames)} frames")
    for peer in peers:
        shipped, fair = (spent[str((peer.name, like_us))] for like_us in (False, True))
        what = f"faster than {peer.name}"
        if peer.wanted is None:
            outcome.told("T2", what, f"{shipped / spent['ours']:.2f}x")
        else:
            outcome.at_least("T2", what, shipped / spent["ours"], peer.wanted)
        outcome.told("T2", f"{what}, given our design (like for like)", f"{fair / spent['ours']:.2f}x")
        outcome.cost(f"{venue}: {peer.name}", shipped, f"like for like {fair:.2f} us")
