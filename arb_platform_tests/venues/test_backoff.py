"""When to try again."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.venues.backoff import FORGIVEN, RETRY_AFTER_CAP_SECONDS, SHORT_SECONDS, Backoff, retry_after

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_delays_double_up_to_the_cap_and_start_over_after_a_reset():
    backoff = Backoff(5.0, rng=Random(1))
    ceilings = []
    for _ in range(7):
        ceilings.append(backoff.ceiling)
        backoff.next_delay()
    assert ceilings == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
    backoff.reset()
    assert backoff.ceiling == 5.0


def test_one_connection_that_lasts_forgives_all_short_ones_before():
    backoff = Backoff(5.0, rng=Random(1))
    for _ in range(FORGIVEN + 3):
        backoff.was_good_for(1.0)
        backoff.next_delay()
    assert (backoff.looping, backoff.ceiling) == (True, 60.0)
    backoff.was_good_for(SHORT_SECONDS)
    assert (backoff.looping, backoff.ceiling) == (False, 5.0)


@given(st.floats(0.001, 100), st.integers(0, 2000), st.integers())
def test_a_delay_is_never_longer_than_its_ceiling_nor_the_cap(base, failures, seed):
    backoff = Backoff(base, rng=Random(seed))
    backoff.failures = failures
    ceiling = backoff.ceiling
    assert 0.0 <= backoff.next_delay() <= ceiling <= 60.0


def test_jitter_is_full_so_that_clients_do_not_come_back_together():
    delays = [Backoff(60.0, rng=Random(seed)).next_delay() for seed in range(200)]
    assert min(delays) < 6.0
    assert max(delays) > 54.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        (" 7 ", 7.0),
        ("Wed, 25 Nov 2026 12:01:30 GMT", 90.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 25 Nov 2026 12:01:30 -0000", 90.0),
        ("999999999", RETRY_AFTER_CAP_SECONDS),
        ("Thu, 25 Nov 2032 12:00:00 GMT", RETRY_AFTER_CAP_SECONDS),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(value, seconds):
    assert retry_after(value, NOW) == seconds


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_retry_after_text_is_a_bounded_wait_or_none(text):
    wait = retry_after(text, NOW + timedelta(days=1))
    assert wait is None or 0.0 <= wait <= RETRY_AFTER_CAP_SECONDS
