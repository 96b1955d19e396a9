"""Which language models may be asked."""

from datetime import datetime

from arb_platform.domain.errors import SettingsError
from arb_platform.llm.providers import default_model, located
from arb_platform.settings import Settings


def models_in_use(settings: Settings, now: datetime) -> dict[str, str]:
    """Model -> provider of everything that may be asked today with the keys there are."""
    chosen = {
        "deepseek": (settings.deepseek_api_key, settings.deepseek_model),
        "openai": (settings.openai_api_key, settings.openai_model),
    }
    found = {}
    for provider, (key, model) in chosen.items():
        if key is not None:
            found[model or default_model(provider, now.date())] = provider
    if settings.escalation_model is not None and found:
        try:
            provider, model = located(settings.escalation_model)
        except SettingsError:
            return found  # validation says so, in its own words
        found[model] = provider
    return found
