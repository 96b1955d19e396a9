"""Recorded frames of a venue, read from a folder, to be served again in the venue's own protocol.

Three layouts are known: our own raw frames (``ARB_RAW_FRAMES=on``), ``events/*.ndjson[.gz]`` with ``metadata/*.json`` (a capture of Kalshi's socket,
one ``{"recv_ms": ..., "event": {...}}`` a line) and a folder of ``*.json`` files with one Polymarket
message each. A line that cannot be read is skipped and listed in ``Recording.broken``.
"""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.units import units
from arb_platform.storage.raw_frames import find_segments

# A recorded market is what the user came to see, so it stands before every simulated one by volume.
RECORDED_VOLUME: Final = 1_000_000_000.0


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that was skipped; ``line`` counts from 1, 0 means the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f' line {self.line}' if self.line else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """A market of a recording with its documents as if it were open now."""

    venue: str
    market_id: str
    document: dict[str, Any]
    event_document: dict[str, Any]
    series_document: dict[str, Any] | None
    fair_price: float = 0.5
    tick_units: int = 10_000
    volume: float = RECORDED_VOLUME


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One message as it was recorded, ``at_ms`` after the start; ``lag_ms`` is received minus venue time.

    ``message`` is what JSON decoding gave: an object, or on Polymarket also an array.
    """

    at_ms: int
    message: Any
    lag_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """What a folder held. ``speed`` is a factor on time, infinity as fast as clients read.

    ``shift_times`` moves the venue's times to the moment of sending, so that latencies make sense.
    ``loop`` starts again at the end, which a short recording needs to stay alive.
    """

    venue: str
    directory: Path
    frames: tuple[RecordedFrame, ...]
    broken: tuple[BrokenLine, ...]
    metadata: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    speed: float = 1.0
    loop: bool = False
    shift_times: bool = True

    def markets(self, now: datetime) -> tuple[RecordedMarket, ...]:
        """The recorded markets, open as of ``now``."""
        # The documents of each venue live beside its replay; they build on this module's types.
        if self.venue == KALSHI:
            from arb_platform.simulate.kalshi_recording import recorded_markets  # noqa: PLC0415
        else:
            from arb_platform.simulate.polymarket_recording import recorded_markets  # noqa: PLC0415
        return recorded_markets(self, now)

    def sentence(self) -> str:
        """What was read and what was skipped, for the terminal."""
        text = f"{len(self.frames)} recorded {self.venue} frames from {self.directory}"
        if self.broken:
            first = self.broken[0]
            text += f"; {len(self.broken)} unreadable, the first in {first.file} line {first.line}: {first.reason}"
        return text


def load_recording(
    directory: Path | str,
    *,
    speed: float | str = 1.0,
    loop: bool | None = None,
    shift_times: bool = True,
    aligned: bool = True,
    venue: str | None = None,
) -> Recording:
    """Read a recording; ``speed`` is a factor or ``"max"``.

    ``aligned`` lets every Kalshi file start at once, so that markets recorded hours apart are alive
    together; otherwise they keep their distance. ``loop`` defaults to Polymarket's short recordings
    only. ``venue`` chooses one where raw frames of both lie together. Raises SettingsError for a
    folder that holds nothing we know.
    """
    root = Path(directory)
    factor = _speed(speed)
    if not root.is_dir():
        raise SettingsError(f"there is no folder {root}: name a folder of recorded frames")
    broken: list[BrokenLine] = []
    captures = _captures(root)
    segments, _ = find_segments(root)
    if segments:
        # Raw frames are of any length, and are served once like a capture.
        from arb_platform.simulate.raw_recordings import read_raw  # noqa: PLC0415 it builds on this module

        name, frames, known = read_raw(segments, venue, broken, root)
        found = Recording(name, root, frames, tuple(broken), known)
    elif captures:
        frames = kalshi_frames(captures, broken, aligned=aligned)
        found = Recording(KALSHI, root, frames, tuple(broken), _metadata(root, broken))
    else:
        frames = polymarket_frames(sorted(root.glob("*.json")), broken)
        found = Recording(POLYMARKET, root, frames, tuple(broken))
    if not frames:
        unreadable = f" ({len(broken)} unreadable lines or files)" if broken else ""
        raise SettingsError(
            f"{root} holds no recorded frames{unreadable}: expected events/*.ndjson.gz of Kalshi,"
            " *.json messages of Polymarket, or raw frames of ours"
        )
    wanted_loop = found.venue == POLYMARKET and not segments if loop is None else loop
    return Recording(
        found.venue, root, frames, tuple(broken), found.metadata, factor, wanted_loop, shift_times
    )


def _speed(speed: float | str) -> float:
    if speed == "max":
        return math.inf
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not factor > 0:
        raise SettingsError(f"the speed of a recording is a number above 0 or max, not {speed!r}")
    return factor


def _captures(root: Path) -> list[Path]:
    folder = root / "events" if (root / "events").is_dir() else root
    return sorted(path for pattern in ("*.ndjson.gz", "*.ndjson") for path in folder.glob(pattern))


def kalshi_frames(files: list[Path], broken: list[BrokenLine], *, aligned: bool) -> tuple[RecordedFrame, ...]:
    """The frames of all files in the order in which they are to be sent."""
    timed: list[tuple[int, dict[str, Any]]] = []
    for path in files:
        start: int | None = None
        for number, line in _lines(path, broken):
            try:
                received, event = _capture_line(line)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                broken.append(BrokenLine(path.name, number, _reason(error)))
                continue
            start = received if start is None else start
            timed.append((received - start if aligned else received, {**event, "_received": received}))
    timed.sort(key=lambda item: item[0])
    first = timed[0][0] if timed else 0
    return tuple(_recorded(at - first, event) for at, event in timed)


def _recorded(at_ms: int, event: dict[str, Any]) -> RecordedFrame:
    received = event.pop("_received")
    return RecordedFrame(at_ms, event, recorded_lag(received, event))


def recorded_lag(received_ms: int, event: dict[str, Any]) -> int | None:
    """Milliseconds from the venue's time of a Kalshi event to ours, None where it has none."""
    told = event["msg"].get("ts_ms")
    return received_ms - told if isinstance(told, int) else None


def _capture_line(line: bytes) -> tuple[int, dict[str, Any]]:
    """Received (epoch ms) and event; raises ValueError, KeyError or TypeError for anything else."""
    document = json.loads(line)
    received, event = document["recv_ms"], document["event"]
    if not isinstance(received, int) or isinstance(received, bool):
        raise ValueError("recv_ms is not a whole number")
    check_event(event)
    return received, event


def check_event(event: Any) -> None:
    """Raises ValueError, KeyError or TypeError for a Kalshi event that cannot be served again."""
    message = event["msg"]
    if not isinstance(message["market_ticker"], str) or not isinstance(event["type"], str):
        raise ValueError("the event names no market or no type")
    if event["type"] == "orderbook_delta":
        if message["side"] not in ("yes", "no"):
            raise ValueError(f"no side is called {message['side']!r}")
        units(message["price_dollars"])
        units(message["delta_fp"])
    elif event["type"] == "orderbook_snapshot":
        for price, size in (*message.get("yes_dollars_fp", ()), *message.get("no_dollars_fp", ())):
            units(price)
            units(size)


def _lines(path: Path, broken: list[BrokenLine]) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; a damaged archive ends where it is damaged, and that is one more broken line."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        broken.append(BrokenLine(path.name, number + 1, f"the file ends here: {_reason(error)}"))


def _metadata(root: Path, broken: list[BrokenLine]) -> tuple[dict[str, Any], ...]:
    """The answers of GET /events/{ticker} that lie beside the capture: ``{"event": ..., "markets": [...]}``."""
    found = []
    for path in sorted((root / "metadata").glob("*.json")):
        try:
            document = json.loads(path.read_bytes())
            answer = document.get("response", document)
            if not isinstance(answer["event"], dict) or not isinstance(answer["markets"], list):
                raise ValueError("no event with markets")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            broken.append(BrokenLine(f"metadata/{path.name}", 0, _reason(error)))
            continue
        found.append(answer)
    return tuple(found)


# Between two recorded messages that were not received one after the other.
_SPACING_MS: Final = 250
_KINDS: Final = (
    "book", "price_change", "last_trade_price", "best_bid_ask", "tick_size_change", "new_market", "market_resolved",
)  # fmt: skip


def polymarket_frames(files: list[Path], broken: list[BrokenLine]) -> tuple[RecordedFrame, ...]:
    """One message of each file, books before changes, a quarter of a second apart."""
    messages: list[Any] = []
    for path in files:
        try:
            message = json.loads(path.read_bytes())
            elements = message if isinstance(message, list) else [message]
            for element in elements:
                check_element(element)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            broken.append(BrokenLine(path.name, 1, _reason(error)))
            continue
        messages.append(message)
    if all(message == [] for message in messages):
        return ()
    messages.sort(key=_book_first)
    return tuple(RecordedFrame(place * _SPACING_MS, message) for place, message in enumerate(messages))


def check_element(element: Any) -> None:
    """Raises ValueError, KeyError or TypeError for anything but a message of the market channel."""
    kind = element["event_type"]
    if kind not in _KINDS or not isinstance(element["market"], str):
        raise ValueError(f"no message of the market channel: {kind!r}")
    for name in ("bids", "asks", "price_changes", "changes"):
        if not all(isinstance(entry, dict) for entry in element.get(name, ())):
            raise ValueError(f"{name} holds something other than objects")


def _book_first(message: Any) -> int:
    elements = message if isinstance(message, list) else [message]
    return min((_KINDS.index(element["event_type"]) for element in elements), default=-1)


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return f"{text} is missing" if isinstance(error, KeyError) else text
