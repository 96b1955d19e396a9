"""Where alerts go: each address of ``ARB_ALERT_URLS`` is one channel of Apprise.

The addresses hold passwords and tokens. A channel is named by its scheme and a digest, and what
Apprise itself logs, which may quote an address, is not kept.
"""

import hashlib
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from arb_platform.settings import Settings

# A channel that does not answer must not hold up the others, nor the sensor's next look.
TELL_SECONDS: Final = 8.0
# An address may hold commas itself; a new one begins with its scheme.
_BETWEEN: Final = re.compile(r"[,\s]+(?=[A-Za-z0-9+]+://)")


@dataclass(frozen=True, slots=True)
class Channel:
    """``tell(title, text, bad)`` is True when it was delivered."""

    name: str
    tell: Callable[[str, str, bool], bool]


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels there are, and one sentence for each address that is none."""

    usable: tuple[Channel, ...]
    complaints: tuple[str, ...] = ()


def channels_of(settings: Settings) -> Channels:
    """What ``ARB_ALERT_URLS`` says, read once for each value it has."""
    addresses = settings.alert_urls
    return Channels(()) if addresses is None else _read(addresses.get_secret_value())


@lru_cache(maxsize=4)
def _read(addresses: str) -> Channels:
    apprise_log = logging.getLogger("apprise")
    apprise_log.propagate = False
    apprise_log.disabled = True
    found = [_channel(address) for address in _split(addresses)]
    wrong = [number for number, channel in enumerate(found, start=1) if channel is None]
    return Channels(
        tuple(channel for channel in found if channel is not None),
        tuple(
            f"address {number} of {len(found)} in ARB_ALERT_URLS is none that Apprise knows; "
            "see https://appriseit.com for how they are written."
            for number in wrong
        ),
    )


def _split(addresses: str) -> Sequence[str]:
    return [one.strip(" ,") for one in _BETWEEN.split(addresses) if one.strip(" ,")]


def _channel(address: str) -> Channel | None:
    with warnings.catch_warnings():
        # Apprise loads all its services, some of which import what Python 3.13 no longer has.
        warnings.simplefilter("ignore", DeprecationWarning)
        # over a hundred modules, which whoever has no channel does not pay for
        import apprise  # noqa: PLC0415

        service = apprise.Apprise()
        if not service.add(address):
            return None
    scheme = address.partition("://")[0].lower()
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]

    def tell(title: str, text: str, bad: bool) -> bool:  # noqa: FBT001 the channel's own word
        kind = apprise.NotifyType.FAILURE if bad else apprise.NotifyType.SUCCESS
        return bool(
            service.notify(
                title=title, body=text, notify_type=kind, body_format=apprise.NotifyFormat.TEXT, timeout=TELL_SECONDS
            )
        )  # fmt: skip

    return Channel(f"{scheme}-{digest}", tell)
