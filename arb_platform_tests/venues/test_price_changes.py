"""What is special about the one-pass way of Polymarket's price changes."""

import json

from arb_platform_tests.venues.test_polymarket import feed_with_book, price_change
from arb_platform_tests.venues.wire import NO, NOW, NOW_MS, YES, quarantined, snapshots, top


def test_a_level_that_is_back_by_the_end_of_a_message_shows_nothing():
    feed = feed_with_book()
    there_and_back = price_change(
        (YES, "BUY", "0.07", "99", "0.07", "0.08"), (YES, "BUY", "0.07", "100", "0.07", "0.08")
    )
    assert feed.receive(there_and_back, NOW) == []
    # the negative control, which also shows that what was shown is still known
    [snapshot] = feed.receive(price_change((YES, "BUY", "0.07", "99", "0.07", "0.08")), NOW)
    assert top(snapshot)[0][0] == ("0.07", "99")


def test_a_message_of_nothing_but_the_other_token_is_counted_and_shows_nothing():
    feed = feed_with_book()
    assert feed.receive(price_change((NO, "SELL", "0.93", "99", "0.92", "0.93")), NOW) == []
    assert feed.mirrored == 1
    assert len(snapshots(feed.receive(price_change((YES, "BUY", "0.07", "99", "0.07", "0.08")), NOW))) == 1


def test_changes_that_do_not_say_what_they_are_are_not_applied():
    feed = feed_with_book()
    message = json.loads(price_change((YES, "BUY", "0.07", "99", "0.07", "0.08")))
    del message["event_type"]
    outputs = feed.receive(json.dumps(message), NOW)
    assert len(quarantined(outputs)) == 1
    assert not snapshots(outputs)


def test_a_timestamp_may_be_a_number_or_a_text_and_nothing_else():
    for stamp, believed in ((NOW_MS, True), (str(NOW_MS), True), (f"{NOW_MS}.5", False), ("soon", False)):
        feed = feed_with_book()
        message = json.loads(price_change((YES, "BUY", "0.07", "99", "0.07", "0.08")))
        message["timestamp"] = stamp
        outputs = feed.receive(json.dumps(message), NOW)
        assert bool(snapshots(outputs)) is believed
        assert bool(quarantined(outputs)) is not believed
