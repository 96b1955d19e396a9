"""Everything Dagster loads: ``dagster dev -m arb_platform.definitions`` or ``arb up``."""

import dagster as dg

from arb_platform.defs import (
    alerts,
    catalogue,
    checks,
    keeper,
    looks,
    maintenance,
    matching,
    reports,
    streams,
)

defs = dg.Definitions(
    # One process for a run: importing the platform again for every step would take most of its time.
    executor=dg.in_process_executor,
    assets=[
        catalogue.polymarket_markets,
        catalogue.kalshi_markets,
        streams.order_book_snapshots,
        matching.candidate_pairs,
        matching.pair_verdicts,
        matching.matched_pairs,
        *reports.report_assets,
        *checks.watched_things,
        checks.gold_set_evaluation,
    ],
    asset_checks=[checks.watched_checks],
    jobs=[
        streams.stream_order_books,
        matching.nightly_pair_revalidation,
        catalogue.refresh_markets,
        maintenance.maintain_lake,
        reports.compute_reports,
        checks.platform_checks,
        checks.evaluate_gold_set,
    ],
    schedules=[
        matching.nightly_pair_revalidation_schedule,
        catalogue.refresh_markets_schedule,
        reports.reports_schedule,
        maintenance.maintain_lake_schedule,
        checks.evaluate_gold_set_schedule,
    ],
    sensors=[
        keeper.stream_keeper,
        alerts.failed_run_alert,
        alerts.stream_alert,
        alerts.check_alert,
        alerts.llm_budget_alert,
        looks.platform_checks_sensor,
        dg.AutomationConditionSensorDefinition(
            "automation",
            target=dg.AssetSelection.all(),
            minimum_interval_seconds=20,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description="Materializes what is missing, and lets candidates and verdicts follow the listings.",
        ),
    ],
)
