"""How often the kill tests kill, and when: a few times in the suite, ``ARB_TEST_KILLS=200`` in a long run.

ARB_TEST_KILLS=200 ARB_TEST_SEED=1 .venv/bin/pytest arb_platform_tests/storage -k kill_9 -s
"""

import contextlib
import os
import random
import subprocess
import sys

from arb_platform_tests.storage.address import word

SEED = int(os.environ.get("ARB_TEST_SEED", "7"))


def kills(usual):
    """The number of kills: ``usual`` unless the environment says otherwise."""
    return int(os.environ.get("ARB_TEST_KILLS", usual))


def patience(usual):
    """Seconds after which a test with so many kills hangs."""
    return 60 + 5 * kills(usual)


def randomness():
    """Repeatable moments; the seed is shown when a test fails or with -s."""
    print(f"seed {SEED}, ARB_TEST_SEED chooses another")
    return random.Random(SEED)


@contextlib.contextmanager
def nursery(module, location, *more):
    """A process that forks a child to be killed for each line it gets, see writer.py and maintainer.py."""
    command = [sys.executable, "-m", f"arb_platform_tests.storage.{module}", word(location), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()
        assert process.wait(20) == 0


def start(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()
