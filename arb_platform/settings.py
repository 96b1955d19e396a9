"""Every setting, read in this one place.

The class is frozen and read once per process; nothing else looks at the environment.
"""

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from arb_platform.domain.errors import SettingsError
from arb_platform.venues.endpoints import (
    KALSHI_DEMO_REST,
    KALSHI_DEMO_WS,
    KALSHI_REST,
    KALSHI_WS,
    POLYMARKET_CLOB,
    POLYMARKET_GAMMA,
    POLYMARKET_WS,
)

Profile = Literal["demo", "live"]


class Settings(BaseSettings):
    """Frozen settings; every variable has a row in the README that a test compares with this class."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, case_sensitive=False, populate_by_name=True
    )

    data_dir: Path = Field(
        Path("data"), alias="ARB_DATA_DIR", description="everything the platform writes; demo writes to `<data>/demo` and never mixes with live"
    )  # fmt: skip
    profile: Profile = Field("demo", alias="ARB_PROFILE", description="`demo` or `live`")

    deepseek_api_key: SecretStr | None = Field(
        None, alias="DEEPSEEK_API_KEY", description="secret; the first provider"
    )
    openai_api_key: SecretStr | None = Field(
        None, alias="OPENAI_API_KEY", description="secret; the fallback provider"
    )
    deepseek_base_url: str | None = Field(
        None, alias="ARB_DEEPSEEK_BASE_URL", description="any OpenAI-compatible endpoint"
    )
    openai_base_url: str | None = Field(
        None, alias="ARB_OPENAI_BASE_URL", description="any OpenAI-compatible endpoint"
    )
    deepseek_model: str | None = Field(
        None,
        alias="ARB_DEEPSEEK_MODEL",
        description="default: the provider's first model that is not retired today",
    )
    openai_model: str | None = Field(
        None,
        alias="ARB_OPENAI_MODEL",
        description="default: the provider's first model that is not retired today",
    )
    deepseek_rpm: int = Field(
        60, gt=0, alias="ARB_DEEPSEEK_RPM", description="requests a minute, token bucket"
    )
    openai_rpm: int = Field(500, gt=0, alias="ARB_OPENAI_RPM", description="requests a minute, token bucket")
    llm_budget_usd: Decimal = Field(
        Decimal(10), ge=0, alias="ARB_LLM_BUDGET_USD", description="hard stop per UTC day"
    )
    escalation_model: str | None = Field(
        None,
        alias="ARB_ESCALATION_MODEL",
        description="a better model that is asked about pairs in doubt, `gpt-4o` or `openai/gpt-4o`; its provider's key must be set",
    )
    escalation_budget_usd: Decimal = Field(
        Decimal(2),
        ge=0,
        alias="ARB_ESCALATION_BUDGET_USD",
        description="hard stop per UTC day for that model, apart from the other budget",
    )

    polymarket_api_key: SecretStr | None = Field(
        None, alias="POLYMARKET_API_KEY", description="accepted, not needed for market data"
    )
    kalshi_api_key: SecretStr | None = Field(
        None, alias="KALSHI_API_KEY", description="key id; without a key Kalshi is polled"
    )
    kalshi_private_key: SecretStr | None = Field(
        None, alias="KALSHI_PRIVATE_KEY", description="RSA private key as PEM text"
    )
    kalshi_private_key_path: Path | None = Field(
        None, alias="KALSHI_PRIVATE_KEY_PATH", description="or a file that holds it"
    )
    kalshi_use_demo: bool = Field(
        False, alias="KALSHI_USE_DEMO", description="Kalshi's demo environment (its keys are separate)"
    )

    polymarket_ws_url: str = Field(
        POLYMARKET_WS, alias="ARB_POLYMARKET_WS_URL", description="market websocket"
    )
    polymarket_gamma_url: str = Field(
        POLYMARKET_GAMMA, alias="ARB_POLYMARKET_GAMMA_URL", description="listing"
    )
    polymarket_clob_url: str = Field(
        POLYMARKET_CLOB, alias="ARB_POLYMARKET_CLOB_URL", description="books over REST"
    )
    kalshi_ws_url: str | None = Field(
        None, alias="ARB_KALSHI_WS_URL", description="websocket; default by `KALSHI_USE_DEMO`"
    )
    kalshi_rest_url: str | None = Field(
        None, alias="ARB_KALSHI_REST_URL", description="REST; default by `KALSHI_USE_DEMO`"
    )

    lake_catalog: str | None = Field(
        None,
        alias="ARB_LAKE_CATALOG",
        repr=False,  # a PostgreSQL address may hold a password
        description="default: SQLite file under the data directory; or `postgres:<libpq string or URL>`; demo uses a schema (or file) of its own there",
    )
    lake_data: str | None = Field(
        None,
        alias="ARB_LAKE_DATA",
        description="default: folder under the data directory; or `s3://bucket/prefix`; demo uses `demo/` below it",
    )
    aws_access_key_id: SecretStr | None = Field(None, alias="AWS_ACCESS_KEY_ID", description="S3 access")
    aws_secret_access_key: SecretStr | None = Field(
        None, alias="AWS_SECRET_ACCESS_KEY", description="S3 access"
    )
    aws_region: str | None = Field(None, alias="AWS_REGION", description="S3 access")
    aws_endpoint_url_s3: str | None = Field(None, alias="AWS_ENDPOINT_URL_S3", description="S3 access")

    nightly_cron: str = Field(
        "30 2 * * *", alias="ARB_NIGHTLY_CRON", description="when pairs are revalidated, in New York time"
    )
    track: str = Field(
        "pairs",
        alias="ARB_TRACK",
        description="which markets are streamed: `pairs` (accepted and candidate pairs, then by volume), `all`, or a comma-separated list",
    )
    silence_seconds: float = Field(
        120.0,
        gt=0,
        alias="ARB_SILENCE_SECONDS",
        description="no data on a socket for so long: ask the REST witness, replace the socket",
    )
    stream_hours: float = Field(
        24.0,
        ge=0,
        alias="ARB_STREAM_HOURS",
        description="a streaming run older than this is renewed without a gap; `0`: only when its code is older than the platform's",
    )
    raw_frames: Literal["on", "off"] = Field(
        "off", alias="ARB_RAW_FRAMES", description="`on` keeps every raw frame (zstd) for replay"
    )
    edge_stale_seconds: float = Field(
        120.0, gt=0, alias="ARB_EDGE_STALE_SECONDS", description="an edge with a book that last changed longer ago is refused as stale"
    )  # fmt: skip
    edge_skew_seconds: float = Field(
        60.0, gt=0, alias="ARB_EDGE_SKEW_SECONDS", description="an edge between books that changed further apart is refused as skewed"
    )  # fmt: skip
    edge_min_size: Decimal = Field(
        Decimal(1), ge=0, alias="ARB_EDGE_MIN_SIZE", description="contracts below which an edge is too small"
    )  # fmt: skip
    edge_min_net: Decimal = Field(
        Decimal("0.005"), ge=0, lt=1, alias="ARB_EDGE_MIN_NET", description="dollars a contract after fees below which an edge is refused"
    )  # fmt: skip
    live_port: int | None = Field(
        None, ge=1, le=65535, alias="ARB_LIVE_PORT", description="port of the analyst's live page; default: the web UI's port plus one"
    )  # fmt: skip
    retention_days: int = Field(
        30,
        gt=0,
        alias="ARB_RETENTION_DAYS",
        description="snapshots and raw frames older than this are dropped by maintenance",
    )
    alert_urls: SecretStr | None = Field(
        None, alias="ARB_ALERT_URLS", description="Apprise URLs for alerts, comma-separated"
    )

    @field_validator("*")
    @classmethod
    def _addresses_are_addresses(cls, value: Any, info: ValidationInfo) -> Any:
        name = info.field_name or ""
        schemes = {"_ws_url": ("ws://", "wss://"), "_url": ("http://", "https://")}
        for ending, allowed in schemes.items():
            if name.endswith(ending) and isinstance(value, str):
                if not value.startswith(allowed):
                    raise ValueError(f"an address begins with {' or '.join(allowed)}")
                break
        return value

    @field_validator("nightly_cron")
    @classmethod
    def _cron_has_five_fields(cls, value: str) -> str:
        if not re.fullmatch(
            r"[0-9*,/-]+ +[0-9*,/-]+ +[0-9*,/?L-]+ +[0-9A-Za-z*,/-]+ +[0-9A-Za-z*,/#-]+", value
        ):
            raise ValueError("a time of day in cron's five fields, for example `30 2 * * *`")
        return value

    @property
    def root(self) -> Path:
        """Where this profile writes: demo below its own folder, so that it never mixes with live."""
        base = self.data_dir.expanduser().resolve()
        return base / "demo" if self.profile == "demo" else base

    @property
    def points_elsewhere(self) -> bool:
        """True when any address was set by somebody, to a simulator or a proxy for instance."""
        return any(
            name.endswith("_url") and name in self.model_fields_set for name in type(self).model_fields
        )

    @property
    def kalshi_ws(self) -> str:
        return self.kalshi_ws_url or (KALSHI_DEMO_WS if self.kalshi_use_demo else KALSHI_WS)

    @property
    def kalshi_rest(self) -> str:
        return self.kalshi_rest_url or (KALSHI_DEMO_REST if self.kalshi_use_demo else KALSHI_REST)


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process: the environment, then ``overrides`` by field name.

    Raises SettingsError with the variable's name and never with its value, which may be a secret.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        ]
        raise SettingsError(
            f"settings do not make sense: {'; '.join(faults)}. See the table of settings in README.md."
        ) from None


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: ours with ``changes``."""
    return {**os.environ, **changes}
