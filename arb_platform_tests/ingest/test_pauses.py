"""The interpreter of a streaming job."""

import gc
import sys

from arb_platform.ingest.pauses import SWITCH_SECONDS, THRESHOLDS, short_pauses


def test_collections_leave_out_what_was_there_and_everything_is_as_before_at_the_end():
    before = gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()
    with short_pauses():
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold() == THRESHOLDS
        assert abs(sys.getswitchinterval() - SWITCH_SECONDS) < 1e-6
    assert (gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()) == before
