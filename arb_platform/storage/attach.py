"""Where a lake is, and how a DuckDB connection gets it attached without downloading anything."""

import os
import shutil
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb

from arb_platform.domain.errors import DiskFull, LakeUnavailable, StorageError

EMBEDDED_EXTENSIONS: Final = ("ducklake", "sqlite_scanner")
_SQLITE: Final = "sqlite:"
_POSTGRES: Final = ("postgres:", "postgresql:")
# Commits of several writers collide in the catalogue and DuckLake repeats them by itself.
_COMMIT_RETRIES: Final = 100
_BUSY_TIMEOUT_MS: Final = 5000
# With less than this SQLite says "disk I/O error" and means a full disk.
_NO_ROOM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class S3Access:
    """Keys of an S3-compatible store; None leaves the choice to the environment of DuckDB."""

    key_id: str | None = None
    secret: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class LakeLocation:
    """Where the parts of a lake are: ``root`` is always local (spool, lock, generated files).

    ``catalog`` is ``sqlite:<path>`` or ``postgres:<libpq string or URL>``, ``data`` a folder or
    ``s3://bucket/prefix``, ``schema`` the one of a PostgreSQL catalogue.
    """

    root: Path
    catalog: str
    data: str
    s3: S3Access | None = None
    schema: str = "arb"

    @classmethod
    def local(cls, root: Path) -> "LakeLocation":
        """Everything under one folder: an SQLite catalogue beside Parquet files."""
        return cls.at(root)

    @classmethod
    def at(
        cls, root: Path, *, catalog: str | None = None, data: str | None = None, s3: S3Access | None = None
    ) -> "LakeLocation":
        """The lake of ``root``, with the parts that are set elsewhere (``ARB_LAKE_CATALOG``, ``ARB_LAKE_DATA``)."""
        root = root.expanduser().resolve()
        catalog = catalog or f"{_SQLITE}{root / 'catalog.sqlite'}"
        if not catalog.startswith((_SQLITE, *_POSTGRES)):
            catalog = f"{_SQLITE}{Path(catalog).expanduser().resolve()}"
        data = data or str(root / "files")
        if "://" not in data:
            data = str(Path(data).expanduser().resolve())
        return cls(root, catalog, data.rstrip("/") + "/", s3)

    def beside(self, name: str) -> "LakeLocation":
        """Another lake at the same addresses that shares neither table nor file with this one."""
        file = self.catalog_file
        return replace(
            self,
            catalog=self.catalog if file is None else f"{_SQLITE}{file.with_name(f'{name}-{file.name}')}",
            data=f"{self.data}{name}/",
            schema=f"{self.schema}_{name}",
        )

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def embedded(self) -> bool:
        """True when the catalogue is an SQLite file, which needs the lock file around commits."""
        return self.catalog.startswith(_SQLITE)

    @property
    def catalog_file(self) -> Path | None:
        return Path(self.catalog.removeprefix(_SQLITE)) if self.embedded else None

    @property
    def on_s3(self) -> bool:
        return self.data.startswith("s3://")


def quoted(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def extension_file(name: str) -> Path:
    """The extension binary that came with its package; nothing is ever downloaded.

    Raises StorageError when the package is not installed.
    """
    spec = find_spec(f"duckdb_extension_{name}")
    found = [
        file
        for place in (spec.submodule_search_locations if spec else None) or ()
        for file in Path(place).glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension")
    ]
    if not found:
        package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        extra = (
            ""
            if name in EMBEDDED_EXTENSIONS
            else ": install the extra `scale` (pip install 'arb-platform[scale]')"
        )
        raise StorageError(f"DuckDB's extension {name} is missing; it comes with {package}{extra}.")
    return found[0]


def load_statements(location: LakeLocation) -> list[str]:
    """LOAD statements with absolute paths for everything this lake needs, before any ATTACH."""
    names = ["ducklake", "sqlite_scanner" if location.embedded else "postgres_scanner"]
    if location.on_s3:
        names.append("httpfs")
    return [f"LOAD {quoted(str(extension_file(name)))}" for name in names]


def attach_statement(location: LakeLocation, *, read_only: bool) -> str:
    """The ATTACH that names this lake ``lake``."""
    # Data files are named relative to this path, so a lake that was moved or restored stays whole.
    options = [f"DATA_PATH {quoted(location.data)}", "OVERRIDE_DATA_PATH true"]
    if location.embedded:
        target = f"ducklake:sqlite:{location.catalog_file}"
        options += ["META_JOURNAL_MODE 'WAL'", f"META_BUSY_TIMEOUT {_BUSY_TIMEOUT_MS}"]
    else:
        target = f"ducklake:postgres:{_libpq(location.catalog)}"
        options.append(f"METADATA_SCHEMA {quoted(location.schema)}")
    # Inlined rows would live in the catalogue, where SQLite's single writer is the bottleneck.
    options.append("READ_ONLY" if read_only else "DATA_INLINING_ROW_LIMIT 0")
    return f"ATTACH {quoted(target)} AS lake ({', '.join(options)})"


def secret_statement(s3: S3Access) -> str:
    """CREATE SECRET for the data path."""
    parts = ["TYPE s3"]
    parts += [f"KEY_ID {quoted(s3.key_id)}"] if s3.key_id else []
    parts += [f"SECRET {quoted(s3.secret)}"] if s3.secret else []
    parts += [f"REGION {quoted(s3.region)}"] if s3.region else []
    parts += s3_endpoint_options(s3)
    return f"CREATE OR REPLACE SECRET lake_data ({', '.join(parts)})"


def s3_endpoint_options(s3: S3Access) -> list[str]:
    if not s3.endpoint_url:
        return []
    scheme, _, host = s3.endpoint_url.partition("://")
    secure = "true" if scheme == "https" else "false"
    return [f"ENDPOINT {quoted(host.rstrip('/'))}", "URL_STYLE 'path'", f"USE_SSL {secure}"]


def connect(
    location: LakeLocation, *, read_only: bool, check_signatures: bool = True, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection of its own with the lake attached and in use.

    DuckDB hashes each extension (70 MB, 0.3 s) to check its signature whenever one is loaded. Without
    ``check_signatures`` it does not: for connections that run our own statements only, whose extensions
    came with packages that were checked by hash, as this code did. ``threads`` is how many a query may use, by default as DuckDB chooses. Raises LakeUnavailable when the catalogue is missing (reading), broken or out of reach.
    """
    check_catalog(location, read_only=read_only)
    statements = load_statements(location)
    # The first look at a catalogue is many tiny queries, and each costs four times as much on two threads.
    connection = duckdb.connect(
        config={"allow_unsigned_extensions": "false" if check_signatures else "true", "threads": 1}
    )
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"SET GLOBAL ducklake_max_retry_count={_COMMIT_RETRIES}")
        if location.s3 is not None and location.on_s3:
            connection.execute(secret_statement(location.s3))
        connection.execute(attach_statement(location, read_only=read_only))
        prepare(connection)
        connection.execute(f"SET threads={threads}" if threads else "RESET threads")
    except duckdb.Error as error:
        connection.close()
        raise unavailable(location, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(cursor: duckdb.DuckDBPyConnection) -> None:
    """What a cursor does not inherit from its connection: the lake in use, and times in UTC."""
    cursor.execute("SET TimeZone='UTC'")
    cursor.execute("USE lake")


def check_catalog(location: LakeLocation, *, read_only: bool) -> None:
    """Say clearly what DuckDB would say cryptically: no catalogue to read, no folder to write."""
    file = location.catalog_file
    if file is None:
        return
    if read_only:
        if not file.exists():
            raise LakeUnavailable(
                f"there is no lake at {location.root} yet; `arb up`, `arb demo` or any command that writes creates one."
            )
        return
    if not file.exists() and _holds_parquet(location):
        raise LakeUnavailable(
            f"the catalogue {file} is gone but its data files in {location.data} are still there; restore it "
            "from a backup, or move the data files away to start an empty lake."
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if "://" not in location.data:
            Path(location.data).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LakeUnavailable(
            f"the lake cannot be created at {location.root} ({error.strerror}); choose a folder you can write with ARB_DATA_DIR."
        ) from error


def unavailable(location: LakeLocation, error: duckdb.Error) -> StorageError:
    """The sentence for a catalogue that DuckDB could not attach or read."""
    reason = first_line(error)
    file = location.catalog_file
    if file is not None:
        if "disk i/o error" in str(error).lower() and shutil.disk_usage(file.parent).free < _NO_ROOM:
            return disk_full(location)
        if file.exists() and not os.access(file.parent, os.W_OK):
            return LakeUnavailable(
                f"the lake's catalogue {file} cannot be used because its folder cannot be written, which SQLite needs "
                "for reading too; make it writable for you, or restore a backup where you can write."
            )
        return LakeUnavailable(
            f"the lake's catalogue {file} cannot be used ({reason}); check that the file is "
            "readable and whole, restore it from a backup, or move it away together with its data files."
        )
    return LakeUnavailable(
        f"the lake's PostgreSQL catalogue cannot be used ({reason}); check ARB_LAKE_CATALOG, the server and the S3 settings."
    )


def disk_full(location: LakeLocation) -> DiskFull:
    """SQLite needs room to read, too: 32 KB beside the catalogue."""
    return DiskFull(
        f"the disk of {location.root} is full; free some space, then try again: nothing acknowledged is lost."
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's text, short enough for a sentence, and without credentials."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    words = ["***" if "password=" in word or "://" in word else word for word in line.split()]
    return " ".join(words)[:300]


def _holds_parquet(location: LakeLocation) -> bool:
    return "://" not in location.data and any(Path(location.data).glob("main/*/**/*.parquet"))


def _libpq(catalog: str) -> str:
    return catalog.removeprefix("postgres:").lstrip() if not catalog.startswith("postgres://") else catalog
