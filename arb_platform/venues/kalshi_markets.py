"""Kalshi's market, event and series documents as markets, and its REST books."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from arb_platform.domain.errors import WireError
from arb_platform.domain.markets import KALSHI, Market
from arb_platform.venues.documents import decimal_of, flag, mapping, moment, text


def read_market(
    document: Any, *, event: Mapping[str, Any] | None = None, series: Mapping[str, Any] | None = None
) -> Market:
    """The market of one document, joined with its event and series, which hold what it does not.

    Raises WireError with the field that is wrong.
    """
    fields = mapping(document, "a Kalshi market")
    event = mapping(event or {}, "a Kalshi event")
    series = mapping(series or {}, "a Kalshi series")
    ticker = text(fields, "ticker", required=True)
    multiplier = decimal_of(event, "fee_multiplier_override")
    return Market(
        venue=KALSHI,
        market_id=ticker,
        symbol=ticker,
        title=text(fields, "title") or text(event, "title"),
        subtitle=text(fields, "yes_sub_title") or text(fields, "subtitle"),
        rules=_rules(fields),
        close_time=moment(fields, "close_time"),
        resolution_source=_sources(event) or _sources(series),
        event_id=text(fields, "event_ticker") or text(event, "event_ticker") or None,
        event_title=_event_title(event),
        category=text(event, "category") or text(series, "category") or None,
        series_id=text(event, "series_ticker") or text(series, "ticker") or None,
        status=text(fields, "status") or "unknown",
        market_type=text(fields, "market_type") or "binary",
        mutually_exclusive=flag(event, "mutually_exclusive"),
        tick_size=_tick_size(fields),
        strike_type=text(fields, "strike_type") or None,
        floor_strike=decimal_of(fields, "floor_strike"),
        cap_strike=decimal_of(fields, "cap_strike"),
        fee_type=text(event, "fee_type_override") or text(series, "fee_type") or None,
        fee_multiplier=decimal_of(series, "fee_multiplier") if multiplier is None else multiplier,
        volume=decimal_of(fields, "volume_fp", "volume"),
        result=text(fields, "result") or None,
    )


def _rules(fields: Mapping[str, Any]) -> str:
    parts = (text(fields, "rules_primary").strip(), text(fields, "rules_secondary").strip())
    return "\n\n".join(part for part in parts if part)


def _event_title(event: Mapping[str, Any]) -> str:
    title, sub_title = text(event, "title"), text(event, "sub_title")
    return f"{title} ({sub_title})" if title and sub_title and sub_title not in title else title or sub_title


def _sources(holder: Mapping[str, Any]) -> str:
    """``name (address)`` of each settlement source."""
    sources = holder.get("settlement_sources")
    named: list[str] = []
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, Mapping):
            name, url = text(source, "name").strip(), text(source, "url").strip()
            named.append(f"{name} ({url})" if name and url else name or url)
    return "; ".join(filter(None, named))


def _tick_size(fields: Mapping[str, Any]) -> Decimal | None:
    """The finest step of ``price_ranges``; the market may be coarser in the middle of its grid."""
    ranges = fields.get("price_ranges")
    steps = [
        decimal_of(mapping(one, "an element of price_ranges"), "step")
        for one in (ranges if isinstance(ranges, list) else ())
    ]
    known = [step for step in steps if step is not None and step > 0]
    if known:
        return min(known)
    cents = decimal_of(fields, "tick_size")
    return None if cents is None else cents / 100


def orderbook_of(document: Any) -> Mapping[str, Any]:
    """The object with the levels in any of the shapes of ``/orderbook``. Raises WireError."""
    fields = mapping(document, "a Kalshi order book")
    for name in ("orderbook_fp", "orderbook"):
        if name in fields:
            inner = fields[name]
            # A market without orders has come as null.
            return {} if inner is None else mapping(inner, name)
    if not any(name in fields for name in ("yes", "no", "yes_dollars", "no_dollars")):
        raise WireError("a Kalshi order book without levels of any kind")
    return fields
