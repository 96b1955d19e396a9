"""T2: other people's code on the same frames. Said plainly where it cannot be compared."""

from importlib.util import find_spec
from typing import Final

from arb_platform_tests.benchmarks.measure import Outcome, Pace

TARGETS: Final = ("T2",)
# Times faster we want to be than each.
_PEERS: Final = {"ccxt": 5.0, "cryptofeed": 3.0, "nautilus_trader": 15.0}


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    for name, wanted in _PEERS.items():
        state = "not installed" if find_spec(name) is None else "installed, but no comparison is written"
        outcome.told("T2", f"{name} (wanted: >= {wanted:g}x)", state)
    return outcome
