"""Leagues and teams: Polymarket's name, Kalshi's city, and the code both put into addresses."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    city: str
    code: str


@dataclass(frozen=True, slots=True)
class League:
    """``sport`` is Kalshi's name for it; ``months`` is the season; ``title`` what the champion wins."""

    name: str
    sport: str
    code: str
    url: str
    months: tuple[int, ...]
    total: int
    spread: int
    points: str
    title: str
    kalshi_title: str
    conference: str
    final_month: int
    teams: tuple[Team, ...]


def _teams(text: str) -> tuple[Team, ...]:
    return tuple(
        Team(*(part.strip() for part in line.split(","))) for line in text.strip().split(";") if line.strip()
    )


LEAGUES: Final = (
    League("NBA", "Pro Basketball", "NBA", "https://www.nba.com", (10, 11, 12, 1, 2, 3, 4, 5, 6), 224, 5, "points", "NBA Finals", "Pro Basketball Finals", "Eastern Conference Finals", 6, _teams(
        "Celtics,Boston,BOS;Lakers,Los Angeles L,LAL;Knicks,New York,NYK;Warriors,Golden State,GSW;Thunder,Oklahoma City,OKC;Nuggets,Denver,DEN;"
        "Cavaliers,Cleveland,CLE;Timberwolves,Minnesota,MIN;Magic,Orlando,ORL;Rockets,Houston,HOU;Clippers,Los Angeles C,LAC;Spurs,San Antonio,SAS;Heat,Miami,MIA;Bucks,Milwaukee,MIL")),
    League("NHL", "Pro Hockey", "NHL", "https://www.nhl.com", (10, 11, 12, 1, 2, 3, 4, 5, 6), 6, 1, "goals", "Stanley Cup", "Pro Hockey Championship", "Western Conference Final", 6, _teams(
        "Oilers,Edmonton,EDM;Panthers,Florida,FLA;Hurricanes,Carolina,CAR;Stars,Dallas,DAL;Avalanche,Colorado,COL;Maple Leafs,Toronto,TOR;Rangers,New York R,NYR;Islanders,New York I,NYI;Golden Knights,Vegas,VGK;Jets,Winnipeg,WPG")),
    League("NFL", "Pro Football", "NFL", "https://www.nfl.com", (9, 10, 11, 12, 1), 45, 3, "points", "Super Bowl", "Pro Football Championship", "AFC Championship", 2, _teams(
        "Chiefs,Kansas City,KC;Bills,Buffalo,BUF;Eagles,Philadelphia,PHI;Lions,Detroit,DET;Ravens,Baltimore,BAL;Packers,Green Bay,GB;Rams,Los Angeles R,LAR;Chargers,Los Angeles C,LAC;Giants,New York G,NYG;Jets,New York J,NYJ;49ers,San Francisco,SF;Texans,Houston,HOU")),
    League("MLB", "Pro Baseball", "MLB", "https://www.mlb.com", (4, 5, 6, 7, 8, 9, 10), 8, 1, "runs", "World Series", "Pro Baseball Championship", "American League Championship Series", 11, _teams(
        "Yankees,New York Y,NYY;Mets,New York M,NYM;Dodgers,Los Angeles D,LAD;Astros,Houston,HOU;Braves,Atlanta,ATL;Phillies,Philadelphia,PHI;Padres,San Diego,SD;Cubs,Chicago C,CHC;Mariners,Seattle,SEA;Tigers,Detroit,DET")),
)  # fmt: skip
SOCCER: Final = _teams(
    "Arsenal,Arsenal,ARS;Liverpool,Liverpool,LFC;Manchester City,Manchester City,MCI;Chelsea,Chelsea,CFC;Tottenham Hotspur,Tottenham,TOT;Newcastle United,Newcastle,NEW;Aston Villa,Aston Villa,AVL;Brighton,Brighton,BHA;Everton,Everton,EVE;Fulham,Fulham,FUL"
)
