"""The stages of the platform, each one function: what the command line and Dagster both call.

listing -> candidates -> verdicts -> reports, and beside them the streams. A stage reads its inputs
from the lake and writes its results there, so each can run alone and in any order.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from arb_platform import api
from arb_platform.domain.errors import (
    ArbError,
    CredentialsError,
    LakeUnavailable,
    ListingError,
    SettingsError,
)
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.ingest.heartbeat import Heartbeat
from arb_platform.ingest.raw import RawTape
from arb_platform.ingest.session import Adapter, StreamSummary, record
from arb_platform.ingest.watchlist import named, watchlist
from arb_platform.matching.offline import OfflineJudge
from arb_platform.matching.prompt import PROMPT_VERSION
from arb_platform.matching.rules import RULES_VERSION
from arb_platform.matching.validation import Judge, ValidationSummary, plan, validate_candidates
from arb_platform.reports.registry import run_report
from arb_platform.settings import Settings
from arb_platform.storage.analyst import write_analyst_sql
from arb_platform.storage.lake import Lake
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.maintenance import MaintenanceReport, maintain
from arb_platform.storage.markets import ListingChange, load_markets, save_listing
from arb_platform.storage.pairs import (
    ValidationRun,
    load_candidates,
    save_candidates,
    save_validation_run,
    save_verdicts,
    valid_verdicts,
)
from arb_platform.storage.raw_frames import drop_days_before
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform.venues.endpoints import REAL_ADDRESSES
from arb_platform.venues.polling import KalshiAdapter
from arb_platform.venues.registry import VENUES

# Asking a model about every pair that shares a word would cost more than it tells.
CANDIDATES_PER_MARKET: Final = 5
# A stream that was cut comes back soon; the adapters back off from here.
_RECONNECT_DELAY: Final = 1.0
# How often a stream looks whether it should follow other markets.
_FOLLOW_SECONDS: Final = 20.0
# A whole night's validation may be in front of us.
_VALIDATION_WAIT_SECONDS: Final = 6 * 3600.0

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Listed:
    """What listing a venue gave and changed."""

    venue: str
    markets: int
    pages: int
    complete: bool
    reason: str
    change: ListingChange
    seconds: float


def now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


def open_writer(settings: Settings) -> Lake:
    """The lake of this profile for writing; creates or migrates it and writes ``analyst.sql`` beside it."""
    location = api.lake_location(settings)
    lake = Lake.open(location)
    write_analyst_sql(location)
    return lake


def venue_named(venue: str) -> str:
    """Raises SettingsError with the venues there are."""
    if venue not in VENUES:
        raise SettingsError(f"no venue is called {venue!r}; choose one of {', '.join(VENUES)}")
    return venue


def refuse_real_venue(settings: Settings, venue: str) -> None:
    """Raises SettingsError when this is the demo and ``venue`` is set to an address of the venue's own.

    What a demo writes must never be taken for the real thing.
    """
    addresses = {
        POLYMARKET: (settings.polymarket_ws_url, settings.polymarket_gamma_url, settings.polymarket_clob_url),
        KALSHI: (settings.kalshi_ws, settings.kalshi_rest),
    }[venue_named(venue)]
    if settings.profile == "demo" and REAL_ADDRESSES.issuperset(addresses):
        raise SettingsError(
            f"the demo profile talks to simulators, not to {addresses[-1]}, and none run here: start them with "
            "`arb up` (or `arb simulate`, which prints the variables to set), or use --profile live."
        )


async def list_venue(settings: Settings, venue: str, *, on_page: Progress | None = None) -> Listed:
    """List ``venue`` and save its markets. An incomplete listing updates markets and marks none as gone.

    Raises ListingError for an empty listing (a venue without a market is a venue that did not
    answer properly), TransportError when it cannot be reached.
    """
    refuse_real_venue(settings, venue)
    base_url = settings.polymarket_gamma_url if venue == POLYMARKET else settings.kalshi_rest
    listing = await VENUES[venue].listing(base_url=base_url, on_page=on_page)
    if not listing.markets:
        raise ListingError(
            f"{venue} listed no markets at {base_url} ({listing.reason}); nothing was changed. "
            "Check the address and try again."
        )
    with open_writer(settings) as lake:
        change = save_listing(lake, listing)
    return Listed(
        venue,
        len(listing.markets),
        listing.pages,
        listing.complete,
        listing.reason,
        change,
        (listing.ended_at - listing.started_at).total_seconds(),
    )


def propose_candidates(settings: Settings, *, keep: int = CANDIDATES_PER_MARKET) -> list[Candidate]:
    """Propose pairs of the markets in the lake and save them.

    Raises ListingError when one venue has no markets yet.
    """
    with open_writer(settings) as lake:
        markets = {venue: load_markets(lake, venue) for venue in (POLYMARKET, KALSHI)}
        missing = [venue for venue, found in markets.items() if not found]
        if missing:
            raise ListingError(
                f"the lake has no active markets of {' and '.join(missing)} yet; "
                f"list them first: arb markets {missing[0]} (or materialize {missing[0]}_markets)"
            )
        # scikit-learn takes longer to import than everything else together, and streams never need it.
        from arb_platform.matching.candidates import propose  # noqa: PLC0415

        candidates = propose(markets[POLYMARKET], markets[KALSHI], keep=keep)
        save_candidates(lake, candidates, now())
    return candidates


def judge_for(
    settings: Settings, *, ledger: LakeLedger | None, run_id: str, budget_usd: Decimal | None = None
) -> Judge:
    """The language model when a key is set, else the offline judge, whose verdicts are never accepted."""
    if settings.deepseek_api_key is None and settings.openai_api_key is None:
        return OfflineJudge()
    if settings.profile == "demo" and settings.deepseek_base_url is None and settings.openai_base_url is None:
        raise SettingsError(
            "the demo profile does not spend real money: start the simulators with `arb up` or set "
            "ARB_DEEPSEEK_BASE_URL, or use --profile live."
        )
    primary = "deepseek" if settings.deepseek_api_key is not None else "openai"
    return api.LLMValidator(
        primary_provider=primary,
        ledger=ledger,
        run_id=run_id,
        budget_usd=budget_usd,
        settings=settings,
        limits_dir=settings.root / "limits",
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a validation would ask and about what that would cost at most."""

    to_ask: int
    cached: int
    skipped_by_rules: int
    estimated_usd: Decimal


def forecast_validation(settings: Settings) -> Forecast:
    """How many calls a validation would make now and about how many dollars they cost; nothing is asked."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        judge = judge_for(settings, ledger=None, run_id="forecast")
        ahead = plan(load_candidates(lake), judge=judge, known=_known(lake, judge), now=now())
    estimate = getattr(judge, "estimated_usd", lambda _: Decimal(0))
    cost = sum((estimate(candidate.pair) for candidate in ahead.to_ask), Decimal(0))
    return Forecast(len(ahead.to_ask), len(ahead.cached), ahead.skipped_by_rules, cost)


async def validate_pairs(
    settings: Settings,
    *,
    run_id: str = "",
    budget_usd: Decimal | None = None,
    progress: Progress | None = None,
) -> ValidationSummary:
    """Ask about every candidate that nobody has judged yet and keep verdicts and ledger.

    Verdicts are durable per small batch, so that a crash repays the batch in flight at most. One
    validation at a time over all processes, so that no pair is paid for twice.
    """
    run_id = run_id or f"cli-{uuid.uuid4().hex[:12]}"
    alone = FileGuard(
        settings.root / "validation.lock", purpose="a validation", timeout_seconds=_VALIDATION_WAIT_SECONDS
    )
    with alone.hold(), open_writer(settings) as lake, LakeLedger(lake) as ledger:
        judge = judge_for(settings, ledger=ledger, run_id=run_id, budget_usd=budget_usd)
        candidates = load_candidates(lake)
        started_at = now()

        def keep(verdicts: list[Verdict]) -> None:
            save_verdicts(lake, verdicts)
            ledger.flush()

        summary = await validate_candidates(
            candidates, judge=judge, known=_known(lake, judge), on_batch=keep, progress=progress
        )
        save_validation_run(lake, _validation_run(run_id, started_at, judge, len(candidates), summary))
    return summary


def build_report(settings: Settings, name: str, *, since: date | None = None) -> pl.DataFrame:
    """Compute a report, keep it in its table and return it."""
    with open_writer(settings) as lake:
        return run_report(lake, name, since=since, now=now())


def maintain_lake(settings: Settings) -> MaintenanceReport:
    """Merge, expire, clean up, retention; raw frames beyond retention go too."""
    at = now()
    with open_writer(settings) as lake:
        report = maintain(lake, retention_days=settings.retention_days, now=at)
    dropped = drop_days_before(settings.root, (at - timedelta(days=settings.retention_days)).date())
    return replace(report, raw_segments_dropped=dropped)


def adapter_for(
    settings: Settings,
    venue: str,
    *,
    markets: Sequence[Market | str] | None,
    max_depth: int = 3,
    tape: RawTape | None = None,
) -> Adapter:
    """The best adapter these settings allow: websocket, or polling for Kalshi without a key."""
    refuse_real_venue(settings, venue)
    make = _ADAPTERS[venue]
    return make(settings, list(markets) if markets is not None else None, max_depth, tape)


def _polymarket_adapter(
    settings: Settings, markets: Sequence[Market | str] | None, max_depth: int, tape: RawTape | None
) -> Adapter:
    return PolymarketWebsocketAdapter(
        tracked_markets=markets,
        max_depth=max_depth,
        reconnect_delay=_RECONNECT_DELAY,
        ws_url=settings.polymarket_ws_url,
        gamma_url=settings.polymarket_gamma_url,
        clob_url=settings.polymarket_clob_url,
        silence_seconds=settings.silence_seconds,
        on_frame=None if tape is None else tape.on_frame,
        on_touch=None if tape is None else tape.on_touch,
    )


def _kalshi_adapter(
    settings: Settings, markets: Sequence[Market | str] | None, max_depth: int, tape: RawTape | None
) -> Adapter:
    key, private_key = settings.kalshi_api_key, api.kalshi_private_key(settings)
    if key is None and private_key is None:
        return KalshiAdapter(
            tracked_markets=markets,
            max_depth=max_depth,
            reconnect_delay=_RECONNECT_DELAY,
            rest_url=settings.kalshi_rest,
            on_touch=None if tape is None else tape.on_touch,
        )
    if key is None or private_key is None:
        raise CredentialsError(
            "Kalshi's websocket needs both KALSHI_API_KEY (the key id) and KALSHI_PRIVATE_KEY_PATH or "
            "KALSHI_PRIVATE_KEY (its RSA key); set the other one, or unset both to poll instead."
        )
    return KalshiWebsocketAdapter(
        key.get_secret_value(),
        tracked_markets=markets,
        max_depth=max_depth,
        reconnect_delay=_RECONNECT_DELAY,
        private_key=private_key,
        ws_url=settings.kalshi_ws,
        rest_url=settings.kalshi_rest,
        silence_seconds=settings.silence_seconds,
        on_frame=None if tape is None else tape.on_frame,
        on_touch=None if tape is None else tape.on_touch,
    )


_ADAPTERS: Final = {POLYMARKET: _polymarket_adapter, KALSHI: _kalshi_adapter}


def markets_to_stream(
    settings: Settings, venue: str, *, only: str | None = None
) -> list[Market | str] | None:
    """What ``venue`` is asked to stream: ``only`` (comma-separated ids) or ``ARB_TRACK``.

    None lets the adapter take the most traded markets, which is what a lake without a listing gets.
    """
    track = only or settings.track
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            found = watchlist(lake, venue, track)
    except LakeUnavailable:
        found = None
    if only is not None:
        known = {market.market_id for market in found or ()}
        return [*(found or ()), *(name for name in named(only) if name not in known)]
    return None if found is None else [*found]


async def stream_venue(
    settings: Settings,
    venue: str,
    *,
    stop: asyncio.Event,
    seconds: float | None = None,
    markets: str | None = None,
    max_depth: int = 3,
    run_id: str = "",
    shard: int = 0,
    on_beat: Callable[[Heartbeat], None] = lambda _: None,
) -> StreamSummary:
    """Stream ``venue`` into the lake until ``stop`` is set or ``seconds`` have passed."""
    venue_named(venue)
    followed = await asyncio.to_thread(markets_to_stream, settings, venue, only=markets)
    async with _taped(settings, venue, max_depth) as tape:
        adapter = adapter_for(settings, venue, markets=followed, max_depth=max_depth, tape=tape)
        timer = asyncio.get_running_loop().call_later(seconds, stop.set) if seconds is not None else None
        following = (
            asyncio.create_task(_keep_following(settings, venue, adapter)) if markets is None else None
        )
        try:
            return await record(
                adapter, api.lake_location(settings), stop=stop, run_id=run_id, shard=shard, on_beat=on_beat,
                trouble=lambda: "" if tape is None else tape.trouble,
            )  # fmt: skip
        finally:
            if timer is not None:
                timer.cancel()
            if following is not None:
                following.cancel()


@asynccontextmanager
async def _taped(settings: Settings, venue: str, max_depth: int) -> AsyncIterator[RawTape | None]:
    """With ``ARB_RAW_FRAMES=on`` a tape that keeps every frame for replay, written out at the end."""
    if settings.raw_frames == "off":
        yield None
        return
    tape = RawTape(settings.root, venue, max_depth=max_depth)
    try:
        yield tape
    finally:
        await asyncio.to_thread(tape.close)


async def _keep_following(settings: Settings, venue: str, adapter: Adapter) -> None:
    """Add and drop markets as listings, candidates and accepted pairs change, without reconnecting."""
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        try:
            wanted = await asyncio.to_thread(markets_to_stream, settings, venue)
            if wanted is None:
                continue
            ids = {_id_of(market) for market in wanted}
            followed = {market.market_id for market in adapter.markets}
            await adapter.unfollow(sorted(followed - ids))
            await adapter.follow([market for market in wanted if _id_of(market) not in followed])
        except ArbError as error:
            # The stream goes on with what it has; the next look may work.
            log.warning("the watchlist could not be refreshed: %s", error)


def _id_of(market: Market | str) -> str:
    return market if isinstance(market, str) else market.market_id


def _known(lake: Lake, judge: Judge) -> dict[str, Verdict]:
    """Verdicts that are as good as asking again, those of the preferred model last so that they win."""
    known: dict[str, Verdict] = {}
    for model in reversed(judge.models):
        known |= valid_verdicts(
            lake, model=model, prompt_version=PROMPT_VERSION, rules_version=RULES_VERSION, now=now()
        )
    return known


def _validation_run(
    run_id: str, started_at: datetime, judge: Judge, candidates: int, summary: ValidationSummary
) -> ValidationRun:
    return ValidationRun(
        run_id=run_id,
        started_at=started_at,
        ended_at=now(),
        judge=judge.name,
        model=next(iter(judge.models), ""),
        candidates=candidates,
        asked=summary.asked,
        cached=summary.cached,
        accepted=summary.accepted,
        rejected=summary.rejected,
        review=summary.review,
        failed=summary.failed,
        cost_usd=summary.cost_usd,
        stopped_reason=summary.stopped_reason or None,
    )
