"""What a call cost, exactly: genai-prices' offline table at the time of the call.

genai-prices 0.2.3 knows deepseek-flash (with cached tokens and peak hours), gpt-4o and gpt-6-luna,
so we keep no table of our own. It cannot tell weekends from weekdays; DeepSeek's peak hours are
Monday to Friday, so a call on a weekend is priced at that day's noon. On Chinese public holidays
the figure is an upper bound.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Final

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from arb_platform.llm.providers import PROVIDERS, Usage

PRICE_VERSION: Final = f"genai-prices {version('genai-prices')}, weekends off-peak"
BATCH_PRICE_VERSION: Final = f"{PRICE_VERSION}, batch"

# What the owner's first program billed with, $ per million tokens (input, output). The DeepSeek figures
# were true before 2026-08-16. Documentation of what was, never used as prices.
SEED_PRICES_PER_MILLION: Final = {
    "deepseek": (Decimal("0.14"), Decimal("0.28")),
    "gpt-4o": (Decimal("2.50"), Decimal("10.00")),
}

# The table has no date of its own: this is the newest past day that the table of a release mentions.
_TABLE_DAYS: Final = {"0.2.3": date(2026, 11, 4)}

_PEAK_HOUR_PROVIDERS: Final = frozenset({"deepseek"})
_SATURDAY: Final = 5


def cost_usd(provider: str, model: str, usage: Usage | None, at: datetime) -> Decimal | None:
    """Dollars for ``usage`` of a call started ``at`` (aware), or None where the price or the usage is unknown."""
    if usage is None:
        return None
    tokens = PricedUsage(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cached_tokens,
        output_tokens=usage.completion_tokens,
    )
    try:
        price = calc_price(
            tokens, model_ref=model, provider_id=provider, genai_request_timestamp=_billed_at(provider, at)
        )
    except LookupError:
        return None
    # A table that prices a chat model at nothing does not know it.
    if price.total_price == 0 and usage.prompt_tokens + usage.completion_tokens > 0:
        return None
    return price.total_price


def batch_cost_usd(provider: str, model: str, usage: Usage | None, at: datetime) -> Decimal | None:
    """The same for a question that was sent in a batch: a part of the price, whatever the hour."""
    terms = PROVIDERS[provider].batch
    whole = cost_usd(provider, model, usage, at)
    return None if whole is None or terms is None else whole * terms.price_factor


def knows_price(provider: str, model: str, at: datetime) -> bool:
    """True when calls to ``model`` can be billed."""
    return cost_usd(provider, model, _A_THOUSAND, at) is not None


def price_table_day() -> date | None:
    """Of which day the installed prices are; None where nobody has noted it."""
    return _TABLE_DAYS.get(version("genai-prices"))


def price_change_within(days: int, provider: str, model: str, at: datetime) -> tuple[date, Decimal] | None:
    """The first day of the next ``days`` on which a call costs something else than today, and how many times as much.

    Compared at noon UTC, outside of every peak; None where nothing changes or the price is unknown.
    """
    noon = at.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    today = cost_usd(provider, model, _A_THOUSAND, noon)
    if today is None:
        return None
    for ahead in range(1, days + 1):
        later = cost_usd(provider, model, _A_THOUSAND, noon + timedelta(days=ahead))
        if later is not None and later != today:
            return (noon + timedelta(days=ahead)).date(), later / today
    return None


_A_THOUSAND: Final = Usage(1000, 0, 1000)


def _billed_at(provider: str, at: datetime) -> datetime:
    utc = at.astimezone(UTC)
    if provider in _PEAK_HOUR_PROVIDERS and utc.weekday() >= _SATURDAY:
        return utc.replace(hour=12, minute=0)
    return utc
