"""The listed markets of both venues."""

import asyncio

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.checks import result_of, specs_of
from arb_platform.defs.conditions import FIRST_TIME
from arb_platform.defs.names import CATALOGUE, OWNERS
from arb_platform.defs.told import columns_of, failing_plainly, sql_since
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.pipeline import Listed
from arb_platform.pipeline.checks.catalogue import whole
from arb_platform.settings import load_settings


def _listing_asset(venue: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"{venue}_markets",
        group_name=CATALOGUE,
        owners=OWNERS,
        kinds={"duckdb", "http"},
        metadata=columns_of("markets"),
        description=f"Every open market that {venue.capitalize()} lists, each version of its rules kept (`lake.markets`).",
        automation_condition=FIRST_TIME,
        check_specs=specs_of(f"{venue}_markets", "listing_is_complete"),
    )
    def markets(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class
        def report(pages: int, found: int) -> None:
            context.log.info(f"{venue}: {found} markets on {pages} pages so far")

        began = pipeline.now()
        with failing_plainly():
            listed = asyncio.run(pipeline.list_venue(load_settings(), venue, on_page=report))
        wrote = sql_since("market_versions", "valid_from", began, also=f"venue = '{venue}'")
        return dg.MaterializeResult(
            metadata={**_metadata(listed), **wrote}, check_results=[_completeness(listed)]
        )

    return markets


def _metadata(listed: Listed) -> dict[str, int | float | str]:
    return {
        "dagster/row_count": listed.markets,
        "pages": listed.pages,
        "new": listed.change.new,
        "changed": listed.change.changed,
        "gone": listed.change.gone,
        "unchanged": listed.change.unchanged,
        "seconds": round(listed.seconds, 2),
        "ended": listed.reason or "by the venue",
        "sql": f"SELECT * FROM lake.markets WHERE venue = '{listed.venue}'",
    }


def _completeness(listed: Listed) -> dg.AssetCheckResult:
    answer = whole(
        listed.venue, complete=listed.complete, reason=listed.reason, markets=listed.markets, pages=listed.pages
    )  # fmt: skip
    return result_of(f"{listed.venue}_markets", "listing_is_complete", answer)


polymarket_markets = _listing_asset(POLYMARKET)
kalshi_markets = _listing_asset(KALSHI)

refresh_markets = dg.define_asset_job(
    "refresh_markets",
    selection=dg.AssetSelection.assets(polymarket_markets, kalshi_markets),
    description="List both venues again. Candidates follow by themselves when a market changed.",
)
refresh_markets_schedule = dg.ScheduleDefinition(
    name="refresh_markets_schedule",
    job=refresh_markets,
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    description="Every hour, off the full hour when everybody else lists.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
