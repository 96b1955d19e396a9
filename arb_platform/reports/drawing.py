"""Altair and its renderer, loaded when something is drawn.

They take half a second of CPU and 45 MB, and most processes only want to know which reports there are.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import vl_convert as vlc
else:

    class _Later:
        """A module in waiting: the first name asked of it loads it."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self._name), name)

    alt, vlc = _Later("altair"), _Later("vl_convert")

__all__ = ["alt", "vlc"]
