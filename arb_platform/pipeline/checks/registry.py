"""Every check there is, and how one is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import ArbError, LakeUnavailable
from arb_platform.pipeline.checks.books import BOOK_CHECKS
from arb_platform.pipeline.checks.catalogue import CATALOGUE_CHECKS
from arb_platform.pipeline.checks.check import Answer, Check, Sight, unknown
from arb_platform.pipeline.checks.lake import LAKE_CHECKS
from arb_platform.pipeline.checks.models import MODEL_CHECKS
from arb_platform.pipeline.checks.streams import STREAM_CHECKS
from arb_platform.pipeline.checks.verdicts import VERDICT_CHECKS
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake

CHECKS: Final[tuple[Check, ...]] = (
    *STREAM_CHECKS,
    *BOOK_CHECKS,
    *LAKE_CHECKS,
    *CATALOGUE_CHECKS,
    *VERDICT_CHECKS,
    *MODEL_CHECKS,
)


@contextmanager
def sight_of(settings: Settings, now: datetime) -> Iterator[Sight]:
    """What checks look at now: the lake is opened once for all of them, for reading."""
    location = api.lake_location(settings)
    try:
        lake = Lake.open(location, read_only=True)
    except LakeUnavailable as error:
        file = location.catalog_file
        none_yet = (file is not None and not file.exists()) or "is empty" in str(error)
        yield Sight(settings, now, trouble=None if none_yet else error)
    except ArbError as error:
        yield Sight(settings, now, trouble=error)
    else:
        with lake:
            yield Sight(settings, now, lake)


def evaluate(check: Check, sight: Sight) -> Answer:
    """The answer of ``check``, which is never an exception of ours: what cannot be looked at is unknown."""
    if check.needs_lake and sight.lake is None:
        return unknown(
            "no lake yet: any command that writes creates it, `arb up` for one"
            if sight.trouble is None
            else f"the lake cannot be read: {sight.trouble}"
        )
    try:
        return check.judge(sight)
    except (ArbError, OSError) as error:
        return unknown(f"it could not be looked at: {error}")
