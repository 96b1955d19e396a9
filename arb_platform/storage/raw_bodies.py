"""What the rows of a recording that are no frames hold: JSON of markets, sessions, events and REST books."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamOutput, StreamSession

_SAID: Final[Mapping[str, type[StreamEvent | QuarantinedFrame | StreamSession]]] = {
    "event": StreamEvent,
    "quarantined": QuarantinedFrame,
    "session": StreamSession,
}
_WORDS: Final = {kind: word for word, kind in _SAID.items()}


class BrokenBody(ValueError):
    """Why the body of a row cannot be understood."""


def dump(value: Any) -> bytes:
    """JSON in ASCII, so that market text with a lone surrogate survives."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def dump_markets(markets: Sequence[Market], **more: Any) -> bytes:
    return dump({"markets": [asdict(market) for market in markets], **more})


def plain(session: StreamSession) -> dict[str, Any]:
    return asdict(session)


def dump_session(session: StreamSession) -> bytes:
    return dump(plain(session))


def dump_said(outputs: Sequence[StreamOutput]) -> bytes:
    """What a connection said itself; snapshots are the feeds' and have no place here."""
    rows = [output for output in outputs if not isinstance(output, BookSnapshot)]
    return dump([{"is": _WORDS[type(row)], **asdict(row)} for row in rows])


def load(body: bytes) -> Any:
    """Raises BrokenBody."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenBody(f"not JSON: {error}") from None


def load_markets(body: bytes) -> list[Market]:
    """Markets, whole, as they were known when they were followed. Raises BrokenBody."""
    document = load(body)
    markets: list[Market] = _convert(
        document.get("markets") if isinstance(document, dict) else None, list[Market]
    )
    return markets


def load_resumed(body: bytes) -> tuple[list[Market], StreamSession | None]:
    """The markets and the open session of a shard. Raises BrokenBody."""
    document = load(body)
    return load_markets(body), _convert(document.get("session"), StreamSession | None)


def load_session(body: bytes) -> StreamSession:
    """Raises BrokenBody."""
    session: StreamSession = _convert(load(body), StreamSession)
    return session


def load_said(body: bytes) -> list[StreamOutput]:
    """Raises BrokenBody."""
    items = _convert(load(body), list[dict[str, Any]])
    return [_convert(item, _SAID[word]) for item in items if (word := _word(item))]


def load_ids(body: bytes) -> list[str]:
    """Raises BrokenBody."""
    ids: list[str] = _convert(load(body), list[str])
    return ids


def load_books(body: bytes) -> list[Any]:
    """Decoded REST books. Raises BrokenBody."""
    books: list[Any] = _convert(load(body), list[Any])
    return books


def _word(item: dict[str, Any]) -> str:
    word = item.pop("is", None)
    if word not in _SAID:
        raise BrokenBody(f"nothing is called {word!r}")
    return str(word)


def _convert(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BrokenBody(str(error)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return msgspec.to_builtins(value)
    raise TypeError(f"not a plain value: {value!r}")
