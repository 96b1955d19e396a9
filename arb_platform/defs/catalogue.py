"""The listed markets of both venues."""

import asyncio

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.conditions import FIRST_TIME
from arb_platform.defs.names import CATALOGUE, OWNERS
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.pipeline import Listed
from arb_platform.settings import load_settings


def _listing_asset(venue: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"{venue}_markets",
        group_name=CATALOGUE,
        owners=OWNERS,
        kinds={"duckdb", "http"},
        description=f"Every open market that {venue.capitalize()} lists, each version of its rules kept (`lake.markets`).",
        automation_condition=FIRST_TIME,
        check_specs=[
            dg.AssetCheckSpec(
                "listing_is_complete",
                asset=f"{venue}_markets",
                description="The venue itself ended the listing: no cap, no repeated cursor, no sudden loss.",
            )
        ],
    )
    def markets(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class
        def report(pages: int, found: int) -> None:
            context.log.info(f"{venue}: {found} markets on {pages} pages so far")

        listed = asyncio.run(pipeline.list_venue(load_settings(), venue, on_page=report))
        return dg.MaterializeResult(metadata=_metadata(listed), check_results=[_completeness(listed)])

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
    return dg.AssetCheckResult(
        check_name="listing_is_complete",
        passed=listed.complete,
        severity=dg.AssetCheckSeverity.WARN,
        description=listed.reason or "ended by the venue",
    )


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
