"""How much a word tells, and markets as rows of weighted words.

A word's weight depends only on the *class* of its frequency, and classes are wide: a catalogue of
which a hundredth changed gives nearly every word the weight it had, so nearly every score stays
what it was to the last digit, and a refresh needs to look only at what changed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

# A word in more titles than this share says nothing and costs most of the product's time.
_COMMON_SHARE: Final = 0.15
# Catalogues up to this size are compared whole, with finer classes and without leaving words out.
_SMALL: Final = 4_096
_FINE: Final = 2.0
_WIDE: Final = 8.0
# By how much of a score the id decides between equals: below what is ever shown of a score.
_TIE: Final = 1e-5


Codes = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of many texts: text ``n`` is ``codes[starts[n]:starts[n + 1]]``, places in ``vocabulary``.

    The vocabulary is in order, so that two catalogues give a text's words in the same order.
    """

    vocabulary: list[str]
    codes: Codes
    starts: Codes

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Words":
        """From texts whose words are each told once, parted by blanks."""
        said = (
            pl.DataFrame({"text": pl.Series(texts, dtype=pl.String).str.split(" ")})
            .with_row_index("row")
            .explode("text", empty_as_null=True, keep_nulls=True)
            .filter(pl.col("text") != "")
        )
        vocabulary = said.select(pl.col("text").unique().sort()).with_row_index("code")
        coded = said.join(vocabulary, on="text", how="left", maintain_order="left")
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.bincount(coded["row"].to_numpy(), minlength=len(texts)), out=starts[1:])
        return cls(vocabulary["text"].to_list(), coded["code"].to_numpy().astype(np.int64), starts)

    def with_any(self, words: frozenset[str]) -> Mask:
        """Which texts have one of these words."""
        flags = np.fromiter((word in words for word in self.vocabulary), np.bool_, len(self.vocabulary))
        if not flags.any():
            return np.zeros(len(self.starts) - 1, np.bool_)
        before = np.concatenate([[0], np.cumsum(flags[self.codes])])
        found: Mask = before[self.starts[1:]] > before[self.starts[:-1]]
        return found


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of each word of both catalogues; 0 for a word that is in too many of them."""

    of: dict[str, float]

    @classmethod
    def fitted(cls, words: Words) -> "Weights":
        counts = np.bincount(words.codes, minlength=len(words.vocabulary))
        size = 1 << max(len(words.starts) - 2, 1).bit_length()
        step = math.log(_FINE if size <= _SMALL else _WIDE)
        most = size if size <= _SMALL else size * _COMMON_SHARE
        weights: dict[int, float] = {}
        for count in np.unique(counts).tolist():
            # A hair above, so that an exact power is in its own class whatever the rounding.
            level = math.floor(math.log(count) / step + 1e-9)
            weights[count] = max(1.0, 1.0 + math.log(size) - level * step) if count <= most else 0.0
        return cls(
            {word: weights[count] for word, count in zip(words.vocabulary, counts.tolist(), strict=True)}
        )

    def changed_from(self, other: "Weights") -> frozenset[str]:
        """Words that weigh something else than in ``other``, or are in one of the two only."""
        return frozenset(
            word for word in self.of.keys() | other.of.keys() if self.of.get(word) != other.of.get(word)
        )


def weighted(words: Words, weights: Weights) -> csr_matrix:
    """One row of length 1 for each text, one column for each word; words that tell nothing are left out."""
    values = np.fromiter(weights.of.values(), np.float64, len(weights.of))
    shape = len(words.starts) - 1, max(1, len(words.vocabulary))
    matrix = csr_matrix((values[words.codes], words.codes, words.starts), shape=shape)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return _unit_length(matrix)


def _unit_length(matrix: csr_matrix) -> csr_matrix:
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
    return matrix


def tie_breakers(ids: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A factor just below 1 for each id, so that of two equal titles always the same comes first."""
    drawn = np.fromiter((crc32(one.encode("utf-8", "surrogatepass")) for one in ids), np.float64, len(ids))
    return 1.0 - _TIE * drawn / 2**32
