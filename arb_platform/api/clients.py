"""The adapters and the language model's client, with the settings filled in where the caller says nothing."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from arb_platform.api.places import kalshi_private_key, secret
from arb_platform.domain.calls import CallLedger
from arb_platform.domain.markets import Market
from arb_platform.llm import client as llm_client
from arb_platform.matching import validation
from arb_platform.settings import Settings, load_settings
from arb_platform.venues import adapters, polling

TrackedMarkets = Sequence[Market | str] | None


class PolymarketWebsocketAdapter(adapters.PolymarketWebsocketAdapter):
    """Order books of Polymarket as they change; addresses from ``ARB_POLYMARKET_*``."""

    def __init__(
        self,
        api_key: str | None = None,
        tracked_markets: TrackedMarkets = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        ws_url: str | None = None,
        gamma_url: str | None = None,
        clob_url: str | None = None,
        silence_seconds: float | None = None,
        **options: Any,
    ) -> None:
        settings = load_settings()
        super().__init__(
            api_key,
            tracked_markets,
            max_depth,
            reconnect_delay,
            ws_url=ws_url or settings.polymarket_ws_url,
            gamma_url=gamma_url or settings.polymarket_gamma_url,
            clob_url=clob_url or settings.polymarket_clob_url,
            silence_seconds=silence_seconds or settings.silence_seconds,
            **options,
        )


class KalshiWebsocketAdapter(adapters.KalshiWebsocketAdapter):
    """Order books of Kalshi as they change; key and addresses from ``KALSHI_*`` and ``ARB_KALSHI_*``."""

    def __init__(
        self,
        api_key: str | None = None,
        use_demo: bool | None = None,  # noqa: FBT001 the contract's place for it
        tracked_markets: TrackedMarkets = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        private_key: str | Path | None = None,
        ws_url: str | None = None,
        rest_url: str | None = None,
        silence_seconds: float | None = None,
        **options: Any,
    ) -> None:
        settings = load_settings()
        demo = settings.kalshi_use_demo if use_demo is None else use_demo
        super().__init__(
            api_key or secret(settings.kalshi_api_key),
            demo,
            tracked_markets,
            max_depth,
            reconnect_delay,
            private_key=private_key or kalshi_private_key(settings),
            ws_url=ws_url or settings.kalshi_ws_url,
            rest_url=rest_url or settings.kalshi_rest_url,
            silence_seconds=silence_seconds or settings.silence_seconds,
            **options,
        )


class PolymarketAdapter(polling.PolymarketAdapter):
    """The same interface by polling REST."""

    def __init__(
        self,
        api_key: str | None = None,
        tracked_markets: TrackedMarkets = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        gamma_url: str | None = None,
        clob_url: str | None = None,
        **options: Any,
    ) -> None:
        settings = load_settings()
        super().__init__(
            api_key,
            tracked_markets,
            max_depth,
            reconnect_delay,
            gamma_url=gamma_url or settings.polymarket_gamma_url,
            clob_url=clob_url or settings.polymarket_clob_url,
            **options,
        )


class KalshiAdapter(polling.KalshiAdapter):
    """The same interface by polling REST; no key needed."""

    def __init__(
        self,
        api_key: str | None = None,
        use_demo: bool | None = None,  # noqa: FBT001 the contract's place for it
        tracked_markets: TrackedMarkets = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        rest_url: str | None = None,
        **options: Any,
    ) -> None:
        settings = load_settings()
        demo = settings.kalshi_use_demo if use_demo is None else use_demo
        super().__init__(
            api_key,
            demo,
            tracked_markets,
            max_depth,
            reconnect_delay,
            rest_url=rest_url or settings.kalshi_rest_url,
            **options,
        )


class LLMClient(llm_client.LLMClient):
    """DeepSeek first, OpenAI as fallback; keys, addresses, models and limits from the settings."""

    def __init__(
        self,
        deepseek_api_key: str | SecretStr | None = None,
        openai_api_key: str | SecretStr | None = None,
        primary_provider: str = "deepseek",
        enable_fallback: bool = True,  # noqa: FBT001, FBT002 the owner's signature
        timeout_seconds: float = 30.0,
        *,
        deepseek_base_url: str | None = None,
        openai_base_url: str | None = None,
        deepseek_model: str | None = None,
        openai_model: str | None = None,
        deepseek_rpm: int | None = None,
        openai_rpm: int | None = None,
        budget_usd: Decimal | None = None,
        ledger: CallLedger | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        settings = settings or load_settings()
        super().__init__(
            deepseek_api_key or settings.deepseek_api_key,
            openai_api_key or settings.openai_api_key,
            primary_provider,
            enable_fallback,
            timeout_seconds,
            deepseek_base_url=deepseek_base_url or settings.deepseek_base_url,
            openai_base_url=openai_base_url or settings.openai_base_url,
            deepseek_model=deepseek_model or settings.deepseek_model,
            openai_model=openai_model or settings.openai_model,
            deepseek_rpm=deepseek_rpm or settings.deepseek_rpm,
            openai_rpm=openai_rpm or settings.openai_rpm,
            budget_usd=settings.llm_budget_usd if budget_usd is None else budget_usd,
            ledger=ledger,
            **options,
        )


class LLMValidator(validation.LLMValidator):
    """Judges pairs with :class:`LLMClient`; the hard rules confirm or object."""

    def __init__(
        self,
        deepseek_api_key: str | SecretStr | None = None,
        openai_api_key: str | SecretStr | None = None,
        min_score: float = 0.92,
        primary_provider: str = "deepseek",
        enable_fallback: bool = True,  # noqa: FBT001, FBT002 the owner's signature
        *,
        timeout_seconds: float = 30.0,
        client: llm_client.LLMClient | None = None,
        **options: Any,
    ) -> None:
        client_options = {name: options.pop(name) for name in tuple(options) if name in _CLIENT_OPTIONS}
        super().__init__(
            min_score=min_score,
            client=client
            or LLMClient(
                deepseek_api_key,
                openai_api_key,
                primary_provider,
                enable_fallback,
                timeout_seconds,
                **client_options,
            ),
            **options,
        )


_CLIENT_OPTIONS = frozenset(
    {
        "deepseek_base_url", "openai_base_url", "deepseek_model", "openai_model", "deepseek_rpm", "openai_rpm",
        "budget_usd", "budget_variable", "ledger", "settings", "run_id", "max_concurrency", "limits_dir", "monotonic", "sleep", "rng",
    }
)  # fmt: skip
