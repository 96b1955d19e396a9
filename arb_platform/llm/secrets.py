"""Keys come in as text or SecretStr and must not come out in errors, logs or representations."""

import re
from collections.abc import Iterable
from typing import Final, Protocol

# what a provider's error body may echo of a key, also in part ("sk-ab***yz")
_KEY_LIKE: Final = re.compile(r"\b(?:sk|pk|key)-[\w*.-]{4,}|Bearer\s+\S+", re.IGNORECASE)
# a masked key keeps its last characters: ****1f9c
_MASKED: Final = re.compile(r"[*•]{2,}[\w-]{1,8}")
_LONGEST_ERROR: Final = 300


class Secret(Protocol):
    """What pydantic's SecretStr offers; this layer does not need to know pydantic for it."""

    def get_secret_value(self) -> str: ...


def key_text(key: str | Secret | None) -> str | None:
    """The key itself, or None where there is none or it is blank."""
    if key is None:
        return None
    text = (key if isinstance(key, str) else key.get_secret_value()).strip()
    return text or None


def redacted(text: str, keys: Iterable[str]) -> str:
    """``text`` in one line without anything that is or looks like a key, cut to a length for a log."""
    for key in keys:
        text = text.replace(key, "[key]")
    text = _MASKED.sub("[key]", _KEY_LIKE.sub("[key]", text))
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST_ERROR]
