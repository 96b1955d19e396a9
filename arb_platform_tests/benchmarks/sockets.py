"""T4, T5 and T9: over real websockets on loopback, the sender in a process of its own."""

import asyncio
import statistics
from typing import Final

from arb_platform_tests.benchmarks.clients import Run, ordered, run_naive, run_ours
from arb_platform_tests.benchmarks.measure import Outcome, Pace, percentile, progress

TARGETS: Final = ("T4", "T5", "T9")
# What fits on one socket by Polymarket's observed limit.
MARKETS: Final = 100
MANY: Final = (2_000, 100)


def measure(pace: Pace) -> Outcome:
    return asyncio.run(_measure(pace))


async def _measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    await _saturated(pace, outcome)
    await _five_thousand(pace, outcome)
    await _twenty_thousand(pace, outcome)
    await _many_sockets(pace, outcome)
    await _burst(pace, outcome)
    return outcome


async def _saturated(pace: Pace, outcome: Outcome) -> None:
    frames = pace.of(40_000, 150_000)
    ours: list[Run] = []
    naive: list[Run] = []
    with progress("T4: saturated socket, ours and naive in turn"):
        for seed in range(pace.seed, pace.seed + 3):
            ours.append(await run_ours(ordered(frames, 0, markets=MARKETS, seed=seed)))
            naive.append(await run_naive(ordered(frames, 0, markets=MARKETS, seed=seed)))
    ratio = statistics.median(n.cpu_seconds / o.cpu_seconds for o, n in zip(ours, naive, strict=True))
    outcome.at_least("T4", "socket to handler, saturated: faster than the naive client (CPU)", ratio, 3.0)
    by_wall = statistics.median(n.wall_seconds / o.wall_seconds for o, n in zip(ours, naive, strict=True))
    outcome.told("T4", "the same by the wall", f"{by_wall:.2f}x")
    for name, runs in (("ours", ours), ("naive", naive)):
        cost = statistics.median(run.cpu_us for run in runs)
        outcome.cost(f"socket to handler: {name}", cost, "one socket, saturated, no TLS")


async def _five_thousand(pace: Pace, outcome: Outcome) -> None:
    frames = pace.of(40_000, 150_000)
    with progress("T5: 5,000 frames/s, ours and naive in turn"):
        ours = await run_ours(ordered(frames, 5_000, markets=MARKETS, seed=pace.seed))
        naive = await run_naive(ordered(frames, 5_000, markets=MARKETS, seed=pace.seed))
    p99 = percentile(ours.latency, 99) * 1000
    theirs = percentile(naive.latency, 99) * 1000
    outcome.at_most("T5", "5,000 frames/s: p99 frame to handler", p99, 5.0, " ms")
    outcome.at_most("T5", "5,000 frames/s: our p99 over the naive client's", p99 / theirs, 0.33)
    medians = [percentile(run.latency, 50) * 1000 for run in (ours, naive)]
    outcome.told(
        "T5",
        "5,000 frames/s: p50 ours, naive; p99 naive",
        f"{medians[0]:.2f}, {medians[1]:.2f}; {theirs:.2f} ms",
    )


async def _twenty_thousand(pace: Pace, outcome: Outcome) -> None:
    seconds = pace.of(8, 60)
    with progress(f"T5: 20,000 frames/s for {seconds} s"):
        run = await run_ours(ordered(20_000 * seconds, 20_000, markets=MARKETS, seed=pace.seed))
    tenth = max(len(run.latency) // 10, 1)
    early, late = (statistics.median(part) for part in (run.latency[tenth : 2 * tenth], run.latency[-tenth:]))
    outcome.at_most(
        "T5", f"20,000 frames/s for {seconds} s: behind at the end", run.behind_seconds, 0.5, " s"
    )
    outcome.told(
        "T5",
        "the same: median frame to handler, second and last tenth",
        f"{early * 1000:.2f}, {late * 1000:.2f} ms",
    )
    outcome.told("T5", "the same: CPU", f"{run.cpu_seconds / run.wall_seconds:.0%} of a core")


async def _many_sockets(pace: Pace, outcome: Outcome) -> None:
    markets, sockets = MANY
    with progress(f"T9: 10,000 frames/s over {sockets} sockets"):
        orders = ordered(pace.of(80_000, 300_000), 10_000, markets=markets, sockets=sockets, seed=pace.seed)
        run = await run_ours(orders)
    share = run.cpu_seconds / run.wall_seconds * 100
    outcome.at_most("T9", f"10,000 frames/s over {sockets} sockets: CPU of one core", share, 50.0, " %")
    outcome.cost(
        f"socket to handler: ours over {sockets} sockets", run.cpu_us, f"{markets} markets, 10,000 frames/s"
    )


async def _burst(pace: Pace, outcome: Outcome) -> None:
    markets, sockets = MANY
    seconds = 5
    with progress("T9: a burst of 50,000 frames/s for 5 s"):
        orders = ordered(50_000 * seconds, 50_000, markets=markets, sockets=sockets, seed=pace.seed)
        run = await run_ours(orders)
    outcome.at_most(
        "T9", f"{orders.frames} frames in {seconds} s: drained after its end", run.behind_seconds, 5.0, " s"
    )
    outcome.told(
        "T9", "the burst, all frames read: books equal, snapshots conflated", f"{run.books}, {run.conflated}"
    )
