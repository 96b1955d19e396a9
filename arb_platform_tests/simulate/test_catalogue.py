"""The simulated catalogue: its documents, its truth, and that neither depends on the weather."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.simulate.catalogue import UNRELATED, Catalogue, build_catalogue
from arb_platform.simulate.families import FAMILIES
from arb_platform.simulate.outcomes import Names, Span, outcome_relation
from arb_platform.simulate.truth import STRATA, Claim, Link, TruthTable, compare
from arb_platform.simulate.wording import codes, initials

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)

# Fields every Gamma market and Kalshi market, event and series has (venue documentation, 2026).
GAMMA_FIELDS = {
    "id", "question", "conditionId", "slug", "description", "resolutionSource", "endDate", "endDateIso", "startDate",
    "createdAt", "active", "closed", "archived", "acceptingOrders", "enableOrderBook", "negRisk", "negRiskOther",
    "groupItemTitle", "outcomes", "outcomePrices", "clobTokenIds", "orderPriceMinTickSize", "orderMinSize", "volume",
    "volumeNum", "volume24hr", "liquidity", "bestBid", "bestAsk", "lastTradePrice", "spread", "feesEnabled", "feeType",
    "questionID", "events", "version", "secondsDelay",
}  # fmt: skip
KALSHI_FIELDS = {
    "ticker", "event_ticker", "market_type", "title", "yes_sub_title", "no_sub_title", "created_time", "open_time",
    "close_time", "expected_expiration_time", "latest_expiration_time", "status", "result", "can_close_early",
    "rules_primary", "rules_secondary", "yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars",
    "last_price_dollars", "volume_fp", "volume_24h_fp", "open_interest_fp", "notional_value_dollars",
    "price_level_structure", "price_ranges", "settlement_timer_seconds",
}  # fmt: skip
SERIES_FIELDS = {
    "ticker", "title", "category", "tags", "frequency", "settlement_sources", "contract_url", "contract_terms_url",
    "fee_type", "fee_multiplier",
}  # fmt: skip
PRICE = re.compile(r"^[01]\.\d{4}$")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return build_catalogue(now=NOW)


def test_a_default_catalogue_has_four_hundred_markets_a_venue_from_every_family(catalogue):
    assert (len(catalogue.polymarket), len(catalogue.kalshi)) == (400, 400)
    for family in FAMILIES:
        listed = {topic.key for topic in _first_topics(family, 200)}
        for venue in (POLYMARKET, KALSHI):
            assert any(market.topic in listed for market in catalogue.of(venue)), (family.name, venue)


def test_the_same_seed_on_the_same_day_gives_the_same_bets(catalogue):
    again = build_catalogue(now=NOW + timedelta(hours=7))
    for one, other in zip(
        catalogue.polymarket + catalogue.kalshi, again.polymarket + again.kalshi, strict=True
    ):
        assert (one.market_id, one.fair_price, one.draft) == (other.market_id, other.fair_price, other.draft)
    assert dict(again.truth) == dict(catalogue.truth)


def test_the_same_arguments_give_the_same_documents(catalogue):
    again = build_catalogue(now=NOW)
    assert [market.document for market in again.polymarket] == [
        market.document for market in catalogue.polymarket
    ]
    assert again.events(KALSHI) == catalogue.events(KALSHI)


def test_another_seed_gives_other_markets(catalogue):
    other = build_catalogue(8, now=NOW)
    assert other.market_ids(POLYMARKET).isdisjoint(catalogue.market_ids(POLYMARKET))
    assert [market.fair_price for market in other.kalshi] != [
        market.fair_price for market in catalogue.kalshi
    ]


def test_gamma_documents_have_the_venues_fields_and_its_json_inside_strings(catalogue):
    for market in catalogue.polymarket:
        document = market.document
        assert document.keys() >= GAMMA_FIELDS, GAMMA_FIELDS - document.keys()
        assert re.fullmatch(r"0x[0-9a-f]{64}", document["conditionId"])
        assert document["conditionId"] == market.market_id
        tokens = json.loads(document["clobTokenIds"])
        assert tuple(tokens) == market.asset_ids
        assert all(re.fullmatch(r"\d{77}", token) and int(token) < 2**256 for token in tokens)
        assert len(json.loads(document["outcomes"])) == len(json.loads(document["outcomePrices"])) == 2
        assert 0 < document["bestBid"] < document["bestAsk"] < 1
        assert document["orderPriceMinTickSize"] * 1_000_000 == pytest.approx(market.tick_units)
        assert document["events"][0]["id"] == market.event_document["id"]
        assert document["feesEnabled"] == ("feeSchedule" in document)


def test_token_ids_are_all_different(catalogue):
    tokens = [token for market in catalogue.polymarket for token in market.asset_ids]
    assert len(set(tokens)) == len(tokens) == 800


def test_kalshi_documents_have_the_venues_fields_and_dollar_strings(catalogue):
    for market in catalogue.kalshi:
        document = market.document
        assert document.keys() >= KALSHI_FIELDS, KALSHI_FIELDS - document.keys()
        assert re.fullmatch(r"[A-Z0-9.-]+", document["ticker"]), document["ticker"]
        assert document["ticker"].startswith(document["event_ticker"])
        assert document["event_ticker"].startswith(market.series_document["ticker"] + "-")
        assert market.series_document.keys() >= SERIES_FIELDS
        assert all(
            PRICE.match(document[f"{side}_dollars"]) for side in ("yes_bid", "yes_ask", "no_bid", "no_ask")
        )
        assert float(document["yes_bid_dollars"]) < float(document["yes_ask_dollars"])
        assert float(document["yes_bid_dollars"]) + float(document["no_ask_dollars"]) == pytest.approx(1)
        assert document["price_ranges"][0]["start"] == "0.0000"


def test_a_threshold_of_kalshi_is_the_number_its_rules_name(catalogue):
    for market in catalogue.kalshi:
        floor = market.document.get("floor_strike")
        if market.document.get("strike_type") == "greater" and floor is not None:
            said = market.document["rules_primary"].replace(",", "")
            assert any(
                float(number) == pytest.approx(floor) for number in re.findall(r"\d+(?:\.\d+)?", said)
            ), said


def test_events_nest_their_markets_once_each(catalogue):
    for venue, key in ((KALSHI, "ticker"), (POLYMARKET, "conditionId")):
        nested = [market[key] for event in catalogue.events(venue) for market in event["markets"]]
        assert sorted(nested) == sorted(catalogue.market_ids(venue))
    tickers = [series["ticker"] for series in catalogue.series()]
    assert len(set(tickers)) == len(tickers) > 30


def test_every_market_is_open_and_has_rules_of_real_length(catalogue):
    for market in catalogue.polymarket:
        assert market.document["active"]
        assert market.document["acceptingOrders"]
        assert not market.document["closed"]
        assert market.document["endDate"] > NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), market.draft.question
        assert len(market.document["description"]) > 250, market.draft.question
    for market in catalogue.kalshi:
        assert market.document["status"] == "active"
        assert market.document["close_time"] > NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), market.market_id
        assert market.document["rules_primary"].startswith("If ")
        assert "resolves to Yes" in market.document["rules_primary"] or market.draft.market_type == "scalar"


def test_prices_stay_inside_and_volumes_have_a_heavy_tail(catalogue):
    markets = catalogue.polymarket + catalogue.kalshi
    assert all(0.02 <= market.fair_price <= 0.98 for market in markets)
    volumes = sorted(market.volume for market in markets)
    assert sum(volumes[-80:]) > 0.6 * sum(volumes)


def test_there_are_sixty_true_pairs_with_nearly_the_same_price_and_some_with_an_edge(catalogue):
    prices = {market.market_id: market.fair_price for market in catalogue.polymarket + catalogue.kalshi}
    gaps = [
        abs(prices[one] - prices[other])
        for (one, other), truth in catalogue.truth.items()
        if truth.relation == "identity"
    ]
    assert 60 <= len(gaps) <= 130
    assert sorted(gaps)[len(gaps) // 2] < 0.01
    assert max(gaps) < 0.08
    assert sum(gap > 0.02 for gap in gaps) >= 2


def test_complements_add_up_to_about_one(catalogue):
    prices = {market.market_id: market.fair_price for market in catalogue.polymarket + catalogue.kalshi}
    pairs = [pair for pair, truth in catalogue.truth.items() if truth.relation == "complement"]
    assert len(pairs) >= 8
    assert all(prices[one] + prices[other] == pytest.approx(1, abs=0.09) for one, other in pairs)


def test_every_kind_of_trap_is_in_a_default_catalogue(catalogue):
    found = Counter(truth.stratum for truth in catalogue.truth.values())
    assert set(found) == set(STRATA), set(STRATA) ^ set(found)


def test_every_truth_names_markets_that_exist(catalogue):
    for (one, other), truth in catalogue.truth.items():
        assert one in catalogue.market_ids(POLYMARKET)
        assert other in catalogue.market_ids(KALSHI)
        assert catalogue.truth[one, other] == truth
        assert truth.reason
    assert catalogue.truth.of("0x0", "KXNOTHING") is UNRELATED
    with pytest.raises(KeyError):
        catalogue.truth["0x0", "KXNOTHING"]


def test_only_identities_have_all_fields_and_only_they_and_complements_a_sure_side(catalogue):
    for truth in catalogue.truth.values():
        assert truth.field_matches.all == (truth.relation == "identity"), truth
        assert (truth.orientation == "inverted") >= (truth.relation == "complement")
        assert (truth.orientation == "unknown") == (truth.relation in ("disjoint", "unknown"))


def test_near_misses_differ_from_true_pairs_in_words_a_reader_can_find(catalogue):
    """No two markets of one venue that mean different bets may have the same texts."""
    for venue, fields in (
        (POLYMARKET, ("question", "description")),
        (KALSHI, ("title", "yes_sub_title", "rules_primary", "rules_secondary")),
    ):
        texts = Counter(tuple(market.document[field] for field in fields) for market in catalogue.of(venue))
        assert [text for text, times in texts.items() if times > 1] == []


def test_venues_may_be_of_unequal_size_and_ids_stay_unique_in_a_large_catalogue():
    large = build_catalogue(now=NOW, markets_per_venue=3_000, kalshi_markets=1_500)
    assert (len(large.polymarket), len(large.kalshi)) == (3_000, 1_500)
    assert len(large.market_ids(POLYMARKET)) == 3_000
    assert len(large.market_ids(KALSHI)) == 1_500


def test_a_catalogue_without_markets_is_refused():
    for sizes in ({"markets_per_venue": 0}, {"kalshi_markets": 0}):
        with pytest.raises(SettingsError, match="at least one market"):
            build_catalogue(now=NOW, **sizes)


@pytest.mark.parametrize(
    "day", ["2027-01-02", "2027-02-28", "2027-06-30", "2028-02-29", "2028-11-07", "2027-12-31"]
)
def test_a_catalogue_can_be_made_on_any_day(day):
    now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    made = build_catalogue(now=now, markets_per_venue=300)
    late = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert all(market.document["close_time"] > late for market in made.kalshi)
    assert all(market.document["endDate"] > late for market in made.polymarket)
    assert sum(truth.relation == "identity" for truth in made.truth.values()) >= 50


@given(*[st.one_of(st.none(), st.integers(-6, 6))] * 4)
def test_relations_of_spans_are_those_of_the_sets_they_name(a, b, c, d):
    one, other = Span(*_ordered(a, b)), Span(*_ordered(c, d))
    grid = range(-20, 21)
    left, right = ({n for n in grid if _inside(span, n)} for span in (one, other))
    relation = one.relation_to(other)
    expected = (
        "identity" if left == right else
        ("complement" if left | right == set(grid) else "disjoint") if not left & right else
        "subset" if left < right else "superset" if left > right else "overlap"
    )  # fmt: skip
    assert relation == expected


def test_relations_of_names_know_the_rest_of_the_list():
    teams = frozenset({"LAL", "BOS"})
    assert Names.of("LAL", universe=teams).relation_to(Names.of("BOS", universe=teams)) == "complement"
    assert Names.of("LAL").relation_to(Names.of("BOS")) == "disjoint"
    assert Names.of("A").relation_to(Names.without("A")) == "complement"
    assert Names.of("A").relation_to(Names.without("B")) == "subset"
    assert Names.without("B").relation_to(Names.of("A")) == "superset"
    assert Names.of("A", "B").relation_to(Names.without("B")) == "overlap"
    assert Names.of("A").relation_to(Names.without("A", "B")) == "disjoint"
    assert Names.of("A").relation_to(Names.of("A", "B")) == "subset"
    assert Names.without("A", "B").relation_to(Names.without("A")) == "subset"
    assert Names.without("A").relation_to(Names.without("B")) == "overlap"


def test_one_question_with_outcomes_of_two_kinds_is_a_mistake_of_its_family():
    with pytest.raises(TypeError, match="two kinds"):
        outcome_relation(Span(1, None), Names.of("yes"))


def test_each_difference_of_two_claims_makes_its_own_near_miss():
    claim = Claim("cpi", Span(30, None), "26DEC", source="BLS", by=NOW)
    assert compare(claim, claim).relation == "identity"
    cases = {
        "inclusive_threshold": replace(claim, outcome=Span(31, None)),
        "threshold": replace(claim, outcome=Span(35, None)),
        "bucket_or_cumulative": replace(claim, outcome=Span(30, 30)),
        "period": replace(claim, period="27JAN"),
        "deadline": replace(claim, by=NOW + timedelta(days=1)),
        "cut_off_hour": replace(claim, cutoff="17:00"),
        "source": replace(claim, source="BEA"),
        "complement": replace(claim, outcome=Span(None, 29)),
        "sibling": replace(claim, outcome=Span(10, 12)),
    }
    for stratum, other in cases.items():
        truth = compare(claim, other)
        assert truth.stratum == stratum
        assert not truth.field_matches.all
    assert compare(claim, cases["deadline"]).relation == "subset"
    assert compare(cases["deadline"], claim).relation == "superset"
    assert compare(claim, replace(claim, question="core cpi")) is None


def test_links_hold_only_where_they_say():
    link = Link("touch", "stands", "superset", "touch_or_on_date", "touching is easier")
    one, other = Claim("touch", Span(100, None)), Claim("stands", Span(100, None))
    table = TruthTable()
    table.add_topic({"0xa": one}, {"KXB": other, "KXC": Claim("stands", Span(110, None))}, (link,))
    assert table["0xa", "KXB"].relation == "superset"
    assert table.of("0xa", "KXC") is UNRELATED
    assert len(table) == 1


def test_names_with_the_same_initials_get_different_codes():
    names = ["Rhea Lockhart", "Roland Locke", "Rafael Lockwood"]
    assert {initials(name) for name in names} == {"RLOC"}
    assert list(codes(names).values()) == ["RLOC", "RLOC2", "RLOC3"]


def _first_topics(family, count):
    source = family.topics(Random(f"7/{family.name}"), NOW)
    return [topic for topic, _ in zip(source, range(count), strict=False)]


def _ordered(low, high):
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def _inside(span, number):
    return (span.low is None or span.low <= number) and (span.high is None or number <= span.high)
