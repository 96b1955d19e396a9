"""What a stream says of itself, in a small file outside Dagster and outside the lake.

Anybody may read it at any moment: the file is replaced whole.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from arb_platform.ingest.lease import held


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One shard as it was at ``at``; rates are per second over the last seconds, lags in milliseconds."""

    venue: str
    shard: int
    pid: int
    run_id: str
    started_at: datetime
    at: datetime
    connected: bool
    sockets: int
    assets: int
    assets_with_book: int
    frames: int
    frames_per_second: float
    snapshots: int
    gaps: int
    reconnections: int
    quarantined: int
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    spooled_rows: int
    promoted_rows: int
    trouble: str = ""


def write_heartbeat(root: Path, beat: Heartbeat) -> Path:
    """Replace the shard's file. A full disk is no reason to stop streaming, so OSError is the caller's."""
    path = heartbeat_path(root, beat.venue, beat.shard)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(beat), default=_plain))
    temporary.replace(path)
    return path


def read_heartbeat(root: Path, venue: str, shard: int = 0) -> Heartbeat | None:
    """The last word of a shard, or None when it never said one that can be read."""
    try:
        document = json.loads(heartbeat_path(root, venue, shard).read_text())
        return Heartbeat(
            **{
                **document,
                "started_at": datetime.fromisoformat(document["started_at"]),
                "at": datetime.fromisoformat(document["at"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def heartbeats(root: Path, venue: str) -> list[Heartbeat]:
    """The last words of every shard of ``venue`` that ever streamed here, by shard."""
    shards = sorted(
        int(shard)
        for path in (root / "streams").glob(f"{venue}-*.json")
        if (shard := path.stem.removeprefix(f"{venue}-")).isdecimal()
    )
    return [beat for shard in shards if (beat := read_heartbeat(root, venue, shard)) is not None]


def alive(root: Path, venue: str, shard: int = 0) -> bool:
    """True while a live process holds the shard, whatever its heartbeat says."""
    return held(root, venue, shard)


def heartbeat_path(root: Path, venue: str, shard: int = 0) -> Path:
    return root / "streams" / f"{venue}-{shard}.json"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"not a plain value: {value!r}")
