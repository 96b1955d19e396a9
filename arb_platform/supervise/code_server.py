"""The code server's process: brings the lake and Dagster's home up to date, then serves the definitions.

It needs Dagster and DuckDB anyway, so nobody else has to load them for that, and no other process
starts before this one listens: several that find an empty home would race for making it.
"""

import sys
from typing import Final

LOCATION: Final = "arb_platform"
DEFINITIONS: Final = "arb_platform.definitions"


def main(port: str, host: str = "127.0.0.1") -> None:
    """Serve until SIGTERM; what went wrong before is the last line that is printed."""
    # A run's process is spawned from this one and imports this module first: what follows is not for it.
    from dagster._cli import main as dagster  # noqa: PLC0415

    _prepare_lake()
    _prepare_home()
    sys.argv = [
        "dagster", "api", "grpc", "--module-name", DEFINITIONS, "--host", host, "--port", port, "--location-name", LOCATION,
    ]  # fmt: skip
    dagster()  # type: ignore[no-untyped-call]  # the entry point of the command `dagster`


def _prepare_lake() -> None:
    from arb_platform.domain.errors import ArbError  # noqa: PLC0415
    from arb_platform.pipeline import open_writer  # noqa: PLC0415
    from arb_platform.settings import load_settings  # noqa: PLC0415

    try:
        open_writer(load_settings()).close()
    except ArbError as error:
        sys.exit(str(error))


def _prepare_home() -> None:
    from dagster import DagsterInstance  # noqa: PLC0415

    try:
        with DagsterInstance.get() as instance:
            instance.upgrade()
    except Exception as error:  # noqa: BLE001 whatever a home of another version or a broken one raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        sys.exit(
            f"Dagster's home (the folder dagster below the data folder, or DAGSTER_HOME) could not be migrated: {reason}. "
            "Move it away to start with a new one; the lake is not touched."
        )


if __name__ == "__main__":
    main(*sys.argv[1:3])
