"""Verdicts are durable when they are kept, and in the lake soon after."""

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.pipeline.keeping import VerdictKeeper
from arb_platform_tests.storage.samples import pair, verdict


class Ledger:
    """Keeps in memory; a merge is counted, and fails on demand."""

    def __init__(self):
        self.kept, self.merges, self.trouble = [], 0, None

    def keep_verdicts(self, verdicts):
        self.kept += verdicts

    def flush(self):
        self.merges += 1
        if self.trouble:
            raise self.trouble
        return 0


def test_many_batches_share_a_merge_and_time_makes_one_due_as_well():
    ledger, time = Ledger(), [0.0]
    with VerdictKeeper(ledger, at_once=3, seconds=10.0, monotonic=lambda: time[0]) as keeper:
        keeper.keep([verdict(pair(1))])
        keeper.doubt(verdict(pair(2), "review"))
        keeper.keep([verdict(pair(2))])
        assert (len(ledger.kept), ledger.merges) == (3, 0)
        keeper.keep([verdict(pair(3))])
        keeper._merge.result(10)
        time[0] = 10.0
        keeper.keep([verdict(pair(4))])
        keeper._merge.result(10)
    assert (len(ledger.kept), ledger.merges) == (5, 2)


def test_a_merge_that_failed_in_the_background_stops_the_run_and_nothing_is_lost():
    ledger = Ledger()
    ledger.trouble = StorageError("the lake is locked.")
    with VerdictKeeper(ledger, at_once=1) as keeper:
        keeper.keep([verdict(pair(1))])
        keeper._merge.exception(10)
        with pytest.raises(StorageError, match="locked"):
            keeper.keep([verdict(pair(2))])
    assert len(ledger.kept) == 1
