"""Realistic frames of both venues, seeded, with the books that they end in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, Final, Protocol

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform_tests.benchmarks.walks import ONE, Step, WalkedBook, odd_sizes

BookOf = tuple[list[tuple[int, int]], list[tuple[int, int]]]
# Venue time of the first frame; each frame is one millisecond later, so that it can be told by its time.
START_MS: Final = 1_786_728_000_000


class Source(Protocol):
    """Frames without end."""

    venue: str
    markets: tuple[Market, ...]

    def opening(self) -> list[bytes]:
        """The whole books, as the venue sends them after a subscription."""

    def frames(self, count: int) -> Iterator[bytes]:
        """The next ``count`` frames."""

    def books(self) -> dict[str, BookOf]:
        """What the books are after all frames until now: market id to (bids, asks), best first, whole."""


@dataclass(frozen=True)
class Load:
    """A finished piece of a source."""

    venue: str
    markets: tuple[Market, ...]
    opening: list[bytes]
    frames: list[bytes]
    books: dict[str, BookOf]

    @property
    def mean_bytes(self) -> float:
        return sum(map(len, self.frames)) / len(self.frames)


def source(venue: str, *, markets: int, seed: int, start_ms: int = START_MS) -> Source:
    """The source of this venue; equal arguments give equal bytes."""
    kind = {POLYMARKET: PolymarketSource, KALSHI: KalshiSource}[venue]
    return kind(markets=markets, seed=seed, start_ms=start_ms)


def load(venue: str, *, frames: int, markets: int, seed: int) -> Load:
    """``frames`` frames of a fresh source, kept in memory."""
    made = source(venue, markets=markets, seed=seed)
    opening = made.opening()
    kept = list(made.frames(frames))
    return Load(venue, made.markets, opening, kept, made.books())


class _Source:
    venue: str
    ticks: tuple[int, ...]

    def __init__(self, *, markets: int, seed: int, start_ms: int) -> None:
        self.rng = Random(seed)
        self.markets = tuple(self.market(number) for number in range(markets))
        odd = odd_sizes(self.rng)
        self.walks = [WalkedBook(self.rng, self.rng.choice(self.ticks), odd) for _ in self.markets]
        # A few markets make most of the traffic.
        self._weights = list(accumulate(1 / (number + 3) for number in range(markets)))
        self._order = list(range(markets))
        self.now_ms = start_ms

    def market(self, number: int) -> Market:
        raise NotImplementedError

    def frame(self, number: int) -> bytes:
        raise NotImplementedError

    def frames(self, count: int) -> Iterator[bytes]:
        while count > 0:
            # Drawn in pieces: one draw costs more than the frame otherwise.
            piece = min(count, 4_096)
            for number in self.rng.choices(self._order, cum_weights=self._weights, k=piece):
                yield self.frame(number)
                self.now_ms += 1
            count -= piece

    def books(self) -> dict[str, BookOf]:
        return {
            market.market_id: (walk.bids.ordered(), walk.asks.ordered())
            for market, walk in zip(self.markets, self.walks, strict=True)
        }


class PolymarketSource(_Source):
    """Over 99 % ``price_change``: each message covers both tokens and states the top after it.

    The rest are whole books of both tokens, as after a trade, and ``last_trade_price``. The shape is
    that of frames recorded in August 2026.
    """

    venue = POLYMARKET
    ticks = (10_000, 1_000)

    def market(self, number: int) -> Market:
        tokens = tuple(str(self.rng.randrange(10**76, 10**77)) for _ in range(2))
        condition = f"0x{self.rng.getrandbits(256):064x}"
        return _market(POLYMARKET, condition, f"will-it-{number}", tokens)

    def opening(self) -> list[bytes]:
        """One frame for each market: an array of the books of both tokens."""
        return [self._books(number) for number in range(len(self.markets))]

    def frame(self, number: int) -> bytes:
        chance = self.rng.random()
        if chance < 0.004:
            return self._books(number)
        if chance < 0.007:
            return self._trade(number)
        return self._change(number, 1 if chance < 0.86 else 2 if chance < 0.95 else 3)

    def _change(self, number: int, steps: int) -> bytes:
        market, walk, rng = self.markets[number], self.walks[number], self.rng
        changed = [walk.step() for _ in range(steps)]
        yes, no = market.asset_ids
        bid, ask = walk.bids.best, walk.asks.best
        top = f'"best_bid":"{_number(bid)}","best_ask":"{_number(ask)}"'
        mirror_top = f'"best_bid":"{_number(ONE - ask)}","best_ask":"{_number(ONE - bid)}"'
        parts = []
        for step in changed:
            size = _number(step.size)
            sides = ("BUY", "SELL") if step.bid else ("SELL", "BUY")
            for asset, price, side, stated in (
                (yes, step.price, sides[0], top), (no, ONE - step.price, sides[1], mirror_top),
            ):  # fmt: skip
                parts.append(
                    f'{{"asset_id":"{asset}","price":"{_number(price)}","size":"{size}","side":"{side}",'
                    f'"hash":"{rng.getrandbits(160):040x}",{stated}}}'
                )
        return (
            f'{{"market":"{market.market_id}","price_changes":[{",".join(parts)}],'
            f'"timestamp":"{self.now_ms}","event_type":"price_change"}}'
        ).encode()

    def _books(self, number: int) -> bytes:
        walk = self.walks[number]
        bids, asks = walk.bids.ordered(), walk.asks.ordered()
        mirrored = (
            [(ONE - price, size) for price, size in asks],
            [(ONE - price, size) for price, size in bids],
        )
        books = [self._book(number, token, *sides) for token, sides in enumerate(((bids, asks), mirrored))]
        return json.dumps(books, separators=(",", ":")).encode()

    def _book(
        self, number: int, token: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
    ) -> dict[str, Any]:
        # Worst first, as the venue sends them.
        sides = {
            name: [{"price": _number(price), "size": _number(size)} for price, size in reversed(levels)]
            for name, levels in (("bids", bids), ("asks", asks))
        }
        market = self.markets[number]
        return {
            "market": market.market_id, "asset_id": market.asset_ids[token], "timestamp": str(self.now_ms),
            "hash": f"{self.rng.getrandbits(160):040x}", **sides, "event_type": "book",
        }  # fmt: skip

    def _trade(self, number: int) -> bytes:
        market = self.markets[number]
        trade = {
            "market": market.market_id, "asset_id": market.asset_ids[0], "price": _number(self.walks[number].asks.best),
            "size": "10", "fee_rate_bps": "0", "side": "BUY", "timestamp": str(self.now_ms),
            "transaction_hash": f"0x{self.rng.getrandbits(256):064x}", "event_type": "last_trade_price",
        }  # fmt: skip
        return json.dumps(trade, separators=(",", ":")).encode()


class KalshiSource(_Source):
    """``orderbook_delta`` with fp strings, one running ``seq`` over all markets of sid 1; a few trades on sid 2."""

    venue = KALSHI
    ticks = (10_000,)

    def __init__(self, *, markets: int, seed: int, start_ms: int) -> None:
        super().__init__(markets=markets, seed=seed, start_ms=start_ms)
        self._seq = self._trades = 0

    def market(self, number: int) -> Market:
        ticker = f"KXBENCH-26AUG{number:05d}-T{number % 97}"
        return _market(KALSHI, ticker, ticker, ())

    def opening(self) -> list[bytes]:
        return [b'{"id":1,"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}'] + [
            self._snapshot(number) for number in range(len(self.markets))
        ]

    def frame(self, number: int) -> bytes:
        if self.rng.random() < 0.01:
            return self._trade(number)
        step = self.walks[number].step()
        return self._delta(number, step)

    def _delta(self, number: int, step: Step) -> bytes:
        self._seq += 1
        side, price = ("yes", step.price) if step.bid else ("no", ONE - step.price)
        return (
            f'{{"type":"orderbook_delta","sid":1,"seq":{self._seq},"msg":{{'
            f'"market_ticker":"{self.markets[number].market_id}","market_id":"d4304bf6-90a4-4a6e-9fee-19b3609dbe0a",'
            f'"price_dollars":"{price / ONE:.4f}","delta_fp":"{step.change / ONE:.2f}","side":"{side}",'
            f'"ts":"2026-08-14T18:07:18.602314Z","ts_ms":{self.now_ms}}}}}'
        ).encode()

    def _snapshot(self, number: int) -> bytes:
        self._seq += 1
        walk = self.walks[number]
        yes = sorted(walk.bids.levels.items())
        no = sorted((ONE - price, size) for price, size in walk.asks.levels.items())
        message = {
            "market_ticker": self.markets[number].market_id,
            "market_id": "d4304bf6-90a4-4a6e-9fee-19b3609dbe0a",
            **{
                f"{name}_dollars_fp": [[f"{price / ONE:.4f}", f"{size / ONE:.2f}"] for price, size in levels]
                for name, levels in (("yes", yes), ("no", no))
            },
        }
        frame = {"type": "orderbook_snapshot", "sid": 1, "seq": self._seq, "msg": message}
        return json.dumps(frame, separators=(",", ":")).encode()

    def _trade(self, number: int) -> bytes:
        self._trades += 1
        price = self.walks[number].asks.best
        message = {
            "trade_id": f"{self.rng.getrandbits(128):032x}", "market_ticker": self.markets[number].market_id,
            "yes_price_dollars": f"{price / ONE:.4f}", "no_price_dollars": f"{(ONE - price) / ONE:.4f}",
            "count_fp": "1.00", "taker_side": "yes", "ts": self.now_ms // 1_000, "ts_ms": self.now_ms,
        }  # fmt: skip
        return json.dumps(
            {"type": "trade", "sid": 2, "seq": self._trades, "msg": message}, separators=(",", ":")
        ).encode()


def _market(venue: str, market_id: str, symbol: str, tokens: tuple[str, ...]) -> Market:
    return Market(
        venue=venue, market_id=market_id, symbol=symbol, title="A market of the benchmark", rules="", close_time=None,
        resolution_source="", asset_ids=tokens,
    )  # fmt: skip


def _number(value: int) -> str:
    """Millionths as Polymarket writes them: no trailing zeros."""
    whole, part = divmod(value, ONE)
    return f"{whole}.{part:06d}".rstrip("0") if part else str(whole)
