"""Asset checks that say no: those of severity ERROR, blocking or not. A warning is for the UI."""

from collections.abc import Iterable, Mapping
from typing import Final

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

_LONGEST: Final = 400


def failing(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey], before: Mapping[str, str]
) -> dict[str, str]:
    """What the newest evaluation of each check says; one that runs now keeps what was said ``before``."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = {}
    for key, record in records.items():
        name = f"check:{key.asset_key.to_user_string()}:{key.name}"
        if record.status == AssetCheckExecutionRecordStatus.PLANNED:
            if name in before:
                found[name] = before[name]
        elif (text := _no(record)) is not None:
            found[name] = text
    return found


def _no(record: AssetCheckExecutionRecord) -> str | None:
    evaluation = record.evaluation
    if evaluation is None or evaluation.passed or evaluation.severity != dg.AssetCheckSeverity.ERROR:
        return None
    asset = evaluation.asset_key.to_user_string()
    stops = " and what follows it waits" if evaluation.blocking else ""
    says = f": {evaluation.description}" if evaluation.description else ""
    return f"the check {evaluation.check_name} of {asset} fails{stops}{says}"[:_LONGEST]
