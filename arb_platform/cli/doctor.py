"""``arb doctor``: what is set, what works, what will stop working."""

import platform as python_platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import click
from pydantic import SecretStr

from arb_platform import api, pipeline
from arb_platform.cli.console import out, print_json, print_table
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.domain.errors import ArbError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import alive, read_heartbeat
from arb_platform.llm.providers import PROVIDERS, default_model, retirements_within
from arb_platform.pipeline.checks import Sight
from arb_platform.pipeline.checks.lake import disk_has_room
from arb_platform.pipeline.checks.models import RETIRES_SOON_DAYS
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.venues.signing import KalshiSigner

_PACKAGES: Final = ("arb-platform", "dagster", "duckdb", "polars", "websockets", "httpx", "pydantic")
_SPENT_TODAY: Final = """
SELECT coalesce(sum(cost_usd), 0) AS spent FROM lake.llm_calls WHERE started_at >= current_date
"""

_SKEWED: Final = """
SELECT venue, max_by(detail, started_at) FROM lake.stream_events
WHERE kind = 'clock_skew' AND ended_at IS NULL GROUP BY venue
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``state`` is ok, note (nothing to do yet) or wrong."""

    what: str
    state: str
    text: str


@click.command()
@json_option
@profile_option
def doctor(as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Check settings (secrets as set or unset), versions, lake, streams, budget and models."""
    settings = settings_for(profile)
    findings = list(examine(settings))
    if as_json:
        print_json([{"what": one.what, "state": one.state, "text": one.text} for one in findings])
    else:
        print_table("", ["", "what", "found"], [[one.state, one.what, one.text] for one in findings])
    wrong = [one.what for one in findings if one.state == "wrong"]
    if wrong:
        raise ArbError(f"not in order: {', '.join(wrong)}.")
    if not as_json:
        out.print("Everything is in order.")


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything a doctor looks at, in the order in which people need it."""
    yield Finding("versions", "ok", ", ".join(f"{name} {version(name)}" for name in _PACKAGES) + f", Python {python_platform.python_version()}")  # fmt: skip
    yield Finding("profile", "ok", f"{settings.profile}, data in {settings.root}")
    yield from _clock(settings)
    yield from _changed(settings)
    yield from _secrets(settings)
    yield _kalshi_key(settings)
    yield _disk(settings)
    yield from _lake(settings)
    yield from _streams(settings)
    yield from _models(settings)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for name, field in type(settings).model_fields.items():
        if "SecretStr" in str(field.annotation):
            value = getattr(settings, name)
            state = "set" if isinstance(value, SecretStr) and value.get_secret_value() else "unset"
            yield Finding(str(field.alias), "ok", state)


def _clock(settings: Settings) -> Iterator[Finding]:
    """The machine's clock, and what the venues' clocks say about it while they stream."""
    yield Finding("clock", "ok", f"{pipeline.now():%Y-%m-%d %H:%M:%S} UTC here; the night's work is at {settings.nightly_cron!r} in New York")  # fmt: skip
    with suppress(ArbError), Lake.open(api.lake_location(settings), read_only=True) as lake:
        for venue, detail in lake.query(_SKEWED).iter_rows():
            yield Finding(
                f"clock of {venue}", "wrong", f"{detail}; check this machine's time synchronisation"
            )


def _changed(settings: Settings) -> Iterator[Finding]:
    """Settings that are not as they come; an address of a catalogue may hold a password and is not shown."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if "SecretStr" not in str(field.annotation) and value != field.get_default():
            yield Finding(str(field.alias), "ok", str(value) if field.repr else "set")


def _kalshi_key(settings: Settings) -> Finding:
    key, private_key = settings.kalshi_api_key, api.kalshi_private_key(settings)
    if key is None and private_key is None:
        return Finding("Kalshi key", "note", "none: Kalshi is polled over REST")
    if key is None or private_key is None:
        return Finding(
            "Kalshi key", "wrong", "only one of key id and private key is set; set both, or neither to poll"
        )
    try:
        KalshiSigner(key.get_secret_value(), private_key)
    except ArbError as error:
        return Finding("Kalshi key", "wrong", str(error))
    return Finding("Kalshi key", "ok", "key id and private key can sign")


def _disk(settings: Settings) -> Finding:
    answer = disk_has_room(Sight(settings, pipeline.now()))
    return Finding("disk", "ok" if answer.passed else "wrong", answer.sentence)


def _lake(settings: Settings) -> Iterator[Finding]:
    location = api.lake_location(settings)
    if location.embedded and location.catalog_file is not None and not location.catalog_file.exists():
        yield Finding("lake", "note", f"none at {location.root} yet; any command that writes creates it")
        return
    try:
        with Lake.open(location, read_only=True) as lake:
            rows = lake.query("SELECT count(*) AS rows FROM lake.book_snapshots")["rows"][0]
            files = sum(1 for _ in location.spool.rglob("*.parquet")) if location.spool.exists() else 0
            yield Finding(
                "lake",
                "ok",
                f"schema {SCHEMA_VERSION}, {rows:,} book snapshots, {files} segments in the spool",
            )
            if torn := sum(1 for _ in (location.spool / "torn").rglob("*.parquet")):
                yield Finding(
                    "torn segments",
                    "note",
                    f"{torn} in {location.spool / 'torn'}; stream_events of kind quarantine say what they were",
                )
            spent = lake.query(_SPENT_TODAY)["spent"][0]
            state = "note" if spent >= settings.llm_budget_usd else "ok"
            yield Finding("budget", state, f"${spent:.4f} of ${settings.llm_budget_usd} spent today (UTC)")
    except ArbError as error:
        yield Finding("lake", "wrong", str(error))


def _streams(settings: Settings) -> Iterator[Finding]:
    for venue in (POLYMARKET, KALSHI):
        beat = read_heartbeat(settings.root, venue)
        if not alive(settings.root, venue):
            last = (
                "never streamed here"
                if beat is None
                else f"stopped; last heartbeat {beat.at:%Y-%m-%d %H:%M:%S} UTC"
            )
            yield Finding(f"stream {venue}", "note", last)
        elif beat is not None:
            age = (pipeline.now() - beat.at).total_seconds()
            state = "ok" if beat.connected and age < 30 and not beat.trouble else "wrong"
            yield Finding(f"stream {venue}", state, f"{beat.assets_with_book}/{beat.assets} books, {beat.frames_per_second:.0f} frames/s, heartbeat {age:.0f} s ago {beat.trouble}".strip())  # fmt: skip


def _models(settings: Settings) -> Iterator[Finding]:
    today = pipeline.now().date()
    chosen = {"deepseek": settings.deepseek_model, "openai": settings.openai_model}
    for name in PROVIDERS:
        yield Finding(f"model {name}", "ok", chosen[name] or default_model(name, today))
    for provider, model, last in retirements_within(RETIRES_SOON_DAYS, today):
        used = model == (chosen[provider] or default_model(provider, today))
        yield Finding(f"model {model}", "wrong" if used and (last - today).days < 7 else "note", f"retires on {last}" + (": it is the one in use, set another" if used else ""))  # fmt: skip
