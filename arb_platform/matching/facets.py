"""Questions of kind: for each facet, the words that give it a value.

A facet's values are mutually exclusive readings of one question ("which measure of prices?"). Two
markets that both answer, and answer differently, are two bets. ``DEFAULTS`` names what silence
means where silence has a meaning: "win the election" without a round means the whole election.
"""

import re
from typing import Final

_TABLE: Final[dict[str, dict[str, str]]] = {
    "measure": {
        "core CPI": r"core cpi|core consumer price|core inflation(?! .{0,12}pce)",
        "core PCE": r"core pce|core personal consumption",
        "CPI": r"(?<!core )\b(?:cpi|consumer price index)\b|(?<!core )(?<!pce )(?<!cpi )\binflation\b",
        "PCE": r"(?<!core )\bpce\b|(?<!core )personal consumption expenditures",
        "PPI": r"\bppi\b|producer price",
        "GDP": r"\bgdp\b|gross domestic product",
        "initial claims": r"(?<!continuing )\b(?:initial )?jobless claims|initial claims",
        "continuing claims": r"continuing (?:jobless )?claims",
        "underemployment rate": r"underemployment|\bu-?6\b",
        "unemployment rate": r"\bunemployment(?: rate)?|\bu-?3\b",
        "payrolls": r"payrolls?|\bnfp\b|jobs (?:added|report|numbers)",
        "job openings": r"\bjolts\b|job openings",
        "retail sales": r"retail sales",
        "policy rate": r"(?:fed|ecb|boe|boj|rba|deposit|policy|funds|interest|bank) rate|\bfomc\b|rate (?:cut|hike|decision)",
        "mortgage rate": r"mortgage rate",
        "gas price": r"gas(?:oline)? prices?",
        "diesel price": r"\bdiesel\b",
        "revenue": r"\brevenues?\b|\bsales of\b",
        "earnings": r"\beps\b|earnings per share",
        "members": r"(?:paid )?(?:memberships?|subscribers?|subscriptions)",
        "deliveries": r"\bdeliver(?:y|ies|ed|s)\b",
        "production": r"\b(?:production|produces?|produced)\b(?! company)",
        "turnout": r"\bturnout\b",
        "vote share": r"vote share|(?:%|percent(?:age)?) of (?:the )?vote",
        "net approval": r"net approval",
        "market cap": r"market cap(?:italization)?|largest company",
        "high temperature": r"(?:high|highest|maximum|max)(?: daily)? temp",
        "low temperature": r"(?:low|lowest|minimum|min)(?: daily)? temp",
        "rain": r"\brain(?:fall)?\b|precipitation",
        "snow": r"\bsnow(?:fall)?\b",
        "approval": r"(?<!net )\bapproval(?: rating)?",
        "disapproval": r"disapproval",
    },
    "basis": {
        "month over month": r"month[- ](?:over|on)[- ]month|\bmom\b|\bm/m\b|monthly (?:change|inflation|(?:core )?(?:cpi|pce|ppi))\b|from (?:the )?(?:previous|prior) month",
        "year over year": r"year[- ](?:over|on)[- ]year|\byoy\b|\by/y\b|annual|12[- ]month",
    },
    "pollster": {
        "Silver Bulletin": r"silver bulletin|nate silver", "RealClearPolitics": r"real ?clear|\brcp\b", "FiveThirtyEight": r"fivethirtyeight|\b538\b",
        "Gallup": r"\bgallup\b", "Quinnipiac": r"quinnipiac", "Rasmussen": r"rasmussen", "Morning Consult": r"morning consult",
        "YouGov": r"\byougov\b", "Emerson": r"emerson (?:college|poll)", "AtlasIntel": r"atlas ?intel", "New York Times": r"new york times|\bnyt\b",
        "Decision Desk": r"decision desk|\bddhq\b", "Reuters/Ipsos": r"\bipsos\b",
    },
    "storm": {"major hurricane": r"major hurricane|category [345]\b", "hurricane": r"(?<!major )\bhurricanes?\b(?! season)", "named storm": r"named storms?|tropical storms?"},
    "sold where": {"domestic": r"\bdomestic\b|\bus (?:and canada|box office)|north america", "worldwide": r"\bworldwide\b|\bglobal(?:ly)?\b", "US": r"\busa\b|united states"},
    "release": {
        "first release": r"initial (?:release|print|estimate)|first (?:release|print)|advance estimate",
        "revised": r"\brevis(?:ed|ions?)\b(?! (?:will|do|shall) not)|final estimate|third estimate|second estimate",
    },
    "rate decision": {
        "cut": r"\bcuts?\b|\blowers?\b|\bdecreases?d?\b|\breduc(?:e|es|tion)\b",
        "hold": r"by 0 ?bps|\bholds?\b|\bmaintain(?:s|ed)?\b|no change|unchanged|\bpauses?\b|keeps? rates",
        "hike": r"\bhikes?\b|\braises?\b|\bincreases?d?\b",
    },
    "central bank": {
        "Fed": r"\bfed\b|federal reserve|\bfomc\b|federal funds", "ECB": r"\becb\b|european central bank",
        "BoE": r"\bboe\b|bank of england", "BoJ": r"\bboj\b|bank of japan", "BoC": r"\bboc\b|bank of canada",
        "RBA": r"\brba\b|reserve bank of australia", "SNB": r"\bsnb\b|swiss national bank",
        "RBNZ": r"\brbnz\b", "PBoC": r"\bpboc\b", "RBI": r"\brbi\b|reserve bank of india",
        "Banxico": r"banxico|bank of mexico", "BCB": r"\bselic\b|\bcopom\b",
    },
    "course": {
        "goes on": r"\bremains?\b|\bstays?\b|\bstill\b|\bholds? through|\blasts? (?:through|until)|\bsurvives?\b",
        "ends": r"\bends?\b(?! of)|\bcollapses?\b|\bleaves?\b|\bout (?:as|by|before)\b",
    },
    "country": {
        "US": r"\busa?\b(?! open)|\bu\.s\.|united states", "UK": r"\buk\b|\bu\.k\.|united kingdom|\bbritish\b",
        "eurozone": r"euro ?(?:zone|area)", "Canada": r"\bcanad(?:a|ian)\b", "Japan": r"\bjapan(?:ese)?\b", "China": r"\bchin(?:a|ese)\b",
        "Germany": r"\bgerman(?:y)?\b", "France": r"\bfrance\b|\bfrench\b(?! open)", "India": r"\bindian?\b", "Brazil": r"\bbrazil(?:ian)?\b",
        "Australia": r"\baustralian?\b(?! open)", "Mexico": r"(?<!new )\bmexic(?:o|an)\b", "Turkey": r"\bturk(?:ey|ish|iye)\b",
    },
    "tenor": {"1y": r"\b1[- ]?(?:year|yr|y)\b", "2y": r"\b2[- ]?(?:year|yr|y)\b", "3y": r"\b3[- ]?(?:year|yr|y)\b",
              "5y": r"\b5[- ]?(?:year|yr|y)\b", "7y": r"\b7[- ]?(?:year|yr|y)\b", "10y": r"\b10[- ]?(?:year|yr|y)\b",
              "15y": r"\b15[- ]?(?:year|yr|y)\b", "20y": r"\b20[- ]?(?:year|yr|y)\b", "30y": r"\b30[- ]?(?:year|yr|y)\b"},
    "asset": {
        "bitcoin": r"\bbitcoin\b|\bbtc\b", "ethereum": r"\bethereum\b|\beth\b|\bether\b", "solana": r"\bsolana\b|\bsol\b",
        "xrp": r"\bxrp\b|\bripple\b", "dogecoin": r"\bdoge(?:coin)?\b", "cardano": r"\bcardano\b", "bnb": r"\bbnb\b",
        "litecoin": r"\blitecoin\b|\bltc\b", "chainlink": r"\bchainlink\b(?! data)|\blink price", "avalanche": r"\bavax\b", "zcash": r"\bzcash\b",
        "hyperliquid": r"\bhyperliquid\b", "WTI": r"\bwti\b|west texas", "Brent": r"\bbrent\b",
        "gold": r"\bgold\b(?! medal| card| coast| glove)", "silver": r"\bsilver\b(?! medal)", "copper": r"\bcopper\b", "natural gas": r"natural gas|henry hub",
        "S&P 500": r"s&p ?500|\bspx\b|\bs&p\b|sp500", "Nasdaq-100": r"nasdaq[- ]?100|\bndx\b", "Nasdaq": r"nasdaq(?![- ]?100)",
        "Dow": r"\bdow\b|\bdjia\b", "Russell": r"russell 2000", "Nikkei": r"\bnikkei\b", "DAX": r"\bdax\b",
        "EUR/USD": r"\beur/?usd\b", "USD/JPY": r"\busd/?jpy\b", "GBP/USD": r"\bgbp/?usd\b",
    },
    "office": {
        "vice president": r"vice[- ]?president(?:ial)?|\bvp\b",
        "president": r"(?<!vice )(?<!vice-)\bpresident(?:ial|cy)?\b(?! of the (?:eu|european|senate))",
        "lieutenant governor": r"\b(?:lieutenant|lt\.?) gov(?:ernor|\b)|lieutenant gubernatorial",
        "governor": r"(?<!lieutenant )(?<!lt )(?<!lt\. )(?<!board of )(?<!fed )\b(?:governor(?:ship)?|gubernatorial|gov)\b(?!s)",
        "mayor": r"\bmayor(?:al)?\b", "prime minister": r"prime minister|\bpm\b(?! et)", "chancellor": r"\bchancellor\b",
        "attorney general": r"attorney general", "secretary of state": r"secretary of state",
        "senate": r"\bsenate\b|\bsenator\b", "house": r"\bhouse (?:race|seat|election|district)|house of representatives|(?<!white )(?<!of )(?:the|us|u\.s\.) house\b(?! of )|\b[a-z]{2}-?(?:\d{2}|al)\b(?= house| seat)",
        "party leader": r"\b(?:party|labour|conservative|tory|liberal|reform uk|majority|minority) leader(?:ship)?\b|leader of (?:the )?(?:labour|conservative|tory|liberal|\w+ party)",
        "speaker": r"\bspeaker\b", "supreme leader": r"supreme leader", "pope": r"\bpope\b",
        "most seats": r"most seats|greatest number of seats|parliamentary election|legislative election|state elections?\b",
    },
    "stage": {
        "nominee": r"\bnominees?\b|\bnominations?\b|\bnominated\b|(?:democratic|republican|gop)[^|]{0,40} primary\b|\bprimary[^|]{0,20}(?:democratic|republican)",
        "primary": r"\bprimary\b(?!.{0,25}(?:source|resolution))",
        "first round": r"first round|1st round|round one",
        "runoff": r"run-?off|second round",
        "popular vote": r"popular vote|most votes", "electoral college": r"electoral (?:college|votes)",
        "advance": r"\badvances?\b|\badvancement\b",
        "second place": r"(?:finish|place|come|be) (?:in )?(?:2nd|second)\b|\bsecond[- ]most\b|\brunner-?up\b|2nd (?:most|place)",
        "third place": r"(?:finish|place|come|be) (?:in )?(?:3rd|third)\b|third[- ]most|3rd (?:most|place)",
        "playoffs": r"\bplayoffs?\b(?! (?:national )?champion)|postseason",
        "final": r"\bfinalists?\b|(?:reach(?:es)?|makes?|qualif(?:y|ies) (?:for|to)|advances? to|plays? in)(?: the)?(?: [\w']+){0,4} (?:grand )?finals?\b",
        "semifinal": r"semi-?finals?", "quarterfinal": r"quarter-?finals?",
        "conference": r"\b(?:nfc|afc) champion|(?:eastern|western) conference|\b(?:american|national) league champion|\balcs\b|\bnlcs\b|\b[an]l champion",
        "division": r"\b(?:nfc|afc|al|nl) (?:east|west|north|south|central)|\bdivision\b(?! of)",
        "group": r"\bgroup [a-l]\b", "stage 1": r"\bstage 1\b", "stage 2": r"\bstage 2\b", "stage 3": r"\bstage 3\b",
        "pole": r"\bpole\b", "fastest lap": r"fastest lap", "podium": r"\bpodium\b", "cut": r"\b(?:makes?|misses?) the cut\b",
        "round leader": r"round leader|leader after|leads? after", "top 2": r"top (?:2|two)\b", "top 3": r"top (?:3|three)\b", "top 8": r"top (?:8|eight)\b", "top 20": r"top (?:20|twenty)\b",
        "top 4": r"top (?:4|four)\b", "top 10": r"top (?:10|ten)\b", "top 5": r"top (?:5|five)\b", "relegated": r"relegat",
    },
    "competition": {
        "Champions League": r"champions league|\bucl\b", "Europa League": r"europa league", "Conference League": r"conference league",
        "La Liga": r"la ?liga", "Premier League": r"premier league|\bepl\b", "Bundesliga": r"bundesliga", "Serie A": r"serie a\b",
        "Ligue 1": r"ligue 1", "MLS": r"\bmls\b", "FA Cup": r"fa cup", "Carabao Cup": r"carabao|efl cup|league cup", "Copa del Rey": r"copa del rey",
        "World Cup": r"world cup", "Euro": r"\beuros?\b(?: 20| champ)|uefa european", "Copa America": r"copa america",
        "Wimbledon": r"wimbledon", "US Open": r"us open", "French Open": r"french open|roland garros", "Australian Open": r"australian open",
        "Masters": r"the masters\b", "PGA Championship": r"pga championship", "Open Championship": r"open championship|british open",
    },
    "league": {
        "NFL": r"\bnfl\b|pro(?:fessional)? football|super bowl|\bnfc\b|\bafc\b", "NBA": r"\bnba\b|pro(?:fessional)? basketball(?! \(w)",
        "MLB": r"\bmlb\b|pro(?:fessional)? baseball|world series|american league|national league",
        "NHL": r"\bnhl\b|pro(?:fessional)? hockey|stanley cup", "WNBA": r"\bwnba\b|women'?s pro basketball",
        "college football": r"college football|\bcfp\b|\bncaaf\b", "college basketball": r"college basketball|march madness|\bncaab\b",
        "UFC": r"\bufc\b", "F1": r"\bf1\b|formula (?:1|one)", "NASCAR": r"nascar",
    },
    "award": {
        "drama series": r"drama series", "comedy series": r"comedy series", "limited series": r"limited (?:or anthology )?series",
        "lead actor": r"(?:lead|best) actor\b(?! in a support)", "lead actress": r"(?:lead|best) actress\b", "supporting actor": r"supporting actor\b",
        "supporting actress": r"supporting actress", "director": r"best director|\bdirecting\b", "picture": r"best picture",
        "animated": r"animated feature", "international": r"international feature", "documentary": r"documentary feature",
        "song of the year": r"song of the year", "record of the year": r"record of the year", "album of the year": r"album of the year",
        "new artist": r"best new artist", "original screenplay": r"original screenplay", "adapted screenplay": r"adapted screenplay",
        "original song": r"original song", "score": r"original score", "cinematography": r"cinematography",
        "Finals MVP": r"finals mvp", "MVP": r"(?<!finals )\bmvp\b|(?<!finals )most valuable player", "rookie": r"rookie of the year|\broty\b", "defensive": r"defensive player", "offensive": r"offensive player",
        "AL Cy Young": r"(?:\bal|american league) cy young", "NL Cy Young": r"(?:\bnl|national league) cy young", "coach": r"coach of the year|manager of the year",
        "heisman": r"heisman", "ballon d'or": r"ballon d.?or", "most improved": r"most improved", "sixth man": r"(?:sixth|6th) man",
    },
    "prize": {"Oscars": r"oscars?|academy award", "Emmys": r"emmys?\b", "Grammys": r"grammys?\b", "Golden Globes": r"golden globe",
              "SAG": r"\bsag\b|screen actors guild|\bactor awards", "Critics Choice": r"critics'? choice", "DGA": r"\bdga\b|directors guild", "PGA awards": r"producers guild",
              "Cannes": r"\bcannes\b|palme d.or", "VMAs": r"\bvmas?\b", "AMAs": r"american music awards", "BRITs": r"\bbrit awards?\b", "Game Awards": r"game awards",
              "Tonys": r"tony awards?|\btonys\b", "BAFTA": r"\bbafta", "Nobel Peace": r"nobel peace", "Nobel Literature": r"nobel (?:prize in )?literature"},
    "chart": {"Hot 100": r"hot 100", "Billboard 200": r"billboard 200", "Spotify": r"spotify", "Apple Music": r"apple music",
              "box office opening": r"opening weekend|opening box office", "domestic gross": r"domestic (?:gross|box office|total)",
              "Rotten Tomatoes": r"rotten tomatoes|tomatometer", "Metacritic": r"metacritic", "Netflix top": r"netflix (?:top|show|film)"},
    "statistic": {
        "home runs": r"home runs|\bhrs?\b", "stolen bases": r"stolen bases", "triples": r"\btriples\b", "doubles": r"\bdoubles\b(?! title)",
        "runs batted in": r"\brbis?\b|runs batted in", "strikeouts": r"strikeouts", "batting average": r"batting average",
        "wins": r"win total|regular season wins", "rushing": r"rushing", "passing": r"passing", "receiving": r"receiving",
        "assists": r"\bassists\b", "rebounds": r"rebounds", "runs": r"(?<!home )\bruns\b(?! batted)(?! for\b)", "hits": r"\bmost hits\b|in hits\b",
        "saves": r"\bsaves\b", "era": r"\bera\b", "goals": r"golden boot|top (?:goal)?scorer|most goals",
    },
    "gender": {"men": r"\bmen'?s\b", "women": r"\bwomen'?s\b"},
    "ordinal": {"first": r"\b1st (?:hottest|warmest|largest|biggest|most|place)|hottest|warmest|\blargest\b|\bbiggest\b",
                "second": r"\b(?:2nd|second)[- ](?:hottest|warmest|largest|biggest|most valuable)", "third": r"\b(?:3rd|third)[- ](?:hottest|warmest|largest|biggest|most valuable)"},
    "action": {
        "arrested": r"\barrest(?:ed)?\b|\bdetained\b", "charged": r"\bcharged\b|\bcharges\b|\bindict(?:ed|ment)\b", "convicted": r"\bconvict(?:ed|ion)\b|\bguilty\b",
        "sentenced": r"\bsentenced\b|\bjail(?:ed)?\b|\bprison\b", "pardoned": r"\bpardon(?:ed|s)?\b", "impeached": r"\bimpeach(?:ed|ment)?\b",
        "extradited": r"\bextradit", "strike": r"\b(?:military )?strikes?\b(?! price| down)|\bbomb(?:s|ing)?\b|\bairstrike", "invade": r"\binva(?:de|des|sion)\b",
        "ceasefire": r"\bcease-?fire\b", "deal": r"\bdeal\b|\bagreement\b|\btreaty\b", "normalize": r"\bnormali[sz]", "capture": r"\bcaptures?\b",
        "ipo": r"\bipos?\b|go public|public trading", "acquire": r"\bacqui(?:re|red|res|sition)\b|\bmerger?\b|\bbuy(?:s|out)?\b|\btakeover\b",
        "bankrupt": r"\bbankrupt", "shutdown": r"\bshut ?down\b", "meet": r"\bmeet(?:s|ing)?\b(?! of)(?! in\b)", "visit": r"\bvisits?\b", "speak": r"\bspeaks?\b|\bphone call\b|\bcall with\b",
        "leave": r"\bleaves?\b|\bout (?:as|by|before|in)\b|\bdepart(?:s|ure)?\b|\bresign(?:s|ed|ation)?\b|\bcease[sd]? to be\b|no longer\b|\bfired\b|\bstep(?:s)? down\b",
        "strike down": r"\b(?:strikes?|struck) down\b|\boverturn(?:s|ed)?\b|\bunconstitutional\b", "uphold": r"\buph(?:olds?|eld)\b",
        "blockade": r"\bblockades?\b", "delay": r"\b(?:delay|postpone)(?:s|d|ed)?\b", "child": r"\bpregnan\w+|\bgives? birth|\bhave a (?:baby|child)",
        "confirmed": r"\bconfirm(?:ed|ation)\b", "married": r"\bmarri|\bengaged\b|\bwedding\b", "divorce": r"\bdivorc", "trade": r"\bbe traded\b",
        "release": r"\brelease[sd]?\b(?! by the)(?! of the bls)", "default": r"\bdefaults?\b", "recession": r"\brecession\b", "sell": r"\bsells?\b",
        "remain": r"\bremains?\b|\bstays?\b|\bstill\b", "attend": r"\battends?\b", "fight": r"\bfights?\b", "launch": r"\blaunch(?:es|ed)?\b", "ban": r"\bban(?:s|ned)?\b", "legalize": r"\blegali[sz]",
    },
    "race": {"race": r"\bbe (?:the )?next\b|\bnext (?!(?:\w+ ){0,3}(?:election|elections|vote|referendum|meeting|general|presidential|parliamentary))(?:\w+ ){1,6}(?:to |of\b|\?)|\bfirst (?:\w+ ){0,2}to (?:leave|be|win|reach|announce|depart)|\b(?:which|who)\b[^|?]{0,60}\bfirst\b(?! (?:quarter|half|round|set|lady|time|day))|\bnext (?!(?:\w+ ){0,3}(?:election|meeting|vote))(?:\w+ ){0,3}\w+ ?:|\bnext to (?:leave|be)|\bwho will be (?:the )?next|\bfight (?:\w+ ){0,3}next"},
    "candidacy": {"candidacy": r"\b(?:run|runs|running) for\b(?! the most)|\bcandidacy\b|\bon the ballot\b|\bdeclares? (?:his|her|their|a)\b"},
    "announcement": {"announcement": r"\bannounc\w*|\bsays? (?:he|she|they|it) will|publicly files?|files? for an? ipo|\bfiles? (?:an )?s-1"},
}  # fmt: skip

# A narrower reading beside a wider one: the event is about inflation, the market about core inflation.
_NARROWER: Final = {
    "core CPI": "CPI",
    "major hurricane": "hurricane",
    "core PCE": "PCE",
    "second": "first",
    "third": "first",
}

Values = frozenset[str]


def _gates(pattern: str) -> tuple[str, ...]:
    """Plain substrings of which a text must hold one before ``pattern`` can match; empty is unknown.

    Most patterns miss, and ``in`` is forty times cheaper than a search.
    """
    gates: list[str] = []
    for alternative in _alternatives(pattern):
        text = re.sub(r"\(\?<?[!=](?:[^()]|\([^()]*\))*\)", "\0", alternative)
        text = re.sub(r"\((?:[^()]|\([^()]*\))*\)[?*+]?(?:\{[^}]*\})?", "\0", text)
        text = re.sub(
            r"\[[^\]]*\][?*+]?(?:\{[^}]*\})?|\\?.[?*]|\\[a-zA-Z][+]?(?:\{[^}]*\})?|\.(?:\{[^}]*\})?|[$^]",
            "\0",
            text,
        )
        runs = [run for run in text.replace("\\", "").split("\0") if len(run) > 1]
        if not runs:
            return ()
        gates.append(max(runs, key=len))
    return tuple(gates)


def _alternatives(pattern: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for position, character in enumerate(pattern):
        depth += (character in "([") - (character in ")]")
        if character == "|" and depth == 0:
            parts.append(pattern[start:position])
            start = position + 1
    return [*parts, pattern[start:]]


_Gated = tuple[str, re.Pattern[str], tuple[str, ...]]
FACETS: Final[dict[str, tuple[_Gated, ...]]] = {
    facet: tuple((value, re.compile(pattern), _gates(pattern)) for value, pattern in values.items())
    for facet, values in _TABLE.items()
}
# The same turned around: by number, what is always tried and what each substring opens.
_TRIALS: Final = tuple(
    (facet, value, pattern, gates) for facet, patterns in FACETS.items() for value, pattern, gates in patterns
)
_ALWAYS: Final = tuple(number for number, trial in enumerate(_TRIALS) if not trial[3])
_OPENED_BY: Final = {
    gate: tuple(number for number, trial in enumerate(_TRIALS) if gate in trial[3])
    for gate in dict.fromkeys(gate for trial in _TRIALS for gate in trial[3])
}
_SUBSTRINGS: Final = tuple(_OPENED_BY)


def read_facets(text: str) -> dict[str, Values]:
    """The facets that ``text`` (folded) answers, each with its values; a silent facet is absent."""
    tried = set(_ALWAYS)
    for substring in [one for one in _SUBSTRINGS if one in text]:
        tried.update(_OPENED_BY[substring])
    answered: dict[str, set[str]] = {}
    for number in sorted(tried):
        facet, value, pattern, _ = _TRIALS[number]
        if pattern.search(text):
            answered.setdefault(facet, set()).add(value)
    return {
        facet: frozenset(values - {_NARROWER.get(value, "") for value in values})
        for facet, values in answered.items()
    }


# What a headline leaves to the first sentences of the rules: whose poll, which estimate, which country's figure.
TOLD_IN_OPENING: Final = ("prize", "release", "tenor", "pollster", "sold where", "storm", "country")


def read_opening(text: str) -> dict[str, Values]:
    """The facets of ``TOLD_IN_OPENING`` that ``text`` (folded) answers."""
    return {facet: frozenset(values) for facet in TOLD_IN_OPENING if (values := _values(facet, text))}


def _values(facet: str, text: str) -> set[str]:
    found = {
        value
        for value, pattern, gates in FACETS[facet]
        if (not gates or any(gate in text for gate in gates)) and pattern.search(text)
    }
    return found - {_NARROWER.get(value, "") for value in found}


def says(facet: str, text: str) -> bool:
    """Whether ``text`` (folded) answers one facet."""
    return any(pattern.search(text) for _, pattern, _ in FACETS[facet])
