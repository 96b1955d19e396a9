"""Who is asked about pairs: the judge that settings name, the second opinion, and who answers batches."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from arb_platform import api
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.pairs import Verdict
from arb_platform.llm.ledger import MemoryLedger, Purse, SpendingLedger
from arb_platform.llm.providers import PROVIDERS, BatchTerms, located
from arb_platform.matching.escalation import EscalatingJudge
from arb_platform.matching.judge import Judge
from arb_platform.matching.offline import OfflineJudge
from arb_platform.matching.validation import LLMValidator
from arb_platform.settings import Settings

# The only one of the two that takes batches.
BATCH_PROVIDER: Final = "openai"


def judge_for(
    settings: Settings,
    *,
    ledger: SpendingLedger | None,
    run_id: str,
    budget_usd: Decimal | None = None,
    keep_doubt: Callable[[Verdict], None] = lambda _: None,
) -> Judge:
    """The language model when a key is set, else the offline judge, whose verdicts are never accepted.

    With ``ARB_ESCALATION_MODEL`` a second model decides what the first one leaves in doubt, and
    ``keep_doubt`` gets the first one's verdict then.
    """
    if settings.deepseek_api_key is None and settings.openai_api_key is None:
        return OfflineJudge()
    if settings.profile == "demo" and settings.deepseek_base_url is None and settings.openai_base_url is None:
        raise SettingsError(
            "the demo profile does not spend real money: start the simulators with `arb up` or set "
            "ARB_DEEPSEEK_BASE_URL, or use --profile live."
        )
    primary = "deepseek" if settings.deepseek_api_key is not None else "openai"
    own = MemoryLedger() if ledger is None else ledger
    limits = settings.root / "limits"
    if settings.escalation_model is None:
        return api.LLMValidator(
            primary_provider=primary,
            ledger=own,
            run_id=run_id,
            budget_usd=budget_usd,
            settings=settings,
            limits_dir=limits,
        )
    provider, model = located(settings.escalation_model)
    second = _second_judge(settings, provider, model, ledger=own, run_id=run_id)
    first = api.LLMValidator(
        primary_provider=primary,
        ledger=Purse(own, model, rest=True),
        run_id=run_id,
        budget_usd=budget_usd,
        settings=settings,
        limits_dir=limits,
    )
    if first.models[0] == model:
        raise SettingsError(
            f"ARB_ESCALATION_MODEL names {model!r}, which is asked first anyway; name a better one, or unset it."
        )
    return EscalatingJudge(first, second, keep_doubt=keep_doubt)


def _second_judge(
    settings: Settings, provider: str, model: str, *, ledger: SpendingLedger, run_id: str
) -> api.LLMValidator:
    """The model that is asked about doubtful pairs, paid out of its own budget and without a fallback."""
    if {"deepseek": settings.deepseek_api_key, "openai": settings.openai_api_key}[provider] is None:
        raise SettingsError(
            f"ARB_ESCALATION_MODEL needs {PROVIDERS[provider].key_variable}; set it, or unset ARB_ESCALATION_MODEL."
        )
    chosen: dict[str, Any] = {f"{provider}_model": model}
    return api.LLMValidator(
        primary_provider=provider,
        enable_fallback=False,
        ledger=Purse(ledger, model, rest=False),
        run_id=run_id,
        budget_usd=settings.escalation_budget_usd,
        budget_variable="ARB_ESCALATION_BUDGET_USD",
        settings=settings,
        limits_dir=settings.root / "limits",
        **chosen,
    )


def batch_terms() -> BatchTerms:
    """What the one provider of batches offers."""
    terms = PROVIDERS[BATCH_PROVIDER].batch
    assert terms is not None
    return terms


def batch_judge(settings: Settings, *, ledger: SpendingLedger, run_id: str) -> LLMValidator:
    """Who is asked in batches. Raises SettingsError without a key, or in the demo without a simulator."""
    if settings.openai_api_key is None:
        raise SettingsError(
            f"batches go to {BATCH_PROVIDER}, so they need {PROVIDERS[BATCH_PROVIDER].key_variable}; set it, or validate with --mode live."
        )
    if settings.profile == "demo" and settings.openai_base_url is None:
        raise SettingsError(
            "the demo profile does not spend real money: start the simulators with `arb up` or set "
            "ARB_OPENAI_BASE_URL, or use --profile live."
        )
    return api.LLMValidator(
        primary_provider=BATCH_PROVIDER,
        enable_fallback=False,
        ledger=ledger,
        run_id=run_id,
        settings=settings,
    )
