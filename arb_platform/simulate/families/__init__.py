"""What is bet on: one module for each family of topics, each an endless or finite generator.

A family's ``topics(rng, now)`` yields its topics in a fixed order, the ones that teach most first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from arb_platform.simulate.drafts import Topic
from arb_platform.simulate.families import (
    awards,
    central_banks,
    crypto,
    economy,
    elections,
    finance,
    geopolitics,
    politics,
    sports,
    technology,
    weather,
)

Topics = Callable[[Random, datetime], Iterator[Topic]]


@dataclass(frozen=True, slots=True)
class Family:
    """``share`` is the part of the catalogue's markets this family aims at, while it has topics.

    The ``listed_twice`` first topics are on both venues, so that every trap is in a small catalogue.
    """

    name: str
    topics: Topics
    share: float
    listed_twice: int = 2


FAMILIES: Final = (
    Family("elections", elections.topics, 0.20, 3),
    Family("central_banks", central_banks.topics, 0.10),
    Family("economy", economy.topics, 0.14, 4),
    Family("sports", sports.topics, 0.16, 3),
    Family("crypto", crypto.topics, 0.10, 4),
    Family("weather", weather.topics, 0.09, 4),
    Family("awards", awards.topics, 0.06),
    Family("politics", politics.topics, 0.05, 4),
    Family("technology", technology.topics, 0.05, 4),
    Family("geopolitics", geopolitics.topics, 0.03),
    Family("finance", finance.topics, 0.04),
)
