"""A check, what it sees, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from arb_platform.domain.errors import ArbError
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake

Severity = Literal["warn", "error"]
State = Literal["passed", "failed", "unknown"]
Figure = int | float | str


@dataclass(frozen=True, slots=True)
class Answer:
    """``unknown`` is neither: there is nothing yet to judge by, and the sentence says what brings it."""

    state: State
    sentence: str
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """What Dagster is told: only a known fault is one."""
        return self.state != "failed"


def passed(sentence: str, **figures: Figure) -> Answer:
    return Answer("passed", sentence, figures)


def failed(sentence: str, **figures: Figure) -> Answer:
    return Answer("failed", sentence, figures)


def unknown(sentence: str, **figures: Figure) -> Answer:
    return Answer("unknown", sentence, figures)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a check may look at. ``lake`` is None when there is none yet, or when ``trouble`` says why it cannot be read."""

    settings: Settings
    now: datetime
    lake: Lake | None = None
    trouble: ArbError | None = None

    @property
    def root(self) -> Path:
        return self.settings.root

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query; a check that needs the lake is not asked without one."""
        assert self.lake is not None
        return self.lake.query(sql, parameters).to_dicts()

    def row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        """The one row of an aggregate."""
        return self.rows(sql, *parameters)[0]


@dataclass(frozen=True, slots=True)
class Check:
    """``means`` ends the sentence "passes when", ``remedy`` is what to do when it does not."""

    name: str
    asset: str
    severity: Severity
    means: str
    remedy: str
    judge: Callable[[Sight], Answer]
    needs_lake: bool = True
    blocking: bool = False

    @property
    def key(self) -> str:
        return f"{self.asset}/{self.name}"
