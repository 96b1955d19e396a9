"""The token bucket: never too fast in any minute, and not slower than it must be."""

import asyncio
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.llm.limits import MINUTE, FileStore, TokenBucket
from arb_platform_tests.llm.fake_provider import FakeTime


def granted(per_minute: int, pauses: list[float], *, clock: FakeTime | None = None) -> list[float]:
    """Times of one grant after each pause of the caller."""

    async def run() -> list[float]:
        time = clock or FakeTime()
        bucket = TokenBucket(per_minute, clock=time.monotonic, sleep=time.sleep)
        times = []
        for pause in pauses:
            time.now += pause
            await bucket.acquire()
            times.append(time.now)
        return times

    return asyncio.run(run())


def most_in(times: list[float], window: float) -> int:
    """The most grants that any half-open window of this length holds."""
    return max((sum(start <= time < start + window for time in times) for start in times), default=0)


@settings(max_examples=60, deadline=None)
@given(
    per_minute=st.integers(1, 90),
    pauses=st.lists(st.floats(0, 40) | st.just(0.0), min_size=1, max_size=200),
)
def test_no_minute_holds_more_grants_than_the_rate(per_minute: int, pauses: list[float]) -> None:
    times = granted(per_minute, pauses)
    assert most_in(times, MINUTE - 1e-6) <= per_minute
    assert most_in(times, 1e-6) <= max(1, per_minute // 10)


def test_a_plain_bucket_would_break_the_promise() -> None:
    """Negative control: burst + rate in the first minute is what a bucket without memory grants."""
    plain = [0.0] * 6 + [float(second) for second in range(1, 60)]
    assert most_in(plain, MINUTE) == 65 > 60


@pytest.mark.parametrize("per_minute", [60, 500])
def test_a_long_queue_is_served_at_exactly_the_rate(per_minute: int) -> None:
    times = granted(per_minute, [0.0] * (per_minute * 5 + 1))
    assert times[-1] - times[0] == pytest.approx(5 * MINUTE, rel=0.02)


def test_the_burst_is_a_tenth_of_the_rate() -> None:
    times = granted(60, [0.0] * 8)
    assert sum(time == times[0] for time in times) == 6


def test_a_clock_that_leaps_or_steps_back_creates_no_more_than_a_burst() -> None:
    times = granted(60, [0.0] * 10 + [1e9] + [0.0] * 10 + [-500.0] + [0.0] * 3)
    after = times[10:21]
    assert sum(time == after[0] for time in after) == 6
    assert len(times) == 25


def test_a_pause_of_the_provider_holds_everybody_back() -> None:
    async def run() -> tuple[float, float]:
        time = FakeTime()
        bucket = TokenBucket(600, clock=time.monotonic, sleep=time.sleep)
        await bucket.acquire()
        bucket.pause(7.0)
        waited = await bucket.acquire()
        return waited, await bucket.acquire()

    assert asyncio.run(run()) == (pytest.approx(7.0), 0.0)


def test_many_tasks_share_one_bucket() -> None:
    async def run() -> list[float]:
        time = FakeTime()
        bucket = TokenBucket(60, clock=time.monotonic, sleep=time.sleep)
        times: list[float] = []

        async def one() -> None:
            await bucket.acquire()
            times.append(time.now)

        await asyncio.gather(*(one() for _ in range(100)))
        return sorted(times)

    times = asyncio.run(run())
    assert len(times) == 100
    assert most_in(times, MINUTE - 1e-6) <= 60


def shared(path: Path, time: FakeTime, per_minute: int = 60) -> TokenBucket:
    """A bucket as another process would open it."""
    return TokenBucket(per_minute, clock=time.monotonic, sleep=time.sleep, store=FileStore(path))


def test_buckets_of_two_processes_share_one_rate(tmp_path: Path) -> None:
    async def run() -> list[float]:
        time = FakeTime()
        buckets = [shared(tmp_path / "deepseek.bucket", time) for _ in range(2)]
        times = []
        for turn in range(130):
            await buckets[turn % 2].acquire()
            times.append(time.now)
        return times

    times = asyncio.run(run())
    assert most_in(times, MINUTE - 1e-6) <= 60
    assert times[-1] - times[0] > 2 * MINUTE


def test_buckets_with_files_of_their_own_would_be_twice_as_fast(tmp_path: Path) -> None:
    """Negative control."""

    async def run() -> int:
        time = FakeTime()
        buckets = [shared(tmp_path / f"{name}.bucket", time) for name in "ab"]
        for turn in range(12):
            await buckets[turn % 2].acquire()
        return len(time.slept)

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize(
    "content", [b"{}", b"\0" * 64, b"12345678" * 2, b"\xff" * 24, b"\xff" * 40, b"[1.0, 2.0, [], 3.0]"]
)
def test_a_broken_file_costs_a_wait_and_no_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "deepseek.bucket"
    path.write_bytes(content)
    time = FakeTime()
    assert asyncio.run(shared(path, time).acquire()) == pytest.approx(1.0, abs=0.01)
    assert list(array("d", path.read_bytes()))[4:] == [time.now]


def test_a_write_that_was_cut_short_grants_nothing_at_once(tmp_path: Path) -> None:
    path, time = tmp_path / "deepseek.bucket", FakeTime()
    asyncio.run(shared(path, time).acquire())
    whole = path.read_bytes()
    # more tokens than were left, as if half of a write had come through
    path.write_bytes(whole[:8] + array("d", [6.0]).tobytes() + whole[16:])
    assert asyncio.run(shared(path, time).acquire()) == pytest.approx(1.0, abs=0.01)
    path.write_bytes(whole)
    assert asyncio.run(shared(path, time).acquire()) == 0.0


def test_after_a_restart_of_the_machine_old_times_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "deepseek.bucket"
    late, early = FakeTime(), FakeTime()
    late.now = 1e6
    asyncio.run(shared(path, late).acquire())
    early.now = 5.0
    assert asyncio.run(shared(path, early).acquire()) == pytest.approx(1.0, abs=0.01)


def test_those_who_wait_are_let_through_in_turn_and_one_of_them_looks(tmp_path: Path) -> None:
    async def run() -> tuple[list[int], int]:
        time, order = FakeTime(), list[int]()
        bucket = shared(tmp_path / "deepseek.bucket", time)

        async def one(number: int) -> None:
            await bucket.acquire()
            order.append(number)

        await asyncio.gather(*(one(number) for number in range(40)))
        return order, len(time.slept)

    order, looks = asyncio.run(run())
    assert order == list(range(40))
    # 6 of the burst, then a wait for each; all 40 looking each time would make hundreds
    assert looks <= 40


def test_a_bucket_serves_one_event_loop_after_another() -> None:
    time = FakeTime()
    bucket = TokenBucket(60, clock=time.monotonic, sleep=time.sleep)

    async def crowd() -> None:
        await asyncio.gather(*(bucket.acquire() for _ in range(20)))

    asyncio.run(crowd())
    asyncio.run(crowd())
    assert time.now > 1000 + 30


def test_the_file_holds_no_more_than_a_minute(tmp_path: Path) -> None:
    path, time = tmp_path / "deepseek.bucket", FakeTime()

    async def run() -> None:
        bucket = shared(path, time, 60)
        for _ in range(200):
            await bucket.acquire()

    asyncio.run(run())
    assert path.stat().st_size <= 8 * (4 + 61)
