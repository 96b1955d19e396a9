"""Coin prices: touch against on-date, an exchange's candle against an index, noon against five o'clock.

Almost nothing here is the same bet on both venues, however alike it sounds; that is how it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from arb_platform.simulate.drafts import (
    KalshiDraft,
    KalshiEvent,
    KalshiSeries,
    PolymarketDraft,
    PolymarketEvent,
    Topic,
)
from arb_platform.simulate.outcomes import Span
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    MONTHS,
    bell,
    day_code,
    eastern,
    last_minute,
    month_day,
    month_end,
    number,
    short_date,
    slug,
    zone_name,
)


@dataclass(frozen=True, slots=True)
class _Coin:
    name: str
    symbol: str
    index: str
    price: float
    step: float
    decimals: int = 0

    def dollars(self, cents: int) -> str:
        return f"${number(cents / 100, self.decimals)}"


_COINS: Final = (
    _Coin("Bitcoin", "BTC", "Bitcoin Real-Time Index (BRTI)", 96_000, 2_000),
    _Coin("Ethereum", "ETH", "Ethereum Real-Time Index (ETHUSD_RTI)", 3_300, 100),
    _Coin("Solana", "SOL", "Solana Real-Time Index (SOLUSD_RTI)", 180, 10),
    _Coin("XRP", "XRP", "Ripple Real-Time Index (XRPUSD_RTI)", 2.4, 0.1, 2),
)  # fmt: skip
_CF: Final = ("CF Benchmarks", "https://www.cfbenchmarks.com/data/indices")
_NOT_ALL_THE_SAME: Final = "Crypto prices differ between sources. Checking an exchange may help your decision, but the price that decides this market is the corresponding CF Benchmarks Real Time Index (RTI): in the last minute before expiration sixty RTI prices are collected, and the official and final value is the average of these prices."


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    today = now.date()
    yield _daily(_COINS[0], today + timedelta(days=3), rng)
    yield _month(_COINS[0], today, rng)
    yield _year_end(_COINS[0], today, rng)
    yield _treasury(today, rng)
    for coin in _COINS[1:]:
        yield _month(coin, today, rng)
        yield _daily(coin, today + timedelta(days=3), rng)
        yield _year_end(coin, today, rng)
    for ahead in range(4, 4000):
        for coin in _COINS:
            yield _daily(coin, today + timedelta(days=ahead), rng)


def _levels(coin: _Coin, rng: Random, count: int) -> list[int]:
    """Thresholds around the price, in cents."""
    middle = round(coin.price / coin.step) + rng.choice((-1, 0, 1))
    return [round((middle + offset) * coin.step * 100) for offset in range(-(count // 2), count - count // 2)]


def _chance(coin: _Coin, cents: int, days: int) -> float:
    spread = coin.price * 100 * 0.022 * max(days, 1) ** 0.5
    return bell(Span(cents, None), coin.price * 100, spread)


def _above_code(coin: _Coin, cents: int) -> tuple[str, float]:
    """Kalshi counts "above 99,999.99" where people say "100,000 or above"."""
    floor = round(cents / 100 - 0.01, 2) if coin.decimals == 0 else round(cents / 100 - 0.0001, 4)
    return f"T{floor}", floor


def _daily(coin: _Coin, day: date, rng: Random) -> Topic:
    """Noon on Binance against noon and five o'clock on the index; the exclusive "above" is the smallest trap."""
    levels = _levels(coin, rng, 3)
    question = f"{coin.symbol} price"
    event = PolymarketEvent(
        slug(f"{coin.name} above on {month_day(day)} {day.year}"),
        f"{coin.name} above ___ on {month_day(day)}?",
        "crypto",
        ("Crypto", coin.name),
        eastern(day, 12),
    )
    rules = (
        f'This market will resolve to "Yes" if the Binance 1 minute candle for {coin.symbol}/USDT 12:00 in the ET timezone (noon) on the date in the title has a final "Close" price higher than the price in the title. Otherwise, this market will resolve to "No".\n\n'
        f'The resolution source for this market is Binance, specifically the {coin.symbol}/USDT "Close" prices currently available at https://www.binance.com/en/trade/{coin.symbol}_USDT with "1m" and "Candles" selected on the top bar.\n\n'
        f"Please note that this market is about the price according to Binance {coin.symbol}/USDT, not according to other exchanges or trading pairs. Price precision is determined by the number of decimal places in the source."
    )
    days = 3
    polymarket = [
        PolymarketDraft(
            event,
            f"Will the price of {coin.name} be above {coin.dollars(cents)} on {month_day(day)}?",
            rules,
            Claim(question, Span(cents + 1, None), day_code(day), "12:00", source="exchange:Binance"),
            _chance(coin, cents, days),
            coin.dollars(cents),
            f"https://www.binance.com/en/trade/{coin.symbol}_USDT",
        )
        for cents in levels
    ]
    kalshi: list[KalshiDraft] = []
    for hour in (12, 17):
        close = eastern(day, hour)
        said = f"{hour % 12 or 12} {'PM' if hour > 11 else 'AM'} {zone_name(close)}"
        series = KalshiSeries(
            f"KX{coin.symbol}D",
            f"{coin.name} price Above/below",
            "Crypto",
            (_CF,),
            ("Hourly", coin.symbol),
            "hourly",
        )
        kalshi_event = KalshiEvent(
            series,
            f"{day_code(day)}{hour:02}",
            f"{coin.name} price on {short_date(day)}?",
            f"{short_date(day)} at {said}",
            close,
            strike_date=close,
        )
        for cents in levels[: 3 if hour == 12 else 1]:
            code, floor = _above_code(coin, cents)
            kalshi.append(KalshiDraft(
                kalshi_event, code, f"{coin.name} price on {short_date(day)} at {said}?", f"{coin.dollars(cents)} or above",
                f"If the simple average of the sixty seconds of CF Benchmarks' {coin.index} before {said} is above {floor} at {said} on {short_date(day)}, then the market resolves to Yes.",
                _NOT_ALL_THE_SAME, Claim(question, Span(cents, None), day_code(day), f"{hour}:00", source="index:CF Benchmarks"), _chance(coin, cents, days), "greater", floor_strike=floor,
            ))  # fmt: skip
    return Topic(f"coin/{coin.symbol}/{day}", tuple(polymarket), tuple(kalshi))


def _month_events(coin: _Coin, end: date, month: str) -> tuple[KalshiEvent, KalshiEvent]:
    """How high it gets in the month, and where it ends."""
    close = last_minute(end)
    series = KalshiSeries(
        f"KX{coin.symbol}MAXMON",
        f"How high will {coin.name} get this month?",
        "Crypto",
        (_CF,),
        (coin.symbol,),
        "monthly",
    )
    kalshi_event = KalshiEvent(
        series,
        f"{coin.symbol}-{day_code(end)}",
        f"How high will {coin.name} get in {month}?",
        f"In {month}",
        close,
    )
    ends = KalshiEvent(
        KalshiSeries(
            f"KX{coin.symbol}MON",
            f"{coin.name} at the end of the month",
            "Crypto",
            (_CF,),
            (coin.symbol,),
            "monthly",
        ),
        day_code(end),
        f"{coin.name} price at the end of {month}?",
        f"On {short_date(end)}",
        close,
        strike_date=close,
    )
    return kalshi_event, ends


def _month(coin: _Coin, today: date, rng: Random) -> Topic:
    """Will it be reached at any time this month, against where it stands at the end of it."""
    end = month_end(today + timedelta(days=9))
    month = f"{MONTHS[end.month - 1]} {end.year}"
    event = PolymarketEvent(
        slug(f"what price will {coin.name} hit in {month}"),
        f"What price will {coin.name} hit in {MONTHS[end.month - 1]}?",
        "crypto",
        ("Crypto", coin.name),
        last_minute(end),
    )
    high, low = _levels(coin, rng, 7)[5], _levels(coin, rng, 7)[0]
    touched, fallen, stands = f"{coin.symbol} high", f"{coin.symbol} low", f"{coin.symbol} month end"
    polymarket = []
    for question, verb, cents, span, arrow in (
        (touched, "reach", high, Span(high, None), "↑"),
        (fallen, "dip to", low, Span(None, low), "↓"),
    ):
        side = "High" if verb == "reach" else "Low"
        rules = (
            f'This market will immediately resolve to "Yes" if any Binance 1 minute candle for {coin.name} ({coin.symbol}/USDT) during {month}, from 00:00 ET on the first day to 23:59 ET on the last, has a final "{side}" price {"equal to or greater" if side == "High" else "equal to or less"} than {coin.dollars(cents)}. Otherwise, this market will resolve to "No".\n\n'
            f'The resolution source for this market is Binance, specifically the {coin.symbol}/USDT "{side}" prices available at https://www.binance.com/en/trade/{coin.symbol}_USDT, with the chart settings on "1m" for one-minute candles.\n\nPrices from other exchanges, different trading pairs, or spot markets will not be considered.'
        )
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will {coin.name} {verb} {coin.dollars(cents)} in {month}?",
                rules,
                Claim(question, span, month, source="exchange:Binance"),
                rng.uniform(0.1, 0.35),
                f"{arrow} {coin.dollars(cents)}",
            )
        )
    kalshi_event, ends = _month_events(coin, end, month)
    code, floor = _above_code(coin, high)
    kalshi = [
        KalshiDraft(kalshi_event, code, f"Will {coin.name} be above {coin.dollars(high)} by {short_date(end)}?", f"Above {coin.dollars(high)}", f"If the trimmed mean of {coin.name} prices from CF Benchmarks is above {floor} at any minute between Issuance and {short_date(end)}, 11:59 PM ET, then the market resolves to Yes.", f"The value of a minute is the average of its sixty index values without the highest and the lowest fifth. {_NOT_ALL_THE_SAME}", Claim(touched, Span(high, None), month, source="index:CF Benchmarks"), polymarket[0].price, "greater", floor_strike=floor, early_close="This market will close and expire early if the event occurs."),
        KalshiDraft(ends, code, f"Will {coin.name} be above {coin.dollars(high)} on {short_date(end)}?", f"{coin.dollars(high)} or above", f"If the simple average of the sixty seconds of CF Benchmarks' {coin.index} before 11:59 PM ET is above {floor} on {short_date(end)}, then the market resolves to Yes.", _NOT_ALL_THE_SAME, Claim(stands, Span(high, None), month, source="index:CF Benchmarks"), polymarket[0].price * 0.45, "greater", floor_strike=floor),
    ]  # fmt: skip
    links = (
        Link(
            touched,
            stands,
            "overlap",
            "touch_or_on_date",
            "reached at any time is more than standing there at the end, and the sources differ",
            time_window=False,
            resolution_source=False,
        ),
    )
    return Topic(f"coin month/{coin.symbol}", tuple(polymarket), tuple(kalshi), links)


def _year_end(coin: _Coin, today: date, rng: Random) -> Topic:
    """The rare case that both venues settle a price by the same index at the same minute."""
    year = today.year if today.month < 12 else today.year + 1
    end = date(year, 12, 31)
    cents = _levels(coin, rng, 3)[1]
    code, floor = _above_code(coin, cents)
    claim = Claim(f"{coin.symbol} year end", Span(cents, None), str(year), source="index:CF Benchmarks")
    price = bell(Span(cents, None), coin.price * 100, coin.price * 18)
    event = PolymarketEvent(
        slug(f"{coin.name} price at the end of {year}"),
        f"{coin.name} price at the end of {year}?",
        "crypto",
        ("Crypto", coin.name),
        last_minute(end),
    )
    rules = f'This market will resolve to "Yes" if the average of the sixty values of the CF Benchmarks {coin.index} in the minute before 11:59 PM ET on December 31, {year} is {coin.dollars(cents)} or higher. Otherwise, this market will resolve to "No".\n\nPrices are compared {"in whole cents" if coin.decimals == 0 else "with four decimals"}. If the index is not published in that minute, the most recent minute with values is used.\n\nThe resolution source for this market is CF Benchmarks (https://www.cfbenchmarks.com); prices of single exchanges do not count.'
    close = last_minute(end)
    kalshi_event = KalshiEvent(
        KalshiSeries(
            f"KX{coin.symbol}Y", f"{coin.name} yearly close", "Crypto", (_CF,), (coin.symbol,), "annual"
        ),
        f"{year % 100}DEC31",
        f"{coin.name} price at the end of {year}?",
        f"On Dec 31, {year}",
        close,
        strike_date=close,
    )
    return Topic(
        f"coin year/{coin.symbol}",
        (PolymarketDraft(event, f"Will {coin.name} be at {coin.dollars(cents)} or higher at the end of {year}?", rules, claim, price, coin.dollars(cents)),),
        (KalshiDraft(kalshi_event, code, f"{coin.name} price on Dec 31, {year} at 11:59 PM EST?", f"{coin.dollars(cents)} or above", f"If the simple average of the sixty seconds of CF Benchmarks' {coin.index} before 11:59 PM EST is above {floor} on Dec 31, {year}, then the market resolves to Yes.", _NOT_ALL_THE_SAME, claim, price, "greater", floor_strike=floor),),
    )  # fmt: skip


def _treasury(today: date, rng: Random) -> Topic:
    """A company's holdings by two deadlines: on one the venues agree, on the other they do not."""
    polymarket, kalshi = [], []
    for quarter, listed in ((date(today.year + 1, 3, 31), True), (date(today.year + 1, 6, 30), False)):
        claim = Claim(
            "company holds 800k btc", Span(800_000, None), by=last_minute(quarter), source="filings"
        )
        price = rng.uniform(0.3, 0.6)
        event = PolymarketEvent(
            f"strategy-holds-800k-btc-by-{quarter}",
            f"Strategy holds 800k+ BTC by {month_day(quarter)}?",
            "crypto",
            ("Crypto", "Bitcoin"),
            last_minute(quarter),
        )
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will Strategy hold 800k+ BTC by {month_day(quarter)}, {quarter.year}?",
                f'This market will resolve to "Yes" if Strategy announces that it holds at least 800,000 bitcoin by {month_day(quarter)}, {quarter.year}, 11:59 PM ET. Otherwise, this market will resolve to "No".\n\nThe primary resolution source for this market will be Strategy\'s filings with the SEC and its website; however, a consensus of credible reporting may also be used.',
                claim,
                price,
            )
        )
        if listed:
            close = last_minute(quarter)
            event_2 = KalshiEvent(
                KalshiSeries(
                    "KXSTRATEGYBTC",
                    "Strategy bitcoin holdings",
                    "Crypto",
                    (("SEC", "https://www.sec.gov/edgar"),),
                    ("BTC",),
                ),
                f"{quarter.year % 100}APR01",
                f"How many bitcoin will Strategy hold before Apr {quarter.year}?",
                f"Before Apr 1, {quarter.year}",
                close,
            )
            kalshi.append(
                KalshiDraft(
                    event_2,
                    "800000",
                    f"Will Strategy hold at least 800,000 bitcoin before Apr 1, {quarter.year}?",
                    "At least 800,000",
                    f"If Strategy reports holdings of at least 800000 bitcoin before Apr 1, {quarter.year}, then the market resolves to Yes.",
                    "The holdings are those in the company's filings or on its website. The report has to be published in the window.",
                    claim,
                    price,
                    "greater_or_equal",
                    floor_strike=800_000,
                    early_close="This market will close and expire early if the event occurs.",
                )
            )
    return Topic(f"treasury/{today.year}", tuple(polymarket), tuple(kalshi))
