"""A Polymarket recording on the air: each message as it was recorded, to the clients that follow its assets."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from arb_platform.domain.books import Level
from arb_platform.simulate.playback import Playback
from arb_platform.simulate.polymarket_frames import BookText, compact
from arb_platform.simulate.polymarket_recording import RecordedBooks, assets_in, elements_of
from arb_platform.simulate.polymarket_socket import MarketClient
from arb_platform.simulate.recordings import RecordedFrame, Recording
from arb_platform.simulate.server import Sleep

# Frames a client may have waiting before a recording without a speed limit pauses.
_CROWDED: Final = 5_000


class PolymarketReplay:
    """Plays a recording to ``clients``; ``milliseconds`` is the venue's clock."""

    def __init__(
        self,
        recording: Recording,
        *,
        clients: Callable[[], Iterable[MarketClient]],
        milliseconds: Callable[[], int],
        sleep: Sleep,
    ) -> None:
        self._folded = RecordedBooks(recording)
        self._clients, self._milliseconds = clients, milliseconds
        self.markets: Mapping[str, list[str]] = self._folded.markets()
        self.playback = Playback(
            recording,
            emit=self._emit,
            restart=self._folded.rewind,
            crowded=lambda: any(client.connection.backlog > _CROWDED for client in clients()),
            sleep=sleep,
        )

    def text(self, market_id: str, token: str, ms: int) -> BookText | None:
        """A recorded asset's book now, None where none was recorded; the first look starts the playback."""
        self.playback.started.set()
        return self._folded.text(market_id, token, ms)

    def book_of(self, market_id: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The book of the market's first asset; empty where none was recorded."""
        asset = self._folded.first_asset(market_id)
        book = self._folded.book(asset) if asset is not None else None
        return book.levels() if book is not None else ((), ())

    def _emit(self, frame: RecordedFrame) -> None:
        """Send a message; of an array, each client gets the elements that it follows."""
        ms = self._milliseconds()
        parts: list[dict[str, Any]] = []
        for element in elements_of(frame.message):
            self._folded.apply(element)
            parts.append(self._folded.rendered(element, ms))
        for client in list(self._clients()):
            wanted = [element for element in parts if self._follows(client, element)]
            if wanted:
                market_id = wanted[0]["market"]
                message = wanted if isinstance(frame.message, list) else wanted[0]
                client.connection.send_data(compact(message), market_id)
            elif not parts:
                client.connection.send_data(b"[]")

    def _follows(self, client: MarketClient, element: Mapping[str, Any]) -> bool:
        # An element without an asset (the owner's simplified shape) is its market's.
        assets = assets_in(element) or client.tokens_of(element["market"])
        return any(asset in client.assets for asset in assets)
