"""What ``stream_keeper`` does about one venue, as a function of what it sees and remembers.

Waiting is measured in the time between looks, and a look counts for a few seconds at most: a
machine that slept has not waited, and a clock that jumps makes nobody dead.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

# From the end of the queue to the lease, on a machine that is busy with everything else that starts. A process
# that dies on the way is told by the code server that spawned it; this is for when that one died as well.
GRACE_SECONDS: Final = 120.0
# For a run that began before the code server did: the one that spawned it is gone, and so is most often the run.
ORPHAN_GRACE_SECONDS: Final = 15.0
# A process that had the lease and lost it is dead; its run is given up after so long without a heartbeat.
STALE_SECONDS: Final = 5.0
# A process that holds the lease beats every second; after so long without it is stuck and is killed.
STUCK_SECONDS: Final = 60.0
FIRST_BACKOFF_SECONDS: Final = 5.0
LONGEST_BACKOFF_SECONDS: Final = 300.0
# A stream that lived so long did not die of its start.
LIVED_SECONDS: Final = 60.0
# A renewal that did not come about is tried again after so long.
RENEW_AGAIN_SECONDS: Final = 600.0
_LONGEST_LOOK_SECONDS: Final = 10.0

Decision = Literal[
    "streaming", "starting", "back off", "give up", "launch", "renew", "handing over", "silent", "end"
]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the sensor remembers of a venue between two looks; times are seconds since the epoch.

    ``waited`` is how long runs have been starting, ``silent`` how long the holder has said nothing.
    """

    attempt: int = 0
    launched_at: float = 0.0
    backoff_seconds: float = 0.0
    young_deaths: int = 0
    looked_at: float = 0.0
    waited: float = 0.0
    silent: float = 0.0
    last_word: str = ""
    renewed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What it sees now; each is None when there is no such run.

    ``begun_seconds`` is how long ago the youngest run left the queue (0 while one is still in it),
    ``silent_seconds`` the age of the last heartbeat of one of the runs, ``last_word`` when the
    holder's heartbeat was written ("" before the first), ``successor`` whether a run besides the holder's is under way,
    ``overdue`` whether the holder should be renewed, ``orphaned`` whether the runs are of an earlier code server.
    """

    now: float
    leased: bool
    begun_seconds: float | None
    silent_seconds: float | None
    last_word: str = ""
    successor: bool = False
    overdue: bool = False
    orphaned: bool = False


def decide(sight: Sight, memory: Memory) -> Decision:
    """What to do about one venue."""
    if sight.leased:
        return _decide_leased(sight, memory)
    if sight.begun_seconds is not None:
        died = sight.silent_seconds is not None and sight.silent_seconds > STALE_SECONDS
        waited = memory.waited + _elapsed(sight, memory)
        grace = ORPHAN_GRACE_SECONDS if sight.orphaned else GRACE_SECONDS
        late = sight.begun_seconds > grace and waited > grace
        return "give up" if died or late else "starting"
    since_launch = sight.now - memory.launched_at
    return "back off" if 0 <= since_launch < memory.backoff_seconds else "launch"


def _decide_leased(sight: Sight, memory: Memory) -> Decision:
    if sight.last_word and sight.last_word == memory.last_word:
        return "end" if memory.silent + _elapsed(sight, memory) > STUCK_SECONDS else "silent"
    if sight.successor:
        return "handing over"
    if sight.overdue and not 0 <= sight.now - memory.renewed_at < RENEW_AGAIN_SECONDS:
        return "renew"
    return "streaming"


def remember(decision: Decision, sight: Sight, memory: Memory) -> Memory:
    """The memory after ``decision``: a launch waits twice as long as the one before, a long life forgives."""
    elapsed = _elapsed(sight, memory)
    after = replace(
        memory,
        looked_at=sight.now,
        last_word=sight.last_word,
        waited=memory.waited + elapsed if decision == "starting" else 0.0,
        silent=memory.silent + elapsed if decision in {"silent", "end"} else 0.0,
    )
    if decision == "launch":
        young = memory.young_deaths + 1 if memory.backoff_seconds else 0
        backoff = min(max(memory.backoff_seconds * 2, FIRST_BACKOFF_SECONDS), LONGEST_BACKOFF_SECONDS)
        return replace(
            after, attempt=memory.attempt + 1, launched_at=sight.now, backoff_seconds=backoff, young_deaths=young
        )  # fmt: skip
    if decision == "renew":
        return replace(after, attempt=memory.attempt + 1, launched_at=sight.now, renewed_at=sight.now)
    if decision in {"streaming", "handing over"} and sight.now - memory.launched_at > LIVED_SECONDS:
        return replace(after, backoff_seconds=0.0, young_deaths=0)
    return after


def _elapsed(sight: Sight, memory: Memory) -> float:
    """Seconds since the last look, as far as the machine was awake and its clock went on."""
    return min(max(sight.now - memory.looked_at, 0.0), _LONGEST_LOOK_SECONDS) if memory.looked_at else 0.0
