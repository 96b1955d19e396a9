"""Measured in public: what candidates and rules make of pairs that somebody labelled.

Two shapes of file are read: one JSON object a line with ``a`` and ``b`` (each a market of a venue),
and one with ``kalshi_*`` and ``polymarket_*`` fields.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.pairs import Candidate, MarketPair, oriented
from arb_platform.domain.wilson import Proportion
from arb_platform.matching.rules import broken_rules


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A pair with what a person says it is; ``stratum`` is the kind of difference or of market."""

    pair_id: str
    pair: MarketPair
    identical: bool
    relation: str
    stratum: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line of a labelled file that could not be read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """The pairs of one file; what could not be read is kept beside them."""

    name: str
    pairs: tuple[LabelledPair, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Confusion:
    """How a yes-or-no stage treats pairs: ``passed`` is a pair let through to the next stage."""

    identical_passed: int = 0
    identical_refused: int = 0
    other_passed: int = 0
    other_refused: int = 0

    def plus(self, *, identical: bool, passed: bool) -> "Confusion":
        return Confusion(
            self.identical_passed + (identical and passed),
            self.identical_refused + (identical and not passed),
            self.other_passed + (not identical and passed),
            self.other_refused + (not identical and not passed),
        )

    @property
    def refused_identical(self) -> Proportion:
        """Share of the identical pairs that are lost here."""
        return Proportion(self.identical_refused, self.identical_passed + self.identical_refused)

    @property
    def recall(self) -> Proportion:
        """Share of the identical pairs that pass."""
        return Proportion(self.identical_passed, self.identical_passed + self.identical_refused)

    @property
    def let_through(self) -> Proportion:
        """Share of the other pairs that pass although they should not."""
        return Proportion(self.other_passed, self.other_passed + self.other_refused)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One pair that a stage got wrong, with the reasons it gave."""

    pair_id: str
    identical: bool
    polymarket: str
    kalshi: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One stage measured on one file: in all, by stratum, and each mistake."""

    stage: str
    file: str
    total: Confusion
    strata: dict[str, Confusion] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()


def evaluate_rules(file: LabelledFile) -> Evaluation:
    """The hard rules alone: a pair passes when no rule objects."""
    return evaluate("rules", file, {pair.pair_id: broken_rules(pair.pair) for pair in file.pairs})


def evaluate_candidates(file: LabelledFile, candidates: Iterable[Candidate]) -> Evaluation:
    """The proposals made from the file's markets: a pair passes when it was proposed."""
    proposed = {_ids(candidate.pair) for candidate in candidates}
    reasons = {pair.pair_id: () if _ids(pair.pair) in proposed else ("not proposed",) for pair in file.pairs}
    return evaluate("candidates", file, reasons)


def evaluate(stage: str, file: LabelledFile, reasons: Mapping[str, tuple[str, ...]]) -> Evaluation:
    """Any stage, given its reasons against each pair by ``pair_id``; no reason means that it passed."""
    total = Confusion()
    strata: dict[str, Confusion] = {}
    mistakes: list[Mistake] = []
    for labelled in file.pairs:
        against = reasons[labelled.pair_id]
        passed = not against
        total = total.plus(identical=labelled.identical, passed=passed)
        stratum = strata.get(labelled.stratum, Confusion())
        strata[labelled.stratum] = stratum.plus(identical=labelled.identical, passed=passed)
        if labelled.identical != passed:
            mistakes.append(_mistake(labelled, against))
    return Evaluation(stage, file.name, total, dict(sorted(strata.items())), tuple(mistakes))


def _mistake(labelled: LabelledPair, reasons: tuple[str, ...]) -> Mistake:
    pair = labelled.pair
    kalshi = " | ".join(part for part in (pair.kalshi.title, pair.kalshi.subtitle) if part)
    return Mistake(labelled.pair_id, labelled.identical, pair.polymarket.title, kalshi, reasons)


def markets_of(file: LabelledFile) -> tuple[list[Market], list[Market]]:
    """The distinct markets of a file, by venue: what candidates are proposed from."""
    polymarket = {labelled.pair.polymarket.market_id: labelled.pair.polymarket for labelled in file.pairs}
    kalshi = {labelled.pair.kalshi.market_id: labelled.pair.kalshi for labelled in file.pairs}
    return list(polymarket.values()), list(kalshi.values())


def _ids(pair: MarketPair) -> tuple[str, str]:
    return pair.polymarket.market_id, pair.kalshi.market_id


def load_labelled(path: Path) -> LabelledFile:
    """Read a labelled file of either shape.

    Raises SettingsError when the file cannot be opened or no line of it is a labelled pair; single
    bad lines are kept as ``skipped``.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise SettingsError(
            f"cannot read labelled pairs from {path}: {error.strerror}. Name a .jsonl file."
        ) from None
    pairs: list[LabelledPair] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            pairs.append(read_labelled(json.loads(line), number))
        except (ValueError, KeyError, TypeError, AttributeError, SettingsError) as error:
            skipped.append(Skipped(number, f"{type(error).__name__}: {error}"))
    if not pairs:
        raise SettingsError(
            f"{path} holds no labelled pair: one JSON object a line with a, b and label, or with "
            "kalshi_title, polymarket_title and label."
        )
    return LabelledFile(path.name, tuple(_numbered_apart(pairs)), tuple(skipped))


def _numbered_apart(pairs: Sequence[LabelledPair]) -> list[LabelledPair]:
    """A second pair of the same id is another pair: its id gets a number, so that both are counted."""
    seen: dict[str, int] = {}
    apart: list[LabelledPair] = []
    for labelled in pairs:
        count = seen[labelled.pair_id] = seen.get(labelled.pair_id, 0) + 1
        pair_id = labelled.pair_id if count == 1 else f"{labelled.pair_id}#{count}"
        apart.append(
            LabelledPair(
                pair_id,
                labelled.pair,
                labelled.identical,
                labelled.relation,
                labelled.stratum,
                labelled.reason,
            )
        )
    return apart


def read_labelled(document: Mapping[str, Any], line: int) -> LabelledPair:
    """One line of either shape. Raises ValueError, KeyError or SettingsError when it is neither."""
    if "a" in document and "b" in document:
        return _from_sides(document, line)
    return _from_columns(document)


_IDENTICAL = frozenset({"match", "true_match", "identity", "equivalent", "true"})
_DIFFERENT = frozenset({"no_match", "false_match", "different", "near_miss", "false_friend", "false"})


def _is_identical(label: object) -> bool:
    word = str(label).lower()
    if word not in _IDENTICAL | _DIFFERENT:
        raise ValueError(f"label {label!r} is neither a match nor none")
    return word in _IDENTICAL


def _from_sides(document: Mapping[str, Any], line: int) -> LabelledPair:
    pair_id = str(document.get("pair_id") or f"line {line}")
    one, other = _side(document["a"], f"{pair_id}/a"), _side(document["b"], f"{pair_id}/b")
    identical = _is_identical(document["label"])
    relation = str(document.get("relation") or ("identity" if identical else "unknown"))
    stratum = document.get("negative_type") or document.get("category") or "all"
    stratum = f"identity: {document.get('category') or 'all'}" if identical else str(stratum)
    return LabelledPair(
        pair_id, oriented(one, other), identical, relation, stratum, str(document.get("reason") or "")
    )


def _side(side: Mapping[str, Any], fallback_id: str) -> Market:
    venue = str(side["venue"])
    market_id = str(side.get("market_id") or side.get("id") or fallback_id)
    outcomes = tuple(str(outcome) for outcome in side.get("outcomes") or ("Yes", "No"))
    return Market(
        venue=venue,
        market_id=market_id,
        symbol=market_id,
        title=str(side["title"]),
        rules=str(side.get("description") or side.get("rules") or ""),
        close_time=_moment(side.get("close_time")),
        resolution_source=str(side.get("resolution_source") or ""),
        outcome=outcomes[0] if venue == POLYMARKET else "Yes",
        subtitle=str(side.get("yes_sub_title") or side.get("subtitle") or side.get("groupItemTitle") or ""),
        event_title=str(side.get("event_title") or ""),
        category=str(side["category"]) if side.get("category") else None,
        outcomes=outcomes,
        strike_type=side.get("strike_type"),
    )


def _from_columns(document: Mapping[str, Any]) -> LabelledPair:
    sides = {venue: _columns_of(venue, document) for venue in (POLYMARKET, KALSHI)}
    identical = _is_identical(document["label"])
    # Both orientations are of one event; only the aligned one is the same bet.
    if identical and document.get("polarity") == "inverted":
        identical = False
    pair_id = f"{sides[KALSHI].market_id} x {sides[POLYMARKET].market_id}"
    relation = "identity" if identical else "unknown"
    stratum = str(document.get("category") or document.get("source") or "all")
    return LabelledPair(pair_id, oriented(sides[POLYMARKET], sides[KALSHI]), identical, relation, stratum)


def _columns_of(venue: str, document: Mapping[str, Any]) -> Market:
    market_id = str(document[f"{venue}_id"])
    return Market(
        venue=venue,
        market_id=market_id,
        symbol=market_id,
        title=str(document[f"{venue}_title"]),
        rules=str(document.get(f"{venue}_rules") or ""),
        close_time=_moment(document.get(f"{venue}_close_time")),
        resolution_source="",
        subtitle=str(document.get(f"{venue}_subtitle") or ""),
        event_id=str(document.get(f"{venue}_event_ticker") or "") or None,
    )


def _moment(text: object) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
