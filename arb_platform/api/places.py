"""Where the lake of a profile is, and what of its settings is secret."""

import duckdb
from pydantic import SecretStr

from arb_platform.settings import Settings, load_settings
from arb_platform.storage import attach
from arb_platform.storage.lake import Lake


def lake_location(settings: Settings) -> attach.LakeLocation:
    """Where the lake of this profile is.

    At an address that was set (``ARB_LAKE_CATALOG``, ``ARB_LAKE_DATA``) demo's lies beside live's, so that the
    two never mix.
    """
    s3 = attach.S3Access(
        secret(settings.aws_access_key_id),
        secret(settings.aws_secret_access_key),
        settings.aws_region,
        settings.aws_endpoint_url_s3,
    )
    location = attach.LakeLocation.at(
        settings.root,
        catalog=settings.lake_catalog,
        data=settings.lake_data,
        s3=s3 if any(_set(s3)) else None,
    )
    return location.beside("demo") if settings.profile == "demo" and _elsewhere(settings) else location


def _elsewhere(settings: Settings) -> bool:
    return settings.lake_catalog is not None or settings.lake_data is not None


def open_lake(*, read_only: bool = True, settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the lake attached and in use; ``.sql(...).pl()`` gives Polars.

    Raises LakeUnavailable when there is no lake yet. Read-only unless asked otherwise: the
    platform's own writers use a lock that a plain connection does not.
    """
    location = lake_location(settings or load_settings())
    if not read_only:
        Lake.open(location).close()  # create or migrate first
    return attach.connect(location, read_only=read_only)


def kalshi_private_key(settings: Settings) -> str | None:
    """PEM text or the path of a file, as the signer takes it; None when neither is set."""
    # empty is unset: a simulator clears what the user has set this way
    if text := secret(settings.kalshi_private_key):
        return text
    return None if settings.kalshi_private_key_path is None else str(settings.kalshi_private_key_path)


def secret(value: SecretStr | None) -> str | None:
    """The text of a setting that is not to be printed."""
    return None if value is None else value.get_secret_value()


def _set(s3: attach.S3Access) -> list[str | None]:
    return [s3.key_id, s3.secret, s3.region, s3.endpoint_url]
