"""What a feed was told besides frames: enough, with them, to tell it the same again.

A feed has no clock and no socket, so its outputs are a function of the calls it got. A recording
that holds the frames and these touches in their order gives the same books, epochs and event ids.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, NamedTuple

TouchKind = Literal["feed", "connected", "tick", "books", "follow", "unfollow", "disconnected", "said"]


class Touch(NamedTuple):
    """One call of a feed. ``body`` depends on the kind:

    ``feed`` and ``follow``: markets; ``unfollow``: market ids; ``connected`` and ``disconnected``:
    the StreamSession; ``books``: decoded REST books; ``said``: outputs of the connection itself
    (silence, reconnect), which no feed would tell again; ``tick``: None.
    """

    kind: TouchKind
    shard: int
    at: datetime
    session_id: str
    body: Any = None


# Called right before the feed is, in the order in which feeds are called.
TouchHook = Callable[[Touch], object]
