"""Looking at every check each five minutes, and at errors each minute, so that it is told soon when one is over.

A look costs no run: the sensor asks the checks itself and reports only what the operator does not see yet.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from arb_platform import pipeline
from arb_platform.defs.checks import BY_KEY, SEVERITIES, in_time, key_of, metadata_of, platform_checks
from arb_platform.defs.instances import instance_of
from arb_platform.pipeline.checks import CHECKS, Answer, Check

LOOK: Final = timedelta(minutes=5)
LOOK_AGAIN_SECONDS: Final = 60
# A sensor has a minute. What a machine under full load cannot ask in so many seconds is asked first the next time.
LOOK_SECONDS: Final = 20.0
# Whoever looks for the first time, or after a pause, looks at what has only just started.
FIRST_LOOK: Final = timedelta(minutes=2)
# An evaluation is three kilobytes in Dagster's log for ever: the same answer is told four times a day.
REFRESH: Final = timedelta(hours=6)


@dg.sensor(
    name="platform_checks_sensor",
    job=platform_checks,
    minimum_interval_seconds=LOOK_AGAIN_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks at every check each five minutes, at errors each minute, and reports what changed without starting a run.",
)
def platform_checks_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    now = pipeline.now()
    before = _Memory.of(context.cursor)
    chosen = _chosen(before, now)
    answers = list(in_time(chosen, LOOK_SECONDS)) if chosen else []
    told = _told(instance_of(context)) if chosen else {}
    after = _after(before, chosen, answers, now)
    return dg.SensorResult(
        asset_events=[
            _evaluation(check, answer)
            for check, answer in answers
            if _is_news(answer, told.get(key_of(check)), now)
        ],
        skip_reason=f"{len(after.wrong)} of {len(CHECKS)} checks not in order{': ' if after.wrong else ''}{', '.join(after.wrong)}",
        cursor=json.dumps(
            {"due": after.due and after.due.isoformat(), "wrong": after.wrong, "left": after.left}
        ),
    )


@dataclass(frozen=True, slots=True)
class _Memory:
    """When everything is to be looked at again, what was not in order, and what there was no time for."""

    due: datetime | None = None
    wrong: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @classmethod
    def of(cls, cursor: str | None) -> "_Memory":
        """From the cursor; one of another version is forgotten."""
        try:
            state = json.loads(cursor or "{}")
            due = datetime.fromisoformat(state["due"]).astimezone(UTC)
            return cls(due, tuple(map(str, state["wrong"])), tuple(map(str, state["left"])))
        except (ValueError, TypeError, KeyError):
            return cls()

    def waits(self, now: datetime) -> bool:
        """False also for a time that only a clock which was set back can have made."""
        return self.due is not None and now < self.due <= now + LOOK


def _chosen(memory: _Memory, now: datetime) -> list[Check]:
    if not memory.waits(now):
        return list(CHECKS)
    # A warning may stand for weeks, as the retirement of a model does: it can wait like everything else.
    again = [check for check in CHECKS if check.key in memory.wrong and check.severity == "error"]
    left = [check for check in CHECKS if check.key in memory.left]
    return list(dict.fromkeys((*left, *again)))


def _after(
    before: _Memory, chosen: Sequence[Check], answers: Sequence[tuple[Check, Answer]], now: datetime
) -> _Memory:
    asked = {check.key for check, _ in answers}
    known = [check.key for check in CHECKS if check.key in before.wrong and check.key not in asked]
    wrong = [check.key for check, answer in answers if not answer.passed]
    left = [check.key for check in chosen if check.key not in asked]
    return _Memory(_next(before, now), (*known, *wrong), tuple(left))


def _next(memory: _Memory, now: datetime) -> datetime:
    """When everything is looked at again."""
    if memory.due is not None and memory.waits(now):
        return memory.due
    usual = memory.due is not None and timedelta(0) <= now - memory.due < LOOK
    return now + (LOOK if usual else FIRST_LOOK)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the operator sees of a check: since when, and which state (None: a run is at it, or died at it)."""

    at: datetime
    state: str | None = None


def _told(instance: dg.DagsterInstance) -> Mapping[dg.AssetCheckKey, _Told]:
    """By whoever reported it: this sensor, a run, or an asset."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(BY_KEY))
    return {
        key: _Told(datetime.fromtimestamp(record.create_timestamp, UTC), _state(record))
        for key, record in records.items()
    }


def _state(record: AssetCheckExecutionRecord) -> str | None:
    # The record of a run that has not answered yet holds its plan in the place of an evaluation.
    evaluation = record.evaluation
    if not isinstance(evaluation, dg.AssetCheckEvaluation):
        return None
    state = evaluation.metadata.get("state")
    return str(state.value) if state is not None else None


def _is_news(answer: Answer, told: _Told | None, now: datetime) -> bool:
    if told is None:
        return True
    if told.state is None:
        return now - told.at > LOOK
    return told.state != answer.state or now - told.at > REFRESH


def _evaluation(check: Check, answer: Answer) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(check.asset),
        check_name=check.name,
        passed=answer.passed,
        severity=SEVERITIES[check.severity],
        description=answer.sentence,
        metadata=metadata_of(answer),
        blocking=check.blocking,
    )
