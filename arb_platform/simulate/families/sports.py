"""Games by winner, spread, total and half, and season titles; Kalshi names cities where Polymarket names teams."""

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
from arb_platform.simulate.families.leagues import LEAGUES, SOCCER, League, Team
from arb_platform.simulate.outcomes import Names, Span
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import day_code, eastern, midnight, shares, short_date, slug

_NOT_AFFILIATED: Final = "Kalshi is not affiliated with, endorsed by, or in any way officially connected with the league or its teams. All team names belong to their respective owners."


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    today = now.date()
    playing = [league for league in LEAGUES if today.month in league.months]
    yield _title(playing[0], today, rng)
    yield _game(playing[0], today + timedelta(days=2), 0, rng)
    yield _match(today + timedelta(days=4), 0, rng)
    for league in LEAGUES:
        if league is not playing[0]:
            yield _title(league, today, rng)
    for ahead in range(2, 20_000):
        day = today + timedelta(days=ahead)
        for number in range(1, 4):
            for league in (league for league in LEAGUES if day.month in league.months):
                yield _game(league, day, number, rng)
        if day.weekday() == 5:
            yield _match(day, 1, rng)


def _opponents(teams: tuple[Team, ...], day: date, number: int) -> tuple[Team, Team]:
    """The number of a game on a day decides who plays, so that no team plays twice that day."""
    turn = day.toordinal() % len(teams)
    order = teams[turn:] + teams[:turn]
    return order[2 * number], order[2 * number + 1]


def _game(league: League, day: date, number: int, rng: Random) -> Topic:
    away, home = _opponents(league.teams, day, number)
    code = f"{day_code(day)}{away.code}{home.code}"
    chance = rng.uniform(0.25, 0.75)
    polymarket = _polymarket_game(league, day, away, home, code=code, chance=chance)
    kalshi = _kalshi_game(league, day, away, home, code=code, chance=chance)
    links = _lines(f"{league.code}GAME {code}", away, home)
    return Topic(f"game/{league.code}/{code}", tuple(polymarket), tuple(kalshi), links)


def _lines(game: str, away: Team, home: Team) -> tuple[Link, ...]:
    """How winner, spread and half of one game relate; the spread and the first outcome are the away team's."""
    universe = frozenset({away.code, home.code})
    away_wins, home_wins = Names.of(away.code, universe=universe), Names.of(home.code, universe=universe)
    spread, half = f"{game} spread", f"{game} half"
    covers, early = "covering a spread needs more than winning", "the first half against the whole game"
    return (
        Link(game, spread, "superset", "game_line", covers, any_outcome=True),
        Link(spread, game, "subset", "game_line", covers, kalshi_outcome=away_wins),
        Link(
            spread, game, "disjoint", "sibling", "one team covers, the other wins", kalshi_outcome=home_wins
        ),
        Link(half, game, "overlap", "game_line", early, time_window=False, kalshi_outcome=away_wins),
        Link(
            half,
            game,
            "overlap",
            "game_line",
            early,
            time_window=False,
            kalshi_outcome=home_wins,
            orientation="inverted",
        ),
        Link(half, spread, "overlap", "game_line", early, time_window=False, any_outcome=True),
    )


def _polymarket_game(
    league: League, day: date, away: Team, home: Team, *, code: str, chance: float
) -> list[PolymarketDraft]:
    game, names = f"{league.code}GAME {code}", (away.name, home.name)
    universe = frozenset({away.code, home.code})
    start = eastern(day, 19, 30)
    event = PolymarketEvent(
        f"{league.code.lower()}-{away.code.lower()}-{home.code.lower()}-{day}",
        f"{away.name} vs. {home.name}",
        "sports",
        ("Sports", league.name, "Games"),
        start,
    )
    said = f"In the upcoming {league.name} game, scheduled for {day:%B} {day.day} at 7:30PM ET:\n\n"
    source = f"\n\nIf the game is postponed, this market will remain open until the game has been completed. If the game is canceled entirely, with no make-up game, this market will resolve 50-50.\n\nThe resolution source for this market will be the final score, including any overtime periods, as published by the {league.name} ({league.url})."
    common = {"gameStartTime": start.strftime("%Y-%m-%d %H:%M:%S+00"), "secondsDelay": 3}
    half = source.replace(", including any overtime periods,", " of the first half").replace(
        "the final score of", "the score at the end of"
    )
    spread, total = league.spread + 0.5, league.total + 0.5
    winner = Claim(game, Names.of(away.code, universe=universe), source="league")
    return [
        PolymarketDraft(event, f"{away.name} vs. {home.name}", f'{said}If the {away.name} win, the market will resolve to "{away.name}".\n\nIf the {home.name} win, the market will resolve to "{home.name}".{source}', winner, chance, "", league.url, names, more=common | {"sportsMarketType": "moneyline"}),
        PolymarketDraft(event, f"{away.name} vs. {home.name}: O/U {total}", f'{said}This market will resolve to "Over" if the total number of {league.points} scored by both teams is {league.total + 1} or more. Otherwise, it will resolve to "Under".{source}', Claim(f"{game} total", Span(league.total + 1, None), source="league"), 0.5, f"O/U {total}", league.url, ("Over", "Under"), more=common | {"sportsMarketType": "totals", "line": total}),
        PolymarketDraft(event, f"Spread: {away.name} (-{spread})", f'{said}This market will resolve to "{away.name}" if the {away.name} win the game by {league.spread + 1} or more {league.points}. Otherwise, this market will resolve to "{home.name}".{source}', Claim(f"{game} spread", Span(league.spread + 1, None), source="league"), chance * 0.62, f"Spread -{spread}", league.url, names, more=common | {"sportsMarketType": "spreads", "line": -spread}),
        PolymarketDraft(event, f"{away.name} vs. {home.name}: 1H Moneyline", f"{said}This market will resolve to the team that leads at the end of the first half. If the half ends level, this market will resolve 50-50.{half}", Claim(f"{game} half", Names.of(away.code, universe=universe), source="league"), 0.5 + (chance - 0.5) * 0.7, "1H Moneyline", league.url, names, more=common | {"sportsMarketType": "first_half_moneyline"}),
    ]  # fmt: skip


def _kalshi_game(
    league: League, day: date, away: Team, home: Team, *, code: str, chance: float
) -> list[KalshiDraft]:
    game = f"{league.code}GAME {code}"
    universe = frozenset({away.code, home.code})
    match = (
        f"{away.city} vs {home.city} {league.sport.lower()} game originally scheduled for {short_date(day)}"
    )
    # Kalshi keeps a game's markets open for about two weeks, in case it is played later.
    close = eastern(day + timedelta(days=14), 19, 30)
    expected = eastern(day, 22, 30)
    secondary = f"The following market refers to the {match}. If this game is postponed or delayed, the market will remain open and close after the rescheduled game has finished (within two weeks). If the game is cancelled or rescheduled to a later date, the market will resolve to a fair price in accordance with the rules. Overtime is included.\n\n{_NOT_AFFILIATED}"

    def event_of(kind: str, title: str, *, exclusive: bool = False) -> KalshiEvent:
        series = KalshiSeries(
            f"KX{league.code}{kind}",
            f"{league.sport} {kind.lower()}",
            "Sports",
            ((league.sport, league.url),),
            (league.sport,),
            "daily",
            "quadratic_with_maker_fees",
        )
        return KalshiEvent(
            series,
            code,
            title,
            f"{away.code} at {home.code} ({short_date(day)[:-6]})",
            close,
            mutually_exclusive=exclusive,
            expected=expected,
        )

    game_event = event_of("GAME", f"{away.city} at {home.city} Winner?", exclusive=True)
    drafts = [
        KalshiDraft(game_event, team.code, f"{away.city} at {home.city} Winner?", team.city, f"If {team.city} wins the {match}, then the market resolves to Yes.", secondary, Claim(game, Names.of(team.code, universe=universe), source="league"), price, "structured", custom_strike={"team": team.code}, early_close="This market will close and expire after a winner is declared.")
        for team, price in ((away, chance), (home, 1 - chance))
    ]  # fmt: skip
    drafts += [
        KalshiDraft(event_of("SPREAD", f"{away.city} at {home.city}: Spread"), f"{away.code}{margin}", f"{away.city} wins by over {margin}.5 {league.points}?", f"{away.city} wins by over {margin}.5 {league.points}", f"If {away.city} wins the {match} by more than {margin}.5 {league.points}, then the market resolves to Yes.", secondary, Claim(f"{game} spread", Span(margin + 1, None), source="league"), price, "structured", floor_strike=margin + 0.5)
        for margin, price in ((league.spread, chance * 0.62), (league.spread + 3, chance * 0.45))
    ]  # fmt: skip
    total = f"{away.city} at {home.city}: Total {league.points.capitalize()}"
    drafts += [
        KalshiDraft(event_of("TOTAL", total), f"{points}", total, f"Over {points}.5 {league.points} scored", f"If {away.city} and {home.city} collectively score more than {points}.5 {league.points} in the {match}, then the market resolves to Yes.", secondary, Claim(f"{game} total", Span(points + 1, None), source="league"), price, "greater", floor_strike=points + 0.5)
        for points, price in ((league.total, 0.5), (league.total + 3, 0.4))
    ]  # fmt: skip
    return drafts


def _title(league: League, today: date, rng: Random) -> Topic:
    """The championship and a conference on the way to it."""
    year = today.year + (today.month >= league.final_month)
    chances = shares(rng, 6, total=0.8)
    teams = rng.sample(league.teams, 6)
    final = date(year, league.final_month, 20)
    event = PolymarketEvent(
        slug(f"{year} {league.title} champion"),
        f"{year} {league.title} Champion",
        "sports",
        ("Sports", league.name),
        midnight(final),
        neg_risk=True,
    )
    rules = f'This market will resolve to "Yes" if the listed team wins the {year} {league.title}. Otherwise, this market will resolve to "No".\n\nIf at any point it becomes impossible for this team to win the {year} {league.title} based on the rules of the {league.name} (e.g. they are eliminated in the playoff bracket), this market will resolve immediately to "No".\n\nThe resolution source for this market will be information from the {league.name}; however, a consensus of credible reporting may also be used.'
    champions, conference = _title_events(league, year, final)
    title, way = f"{league.code} title", f"{league.code} conference"
    polymarket, kalshi = [], []
    for index, (team, chance) in enumerate(zip(teams, chances, strict=True)):
        claim = Claim(title, Names.of(team.code), str(year), source="league")
        polymarket.append(
            PolymarketDraft(
                event, f"Will the {team.name} win the {year} {league.title}?", rules, claim, chance, team.name
            )
        )
        if index < 4:
            kalshi.append(
                KalshiDraft(
                    champions,
                    team.code,
                    f"Will {team.city} win the {year} {league.kalshi_title}?",
                    team.city,
                    f"If {team.city} wins the {year} {league.kalshi_title}, then the market resolves to Yes.",
                    f"The winner is the team that wins the final of the {year} season, wherever and whenever it is played.\n\n{_NOT_AFFILIATED}",
                    claim,
                    chance,
                    "structured",
                    custom_strike={"team": team.code},
                    early_close="This market will close and expire after a winner is declared.",
                )
            )
        if index < 2:
            kalshi.append(KalshiDraft(
                conference, team.code, f"Will {team.city} win the {league.sport} {league.conference} in {year}?", team.city,
                f"If {team.city} wins the {year} {league.sport} {league.conference}, then the market resolves to Yes.", _NOT_AFFILIATED,
                Claim(way, Names.of(team.code), str(year), source="league"), min(0.9, chance * 1.9), "structured", custom_strike={"team": team.code},
            ))  # fmt: skip
    links = (
        Link(
            title,
            way,
            "subset",
            "stage",
            "the title needs the conference first, and a final after it",
            time_window=False,
        ),
    )
    return Topic(f"title/{league.code}/{year}", tuple(polymarket), tuple(kalshi), links)


def _title_events(league: League, year: int, final: date) -> tuple[KalshiEvent, KalshiEvent]:
    close = eastern(date(year + 1, league.final_month, 20), 10)
    series = KalshiSeries(
        f"KX{league.code}",
        f"{league.sport} champion",
        "Sports",
        ((league.sport, league.url),),
        (league.sport,),
        "annual",
        "quadratic_with_maker_fees",
    )
    champions = KalshiEvent(
        series,
        f"{year % 100}",
        f"{year} {league.kalshi_title} winner?",
        f"In {year}",
        close,
        mutually_exclusive=True,
        expected=midnight(final),
    )
    conference = KalshiEvent(
        KalshiSeries(
            f"KX{league.code}CONF",
            f"{league.sport} conference",
            "Sports",
            ((league.sport, league.url),),
            (league.sport,),
            "annual",
        ),
        f"{year % 100}",
        f"{league.sport} {league.conference} winner?",
        f"In {year}",
        close,
        mutually_exclusive=True,
    )
    return champions, conference


def _match_event(home: Team, away: Team, day: date, code: str) -> KalshiEvent:
    series = KalshiSeries(
        "KXEPLGAME",
        "English Premier League game",
        "Sports",
        (("Premier League", "https://www.premierleague.com"),),
        ("Soccer",),
        "daily",
        "quadratic_with_maker_fees",
    )
    return KalshiEvent(
        series,
        code,
        f"{home.city} vs {away.city} Winner?",
        f"{home.code} vs {away.code} ({short_date(day)[:-6]})",
        eastern(day + timedelta(days=14), 10),
        mutually_exclusive=True,
        expected=eastern(day, 13),
    )


def _match(day: date, number: int, rng: Random) -> Topic:
    """Football with its third outcome, so that one team's "no" is not the other's "yes"."""
    home, away = _opponents(SOCCER, day, number)
    start, code = eastern(day, 10), f"{day_code(day)}{home.code}{away.code}"
    win = rng.uniform(0.25, 0.55)
    event = PolymarketEvent(
        f"epl-{home.code.lower()}-{away.code.lower()}-{day}",
        f"{home.name} vs. {away.name}",
        "sports",
        ("Sports", "EPL", "Soccer"),
        start,
        neg_risk=True,
    )
    rules = f'In the upcoming Premier League game between {home.name} and {away.name}, scheduled for {day:%B} {day.day}:\n\nThis market refers to the outcome within the first 90 minutes of regular play plus stoppage time. If the game is canceled with no make-up game, the market on the draw resolves to "Yes" only if the league records a draw.\n\nThe resolution source for this market is the official match report of the Premier League (https://www.premierleague.com).'
    kalshi_event = _match_event(home, away, day, code)
    polymarket, kalshi = [], []
    for code_, name, city, price in (
        (home.code, home.name, home.city, win),
        ("TIE", "", "Tie", 0.25),
        (away.code, away.name, away.city, 0.75 - win),
    ):
        claim = Claim(f"EPLGAME {code}", Names.of(code_), source="league")
        question = (
            f"Will {name} win on {day}?" if name else f"Will {home.name} vs. {away.name} end in a draw?"
        )
        polymarket.append(
            PolymarketDraft(
                event,
                question,
                f"{rules}\n\nThis outcome pays if {name + ' win the game' if name else 'the game is a draw'}.",
                claim,
                price,
                name or "Draw",
                more={
                    "sportsMarketType": "moneyline",
                    "gameStartTime": start.strftime("%Y-%m-%d %H:%M:%S+00"),
                },
            )
        )
        kalshi.append(
            KalshiDraft(
                kalshi_event,
                code_,
                f"{home.city} vs {away.city} Winner?",
                city,
                f"If {'the game ends in a tie' if city == 'Tie' else city + ' wins'} in the {home.city} vs {away.city} professional soccer game originally scheduled for {short_date(day)} after 90 minutes plus stoppage time, then the market resolves to Yes.",
                f"Extra time and penalties do not count. If the game is not completed within two weeks, the market resolves to a fair price in accordance with the rules.\n\n{_NOT_AFFILIATED}",
                claim,
                price,
                "structured",
                custom_strike={"team": code_},
            )
        )
    return Topic(f"match/{code}", tuple(polymarket), tuple(kalshi))
