"""One client of Kalshi's websocket: its commands, its subscriptions and their sequences."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from arb_platform.simulate import kalshi_frames as frames
from arb_platform.simulate.server import Connection, messages

ORDERBOOK: Final = "orderbook_delta"
TRADE: Final = "trade"
TICKER: Final = "ticker"
LIFECYCLE: Final = "market_lifecycle_v2"
# The ticker channel has no sequence; every other has one for each subscription.
_UNSEQUENCED: Final = (TICKER,)
CHANNELS: Final = (ORDERBOOK, TRADE, TICKER, LIFECYCLE)
# "256 tickers per command is an older cap" (venues.md 2.4); more are still refused here.
TICKERS_PER_COMMAND: Final = 256
# The venue's error codes (AsyncAPI, 2026).
ERRORS: Final = {
    1: "Unable to process message", 2: "Params required", 3: "Channels required",
    4: "Subscription IDs required", 5: "Unknown command", 7: "Unknown subscription ID", 8: "Unknown channel name",
    9: "Authentication required", 10: "Channel error", 11: "Invalid parameter",
    12: "Exactly one subscription ID is required", 13: "Unsupported action", 14: "Market Ticker required",
    15: "Action required", 25: "Subscription buffer overflow", 26: "Market limit exceeded",
}  # fmt: skip


class Refusal(Exception):
    """A command that is answered with an error message."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


class Subscription:
    """One channel of one client. Its sequence counts every frame of the sid, replies included."""

    __slots__ = ("channel", "client", "everything", "seq", "sid", "tickers", "use_yes_price")

    def __init__(self, client: "KalshiClient", sid: int, channel: str, *, use_yes_price: bool) -> None:
        self.client = client
        self.sid = sid
        self.channel = channel
        self.use_yes_price = use_yes_price
        self.tickers: dict[str, None] = {}
        # a channel that was subscribed without tickers follows all markets
        self.everything = False
        self.seq = 0

    def send(self, kind: str, tail: bytes, ticker: str | None, *, detail: str = "", number: int = 0) -> None:
        """A frame of market data; ``number`` is the id of the command that it answers."""
        self.client.connection.send_data(self._framed(kind, tail, number), ticker, detail=detail)

    def reply(self, kind: str, tail: bytes | None, number: int) -> None:
        self.client.connection.send(self._framed(kind, tail, number))

    def _framed(self, kind: str, tail: bytes | None, number: int) -> bytes:
        identity = b'"id":%d,' % number if number else b""
        if self.channel in _UNSEQUENCED and kind == TICKER:
            head = b'{%b"type":"%b","sid":%d' % (identity, kind.encode(), self.sid)
        else:
            self.seq += 1
            head = b'{%b"type":"%b","sid":%d,"seq":%d' % (identity, kind.encode(), self.sid, self.seq)
        return head + (b"}" if tail is None else b"," + tail)


class Venue(Protocol):
    """What a client's commands act on."""

    def knows(self, ticker: str) -> bool: ...
    def follow(self, subscription: Subscription, tickers: Iterable[str]) -> None: ...
    def unfollow(self, subscription: Subscription, tickers: Iterable[str]) -> None: ...
    def first_snapshots(self, subscription: Subscription, tickers: Iterable[str]) -> None: ...
    def snapshots(self, subscription: Subscription, tickers: Iterable[str], number: int) -> None: ...


class KalshiClient:
    """Reads commands and answers them; ``subscriptions`` is by sid."""

    def __init__(self, connection: Connection, venue: Venue) -> None:
        self.connection = connection
        self.subscriptions: dict[int, Subscription] = {}
        self._venue = venue
        self._last_sid = 0
        self._commands: dict[str, Callable[[int, dict[str, Any]], None]] = {
            "subscribe": self._subscribe,
            "update_subscription": self._update,
            "unsubscribe": self._unsubscribe,
        }

    async def talk(self) -> None:
        try:
            async for text in messages(self.connection):
                self._command(text)
        finally:
            for sid in list(self.subscriptions):
                self._end(self.subscriptions[sid])

    def overflow(self) -> None:
        """Error 25 on the first book subscription, which is over then."""
        for subscription in list(self.subscriptions.values()):
            if subscription.channel == ORDERBOOK:
                subscription.reply("error", frames.msg_tail({"code": 25, "msg": ERRORS[25]}), 0)
                self._end(subscription)
                return

    def _command(self, text: str) -> None:
        number = 0
        try:
            try:
                message = json.loads(text)
                number = message.get("id", 0)
                name, params = message.get("cmd"), message.get("params")
            except (ValueError, AttributeError):
                raise Refusal(1) from None
            if not isinstance(number, int) or isinstance(number, bool):
                number = 0
                raise Refusal(11)
            if name == "list_subscriptions":
                self._list(number)
                return
            if name not in self._commands:
                raise Refusal(5)
            if not isinstance(params, dict):
                raise Refusal(2)
            self._commands[name](number, params)
        except Refusal as refusal:
            self._refuse(number, refusal.code)

    def _refuse(self, number: int, code: int) -> None:
        self.connection.send(
            frames.compact({"id": number, "type": "error", "msg": {"code": code, "msg": ERRORS[code]}})
        )

    def _subscribe(self, number: int, params: dict[str, Any]) -> None:
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise Refusal(3)
        if any(channel not in CHANNELS for channel in channels):
            raise Refusal(8)
        tickers = _tickers(params, required=ORDERBOOK in channels)
        known = [ticker for ticker in tickers if self._venue.knows(ticker)]
        unknown = [ticker for ticker in tickers if not self._venue.knows(ticker)]
        if unknown and not known:
            raise Refusal(11)
        for channel in dict.fromkeys(channels):
            subscription = self._open(number, channel, use_yes_price=params.get("use_yes_price") is True)
            wanted = [] if channel == LIFECYCLE else known
            subscription.everything = not wanted
            subscription.tickers.update(dict.fromkeys(wanted))
            self._venue.follow(subscription, wanted)
            for ticker in unknown if channel != LIFECYCLE else ():
                self._strange(subscription, ticker, number)
            if channel == ORDERBOOK or (channel == TICKER and params.get("send_initial_snapshot") is True):
                self._venue.first_snapshots(subscription, wanted)

    def _open(self, number: int, channel: str, *, use_yes_price: bool) -> Subscription:
        self._last_sid += 1
        subscription = Subscription(self, self._last_sid, channel, use_yes_price=use_yes_price)
        self.subscriptions[subscription.sid] = subscription
        self.connection.send(
            frames.compact(
                {"id": number, "type": "subscribed", "msg": {"channel": channel, "sid": subscription.sid}}
            )
        )
        return subscription

    def _strange(self, subscription: Subscription, ticker: str, number: int) -> None:
        """A ticker that is not listed: an error that consumes a number of the sequence."""
        message = {"code": 11, "msg": ERRORS[11], "market_ticker": ticker}
        subscription.reply("error", frames.msg_tail(message), number)

    def _update(self, number: int, params: dict[str, Any]) -> None:
        subscription = self._named(params)
        action = params.get("action")
        if action is None:
            raise Refusal(15)
        if action not in ("add_markets", "delete_markets", "get_snapshot"):
            raise Refusal(13)
        tickers = _tickers(params, required=True)
        if action == "get_snapshot":
            self._venue.snapshots(subscription, [t for t in tickers if t in subscription.tickers], number)
            return
        known = [ticker for ticker in tickers if self._venue.knows(ticker)]
        if action == "delete_markets":
            self._venue.unfollow(subscription, known)
            for ticker in known:
                subscription.tickers.pop(ticker, None)
            self._ok(subscription, number)
            return
        fresh = [ticker for ticker in known if ticker not in subscription.tickers]
        subscription.tickers.update(dict.fromkeys(fresh))
        self._venue.follow(subscription, fresh)
        self._ok(subscription, number)
        for ticker in tickers:
            if ticker not in known:
                self._strange(subscription, ticker, number)
        if subscription.channel == ORDERBOOK:
            self._venue.first_snapshots(subscription, fresh)

    def _ok(self, subscription: Subscription, number: int) -> None:
        subscription.reply("ok", frames.msg_tail({"market_tickers": list(subscription.tickers)}), number)

    def _unsubscribe(self, number: int, params: dict[str, Any]) -> None:
        subscription = self._named(params)
        subscription.reply("unsubscribed", None, number)
        self._end(subscription)

    def _list(self, number: int) -> None:
        known = [{"channel": s.channel, "sid": s.sid} for s in self.subscriptions.values()]
        self.connection.send(frames.compact({"id": number, "type": "ok", "msg": known}))

    def _end(self, subscription: Subscription) -> None:
        self._venue.unfollow(subscription, list(subscription.tickers))
        self.subscriptions.pop(subscription.sid, None)

    def _named(self, params: dict[str, Any]) -> Subscription:
        """The one subscription that ``sid`` or ``sids`` names."""
        sids = [params["sid"]] if "sid" in params else params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise Refusal(4)
        if len(sids) != 1:
            raise Refusal(12)
        subscription = self.subscriptions.get(sids[0]) if isinstance(sids[0], int) else None
        if subscription is None:
            raise Refusal(7)
        return subscription


def _tickers(params: dict[str, Any], *, required: bool) -> list[str]:
    """The tickers of a command, each once; ``market_ticker`` and ``market_tickers`` exclude each other."""
    if "market_ticker" in params and "market_tickers" in params:
        raise Refusal(11)
    named = [params["market_ticker"]] if "market_ticker" in params else params.get("market_tickers", [])
    if not isinstance(named, list) or not all(isinstance(ticker, str) for ticker in named):
        raise Refusal(11)
    if required and not named:
        raise Refusal(14)
    if len(named) > TICKERS_PER_COMMAND:
        raise Refusal(26)
    return list(dict.fromkeys(named))
