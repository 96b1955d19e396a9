"""Which failed runs are one incident, and when it is over.

A job that fails every hour is one incident until it succeeds. Runs of assets have no job of their
own: theirs is over when each of the assets was made. A stream is never done, so its incident is
over when another run has streamed that venue for a while.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import dagster as dg

from arb_platform.defs.names import STREAM_JOB, venue_of
from arb_platform.ingest.heartbeat import Heartbeat

# A stream that lived so long has recovered.
RECOVERED_SECONDS: Final = 60.0
_LONGEST: Final = 400
_ASSETS: Final = "__ASSET_JOB"
_NOBODY: Final = "it ended without saying why"
Waiting = dict[str, list[str]]


def key_of(run: dg.DagsterRun) -> str:
    """What the failure of ``run`` is about."""
    if run.job_name == STREAM_JOB:
        return f"run:{run.job_name}:{stream_venue(run)}"
    return f"run:{run.job_name}:{','.join(_assets(run))}" if _assets(run) else f"run:{run.job_name}"


def after_runs(
    open_texts: Mapping[str, str], waiting: Waiting, ended: Iterable[tuple[dg.DagsterRun, str]]
) -> tuple[dict[str, str], Waiting]:
    """What is wrong after these runs, oldest first; each comes with why it failed, "" when it did not.

    ``waiting`` are the assets that each incident still waits for.
    """
    texts, missing = dict(open_texts), {key: list(assets) for key, assets in waiting.items()}
    for run, why in ended:
        key, assets = key_of(run), _assets(run)
        if why:
            named = f" ({', '.join(assets)})" if assets else ""
            venue = f" of {stream_venue(run)}" if run.job_name == STREAM_JOB else ""
            job = "a run" if run.job_name.startswith(_ASSETS) else f"a run of {run.job_name}{venue}"
            texts[key] = f"{job}{named} failed: {why} (run {run.run_id[:8]})"
            missing[key] = assets
        elif assets:
            for other in [other for other, left in missing.items() if left]:
                missing[other] = [asset for asset in missing[other] if asset not in assets]
                if not missing[other]:
                    texts.pop(other, None)
        else:
            texts.pop(key, None)
    return texts, {key: missing.get(key, []) for key in texts}


def streams_recovered(
    texts: Mapping[str, str], beats: Iterable[Heartbeat], failed_at: Mapping[str, float], now: datetime
) -> set[str]:
    """Keys of stream incidents whose venue has been streamed for a minute by a run that began later."""
    recovered = set()
    for beat in beats:
        key = f"run:{STREAM_JOB}:{beat.venue}"
        lived = (now - beat.started_at).total_seconds()
        if (
            key in texts
            and beat.started_at.timestamp() > failed_at.get(key, 0.0)
            and lived > RECOVERED_SECONDS
        ):
            recovered.add(key)
    return recovered


def why_failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The first line of the error of the step that failed, else of the run."""
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    said = ""
    for record in instance.get_records_for_run(run.run_id, of_type=kinds).records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        error = getattr(event.event_specific_data, "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        text = error.message if error is not None else event.message
        if text and (not said or event.event_type == dg.DagsterEventType.STEP_FAILURE):
            said = text
    line = next((line.strip() for line in (said or "").splitlines() if line.strip()), _NOBODY)
    # our own errors are sentences already
    return re.sub(r"^arb_platform\.[\w.]+: ", "", line)[:_LONGEST]


def stream_venue(run: dg.DagsterRun) -> str:
    """From the tag of the keeper's runs, else from the configuration of one that was launched by hand."""
    tagged = venue_of(run.tags)
    if tagged is not None:
        return tagged
    config: Any = run.run_config
    for part in ("ops", "stream_order_book", "config", "venue"):
        config = config.get(part) if isinstance(config, Mapping) else None
    return str(config or "unknown")


def _assets(run: dg.DagsterRun) -> list[str]:
    return sorted(key.to_user_string() for key in run.asset_selection or ())
