import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import arb_platform
from arb_platform.domain.pairs import MarketPair
from arb_platform.matching.rules import HARD_RULES, RULES_VERSION, broken_rules
from arb_platform_tests.matching.written_pairs import NEAR_MISSES, SAME_BET, kalshi, polymarket

BY_NAME = {rule.name: rule for rule in HARD_RULES}

# For each rule: a pair it lets pass, a pair it objects to, and what its reason must say.
EXAMPLES = {
    "placeholder": (
        (polymarket("Netflix above $1,200 on December 31?"), kalshi("Netflix price on Dec 31?", "Above $1,200")),
        (polymarket("Netflix above $1,200 on December 31?"), kalshi("Netflix price?", rules="at least || Count || by Dec 31")),
        "|| Count ||",
    ),
    "market type": (
        (polymarket("US recession in 2026?"), kalshi("Recession in 2026?")),
        (polymarket("US recession in 2026?"), kalshi("Recession depth in 2026?", kind="scalar")),
        "binary against scalar",
    ),
    "threshold": (
        (
            polymarket("Will CPI be 3.0% or more in November?", close="2026-12-10"),
            kalshi("CPI in Nov 2026?", "Above 2.9%", close="2026-12-10", strike="greater", floor="2.9"),
        ),
        (
            polymarket("Will CPI be 3.0% or more in November?", close="2026-12-10"),
            kalshi("CPI in Nov 2026?", "Above 3.0%", close="2026-12-10", strike="greater", floor="3.0"),
        ),
        ">= 3 % against > 3",
    ),
    "bucket or cumulative": (
        (polymarket("Will core PCE be exactly 2.8% in November?"), kalshi("Core PCE in Nov 2026?", "Exactly 2.8%")),
        (polymarket("Will core PCE be 2.8% or above in November?"), kalshi("Core PCE in Nov 2026?", "Exactly 2.8%")),
        ">= 2.8 % against = 2.8 %",
    ),
    "lone threshold": (
        (polymarket("Fed cuts rates by 25 bps in December?"), kalshi("Fed decision in December?", "Cut 25bps")),
        (polymarket("Fed cuts rates by 25 bps in December?"), kalshi("Fed decision in December?", "Cut")),
        "against none",
    ),
    "threshold polarity": (
        (polymarket("Measles cases in 2026: 2,000+?"), kalshi("Measles cases in 2026?", "At least 2,000")),
        (polymarket("Measles cases in 2026: fewer than 2,000?"), kalshi("Measles cases in 2026?", "At least 2,000")),
        "< 2000 against >= 2000",
    ),
    "period": (
        (polymarket("Nuclear deal by June 30, 2027?"), kalshi("Nuclear deal before Jul 2027?", "Before Jul 1, 2027")),
        (polymarket("Nuclear deal by June 30, 2027?"), kalshi("Nuclear deal before 2028?", "Before 2028")),
        "before 2027-07-01 against before 2028-01-01",
    ),
    "game day": (
        (
            polymarket("Knicks vs. Bucks", "NBA game on December 9 at 7:30PM ET.", "2026-12-10", outs=("Knicks", "Bucks")),
            kalshi("New York at Milwaukee Winner?", "New York", "originally scheduled for Dec 9, 2026, then Yes."),
        ),
        (
            polymarket("Knicks vs. Bucks", "NBA game on December 9 at 7:30PM ET.", "2026-12-10", outs=("Knicks", "Bucks")),
            kalshi("New York at Milwaukee Winner?", "New York", "originally scheduled for Jan 14, 2027, then Yes."),
        ),
        "2026-12-09 against 2027-01-14",
    ),
    "cut-off": (
        (
            polymarket("Bitcoin above $90,000 on December 8, 12PM ET?"),
            kalshi("Bitcoin price on Dec 8, 2026 at 12pm EST?", "$90,000 or above"),
        ),
        (
            polymarket("Bitcoin above $90,000 on December 8, 12PM ET?"),
            kalshi("Bitcoin price on Dec 8, 2026 at 5pm EST?", "$90,000 or above"),
        ),
        "12:00 ET against 17:00 ET",
    ),
    "touch or on the date": (
        (polymarket("Will Bitcoin reach $150,000 in 2026?"), kalshi("How high will Bitcoin get in 2026?", "$150,000 or above")),
        (polymarket("Will Bitcoin reach $150,000 in 2026?"), kalshi("Bitcoin price at the end of 2026?", "$150,000 or above")),
        "touch against at",
    ),
    "measure": (
        (polymarket("Core CPI above 3% in May?"), kalshi("Core inflation in May 2027?", "Above 3%")),
        (polymarket("Core CPI above 3% in May?"), kalshi("CPI inflation in May 2027?", "Above 3%")),
        "core CPI against CPI",
    ),
    "basis": (
        (polymarket("Will annual inflation be 3%?"), kalshi("CPI year-over-year?", "Exactly 3%")),
        (polymarket("Will annual inflation be 3%?"), kalshi("CPI month-over-month?", "Exactly 3%")),
        "year over year against month over month",
    ),
    "release": (
        (polymarket("GDP advance estimate above 2%?"), kalshi("GDP first release?", "Above 2%")),
        (polymarket("GDP advance estimate above 2%?"), kalshi("GDP third estimate?", "Above 2%")),
        "first release against revised",
    ),
    "rate decision": (
        (polymarket("No change in Fed rates in December?"), kalshi("Fed decision in December?", "Fed maintains rate")),
        (polymarket("No change in Fed rates in December?"), kalshi("Fed decision in December?", "Fed cuts")),
        "hold against cut",
    ),
    "central bank": (
        (polymarket("ECB cut in March?"), kalshi("European Central Bank decision in March?", "Cut")),
        (polymarket("ECB cut in March?"), kalshi("Bank of England decision in March?", "Cut")),
        "ECB against BoE",
    ),
    "course": (
        (polymarket("Will Wren remain Attorney General?"), kalshi("Will Wren still be Attorney General?")),
        (polymarket("Will Wren remain Attorney General?"), kalshi("Will Wren leave as Attorney General?")),
        "goes on against ends",
    ),
    "country": (
        (polymarket("UK CPI above 3%?"), kalshi("United Kingdom CPI?", "Above 3%")),
        (polymarket("UK CPI above 3%?"), kalshi("US CPI?", "Above 3%")),
        "UK against US",
    ),
    "tenor": (
        (polymarket("10-year Treasury yield above 4.5%?"), kalshi("10 year yield?", "Above 4.5%")),
        (polymarket("10-year Treasury yield above 4.5%?"), kalshi("2-year yield?", "Above 4.5%")),
        "10y against 2y",
    ),
    "asset": (
        (polymarket("WTI crude above $70?"), kalshi("WTI oil price?", "Above $70")),
        (polymarket("WTI crude above $70?"), kalshi("Brent oil price?", "Above $70")),
        "WTI against Brent",
    ),
    "office": (
        (polymarket("Republican nominee for President?"), kalshi("Republican Presidential nominee?")),
        (polymarket("Republican nominee for President?"), kalshi("Republican Vice Presidential nominee?")),
        "president against vice president",
    ),
    "competition": (
        (polymarket("Will Barcelona win the Champions League?"), kalshi("UEFA Champions League winner?", "Barcelona")),
        (polymarket("Will Barcelona win the Champions League?"), kalshi("La Liga winner?", "Barcelona")),
        "Champions League against La Liga",
    ),
    "league": (
        (polymarket("Will Miami win the NFL title?"), kalshi("Pro football champion?", "Miami")),
        (polymarket("Will Miami win the NFL title?"), kalshi("Pro basketball champion?", "Miami")),
        "NFL against NBA",
    ),
    "award": (
        (polymarket("Will The Pitt win Outstanding Drama Series?"), kalshi("Emmy for Drama Series?", "The Pitt")),
        (polymarket("Will The Pitt win Outstanding Drama Series?"), kalshi("Emmy for Comedy Series?", "The Pitt")),
        "drama series against comedy series",
    ),
    "prize": (
        (polymarket("Will Sinners win at the Academy Awards?"), kalshi("Oscars winner?", "Sinners")),
        (polymarket("Will Sinners win at the Academy Awards?"), kalshi("Golden Globe winner?", "Sinners")),
        "Oscars against Golden Globes",
    ),
    "chart": (
        (polymarket("Billboard Hot 100 #1?"), kalshi("Top song on the Hot 100?")),
        (polymarket("Billboard Hot 100 #1?"), kalshi("Top album on the Billboard 200?")),
        "Hot 100 against Billboard 200",
    ),
    "statistic": (
        (polymarket("Will Judge lead the MLB in home runs?"), kalshi("Pro Baseball leader in home runs?", "Aaron Judge")),
        (polymarket("Will Judge lead the MLB in home runs?"), kalshi("Pro Baseball leader in stolen bases?", "Aaron Judge")),
        "home runs against stolen bases",
    ),
    "gender": (
        (polymarket("Women's Wimbledon winner?"), kalshi("Wimbledon women's singles?")),
        (polymarket("Women's Wimbledon winner?"), kalshi("Wimbledon men's singles?")),
        "women against men",
    ),
    "ordinal": (
        (polymarket("Will June be the 2nd hottest on record?"), kalshi("Second hottest June?")),
        (polymarket("Will June be the 2nd hottest on record?"), kalshi("Hottest June?")),
        "second against first",
    ),
    "action": (
        (polymarket("US x Iran nuclear deal?"), kalshi("US-Iran agreement?")),
        (polymarket("US x Iran nuclear deal?"), kalshi("US strike on Iran?")),
        "deal against strike",
    ),
    "stage": (
        (polymarket("Will Newsom win the 2028 nomination?"), kalshi("Democratic nominee 2028?", "Gavin Newsom")),
        (polymarket("Will Newsom win the 2028 nomination?"), kalshi("Who will win the 2028 election?", "Gavin Newsom")),
        "nominee against none",
    ),
    "race or standalone": (
        (polymarket("Will Wright be the next to leave the Cabinet?"), kalshi("Next person to leave the Cabinet?", "Wright")),
        (polymarket("Will Wright leave the Cabinet?"), kalshi("Next person to leave the Cabinet?", "Wright")),
        "standalone against race",
    ),
    "candidacy": (
        (polymarket("Will Newsom run for president?"), kalshi("Who will run for president?", "Newsom")),
        (polymarket("Will Newsom win the presidency?"), kalshi("Who will run for president?", "Newsom")),
        "win against stand",
    ),
    "announce or do": (
        (polymarket("Will Powell announce his departure?"), kalshi("Will Powell announce he is leaving?")),
        (polymarket("Will Powell leave the Fed?"), kalshi("Will Powell announce he is leaving?")),
        "do against announce",
    ),
    "negation": (
        (polymarket("Will Anthropic not IPO?"), kalshi("Will Anthropic not go public?")),
        (polymarket("Will Anthropic not IPO?"), kalshi("Will Anthropic IPO?")),
        "negated against plain",
    ),
    "source": (
        (polymarket("XRP above $3?", source="Binance"), kalshi("XRP price?", source="Binance")),
        (polymarket("XRP above $3?", source="Binance"), kalshi("XRP price?", source="CF Benchmarks")),
        "Binance against CF Benchmarks",
    ),
    "station": (
        (
            polymarket("High temp in NYC?", "recorded at Central Park. Temperature in Fahrenheit."),
            kalshi("High temp in NYC?", rules="the highest temperature in Central Park, New York (KNYC)"),
        ),
        (
            polymarket("High temp in NYC?", "recorded at LaGuardia Airport. Temperature in Fahrenheit."),
            kalshi("High temp in NYC?", rules="the highest temperature in Central Park, New York (KNYC)"),
        ),
        "KLGA against KNYC",
    ),
    "bet type": (
        (polymarket("Knicks vs. Bucks: O/U 224.5"), kalshi("New York at Milwaukee: Total Points", "Over 224.5 points scored")),
        (polymarket("Knicks vs. Bucks: O/U 224.5"), kalshi("New York at Milwaukee Winner?", "New York")),
        "total against winner",
    ),
    "numbered": (
        (polymarket("Will Japan win Group F?"), kalshi("World Cup Group F winner?", "Japan")),
        (polymarket("Will Japan win Group F?"), kalshi("World Cup Group E winner?", "Japan")),
        "group: f against e",
    ),
    "county": (
        (polymarket("Will Becerra finish first in California?"), kalshi("Who will finish 1st in California?", "Becerra")),
        (polymarket("Will Becerra finish first in Santa Clara County?"), kalshi("Who will finish 1st?", "Becerra")),
        "santa clara against everywhere",
    ),
    "state": (
        (polymarket("Gas prices in Texas above $3 on January 31?"), kalshi("Texas gas prices on Jan 31?", "Above $3")),
        (polymarket("US gas prices above $3 on January 31?"), kalshi("Texas gas prices on Jan 31?", "Above $3")),
        "no state against TX",
    ),
    "condition": (
        (polymarket("Emergency Fed rate cut in 2027?"), kalshi("Fed cut in 2027?", rules="If the Fed cuts rates outside of a scheduled meeting, then Yes.")),
        (polymarket("Emergency Fed rate cut in 2027?"), kalshi("Fed rate cut in 2027?", rules="If the Fed cuts rates at any meeting, then Yes.")),
        "emergency against none",
    ),
    "wording": (
        (polymarket("Will Smith and Jones marry in 2027?"), kalshi("Smith and Jones wedding in 2027?")),
        (polymarket("Will Smith and Jones marry in 2027?"), kalshi("Will Smith and Jones swim in 2027?")),
        "marry against swim",
    ),
    "pollster": (
        (polymarket("Trump approval above 42%?", "By Silver Bulletin."), kalshi("Trump approval on Silver Bulletin?", "Above 42%")),
        (polymarket("Trump approval above 42%?", "By Silver Bulletin."), kalshi("Trump approval on Gallup?", "Above 42%")),
        "Silver Bulletin against Gallup",
    ),
    "storm": (
        (polymarket("8 or more hurricanes in 2027?"), kalshi("Hurricanes in 2027?", "Above 7")),
        (polymarket("8 or more hurricanes in 2027?"), kalshi("Named storms in 2027?", "Above 7")),
        "hurricane against named storm",
    ),
    "sold where": (
        (polymarket("Domestic opening above $250m?"), kalshi("Opening weekend?", "Above $250 million", "If the domestic opening is above 250 million, then Yes.")),
        (polymarket("Domestic opening above $250m?"), kalshi("Worldwide opening?", "Above $250 million")),
        "domestic against worldwide",
    ),
    "agent": (
        (polymarket("Israel strikes Iran in 2027?"), kalshi("Will Israel attack Iran in 2027?")),
        (polymarket("Israel strikes Iran in 2027?"), kalshi("Will Iran attack Israel in 2027?")),
        "israel against iran",
    ),
    "seat": (
        (polymarket("Will the Democratic Party win the TX-07 House seat?"), kalshi("Will Democratic win the House race for TX-7?")),
        (polymarket("Will the Democratic Party win the TX-07 House seat?"), kalshi("Will Democratic win the House race for FL-07?")),
        "house TX-07 Democratic against house FL-07 Democratic",
    ),
    "subject": (
        (polymarket("Will JD Vance win the 2028 nomination?"), kalshi("Republican nominee?", "J.D. Vance")),
        (polymarket("Will JD Vance win the 2028 nomination?"), kalshi("Republican nominee?", "Marco Rubio")),
        "jd vance against marco rubio",
    ),
    "teams": (
        (polymarket("Giants vs. Cowboys", outs=("Giants", "Cowboys")), kalshi("New York G at Dallas Winner?", "New York G")),
        (polymarket("Giants vs. Cowboys", outs=("Giants", "Cowboys")), kalshi("New York G at Washington Winner?", "New York G")),
        "giants and cowboys against new york g and washington",
    ),
    "game or title": (
        (polymarket("Will Arsenal win on 2026-12-20?"), kalshi("Arsenal vs Chelsea Winner?", "Arsenal")),
        (polymarket("Will Arsenal win on 2026-12-20?"), kalshi("Premier League Winner 2027?", "Arsenal")),
        "game against title",
    ),
    "anyone": (
        (polymarket("Will anyone win outright?"), kalshi("Will anyone win outright in October?")),
        (polymarket("Will Renan Santos win outright?"), kalshi("Will anyone win outright?")),
        "renan santos against anyone",
    ),
    "side": (
        (polymarket("Lakers vs. Celtics", outs=("Lakers", "Celtics")), kalshi("Los Angeles L at Boston Winner?", "Los Angeles L")),
        (polymarket("Lakers vs. Celtics", outs=("Lakers", "Celtics")), kalshi("Los Angeles L at Boston Winner?", "Boston")),
        "lakers against boston",
    ),
    "names": (
        (polymarket("Amazon acquires EA in 2026?"), kalshi("Will EA be bought by Amazon?")),
        (polymarket("Amazon acquires EA in 2026?"), kalshi("Will Peloton be bought by Amazon?")),
        "ea against peloton",
    ),
    "topic": (
        (polymarket("US recession in 2026?"), kalshi("Recession this year?")),
        (polymarket("US recession in 2026?"), kalshi("Hurricane landfall this year?")),
        "topic:",
    ),
}  # fmt: skip


def test_every_rule_has_a_pair_that_passes_and_a_pair_that_fails():
    assert BY_NAME.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_lets_its_agreeing_pair_pass(name):
    passing, _, _ = EXAMPLES[name]
    assert BY_NAME[name](MarketPair(*passing)) is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_objects_to_its_differing_pair_and_names_both_values(name):
    _, failing, says = EXAMPLES[name]
    reason = BY_NAME[name](MarketPair(*failing))
    assert reason is not None
    assert says in reason
    assert reason in broken_rules(MarketPair(*failing))


@pytest.mark.parametrize(("one", "other"), SAME_BET, ids=lambda market: market.title[:40])
def test_the_same_bet_in_both_venues_words_breaks_no_rule(one, other):
    assert broken_rules(MarketPair(one, other)) == ()


@pytest.mark.parametrize(("one", "other", "difference"), NEAR_MISSES, ids=lambda value: str(value)[:12])
def test_a_near_miss_breaks_a_rule(one, other, difference):
    assert broken_rules(MarketPair(one, other)), difference


def test_two_bets_of_the_list_taken_crosswise_are_hardly_ever_one_bet():
    unbroken = [
        (one.title, other.title)
        for i, (one, _) in enumerate(SAME_BET)
        for j, (_, other) in enumerate(SAME_BET)
        if i != j and not broken_rules(MarketPair(one, other))
    ]
    # Three of them are one bet: two Polymarket titles of the list ask for the same fight.
    assert len(unbroken) <= len(SAME_BET) ** 2 / 1000, unbroken


def test_a_market_without_rules_is_judged_by_its_headline_alone():
    one, other = polymarket("Stripe IPO by June 30, 2027?"), kalshi("Will Stripe IPO before Jul 2027?")
    assert broken_rules(MarketPair(one, other)) == ()


hostile = st.text(alphabet=st.characters(exclude_categories=()), max_size=120)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile, hostile, hostile, hostile)
def test_any_text_gives_reasons_and_never_an_error(title, subtitle, rules, other_title):
    pair = MarketPair(polymarket(title, rules, sub=subtitle), kalshi(other_title, subtitle, rules))
    assert all(isinstance(reason, str) and reason for reason in broken_rules(pair))


def test_two_hundred_kilobytes_of_rules_are_read_up_to_a_cap():
    long = "If Stripe completes an IPO before Jul 1, 2027, then Yes. " * 4_000
    one, other = (
        polymarket("Stripe IPO by June 30, 2027?", long),
        kalshi("Will Stripe IPO before Jul 2027?", rules=long),
    )
    assert broken_rules(MarketPair(one, other)) == ()


# What the rules mean is in these files. When one of them changes its digest changes, and whoever
# changed it decides whether verdicts kept under the old RULES_VERSION still stand: if not, raise the
# version; in either case write the new digest here.
RULES_SOURCES = (
    "domain/terms.py", "matching/dates.py", "matching/facets.py", "matching/normalise.py", "matching/quantities.py",
    "matching/reading.py", "matching/rules.py", "matching/rules_numbers.py", "matching/rules_subjects.py",
    "matching/rules_texts.py", "matching/rules_time.py", "matching/sources.py", "matching/subjects.py",
    "matching/vocabulary.py", "matching/word_lists.py", "matching/wording.py",
)  # fmt: skip
KNOWN_DIGESTS = {"rules-1": "def10e44b5c64137", "rules-2": "1a9c7b295644382c", "rules-3": "4e7b2edff2ea09f0"}


def rules_digest():
    root = Path(arb_platform.__file__).parent
    together = b"".join((root / name).read_bytes() for name in RULES_SOURCES)
    return hashlib.sha256(together).hexdigest()[:16]


def test_the_rules_version_is_decided_anew_whenever_their_source_changes():
    assert KNOWN_DIGESTS.get(RULES_VERSION) == rules_digest(), (
        f"the rules' source changed: raise RULES_VERSION if a verdict could differ, then note {rules_digest()}"
    )
