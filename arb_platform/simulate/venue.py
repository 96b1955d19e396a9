"""What both simulated venues are before they say a word: a server on this machine, with faults."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from arb_platform.domain.errors import SettingsError
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.recordings import Recording
from arb_platform.simulate.server import Connection, LoopbackServer


class SimulatedVenue:
    """The address, the sockets and the end of a venue; a subclass says in ``start`` what it serves."""

    def __init__(
        self, venue: str, *, host: str, port: int, recording: Recording | None, faults: Faults | None
    ) -> None:
        if recording is not None and recording.venue != venue:
            raise SettingsError(f"{recording.directory} holds frames of {recording.venue}, not of {venue}")
        self.venue = venue
        self.faults = faults or Faults()
        self._server = LoopbackServer(host, port)
        self._connection_count = 0

    @property
    def address(self) -> str:
        """Host and port; the port is known once the venue was started."""
        return f"{self._server.host}:{self._server.port}"

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The sockets that are open, oldest first, each with disconnect, fall_silent and freeze."""
        return tuple(self._server.connections.values())

    async def stop(self) -> None:
        await self._server.stop()

    async def _converse(
        self, request: web.Request, talk: Callable[[Connection], Awaitable[None]]
    ) -> web.StreamResponse:
        """Accept the next websocket and run ``talk`` on it."""
        self._connection_count += 1
        name = f"{self.venue}-{self._connection_count}"
        return await self._server.converse(request, name=name, faults=self.faults, talk=talk)
