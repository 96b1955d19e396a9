"""What can go wrong between us and a provider, as chances per request or as a script."""

from dataclasses import dataclass, fields, replace
from random import Random
from typing import Final, Literal, get_args

from arb_platform.domain.errors import SettingsError

Fault = Literal[
    "rate_limited", "server_error", "overloaded", "payment_required", "timeout", "reset",
    "blank", "truncated", "prose", "wrong_types", "html",
]  # fmt: skip
FAULT_NAMES: Final[tuple[Fault, ...]] = get_args(Fault)


@dataclass(frozen=True, slots=True)
class LLMFaults:
    """The chance of each fault for one request; all together at most 1.

    ``retry_after_seconds`` goes with a 429; None leaves the header out, as DeepSeek does.
    """

    rate_limited: float = 0.0
    server_error: float = 0.0
    overloaded: float = 0.0
    payment_required: float = 0.0
    timeout: float = 0.0
    reset: float = 0.0
    blank: float = 0.0
    truncated: float = 0.0
    prose: float = 0.0
    wrong_types: float = 0.0
    html: float = 0.0
    retry_after_seconds: float | None = None

    def __post_init__(self) -> None:
        chances = [getattr(self, name) for name in FAULT_NAMES]
        if min(chances) < 0 or sum(chances) > 1 + 1e-9:
            raise SettingsError(f"the chances of faults must be from 0 to 1 and together at most 1: {self}")

    def draw(self, rng: Random) -> Fault | None:
        """The fault of the next request, or None: it goes well."""
        left = rng.random()
        for name in FAULT_NAMES:
            left -= getattr(self, name)
            if left < 0:
                return name
        return None


NO_FAULTS: Final = LLMFaults()
# What the demo shows, so that retries and the ledger have something to tell.
DEMO_FAULTS: Final = LLMFaults(server_error=0.012, overloaded=0.008, rate_limited=0.01)


def parse_faults(spec: str) -> LLMFaults:
    """Faults from the command line: ``rate_limited=0.1,blank=0.02``, ``none`` or ``demo``.

    Raises SettingsError for a name nobody knows or a number that is not one.
    """
    if spec in ("", "none"):
        return NO_FAULTS
    if spec == "demo":
        return DEMO_FAULTS
    known = {field.name for field in fields(LLMFaults)}
    chances: dict[str, float] = {}
    for part in spec.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in known:
            raise SettingsError(f"no fault is called {name!r}; there are {', '.join(sorted(known))}")
        try:
            chances[name] = float(value)
        except ValueError:
            raise SettingsError(
                f"the fault {name} needs a number, as in {name}=0.05, not {value!r}"
            ) from None
    return replace(NO_FAULTS, **chances)
