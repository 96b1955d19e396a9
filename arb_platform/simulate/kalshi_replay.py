"""A Kalshi recording on the air: the same frames, with the sids and sequences of each new connection."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from arb_platform.simulate import kalshi_frames as frames
from arb_platform.simulate.books import Change, SimulatedBook
from arb_platform.simulate.kalshi_recording import RecordedKalshiBooks
from arb_platform.simulate.kalshi_socket import TRADE
from arb_platform.simulate.playback import Playback
from arb_platform.simulate.recordings import RecordedFrame, Recording
from arb_platform.simulate.server import Connection, Sleep

# Frames a client may have waiting before a recording without a speed limit pauses.
_CROWDED = 5_000


class Stage(Protocol):
    """Where the frames are sent from."""

    @property
    def connections(self) -> tuple[Connection, ...]: ...
    def now(self) -> datetime: ...
    def tell_change(self, ticker: str, change: Change, moment: datetime) -> None: ...
    def tell_snapshot(self, ticker: str) -> None: ...
    def tell(self, channel: str, ticker: str, tail: bytes) -> None: ...


class KalshiReplay:
    """Plays a recording through the simulator; its ``books`` are the truth about the recorded tickers."""

    def __init__(self, recording: Recording, stage: Stage, sleep: Sleep) -> None:
        self._recording, self._stage = recording, stage
        self._folded = RecordedKalshiBooks(recording)
        self.playback = Playback(
            recording,
            emit=self._emit,
            restart=self._folded.rewind,
            crowded=lambda: any(connection.backlog > _CROWDED for connection in stage.connections),
            sleep=sleep,
        )

    @property
    def books(self) -> dict[str, SimulatedBook]:
        return self._folded.books

    @property
    def market_uuids(self) -> dict[str, str]:
        return self._folded.market_uuids

    def _emit(self, frame: RecordedFrame) -> None:
        kind, message = frame.message["type"], frame.message["msg"]
        ticker = message["market_ticker"]
        if kind == "orderbook_snapshot":
            if self._folded.snapshot(frame):
                self._stage.tell_snapshot(ticker)
        elif kind == "orderbook_delta":
            change = self._folded.delta(frame)
            self._stage.tell_change(ticker, change, self._moment(frame))
        else:
            channel = TRADE if kind == "trade" else kind
            self._stage.tell(channel, ticker, frames.msg_tail(self._moved(frame, message)))

    def _moment(self, frame: RecordedFrame) -> datetime:
        """The frame's own time, or now less the delay it was recorded with, so that latencies come out alike."""
        told = frame.message["msg"].get("ts_ms")
        if not self._recording.shift_times and isinstance(told, int):
            return datetime.fromtimestamp(told / 1000, tz=self._stage.now().tzinfo)
        return self._stage.now() - timedelta(milliseconds=max(0, frame.lag_ms or 0))

    def _moved(self, frame: RecordedFrame, message: dict[str, Any]) -> dict[str, Any]:
        if "ts_ms" not in message:
            return message
        ms = frames.milliseconds(self._moment(frame))
        return {**message, "ts_ms": ms, **({"ts": ms // 1000} if isinstance(message.get("ts"), int) else {})}
