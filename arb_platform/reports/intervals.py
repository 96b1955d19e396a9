"""Unions of half-open time intervals, in seconds."""

from collections.abc import Iterable
from datetime import datetime

Interval = tuple[datetime, datetime]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same moments as sorted intervals that do not touch; empty and reversed ones vanish."""
    merged: list[Interval] = []
    for start, end in sorted(pair for pair in intervals if pair[0] < pair[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def seconds(intervals: Iterable[Interval]) -> float:
    """Length of the union: nothing is counted twice."""
    return sum((end - start).total_seconds() for start, end in union(intervals))


def clipped(intervals: Iterable[Interval], start: datetime, end: datetime) -> list[Interval]:
    """What of ``intervals`` lies within ``start`` to ``end``."""
    return union((max(a, start), min(b, end)) for a, b in intervals)
