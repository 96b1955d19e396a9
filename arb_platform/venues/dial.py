"""Opening one websocket: headers made afresh, and every way it can fail told apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from arb_platform.domain.errors import CredentialsError, SettingsError, TransportError
from arb_platform.venues.backoff import Timing, retry_after
from arb_platform.venues.push import PushConnection
from arb_platform.venues.rest_client import is_loopback, why

MAX_FRAME_BYTES: Final = 32 * 1024 * 1024
OPEN_TIMEOUT_SECONDS: Final = 10.0
CLOSE_TIMEOUT_SECONDS: Final = 1.0
_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect. ``headers`` is called for every handshake: signatures are good for one only.

    ``refused`` is what a user can do when the venue answers 401 or 403.
    """

    url: str
    headers: Callable[[], Mapping[str, str]]
    refused: str


class HandshakeFailed(TransportError):
    """No connection this time. ``wait`` is how long the venue asked us to stay away, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


async def dial(endpoint: Endpoint, timing: Timing) -> PushConnection:
    """An open websocket. Raises HandshakeFailed where trying again may help, else CredentialsError."""
    try:
        socket = await connect(
            endpoint.url,
            additional_headers=endpoint.headers(),
            user_agent_header="arb-platform",
            # The venues have keep-alives of their own; compression costs more than it saves here.
            ping_interval=None,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_TIMEOUT_SECONDS,
            close_timeout=CLOSE_TIMEOUT_SECONDS,
            proxy=None if is_loopback(endpoint.url) else True,
            create_connection=PushConnection,
        )
    except InvalidStatus as error:
        raise _refusal(error, endpoint, timing) from None
    except InvalidURI as error:
        raise SettingsError(f"not a websocket address: {error}. Correct the venue's address.") from None
    except (InvalidHandshake, OSError, TimeoutError) as error:
        raise HandshakeFailed(why(error)) from None
    assert isinstance(socket, PushConnection)
    return socket


def _refusal(error: InvalidStatus, endpoint: Endpoint, timing: Timing) -> TransportError:
    status = error.response.status_code
    if status in _REFUSED:
        return CredentialsError(f"the websocket handshake was refused with HTTP {status}: {endpoint.refused}")
    wait = retry_after(error.response.headers.get("Retry-After"), timing.clock())
    return HandshakeFailed(f"the handshake was answered with HTTP {status}", wait)
