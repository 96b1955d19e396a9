"""Faults on order: what a venue does to its clients on a bad day, seeded, each one written down.

``parse_faults("drop=0.001,disconnect=30s,seed=4")`` reads what ``arb simulate --faults`` takes. A word
takes a chance (``0.001``: of each frame, asset, connection or request, as the table says) or a time
(``30s``: about so long after each connection was made). ``Faults.injected`` is the record that tests
compare with the platform's rows.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from types import MappingProxyType
from typing import Final, Literal

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.streams import EventKind

Unit = Literal["frame", "asset", "connection", "seconds", "request", "duration"]


@dataclass(frozen=True, slots=True)
class FaultWord:
    """What a word of the specification means, and which ``stream_events`` may follow from it.

    With ``leaves`` empty the platform must take the fault without a row: a duplicate, an old form.
    A lost change of Polymarket leaves its row when it is seen (docs/simulators.md): one whose level is
    told again before that leaves none.
    """

    unit: Unit
    meaning: str
    leaves: tuple[EventKind, ...] = ()


# A row of any of these kinds bears witness that the platform noticed.
_LOST: Final[tuple[EventKind, ...]] = ("gap", "resync", "reconnect")
WORDS: Final[Mapping[str, FaultWord]] = MappingProxyType({
    "drop": FaultWord("frame", "one book frame is lost", _LOST),
    "gap": FaultWord("frame", "a run of 2 to 20 book frames is lost", _LOST),
    "reorder": FaultWord("frame", "a book frame comes after the next one", _LOST),
    "duplicate": FaultWord("frame", "a book frame comes twice"),
    "truncate": FaultWord("frame", "a book frame comes cut in half", ("quarantine",)),
    "garbage": FaultWord("frame", "bytes that are no message come in between", ("quarantine",)),
    "unknown": FaultWord("frame", "a message of a kind nobody knows comes in between", ("quarantine",)),
    "nonsense": FaultWord("frame", "a message with numbers that cannot be comes in between", ("quarantine",)),
    "huge": FaultWord("frame", "a message of 40 MB comes in between", ("reconnect", "quarantine")),
    "skew": FaultWord("frame", "a book frame carries a time of 1970 or 2100", ("clock_skew",)),
    "crossed": FaultWord("frame", "a bid at the best ask, for one change", ("crossed",)),
    "tick_size": FaultWord("frame", "Polymarket: the grid of a market changes, then a new book comes", ("resync", "gap")),
    "legacy": FaultWord("frame", "Polymarket: price_change in the form of before 2025-09-15; Kalshi: whole cents, as before 2026-03-12"),
    "no_first_book": FaultWord("asset", "the first book of an asset never comes, its changes do", ("gap", "resync", "silence")),
    "no_snapshot": FaultWord("asset", "Kalshi: get_snapshot is not answered for a ticker", ("reconnect",)),
    "early_close": FaultWord("connection", "the connection is accepted and closed at once", ("reconnect",)),
    "refuse": FaultWord("connection", "the handshake is answered with 503"),
    "disconnect": FaultWord("seconds", "the connection breaks without a goodbye", ("reconnect",)),
    "silence": FaultWord("seconds", "data stops, keep-alives go on", ("silence",)),
    "half_open": FaultWord("seconds", "everything stops, the connection stays", ("silence", "reconnect")),
    "overflow": FaultWord("seconds", "Kalshi: error 25, the subscription is over; Polymarket: close 1011", ("overflow", "gap", "reconnect")),
    "http429": FaultWord("request", "too many requests, without Retry-After"),
    "retry_after": FaultWord("request", "too many requests, with Retry-After: 1"),
    "http500": FaultWord("request", "the server failed"),
    "http_garbage": FaultWord("request", "200 with a page of HTML"),
    "http_cut": FaultWord("request", "200 with half of the JSON"),
    "repeat_cursor": FaultWord("request", "a listing page gives the cursor it was asked with"),
    "lag": FaultWord("duration", "every frame says that it is so old"),
})  # fmt: skip
_OTHER: Final = FaultWord("request", "")
_TIMED: Final = ("seconds", "duration")
_DURATION_SUFFIXES: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that was put in. ``detail`` says ``top`` or ``deep`` where a book's change was hit:
    on Polymarket, which numbers nothing, a lost change deep in the book shows only to a REST book.
    """

    kind: str
    at: datetime
    market_id: str | None = None
    connection: str = ""
    detail: str = ""


@dataclass(slots=True)
class Faults:
    """The plan, its dice, and the record of what was injected."""

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    injected: list[Injected] = field(default_factory=list)
    rng: Random = field(init=False, repr=False)
    _forced: dict[str, int] = field(default_factory=dict, repr=False)
    _spoils_frames: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._spoils_frames = any(
            rate for word, rate in self.rates.items() if WORDS.get(word, _OTHER).unit == "frame"
        )
        self.rng = Random(f"faults/{self.seed}")
        for word, value in self.rates.items():
            _check(word, value)

    def force(self, word: str, times: int = 1) -> None:
        """Let the next ``times`` occasions for ``word`` fail for certain, before chance decides."""
        _check(word, 0.0)
        self._forced[word] = self._forced.get(word, 0) + times

    def strikes(self, word: str) -> bool:
        """Whether the fault of a chance strikes now; record it where it does."""
        if self._forced and word in self._forced:
            self._forced[word] -= 1
            if not self._forced[word]:
                del self._forced[word]
            return True
        rate = self.rates.get(word, 0.0)
        return rate > 0 and self.rng.random() < rate

    @property
    def lag_seconds(self) -> float:
        """How old every frame claims to be."""
        return self.rates.get("lag", 0.0)

    @property
    def quiet(self) -> bool:
        """True while no fault of a frame can strike: the fast path may be taken."""
        return not self._spoils_frames and not self._forced

    def due_in(self, word: str) -> float | None:
        """Seconds from a connection's start to this fault, a fifth more or less; None: never."""
        mean = self.rates.get(word, 0.0)
        return mean * self.rng.uniform(0.8, 1.2) if mean > 0 else None

    def record(
        self, kind: str, *, market_id: str | None = None, connection: str = "", detail: str = ""
    ) -> None:
        self.injected.append(Injected(kind, self.clock(), market_id, connection, detail))

    def counts(self) -> dict[str, int]:
        """How often each fault was injected."""
        return dict(Counter(fault.kind for fault in self.injected))


def parse_faults(spec: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Faults:
    """Faults from ``word=value`` parts between commas; ``none`` or nothing is a good day.

    Raises SettingsError that lists the known words, or says which value does not fit.
    """
    rates: dict[str, float] = {}
    seed = 0
    for part in spec.split(",") if spec.strip() not in ("", "none") else ():
        word, _, text = (piece.strip() for piece in part.partition("="))
        if word == "seed":
            seed = _seed(text)
            continue
        if word not in WORDS:
            raise SettingsError(_unknown(word))
        rates[word] = _value(word, text)
    return Faults(rates, seed, clock)


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"the seed of the faults must be a whole number, not {text!r}") from None


def _value(word: str, text: str) -> float:
    timed = WORDS[word].unit in _TIMED
    number, factor = text, 1.0
    if timed:
        for suffix, scale in _DURATION_SUFFIXES.items():
            if text.endswith(suffix):
                number, factor = text.removesuffix(suffix), scale
                break
    try:
        value = float(number) * factor
    except ValueError:
        example = f"{word}=30s" if timed else f"{word}=0.01"
        raise SettingsError(
            f"the fault {word} needs a {'time' if timed else 'chance'}, as in {example}, not {text!r}"
        ) from None
    _check(word, value)
    return value


def _check(word: str, value: float) -> None:
    if word not in WORDS:
        raise SettingsError(_unknown(word))
    largest = float("inf") if WORDS[word].unit in _TIMED else 1.0
    if not 0 <= value <= largest or value == float("inf"):
        bounds = "0 or more seconds" if largest > 1 else "from 0 to 1"
        raise SettingsError(f"the fault {word} must be {bounds}, not {value}")


def _unknown(word: str) -> str:
    return f"no fault is called {word!r}; there are {', '.join(sorted(WORDS))}, and seed"
