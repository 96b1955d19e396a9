"""Companies and products: listings and launches by a deadline, counts, words said in a speech, the best model."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from arb_platform.simulate.drafts import (
    KalshiDraft,
    KalshiEvent,
    KalshiSeries,
    PolymarketDraft,
    PolymarketEvent,
    Topic,
)
from arb_platform.simulate.families.unfinished import YES
from arb_platform.simulate.outcomes import Names, Span
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    CREDIBLE,
    day_code,
    eastern,
    hazard,
    last_minute,
    long_date,
    midnight,
    month_day,
    month_end,
    number,
    shares,
    short_date,
    slug,
)

_SEC: Final = (("SEC", "https://www.sec.gov/edgar"), ("The Wall Street Journal", "https://www.wsj.com"))
_COMPANIES: Final = (
    "Halyard Robotics",
    "Quarry Payments",
    "Brightloom",
    "Northgate Space",
    "Tessera Cloud",
    "Verdance Energy",
    "Aperture Bio",
    "Lumenfield",
    "Cobalt Freight",
    "Pinewise",
)
_MODELS: Final = ("OpenAI", "Google", "Anthropic", "xAI")
_WORDS: Final = (
    "tariff",
    "recession",
    "artificial intelligence",
    "inflation",
    "bitcoin",
    "nuclear",
    "border",
    "shutdown",
    "drone",
    "immigration",
    "housing",
    "election",
)
_EARLY: Final = "This market will close and expire early if the event occurs."


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    today = now.date()
    yield _listing(_COMPANIES[0], today, rng)
    yield _speech(today + timedelta(days=6), rng)
    yield _best_model(month_end(today + timedelta(days=9)), rng)
    yield _subscribers(today, rng)
    for company in _COMPANIES[1:]:
        yield _listing(company, today, rng)
    for weeks in range(2, 5000):
        yield _speech(today + timedelta(days=6 + 7 * weeks), rng)


def _listing(company: str, today: date, rng: Random) -> Topic:
    """Shares trading by the end of June on one venue, before July on the other; filing for it is not that."""
    june, year_end = date(today.year + 1, 6, 30), date(today.year + 1, 12, 31)
    trades, files = f"{company} ipo", f"{company} files"
    rate = rng.uniform(0.3, 1.2)
    event = PolymarketEvent(
        slug(f"{company} ipo by"), f"{company} IPO by ___?", "tech", ("Tech", "IPOs"), last_minute(year_end)
    )
    polymarket = [
        PolymarketDraft(
            event, f"{company} IPO by {long_date(day)}?",
            f'This market will resolve to "Yes" if shares of {company} begin public trading on a recognized stock exchange by {long_date(day)}, 11:59 PM ET. Otherwise, this market will resolve to "No".\n\nA direct listing and a merger with a listed company count if shares of the combined company trade within the time frame. An announcement or a filing alone will not suffice.\n\nIf {company} ceases to exist before the market resolves, the market will resolve to "No".\n\n{CREDIBLE}',
            Claim(trades, YES, by=last_minute(day), source="news"), hazard((day - today).days, rate), month_day(day), end=last_minute(day),
        )
        for day in (june, year_end)
    ]  # fmt: skip
    before, close = f"Jul 1, {june.year}", last_minute(june)
    code = "".join(word[:4] for word in company.upper().split()[:1])
    ipo = KalshiEvent(
        KalshiSeries("KXIPO", "IPOs", "Companies", _SEC, ("IPO",)),
        f"{june.year % 100}JUL01{code}",
        f"Will {company} IPO before {before}?",
        f"Before {before}",
        close,
    )
    filing = KalshiEvent(
        KalshiSeries("KXIPOANNOUNCE", "IPO announcements", "Companies", _SEC, ("IPO",)),
        f"{june.year % 100}JUL01{code}",
        f"Will {company} announce an IPO before {before}?",
        f"Before {before}",
        close,
    )
    chance = hazard((june - today).days, rate)
    kalshi = [
        KalshiDraft(ipo, "", f"Will {company} IPO before {before}?", f"Before {before}", f"If the stock of {company} is publicly traded before {before}, then the market resolves to Yes.", "Direct listings and mergers with a listed company count once shares trade. Filing with the SEC is not sufficient.", Claim(trades, YES, by=close, source="news"), chance, early_close=_EARLY),
        KalshiDraft(filing, "", f"Will {company} announce an IPO before {before}?", f"Before {before}", f"If {company} announces or publicly files for an IPO before {before}, then the market resolves to Yes.", "A confidential filing counts once it has been confirmed by the company.", Claim(files, YES, by=close, source="news"), min(0.95, chance * 1.5), early_close=_EARLY),
    ]  # fmt: skip
    links = (
        Link(
            trades,
            files,
            "subset",
            "announce_or_do",
            "shares trade only after an announcement, which alone is enough for the other",
        ),
    )
    return Topic(f"ipo/{company}", tuple(polymarket), tuple(kalshi), links)


def _speech(day: date, rng: Random) -> Topic:
    """Said at all against said five times; the same word on both venues is the same bet."""
    title = f"the President's address on {long_date(day)}"
    event = PolymarketEvent(
        slug(f"what will be said {day}"),
        f"What will be said during {title}?",
        "mentions",
        ("Mentions", "Politics"),
        last_minute(day),
    )
    series = KalshiSeries(
        "KXPRESMENTION",
        "Presidential mentions",
        "Mentions",
        (("Video of the address", "https://www.whitehouse.gov/live"),),
        ("Mentions",),
        "weekly",
        price_levels="deci_cent",
    )
    kalshi_event = KalshiEvent(
        series,
        day_code(day),
        f"What will the President say during the address on {short_date(day)}?",
        f"On {short_date(day)}",
        eastern(day + timedelta(days=1), 10),
        expected=eastern(day, 22),
    )
    polymarket, kalshi = [], []
    for index, word in enumerate(rng.sample(_WORDS, 4)):
        chance = rng.uniform(0.2, 0.85)
        count = 5 if index == 3 else 1
        times = "" if count == 1 else f" {count}+ times"
        claim = Claim(f"says {word}", Span(count, None), day_code(day), source="video")
        polymarket.append(
            PolymarketDraft(
                event,
                f'Will the President say "{word.capitalize()}"{times} during {title}?',
                f'This market will resolve to "Yes" if the President says "{word}" {"at least once" if count == 1 else f"at least {count} times"} during {title}. Otherwise, this market will resolve to "No".\n\nAny usage of the term regardless of context will count. Pluralization and possessive forms will count, other forms and synonyms will not. Compound words count where the term is one of their parts.\n\nThe resolution source for this market will be the official video of the address. If the address does not take place within 24 hours of its scheduled time, this market will resolve to "No".',
                claim,
                chance * (1 if count == 1 else 0.4),
                f"{word.capitalize()}{times}",
            )
        )
        if index != 2:
            kalshi.append(
                KalshiDraft(
                    kalshi_event,
                    "".join(part[:4] for part in word.upper().split()),
                    f"Will the President say {word.capitalize()} during the address on {short_date(day)}?",
                    word.capitalize(),
                    f"If the President says {word} as part of the address originally scheduled for {short_date(day)}, then the market resolves to Yes.",
                    "The plural and the possessive form count, other inflections and synonyms do not; a compound counts if the word is part of it. The official video of the address decides; an address that is moved by more than a day resolves to No.",
                    Claim(f"says {word}", Span(1, None), day_code(day), source="video"),
                    chance,
                    "custom",
                    custom_strike={"Word": word.capitalize()},
                )
            )
    return Topic(f"speech/{day}", tuple(polymarket), tuple(kalshi))


def _ranking_events(day: date) -> tuple[KalshiEvent, KalshiEvent]:
    series = KalshiSeries(
        "KXTOPMODEL",
        "Top AI model",
        "Science and Technology",
        (("LMArena", "https://lmarena.ai"),),
        ("AI",),
        "monthly",
    )
    top = KalshiEvent(
        series,
        day_code(day),
        f"Top AI model on {short_date(day)}?",
        f"On {short_date(day)}",
        eastern(day, 10),
        mutually_exclusive=True,
    )
    style = KalshiEvent(
        KalshiSeries(
            "KXTOPMODELSTYLE",
            "Top AI model (style control)",
            "Science and Technology",
            (("LMArena", "https://lmarena.ai"),),
            ("AI",),
            "monthly",
        ),
        day_code(day),
        f"Top AI model with style control on {short_date(day)}?",
        f"On {short_date(day)}",
        eastern(day, 10),
        mutually_exclusive=True,
    )
    return top, style


def _best_model(day: date, rng: Random) -> Topic:
    """The top of a public ranking, with and without style control: two rankings, two bets."""
    plain, styled = "arena top", "arena top with style control"
    event = PolymarketEvent(
        slug(f"best ai model end of {day}"),
        f"Which company has the best AI model end of {day:%B}?",
        "tech",
        ("Tech", "AI"),
        midnight(day),
        neg_risk=True,
    )
    top, style = _ranking_events(day)
    rules = f"This market will resolve according to the company that owns the model with the highest arena score on the LMArena text leaderboard on {long_date(day)}, 12:00 PM ET, with style control off.\n\nIf two models have the same score, the company whose name comes first in alphabetical order wins. If the leaderboard is not available, this market will resolve based on its last available state.\n\nThe resolution source for this market is the leaderboard at https://lmarena.ai."
    polymarket, kalshi = [], []
    for company, chance in zip(_MODELS, shares(rng, len(_MODELS), total=0.96), strict=True):
        claim = Claim(plain, Names.of(company), day_code(day), "12:00", source="LMArena")
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will {company} have the best AI model at the end of {day:%B %Y}?",
                rules,
                claim,
                chance,
                company,
            )
        )
        kalshi.append(KalshiDraft(top, company.upper()[:5], f"Will {company} have the top AI model on {short_date(day)}?", company, f"If {company} has the top-ranked model on LMArena's text leaderboard without style control on {short_date(day)} at 10 AM ET, then the market resolves to Yes.", "Ties go to the company first in alphabetical order.", Claim(plain, Names.of(company), day_code(day), "10:00", source="LMArena"), chance, "custom", custom_strike={"Company": company}))  # fmt: skip
        if company in _MODELS[:2]:
            kalshi.append(KalshiDraft(style, company.upper()[:5], f"Will {company} have the top AI model with style control on {short_date(day)}?", company, f"If {company} has the top-ranked model on LMArena's text leaderboard with style control on {short_date(day)} at 12 PM ET, then the market resolves to Yes.", "Ties go to the company first in alphabetical order.", Claim(styled, Names.of(company), day_code(day), "12:00", source="LMArena"), chance * 0.95, "custom", custom_strike={"Company": company}))  # fmt: skip
    links = (Link(plain, styled, "overlap", "measure", "two rankings that need not agree"),)
    return Topic(f"model/{day}", tuple(polymarket), tuple(kalshi), links)


def _subscribers(today: date, rng: Random) -> Topic:
    """A number with a yes or no, against a contract that pays in proportion to the number."""
    day = today + timedelta(days=60)
    company, step = "Streamhouse", 330
    claim = Claim("members", Span(step + 1, None), day_code(day), source="company")
    event = PolymarketEvent(
        slug(f"{company} memberships {day}"),
        f"{company} paid memberships?",
        "tech",
        ("Tech", "Earnings"),
        midnight(day),
    )
    rules = f'This market will resolve to "Yes" if {company} reports more than {step} million paid memberships in its next quarterly report, expected on {long_date(day)}. Otherwise, this market will resolve to "No".\n\nIf the company does not publish the figure, this market will resolve to "No".\n\nThe resolution source for this market is the company\'s letter to its shareholders.'
    chance = rng.uniform(0.3, 0.7)
    series = KalshiSeries(
        "KXSTREAMHOUSE",
        f"{company} memberships",
        "Companies",
        ((f"{company} investor relations", "https://www.sec.gov/edgar"),),
        ("Earnings",),
        "quarterly",
    )
    close = eastern(day, 16)
    binary = KalshiEvent(
        series, day_code(day), f"{company} memberships?", f"Report of {short_date(day)}", close
    )
    scaled = KalshiEvent(
        KalshiSeries(
            "KXSTREAMHOUSES",
            f"{company} memberships (scaled)",
            "Companies",
            series.sources,
            ("Earnings",),
            "quarterly",
        ),
        day_code(day),
        f"{company} memberships, scaled?",
        f"Report of {short_date(day)}",
        close,
    )
    kalshi = (
        KalshiDraft(binary, f"{step}", f"Will {company} report above {step} million paid memberships?", f"Above {step} million", f"If {company} reports above {number(step * 1_000_000)} paid memberships in the quarterly report expected on {short_date(day)}, then the market resolves to Yes.", "If the figure is not published, the market resolves to No.", claim, chance, "greater", floor_strike=step * 1_000_000),
        KalshiDraft(scaled, "S", f"{company} paid memberships between 320 and 340 million?", "Scaled from 320 to 340 million", f"If {company} reports paid memberships in the quarterly report expected on {short_date(day)}, then the market settles at the reported number on a scale from 320 million (0) to 340 million (1).", "The market settles at a fraction of a dollar.", Claim("members scaled", Span(step + 1, None), day_code(day), source="company"), chance, market_type="scalar"),
    )  # fmt: skip
    links = (
        Link(
            "members",
            "members scaled",
            "overlap",
            "scalar_or_binary",
            "one pays all or nothing, the other in proportion",
        ),
    )
    return Topic(
        "members",
        (PolymarketDraft(event, f"{company} paid memberships above {step}m?", rules, claim, chance),),
        kalshi,
        links,
    )
