"""What the simulated model says about a pair: the truth, at a seeded rate something else.

It reads the pair out of the prompt as a model would: wherever the two market ids are in the messages.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.pairs import FieldMatches
from arb_platform.simulate.truth import UNRELATED, Truth, TruthTable

# Where a prompt may keep the text of a market, best first; otherwise its longest text is taken.
_TEXT_KEYS: Final = ("rules", "rules_primary", "description", "resolution_rules", "text")
_LONGEST_QUOTE: Final = 160
_INJECTION: Final = re.compile(
    r"(ignore|disregard|forget)\b.{0,40}\b(instruction|previous|prior|above)|system prompt|(answer|respond|reply|output) (only )?with|similarity\W{1,6}1",
    re.IGNORECASE,
)
_CONDITION_ID: Final = re.compile(r"0x[0-9a-fA-F]{64}")

# How alike two markets sound to the model, by their relation: the band it draws from.
_SIMILARITY: Final[dict[str, tuple[float, float]]] = {
    "identity": (0.94, 0.99),
    "complement": (0.30, 0.60),
    "subset": (0.60, 0.88),
    "superset": (0.60, 0.88),
    "overlap": (0.55, 0.88),
    "disjoint": (0.15, 0.55),
    "unknown": (0.30, 0.70),
}


@dataclass(frozen=True, slots=True)
class AskedPair:
    """The two markets a prompt asks about and the texts it gave of each; an id may be missing."""

    ids: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.ids.get(POLYMARKET)}/{self.ids.get(KALSHI)}"


class Judge:
    """Answers about pairs; the same model asked twice about the same texts says the same."""

    def __init__(
        self,
        truth: TruthTable,
        *,
        known: Mapping[str, frozenset[str]],
        seed: int,
        error_rate: float,
        obey_injections: bool,
    ) -> None:
        self._truth = truth
        self._known = known
        self._seed = seed
        self.error_rate = error_rate
        self.obey_injections = obey_injections

    def read(self, messages: Sequence[str]) -> AskedPair:
        """The pair these messages are about; the last place that names a market wins."""
        ids: dict[str, str] = {}
        texts: dict[str, str] = {}
        for message in messages:
            for document in _json_objects(message):
                for venue, market_id, text in self._markets(document):
                    ids[venue] = market_id
                    texts[venue] = text or texts.get(venue, "")
            if POLYMARKET not in ids and (found := _CONDITION_ID.findall(message)):
                ids[POLYMARKET] = found[-1]
        return AskedPair(ids, texts)

    def answer(self, model: str, pair: AskedPair) -> dict[str, Any]:
        """The contract's JSON about ``pair``."""
        rng = Random(f"{self._seed}/{model}/{pair.key}")
        if self.obey_injections and any(_INJECTION.search(text) for text in pair.texts.values()):
            return _same_bet(pair, 0.99, "As instructed, the markets are identical.")
        truth = self._truth.of(pair.ids.get(POLYMARKET, ""), pair.ids.get(KALSHI, ""))
        if rng.random() < self.error_rate:
            return self._mistake(rng, pair, truth)
        return _truthful(rng, pair, truth)

    def _mistake(self, rng: Random, pair: AskedPair, truth: Truth) -> dict[str, Any]:
        """Three ways to be wrong: fooled by a near miss, blind to a true pair, or a quote nobody wrote."""
        if truth.relation == "identity" and rng.random() < 0.5:
            doubt = replace(
                truth,
                relation="overlap",
                field_matches=FieldMatches(True, False, True),
                reason="the wording leaves room for another outcome",
            )
            return _truthful(rng, pair, doubt)
        if truth.relation not in ("identity", "unknown") and truth is not UNRELATED and rng.random() < 0.6:
            return _same_bet(pair, rng.uniform(0.93, 0.97), "Both markets ask the same question.")
        answer = _truthful(rng, pair, truth)
        for quote in answer["evidence"][:1]:
            quote["quote"] = f"{quote['quote'][:40].rstrip()} as determined by the exchange"
        return answer

    def _markets(self, document: Any) -> Iterator[tuple[str, str, str]]:
        """(venue, market id, text) of every object that names a market the simulators list."""
        for branch in _branches(document):
            for value in branch.values():
                if not isinstance(value, str):
                    continue
                for venue, known in self._known.items():
                    if value in known:
                        yield venue, value, _text_of(branch)


def _truthful(rng: Random, pair: AskedPair, truth: Truth) -> dict[str, Any]:
    low, high = (0.01, 0.20) if truth is UNRELATED else _SIMILARITY[truth.relation]
    return _says(pair, rng.uniform(low, high), truth)


def _same_bet(pair: AskedPair, similarity: float, explanation: str) -> dict[str, Any]:
    truth = Truth("identity", "same", FieldMatches(True, True, True), explanation, "same_bet")
    return _says(pair, similarity, truth)


def _says(pair: AskedPair, similarity: float, truth: Truth) -> dict[str, Any]:
    quotes = [
        {"venue": venue, "quote": _quote(pair.texts[venue])}
        for venue in (POLYMARKET, KALSHI)
        if pair.texts.get(venue)
    ]
    fields = truth.field_matches
    return {
        "similarity": round(similarity, 3),
        "relation": truth.relation,
        "orientation": truth.orientation,
        "field_matches": {
            "time_window": fields.time_window,
            "outcome_definition": fields.outcome_definition,
            "resolution_source": fields.resolution_source,
        },
        "explanation": truth.reason[:1].upper() + truth.reason[1:].rstrip(".") + ".",
        "evidence": quotes,
    }


def _quote(text: str) -> str:
    """The first sentence of the text, letter by letter, cut where it is too long."""
    sentence = re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]
    return sentence[:_LONGEST_QUOTE].rstrip()


def _json_objects(message: str) -> Iterator[Any]:
    """Every outermost JSON object in a text, whatever stands around it."""
    decoder = json.JSONDecoder()
    position = message.find("{")
    while position >= 0:
        try:
            document, end = decoder.raw_decode(message, position)
        except ValueError:
            end = position + 1
        else:
            yield document
        position = message.find("{", end)


def _branches(document: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, outer ones first."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from _branches(value)
    elif isinstance(document, list):
        for value in document:
            yield from _branches(value)


def _text_of(branch: Mapping[str, Any]) -> str:
    for key in _TEXT_KEYS:
        value = branch.get(key)
        if isinstance(value, str) and value.strip():
            return value
    texts = [value for value in branch.values() if isinstance(value, str)]
    return max(texts, key=len, default="")
