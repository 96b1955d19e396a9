"""``analyst.sql``: what ``duckdb -init`` needs to see the lake, read-only."""

import errno
import os
from pathlib import Path

from arb_platform.domain.errors import StorageError
from arb_platform.storage.attach import (
    LakeLocation,
    attach_statement,
    load_statements,
    quoted,
    s3_endpoint_options,
)  # fmt: skip


def write_analyst_sql(location: LakeLocation) -> Path:
    """Write ``analyst.sql`` below the lake's root and return its path.

    ``duckdb -init analyst.sql`` then has the lake attached for reading. It holds no S3 keys: they
    are taken from the environment of the client.
    """
    lines = [
        f"-- Read-only access to the lake: duckdb -init {location.root / 'analyst.sql'}",
        "-- Generated; do not edit. Keep transactions short: never hold BEGIN open.",
        *load_statements(location),
        "SET TimeZone='UTC'",
    ]
    if location.s3 is not None and location.on_s3:
        options = ["TYPE s3", "KEY_ID getenv('AWS_ACCESS_KEY_ID')", "SECRET getenv('AWS_SECRET_ACCESS_KEY')"]
        options += [f"REGION {quoted(location.s3.region)}"] if location.s3.region else []
        options += s3_endpoint_options(location.s3)
        lines.append(f"CREATE OR REPLACE SECRET lake_data ({', '.join(options)})")
    lines += [attach_statement(location, read_only=True), "USE lake"]
    text = "\n".join(line if line.startswith("--") else f"{line};" for line in lines) + "\n"
    path = location.root / "analyst.sql"
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        # A PostgreSQL address may carry a password.
        descriptor = os.open(
            beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644 if location.embedded else 0o600
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        advice = "free some space" if error.errno == errno.ENOSPC else "make the data directory writable"
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); {advice}, then try again."
        ) from error
    return path
