"""How much a word tells, and markets as rows of weighted words.

A word's weight depends only on the *class* of its frequency, and classes are wide: a catalogue of
which a hundredth changed gives nearly every word the weight it had, so nearly every score stays
what it was to the last digit, and a refresh needs to look only at what changed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
from scipy.sparse import csr_matrix

# A word in more titles than this share says nothing and costs most of the product's time.
_COMMON_SHARE: Final = 0.15
# Catalogues up to this size are compared whole, with finer classes and without leaving words out.
_SMALL: Final = 4_096
_FINE: Final = 2.0
_WIDE: Final = 8.0
# By how much of a score the id decides between equals: below what is ever shown of a score.
_TIE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of each word of both catalogues; 0 for a word that is in too many of them."""

    of: dict[str, float]

    @classmethod
    def fitted(cls, *sides: Iterable[str]) -> "Weights":
        """From texts whose words are each told once."""
        counts: Counter[str] = Counter()
        texts = 0
        for side in sides:
            for text in side:
                counts.update(text.split())
                texts += 1
        size = 1 << max(texts - 1, 1).bit_length()
        step = math.log(_FINE if size <= _SMALL else _WIDE)
        most = size if size <= _SMALL else size * _COMMON_SHARE
        weights: dict[int, float] = {}
        for count in set(counts.values()):
            # A hair above, so that an exact power is in its own class whatever the rounding.
            level = math.floor(math.log(count) / step + 1e-9)
            weights[count] = max(1.0, 1.0 + math.log(size) - level * step) if count <= most else 0.0
        return cls({word: weights[counts[word]] for word in sorted(counts)})

    def changed_from(self, other: "Weights") -> frozenset[str]:
        """Words that weigh something else than in ``other``, or are in one of the two only."""
        return frozenset(
            word for word in self.of.keys() | other.of.keys() if self.of.get(word) != other.of.get(word)
        )


def weighted(texts: Sequence[str], weights: Weights) -> csr_matrix:
    """One row of length 1 for each text, one column for each word; words that tell nothing are left out."""
    columns = {word: column for column, word in enumerate(weights.of)}
    values = np.fromiter(weights.of.values(), np.float64, len(weights.of))
    starts = np.zeros(len(texts) + 1, np.int64)
    found: list[int] = []
    for row, text in enumerate(texts):
        found += [column for word in text.split() if (column := columns.get(word)) is not None]
        starts[row + 1] = len(found)
    indices = np.array(found, np.int64)
    data = values[indices] if len(indices) else np.empty(0, np.float64)
    matrix = csr_matrix((data, indices, starts), shape=(len(texts), max(1, len(columns))))
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
