"""Checks of the lake, of the spool before it, and of the disk below it."""

import shutil
from pathlib import Path
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import NewerSchema
from arb_platform.pipeline.checks.check import Answer, Check, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.words import span
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.storage.spool import TORN, Spool

LAKE: Final = "lake"

# A stream writes up to four segments a second and a promotion takes them all: so many wait only when nobody promotes.
SPOOLED_SEGMENTS: Final = 500
PROMOTION_SECONDS: Final = 60.0
# Two streams commit about 2,500 files between two maintenances; this is three of them that did not happen.
LAKE_FILES: Final = 8_000
LOW_DISK_BYTES: Final = 2 * 2**30


def lake_can_be_read(sight: Sight) -> Answer:
    if sight.trouble is not None and not isinstance(sight.trouble, NewerSchema):
        return failed(str(sight.trouble))
    if sight.lake is None and sight.trouble is None:
        return unknown("no lake yet: any command that writes creates it, `arb up` for one")
    return passed("the lake can be read")


def schema_is_current(sight: Sight) -> Answer:
    if isinstance(sight.trouble, NewerSchema):
        return failed(str(sight.trouble), program=SCHEMA_VERSION)
    if sight.lake is None:
        return unknown("no lake yet, so no schema: any command that writes creates it, `arb up` for one")
    version = sight.row("SELECT max(version) AS version FROM lake.schema_version")["version"]
    figures = {"lake": version, "program": SCHEMA_VERSION}
    if version != SCHEMA_VERSION:
        return failed(
            f"the lake has schema version {version} and this program writes {SCHEMA_VERSION}; the next one that writes brings it "
            "there: start `arb up`, or run `arb maintain`",
            **figures,
        )
    return passed(f"the lake has schema version {version}, as this program", **figures)


def spool_is_drained(sight: Sight) -> Answer:
    segments, _ = Spool(api.lake_location(sight.settings).spool).pending()
    figures = {"segments": len(segments)}
    if len(segments) > SPOOLED_SEGMENTS:
        age = (sight.now - segments[0].landed_at).total_seconds()
        return failed(
            f"{len(segments)} segments wait in the spool, the oldest for {span(age)}; everything in it is safe, but only a running "
            "stream promotes: does one run, and what does its log say?",
            **figures,
        )
    return passed(f"{len(segments)} segments wait in the spool", **figures)


_PROMOTED: Final = """
SELECT count(*) AS n, quantile_cont(epoch_us(promoted_at) - epoch_us(landed_at), 0.95) / 1e6 AS seconds FROM lake.ingest_segments
WHERE day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND landed_at BETWEEN $1 AND $2"""


def promotion_is_prompt(sight: Sight) -> Answer:
    """By the oldest segment that waits, and by how long those of the last hour have waited."""
    segments, _ = Spool(api.lake_location(sight.settings).spool).pending()
    row = sight.row(_PROMOTED, sight.ago(hours=1), sight.now)
    waits = [(sight.now - segments[0].landed_at).total_seconds()] if segments else []
    usual = [float(row["seconds"])] if row["n"] else []
    if not waits and not usual:
        return unknown("nothing was promoted in the last hour and nothing waits: no stream ran")
    longest = max(*waits, *usual, 0.0)
    figures = {
        "oldest_waiting_seconds": round(max(waits, default=0.0), 1),
        "p95_seconds": round(max(usual, default=0.0), 2),
    }
    if longest > PROMOTION_SECONDS:
        return failed(
            f"what is safe in the spool reaches the lake after {span(longest)} only; the stream's log says what holds promotion up: "
            "a full disk, a lock that somebody holds, or a lake with too many files (`arb maintain`)",
            **figures,
        )
    return passed(f"what is safe in the spool reaches the lake within {longest:.1f} s", **figures)


def no_segment_is_torn(sight: Sight) -> Answer:
    folder = api.lake_location(sight.settings).spool / TORN
    torn = sum(1 for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
    if torn:
        return failed(
            f"{torn} files in {folder} could not be promoted; stream_events of kind quarantine say what they are: "
            "keep them for a report, then delete them",
            torn=torn,
        )
    return passed("every segment could be promoted", torn=0)


_TWICE: Final = """
SELECT count(*) - count(DISTINCT segment_id) AS n FROM lake.ingest_segments WHERE day >= CAST($1 AT TIME ZONE 'UTC' AS DATE)"""


def segments_landed_once(sight: Sight) -> Answer:
    twice = sight.row(_TWICE, sight.ago(days=1))["n"]
    if twice:
        return failed(
            f"{twice} segments of the last two days are in the ledger of promotions more than once, so their rows are in the lake "
            "twice; stop the streams, keep the data folder and report it: this must never happen",
            twice=twice,
        )
    return passed("no segment of the last two days was promoted twice", twice=0)


def lake_has_few_files(sight: Sight) -> Answer:
    rows = sight.rows(
        "SELECT table_name, (file_count + delete_file_count)::BIGINT AS files FROM ducklake_table_info('lake') ORDER BY files DESC, table_name"
    )
    files = sum(row["files"] for row in rows)
    figures = {"files": files, **{row["table_name"]: row["files"] for row in rows[:3]}}
    if files > LAKE_FILES:
        return failed(
            f"the lake has {files} files, most of them of {rows[0]['table_name']}; every query and commit slows down: is "
            "maintain_lake_schedule on and does its job succeed? `arb maintain` merges them now",
            **figures,
        )
    return passed(f"the lake has {files} files", **figures)


def disk_has_room(sight: Sight) -> Answer:
    place = existing(sight.root)
    free = shutil.disk_usage(place).free
    said = f"{free / 2**30:.1f} GiB are free at {place}"
    if free <= LOW_DISK_BYTES:
        return failed(
            f"{said}; a full disk stops acknowledging: free some, lower ARB_RETENTION_DAYS, or move ARB_DATA_DIR",
            free_bytes=free,
        )
    return passed(said, free_bytes=free)


def existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


LAKE_CHECKS: Final = (
    Check("lake_can_be_read", LAKE, "error", "catalogue and files can be opened", "what the sentence says: rights, room, or a backup", lake_can_be_read, needs_lake=False),
    Check("schema_is_current", LAKE, "error", "the lake has the schema version of this program", "an older lake: `arb maintain` or `arb up`; a newer one: install the newer program", schema_is_current, needs_lake=False),
    Check("disk_has_room", LAKE, "error", "2 GiB are free where the data is", "free some, lower `ARB_RETENTION_DAYS`, or move `ARB_DATA_DIR`", disk_has_room, needs_lake=False),
    Check("spool_is_drained", LAKE, "error", "at most 500 segments wait for promotion", "a running stream promotes: does one run, what does its log say?", spool_is_drained, needs_lake=False),
    Check("promotion_is_prompt", LAKE, "warn", "what is acknowledged can be queried within 60 s", "the stream's log: a full disk, a lock, or too many files (`arb maintain`)", promotion_is_prompt),
    Check("no_segment_is_torn", LAKE, "warn", "no acknowledged segment was set aside as unreadable", "`stream_events` of kind quarantine; keep the files for a report, then delete them", no_segment_is_torn, needs_lake=False),
    Check("segments_landed_once", LAKE, "error", "no segment of two days is twice in the ledger of promotions", "stop the streams, keep the folder, report it", segments_landed_once),
    Check("lake_has_few_files", LAKE, "warn", "the lake has at most 8,000 files", "is `maintain_lake_schedule` on? `arb maintain` merges now", lake_has_few_files),
)  # fmt: skip
