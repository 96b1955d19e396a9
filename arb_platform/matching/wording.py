"""What a headline says that the other market says nowhere, in any of the words that mean it.

Two venues word one bet differently, but they do not speak of different things: where each headline has
a telling word, or a name, of which the other market's headline and rules have neither the word nor one
that means as much, the bets are two. Words of the trade ("price", "points", "decision") tell nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

from arb_platform.matching.normalise import fold
from arb_platform.matching.vocabulary import ALIASES, TEAM_CITIES
from arb_platform.matching.word_lists import GRAMMAR_WORDS, TITLE_WORDS

# Words that begin alike are forms of one: marry, married; pass, passed.
_STEM: Final = 4

# Each line is words of market titles that stand for each other, somewhere at least.
_MEANINGS: Final = """
cut cuts decrease decreases decreased lower lowers lowered reduce reduces reduction easing ease down
hike hikes raise raises raised increase increases increased up growth grow grows rise rises gain gains
hold holds held maintain maintains unchanged pause pauses keep keeps steady last lasts continue continues through remain remains stay stays still survive survives
draw draws tie tied even
primary nominee nominees nomination nominated nominate candidate
tweet tweets post posts posted times
add adds added jobs payrolls nonfarm employment
marry married marries marriage wed wedding
snow snowfall snows white
rain rainfall rains precipitation
subscriber subscribers membership memberships members subscriptions paid
best top biggest largest highest most first leading number lead leads leader 1st greatest
champion champions championship title trophy victory victor win wins winner winners won winning finals
leave leaves left out exit exits depart departs departure resign resigns resignation cease ceases ceased longer quit quits vacancy vacate step steps ousted removed fired replaced
end ends ended ending over finish finishes finished
meet meets summit
pass passes passed passage enact enacts enacted law signed signs become becomes
reach reaches hit hits touch touches above higher get gets exceed exceeds surpass high dip dips fall falls low
price prices cost costs trade trades trading close closes settle settles settlement value valued valuation worth level
oil crude wti brent barrel
stock stocks share shares equity
movie movies film films picture
tv television show shows series
song songs track single hit
release releases released launch launches launched ship ships shipped debut debuts premiere premieres come new
ipo ipos public list lists listed listing
buy buys acquire acquires acquired acquisition merge merger takeover purchase
say says said mention mentions mentioned
visit visits visited travel travels trip
war conflict fighting hostilities
ceasefire truce armistice
deal agreement agree agrees agreed pact accord reach
strike strikes struck bomb bombs attack attacks airstrike airstrikes military
arrest arrested detained custody
charge charged charges indict indicted indictment
convict convicted guilty conviction
jail jailed prison sentenced
president presidency presidential
mayor mayoral
governor gubernatorial governorship gov
senate senator senators
house congressional representatives congress representative
parliament parliamentary legislative legislature
party parties democrat democrats democratic dem republican republicans gop labour conservative
election elections electoral race vote votes
confirm confirms confirmed confirmation
hottest warmest hot warm
coldest coolest cold
temperature temperatures temp temps degrees
record ever all-time history
report reports reported reporting figure print data
annual annually yearly year yoy 12-month
monthly month mom
inflation cpi consumer
gdp growth economy
fed federal fomc reserve
rate rates interest funds policy cash deposit bank bps
fight fights bout match game games fixture
advance advances qualify qualifies qualified qualification progress
score scores scorer goalscorer goals scored golden boot
passengers passenger travelers screened check-ins ins tsa
nba basketball
nfl football bowl
mlb baseball
nhl hockey
ufc mma
f1 formula
gross grosses box office opening weekend
shutdown lapse appropriations funding
justice justices court
sweep both trifecta
spread handicap margin
moneyline winner
runoff second
chair chairman chairwoman chairperson
ceo chief executive
pm prime
"""
# Words that are about markets and not about bets.
_FRAME_TEXT: Final = """
about after also always amount annual any around been before being between bps cash cet city close club come comes could country current
currently cycle daily date day days decision decisions did's does doing done during each early edition end est event ever every exactly
fewer final following goes going greater group half have having her him his international just last late latest league least level listed
made major make makes many market markets meeting meetings midterm midterms might morning much national near never next's night not number
numbers official officially only open other others people per percent percentage person place point points previous prior pro professional
quarter question range rate recent regular report result results season seasons she should show since some standing standings state states
table take taken takes team teams their them then these they those time times today tomorrow tonight total totals under united until us usa
utc value weekly were what's where whether while who's world would yes
"""
_FRAME: Final = frozenset(_FRAME_TEXT.split())


def _stems() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _MEANINGS.strip().splitlines():
        meant = frozenset(word[:_STEM] for word in line.split())
        for word in line.split():
            found.setdefault(word[:_STEM], set()).update(meant)
    return {stem: frozenset(meant) for stem, meant in found.items()}


_MEANT: Final = _stems()
_TEAMS: Final = frozenset(word for name in (*TEAM_CITIES, *TEAM_CITIES.values()) for word in name.split())


@dataclass(frozen=True, slots=True)
class Telling:
    """A word or a name of a headline, with the beginnings of every word that would say as much."""

    words: str
    said_by: frozenset[str]


_NAME: Final = re.compile(r"(?<![\w'-])[A-Z][\w'.&-]*(?: (?:of |de |van |the )?[A-Z][\w'.&-]*)*")
_WORD: Final = re.compile(r"[a-z]{3,}")


def read_telling(shown: str, normal: str) -> tuple[Telling, ...]:
    """What ``shown`` (a headline as written, ``normal`` its shared spelling) says that tells bets apart."""
    found: dict[str, Telling] = {}
    names: set[str] = set()
    for match in _NAME.finditer(shown):
        words = [word for word in _WORD.findall(fold(match.group())) if word not in TITLE_WORDS]
        if words:
            names.update(_WORD.findall(fold(match.group())))
            said_by = _said_by(words)
            found[match.group()] = Telling(match.group(), said_by)
    for word in dict.fromkeys(_WORD.findall(normal)):
        if word in GRAMMAR_WORDS or word in _FRAME or word in _TEAMS or word in names:
            continue
        found[word] = Telling(word, _said_by([word]))
    return tuple(found.values())


def _said_by(words: list[str]) -> frozenset[str]:
    stems: set[str] = set()
    for word in words:
        for said in (word, *ALIASES.get(word, "").split()):
            stems.update(_MEANT.get(said[:_STEM], ()) or (said[:_STEM],))
    return frozenset(stems)


def beginnings(said: frozenset[str]) -> frozenset[str]:
    """What :func:`unsaid` looks into: how the words that a market says begin."""
    return frozenset(word[:_STEM] for word in said)


def unsaid(telling: tuple[Telling, ...], begun: frozenset[str]) -> list[str]:
    """Of what one market says, that for which the other has no word."""
    return [one.words for one in telling if one.said_by.isdisjoint(begun)]
