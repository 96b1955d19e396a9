"""Polymarket's market documents (Gamma's and the CLOB's) as markets."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from arb_platform.domain.errors import WireError
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.venues.documents import decimal_of, flag, mapping, moment, text

_OUTCOMES: Final = 2
# Listed as what it is, but neither streamed nor matched: its books have no second side.
NOT_TWO_SIDED: Final = "not two-sided"


def tradable(document: Mapping[str, Any]) -> bool:
    """``active`` alone does not mean that orders are taken (Gamma, 2026)."""
    wanted = (("active", True), ("closed", False), ("acceptingOrders", True), ("enableOrderBook", True))
    return all(flag(document, name) is value for name, value in wanted)


def read_market(document: Any) -> Market:
    """The market of one Gamma document. Raises WireError with the field that is wrong."""
    fields = mapping(document, "a Polymarket market")
    market_id = text(fields, "conditionId", required=True)
    outcomes = _strings(fields, "outcomes") or ("Yes", "No")
    two_sided = len(outcomes) == _OUTCOMES
    event = _event(fields)
    return Market(
        venue=POLYMARKET,
        market_id=market_id,
        symbol=text(fields, "slug") or market_id,
        title=text(fields, "question", required=True),
        subtitle=text(fields, "groupItemTitle"),
        rules=text(fields, "description"),
        close_time=_end(fields, event),
        resolution_source=text(fields, "resolutionSource") or text(event, "resolutionSource"),
        outcome=outcomes[0],
        outcomes=outcomes,
        event_id=text(event, "id") or None,
        event_title=text(event, "title"),
        category=_category(fields, event),
        series_id=text(event, "seriesSlug") or None,
        asset_ids=_assets(fields, market_id) if two_sided else (),
        status=_status(fields) if two_sided else NOT_TWO_SIDED,
        market_type="binary" if two_sided else "categorical",
        mutually_exclusive=flag(fields, "negRisk"),
        tick_size=decimal_of(fields, "orderPriceMinTickSize"),
        min_order_size=decimal_of(fields, "orderMinSize"),
        volume=decimal_of(fields, "volumeNum", "volume"),
        result=_result(fields, outcomes),
        **_fees(fields),
    )


def _fees(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the market says about fees: a schedule, or that it has none, or nothing (unknown is not zero)."""
    enabled = flag(fields, "feesEnabled")
    schedule = fields.get("feeSchedule")
    schedule = schedule if isinstance(schedule, Mapping) else {}
    rate = Decimal(0) if enabled is False else decimal_of(schedule, "rate")
    return {
        "fee_type": text(fields, "feeType") or None,
        "fee_rate": rate,
        "fee_exponent": decimal_of(schedule, "exponent"),
    }


def _status(fields: Mapping[str, Any]) -> str:
    if tradable(fields):
        return "active"
    for name in ("archived", "closed"):
        if flag(fields, name):
            return name
    if not flag(fields, "active"):
        return "inactive"
    return "paused"


def _result(fields: Mapping[str, Any], outcomes: tuple[str, ...]) -> str | None:
    """The outcome that a closed market paid out, where its last prices say so."""
    if flag(fields, "closed") is not True:
        return None
    prices = _strings(fields, "outcomePrices")
    if len(prices) == _OUTCOMES and set(prices) == {"0.5"}:
        # Resolved half and half: neither side was right.
        return "50-50"
    winners = [outcome for outcome, price in zip(outcomes, prices, strict=False) if price in ("1", "1.0")]
    return winners[0] if len(winners) == 1 else None


def _assets(fields: Mapping[str, Any], market_id: str) -> tuple[str, ...]:
    """Token ids in the order of the outcomes; markets of version v2 name them position ids."""
    names = (
        ("positionIds", "clobTokenIds")
        if text(fields, "version") == "v2"
        else ("clobTokenIds", "positionIds")
    )
    for name in names:
        assets = _strings(fields, name)
        if assets:
            if len(assets) != _OUTCOMES or not all(asset.isdecimal() for asset in assets):
                raise WireError(f"Polymarket market {market_id}: {name} is not a pair of token ids")
            return assets
    return ()


def _event(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    events = fields.get("events")
    first = events[0] if isinstance(events, list) and events else None
    return first if isinstance(first, Mapping) else {}


def _category(fields: Mapping[str, Any], event: Mapping[str, Any]) -> str | None:
    named = text(fields, "category") or text(event, "category")
    if named:
        return named
    for holder in (fields, event):
        tags = holder.get("tags")
        for tag in tags if isinstance(tags, list) else ():
            label = text(tag, "label") if isinstance(tag, Mapping) else ""
            # "All" is on everything.
            if label and label.lower() != "all":
                return label
    return None


def _end(fields: Mapping[str, Any], event: Mapping[str, Any]) -> datetime | None:
    for holder, name in ((fields, "endDate"), (fields, "endDateIso"), (event, "endDate")):
        found = moment(holder, name)
        if found is not None:
            return found
    return None


def _strings(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts; Gamma writes lists as JSON inside a string."""
    value = fields.get(name)
    if isinstance(value, str):
        if not value.strip():
            return ()
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise WireError(f"Polymarket's {name} is not a list in JSON: {value[:80]!r}") from None
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        raise WireError(f"Polymarket's {name} is not a list of texts: {str(value)[:80]!r}")
    return tuple(str(item) for item in value)
