"""Captures of other programs turned into raw frames of ours, so that they can be replayed."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.markets import KALSHI, Market
from arb_platform.domain.streams import StreamSession
from arb_platform.simulate.recordings import RecordedFrame, Recording, load_recording
from arb_platform.storage.raw_bodies import dump, dump_markets, dump_session
from arb_platform.storage.raw_frames import FRAME, RawRow, RawWriter, find_segments
from arb_platform.venues.kalshi import read_market as read_kalshi
from arb_platform.venues.polymarket import read_market as read_polymarket

_DEPTH: Final = 3
# Where nothing in a capture says when it was made.
_NO_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NEEDED: Final = 1 << 40


def is_capture(directory: Path) -> bool:
    """True for a folder that holds no segments of ours."""
    return directory.is_dir() and not find_segments(directory)[0]


def convert_capture(directory: Path, into: Path) -> Recording:
    """Write the capture in ``directory`` (see simulate/recordings.py) below ``into`` as raw frames.

    Files keep their distance in time. Kalshi's ``seq`` is counted anew per sid, because a capture
    may be a slice of a wider subscription. Raises SettingsError for a folder that holds nothing we know.
    """
    recording = load_recording(directory, loop=False, aligned=False)
    rows = list(_rows(recording))
    run = hashlib.sha256(b"\n".join(row.body for row in rows)).hexdigest()[:32]
    writer = RawWriter(into, recording.venue, run=run, metadata={"max_depth": _DEPTH}, memory_bytes=_NEEDED)
    for row in rows:
        writer.put(row)
    writer.close()
    return recording


def _rows(recording: Recording) -> Iterator[RawRow]:
    began = _began(recording)
    ended = began + timedelta(milliseconds=recording.frames[-1].at_ms)
    session = StreamSession(f"{recording.venue}-capture", recording.venue, 0, began)
    # What is known of its markets is moved in time by the simulator; the words stay.
    markets = [_market(recording.venue, one) for one in recording.markets(began)]
    yield RawRow("feed", 0, began, "", dump_markets(markets))
    yield RawRow("connected", 0, began, session.session_id, dump_session(session))
    numbers: Counter[Any] = Counter()
    for frame in recording.frames:
        at = began + timedelta(milliseconds=frame.at_ms)
        yield RawRow(FRAME, 0, at, session.session_id, _body(frame, numbers))
    last = StreamSession(
        session.session_id, recording.venue, 0, began, ended, "the capture ends", len(recording.frames)
    )
    yield RawRow("disconnected", 0, ended, session.session_id, dump_session(last))


def _body(frame: RecordedFrame, numbers: Counter[Any]) -> bytes:
    message = frame.message
    if isinstance(message, dict) and "seq" in message:
        numbers[message.get("sid")] += 1
        message = {**message, "seq": numbers[message.get("sid")]}
    return dump(message)


def _began(recording: Recording) -> datetime:
    """When the first frame was received, as far as the frames tell."""
    if recording.venue == KALSHI:
        for frame in recording.frames:
            told = frame.message["msg"].get("ts_ms")
            if isinstance(told, int):
                return _at(told + (frame.lag_ms or 0) - frame.at_ms)
        return _NO_TIME
    told = [_milliseconds(element) for frame in recording.frames for element in _elements(frame.message)]
    # None of them may come before the venue says it happened.
    return _at(max(told)) if any(told) else _NO_TIME


def _elements(message: Any) -> list[dict[str, Any]]:
    return message if isinstance(message, list) else [message]


def _milliseconds(element: dict[str, Any]) -> int:
    try:
        number = int(element.get("timestamp", 0))
    except (TypeError, ValueError):
        return 0
    return number * 1000 if 0 < number < 10**11 else number


def _at(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _market(venue: str, recorded: Any) -> Market:
    if venue == KALSHI:
        return read_kalshi(recorded.document, event=recorded.event_document, series=recorded.series_document)
    return read_polymarket(recorded.document)


def described(capture: Recording) -> list[str]:
    """One line for each thing that was skipped."""
    return [f"{one.file}: line {one.line}: {one.reason}" for one in capture.broken]
