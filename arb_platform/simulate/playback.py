"""Playing a recording by the event loop's clock, once or for ever."""

import asyncio
import math
from collections.abc import Callable

from arb_platform.simulate.recordings import RecordedFrame, Recording
from arb_platform.simulate.server import Sleep

# Frames between two looks at how far the clients are behind.
_BATCH = 200


class Playback:
    """Plays the frames of a recording from the moment somebody asks for one of its markets.

    ``emit`` gets each frame when it is due; ``restart`` is called before each further round;
    ``crowded`` says that the clients have enough to read, which holds a playback without a speed limit.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        emit: Callable[[RecordedFrame], None],
        restart: Callable[[], None],
        crowded: Callable[[], bool],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._recording = recording
        self._emit, self._restart, self._crowded = emit, restart, crowded
        self._sleep = sleep
        self.started = asyncio.Event()
        # set when the last frame of a recording without a loop was sent
        self.finished = asyncio.Event()
        self.rounds = 0

    async def run(self) -> None:
        await self.started.wait()
        while True:
            if self.rounds:
                self._restart()
            self.rounds += 1
            await self._round()
            if not self._recording.loop:
                self.finished.set()
                return
            # The distance from the last message of a round to the first of the next.
            await self._sleep(0.25 / min(self._recording.speed, 100))

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        begun, speed = loop.time(), self._recording.speed
        for number, frame in enumerate(self._recording.frames):
            wait = begun + frame.at_ms / 1000 / speed - loop.time() if speed < math.inf else 0.0
            if wait > 0.001:
                await self._sleep(wait)
            elif number % _BATCH == 0:
                await self._sleep(0)
                while self._crowded():
                    await self._sleep(0.002)
            self._emit(frame)
