"""Two markets of each venue as dictionaries, what the venue sends about them, and what goes wrong on the way."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.domain.units import ONE
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.polymarket import PolymarketFeed

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MS = int(NOON.timestamp()) * 1000
CENT = ONE // 100


def best(bids, asks, depth):
    return (
        tuple((price, bids[price]) for price in sorted(bids, reverse=True)[:depth]),
        tuple((price, asks[price]) for price in sorted(asks)[:depth]),
    )


class Venue:
    """Two markets' books as dictionaries, and how often ours were compared with them."""

    def __init__(self, seed, depth):
        self.random = Random(seed)
        self.seed = seed
        self.depth = depth
        self.now = NOON
        self.operations = 0
        self.compared = 0
        # markets of which something was lost or is under way: ours may be another until it is whole
        self.unsure = set()
        self.books = [self.first_book(), self.first_book()]

    def first_book(self):
        return (
            {price * CENT: self.random.randint(1, 9) * ONE for price in range(30, 49)},
            {price * CENT: self.random.randint(1, 9) * ONE for price in range(51, 70)},
        )

    def steps(self, count):
        for _ in range(count):
            self.step()

    def turn(self):
        """The next millisecond, and the market it is about."""
        self.now += timedelta(milliseconds=1)
        return self.random.randrange(2)

    def change(self, number):
        """Change a level; its side, price, and sizes before and after."""
        self.operations += 1
        side = self.random.randrange(2)
        levels = self.books[number][side]
        price = self.random.randint(30, 48) * CENT if side == 0 else self.random.randint(51, 69) * CENT
        before, after = levels.get(price, 0), self.random.choice((0, 1, 2, 5)) * ONE
        if after:
            levels[price] = after
        else:
            levels.pop(price, None)
        return side, price, before, after

    def compare(self, snapshot, number):
        """Hold what we vouch for against the dictionary."""
        if self.depth > 3 and self.operations % 8:
            return  # a whole book takes its time to compare
        if snapshot is not None and number not in self.unsure:
            self.compared += 1
            truth = best(*self.books[number], self.depth)
            assert (snapshot.bids, snapshot.asks) == truth, (self.seed, self.operations)


class Polymarket(Venue):
    """Frames after docs.polymarket.com (market channel)."""

    def __init__(self, seed, depth):
        super().__init__(seed, depth)
        self.markets = [
            Market(
                POLYMARKET,
                f"0x{n}",
                "",
                "",
                "",
                None,
                "",
                asset_ids=(f"{n}1", f"{n}2"),
                outcomes=("Yes", "No"),
            )
            for n in (7, 8)
        ]
        self.feed = PolymarketFeed(self.markets, depth)
        self.session = 0
        self.due = []

    @property
    def ms(self):
        return MS + (self.now - NOON) // timedelta(milliseconds=1)

    def book(self, number):
        sides = [
            [{"price": f"{price / ONE:g}", "size": f"{size // ONE}"} for price, size in levels.items()]
            for levels in self.books[number]
        ]
        market = self.markets[number]
        return {
            "event_type": "book", "market": market.market_id, "asset_id": market.asset_ids[0], "hash": "",
            "timestamp": str(self.ms), "bids": sides[0], "asks": sides[1],
        }  # fmt: skip

    def changes(self, number):
        """A message of one to five changes."""
        market = self.markets[number]
        done = [self.change(number) for _ in range(self.random.randint(1, 5))]
        bids, asks = self.books[number]
        bid, ask = max(bids, default=0) / ONE, min(asks, default=ONE) / ONE
        parts = ",".join(
            f'{{"asset_id":"{market.asset_ids[0]}","price":"{price / ONE:g}","size":"{after // ONE}",'
            f'"side":"{("BUY", "SELL")[side]}","hash":"0","best_bid":"{bid:g}","best_ask":"{ask:g}"}}'
            for side, price, _, after in done
        )
        return (
            f'{{"market":"{market.market_id}","price_changes":[{parts}],"timestamp":"{self.ms}",'
            '"event_type":"price_change"}'
        )

    def receive(self, frame):
        for output in self.feed.receive(frame, self.now + timedelta(microseconds=500)):
            if isinstance(output, BookSnapshot):
                self.compare(output, output.market.market_id == "0x8")

    def connect(self):
        self.session += 1
        if self.session > 1:
            self.feed.disconnected(self.now, "lost")
        self.feed.connected(f"s{self.session}", self.now)
        self.feed.frames_to_send()
        self.unsure.clear()
        self.due.clear()
        self.receive(json.dumps([self.book(0), self.book(1)]))

    def fault(self, number):
        """Something that goes wrong, after which this book is right or not vouched for."""
        self.operations += 1
        market, draw = self.markets[number], self.random.randrange(9)
        if draw == 0:
            self.connect()
        elif draw == 1:
            self.receive(self.changes(number)[: -self.random.randint(1, 60)])
        elif draw == 2:
            self.changes(number)
            self.unsure.add(number)
        elif draw == 3:
            frame = self.changes(number)
            self.receive(frame)
            self.receive(frame)
        elif draw == 4:
            early, self.now = self.changes(number), self.now + timedelta(milliseconds=1)
            before = set(self.unsure)
            self.unsure.add(number)
            self.receive(self.changes(number))
            self.unsure = before
            self.receive(early)
        elif draw == 5:
            tick = {
                "event_type": "tick_size_change",
                "asset_id": market.asset_ids[0],
                "market": market.market_id,
            }
            self.receive(json.dumps({**tick, "timestamp": str(self.ms)}))
            assert self.feed.snapshot_of(market.market_id) is None
        else:
            self.receive(self.random.choice(('{"event_type":"mood"}', "\x00", "[]", "PONG", "<html>")))

    def step(self):
        number = self.turn()
        if self.random.random() < 0.008:
            self.fault(number)
        elif self.unsure and self.random.random() < 0.05:
            whole = self.unsure.pop()
            self.receive(json.dumps(self.book(whole)))
        else:
            self.receive(self.changes(number))
        self.compare(self.feed.snapshot_of(self.markets[number].market_id), number)
        for asset in self.feed.books_wanted():
            self.due.append((self.operations + self.random.randint(0, 20), int(asset == "81")))
        if self.due and self.due[0][0] <= self.operations:
            _, whole = self.due.pop(0)
            self.feed.receive_book(self.book(whole), self.now + timedelta(microseconds=600))
            if self.feed.snapshot_of(self.markets[whole].market_id) is not None and whole not in self.unsure:
                self.compare(self.feed.snapshot_of(self.markets[whole].market_id), whole)


class Kalshi(Venue):
    """Frames after docs.kalshi.com (AsyncAPI)."""

    tickers = ("A", "B")

    def __init__(self, seed, depth):
        super().__init__(seed, depth)
        self.feed = KalshiFeed(self.tickers, depth)
        self.session = self.seq = 0
        self.due = []

    def framed(self, kind, message):
        self.seq += 1
        return f'{{"type":"{kind}","sid":1,"seq":{self.seq},"msg":{message}}}'

    def delta(self, number):
        side, price, before, after = self.change(number)
        shown = price if side == 0 else ONE - price
        return self.framed(
            "orderbook_delta",
            f'{{"market_ticker":"{self.tickers[number]}","price_dollars":"{shown / ONE:.4f}",'
            f'"delta_fp":"{(after - before) // ONE}.00","side":"{("yes", "no")[side]}"}}',
        )

    def whole(self, number):
        bids, asks = self.books[number]
        sides = {
            "yes_dollars_fp": [[f"{price / ONE:.4f}", f"{size // ONE}.00"] for price, size in bids.items()],
            "no_dollars_fp": [
                [f"{1 - price / ONE:.4f}", f"{size // ONE}.00"] for price, size in asks.items()
            ],
        }
        return self.framed("orderbook_snapshot", json.dumps({"market_ticker": self.tickers[number], **sides}))

    def receive(self, frame):
        for output in self.feed.receive(frame, self.now + timedelta(microseconds=500)):
            if isinstance(output, BookSnapshot):
                self.compare(output, self.tickers.index(output.market.market_id))

    def connect(self):
        self.session += 1
        if self.session > 1:
            self.feed.disconnected(self.now, "lost")
        self.feed.connected(f"s{self.session}", self.now)
        self.seq = 0
        self.due.clear()
        self.unsure.clear()
        self.answer_commands()

    def answer_commands(self):
        for frame in self.feed.frames_to_send():
            command = json.loads(frame)
            if command["cmd"] == "subscribe":
                self.receive('{"id":1,"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}')
                self.receive(self.whole(0))
                self.receive(self.whole(1))
            else:
                when = self.operations + self.random.randint(0, 20)
                self.due += [(when, self.tickers.index(one)) for one in command["params"]["market_tickers"]]

    def fault(self, number):
        """Something that goes wrong, which the next number of the sequence tells."""
        self.operations += 1
        draw = self.random.randrange(7)
        if draw == 0:
            self.connect()
        elif draw == 1:
            self.receive(self.delta(number)[: -self.random.randint(1, 40)])
            # Nobody can know what it was before the next number comes.
            self.unsure.add(number)
        elif draw == 2:
            self.delta(number)
            self.unsure.add(number)
        elif draw == 3:
            frame = self.delta(number)
            self.receive(frame)
            self.receive(frame)
        elif draw == 4:
            early, late = self.delta(number), self.delta(number)
            self.unsure.add(number)
            self.receive(late)
            self.unsure.discard(number)
            self.receive(early)
        elif draw == 5:
            self.receive(self.framed("ok", '{"market_tickers":["A","B"]}'))
        else:
            self.receive(
                self.random.choice(('{"type":"mood","msg":{}}', "\x00", "", '{"type":"ticker","msg":{}}'))
            )

    def step(self):
        number = self.turn()
        if self.random.random() < 0.008:
            self.fault(number)
        else:
            frame = self.delta(number)
            # From here on the sequence has told of what was missing.
            self.unsure.clear()
            self.receive(frame)
        self.compare(self.feed.snapshot_of(self.tickers[number]), number)
        self.answer_commands()
        if self.due and self.due[0][0] <= self.operations:
            self.receive(self.whole(self.due.pop(0)[1]))
