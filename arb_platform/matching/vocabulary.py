"""Names that two venues write differently: parties, states, offices, leagues, teams, companies.

Kalshi avoids trademarks ("Pro Football Championship", "Detroit"), Polymarket uses them ("Super
Bowl", "Lions"). Each alias maps to a form that maps to itself.
"""

from typing import Final

STATES: Final = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "florida": "fl", "georgia": "ga", "hawaii": "hi", "idaho": "id",
    "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky", "louisiana": "la",
    "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn",
    "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv",
    "new hampshire": "nh", "new jersey": "nj", "new mexico": "nm", "new york": "ny", "north carolina": "nc",
    "north dakota": "nd", "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa",
    "rhode island": "ri", "south carolina": "sc", "south dakota": "sd", "tennessee": "tn", "texas": "tx",
    "utah": "ut", "vermont": "vt", "virginia": "va", "washington": "wa", "west virginia": "wv",
    "wisconsin": "wi", "wyoming": "wy", "district of columbia": "dc",
}  # fmt: skip
STATE_CODES: Final = frozenset(STATES.values())

# Nickname -> city and nickname, where the nickname alone says which team is meant.
_TEAMS: Final = """
hawks=atlanta celtics=boston nets=brooklyn hornets=charlotte bulls=chicago cavaliers=cleveland cavs=cleveland
mavericks=dallas mavs=dallas nuggets=denver pistons=detroit warriors=golden_state rockets=houston pacers=indiana
clippers=los_angeles lakers=los_angeles grizzlies=memphis heat=miami bucks=milwaukee timberwolves=minnesota
pelicans=new_orleans knicks=new_york thunder=oklahoma_city 76ers=philadelphia sixers=philadelphia suns=phoenix
blazers=portland raptors=toronto jazz=utah wizards=washington
ravens=baltimore bills=buffalo bears=chicago bengals=cincinnati browns=cleveland cowboys=dallas broncos=denver
lions=detroit packers=green_bay texans=houston colts=indianapolis jaguars=jacksonville chiefs=kansas_city
raiders=las_vegas chargers=los_angeles rams=los_angeles dolphins=miami vikings=minnesota patriots=new_england
saints=new_orleans eagles=philadelphia steelers=pittsburgh 49ers=san_francisco niners=san_francisco
seahawks=seattle buccaneers=tampa_bay bucs=tampa_bay titans=tennessee commanders=washington falcons=atlanta
diamondbacks=arizona dbacks=arizona braves=atlanta orioles=baltimore cubs=chicago reds=cincinnati guardians=cleveland
rockies=colorado tigers=detroit astros=houston royals=kansas_city angels=los_angeles dodgers=los_angeles
marlins=miami brewers=milwaukee twins=minnesota mets=new_york yankees=new_york athletics=oakland phillies=philadelphia
pirates=pittsburgh padres=san_diego mariners=seattle rays=tampa_bay nationals=washington
ducks=anaheim bruins=boston sabres=buffalo flames=calgary hurricanes=carolina blackhawks=chicago avalanche=colorado
oilers=edmonton canadiens=montreal predators=nashville devils=new_jersey islanders=new_york senators=ottawa
flyers=philadelphia penguins=pittsburgh sharks=san_jose kraken=seattle lightning=tampa_bay canucks=vancouver
capitals=washington
"""
TEAM_CITIES: Final = {
    nickname: city.replace("_", " ")
    for nickname, _, city in (entry.partition("=") for entry in _TEAMS.split())
}
# Two-word nicknames, shared nicknames and codes.
_TEAM_PHRASES: Final = {
    "trail blazers": "portland trail blazers", "maple leafs": "toronto maple leafs",
    "blue jackets": "columbus blue jackets", "red wings": "detroit red wings",
    "golden knights": "vegas golden knights", "blue jays": "toronto blue jays",
    "white sox": "chicago white sox", "red sox": "boston red sox", "okc": "oklahoma city",
    "man city": "manchester city", "man utd": "manchester united", "man united": "manchester united",
    "psg": "paris saint germain", "paris sg": "paris saint germain", "barca": "barcelona",
    "fc barcelona": "barcelona", "inter milan": "inter", "internazionale": "inter",
    "atletico de madrid": "atletico madrid", "fc bayern munich": "bayern munich",
    "bayern munchen": "bayern munich", "fc bayern": "bayern munich", "navi": "natus vincere",
}  # fmt: skip

_PHRASES: Final = {
    # parties
    "democrats": "democratic", "democrat": "democratic", "democratic party": "democratic", "dems": "democratic",
    "dem": "democratic", "the democratic party": "democratic", "republicans": "republican",
    "republican party": "republican", "gop": "republican", "conservative party": "conservatives",
    "labour party": "labour",
    # offices and elections
    "governorship": "governor election", "governor race": "governor election",
    "gubernatorial election": "governor election", "gubernatorial race": "governor election",
    "gubernatorial": "governor", "governors race": "governor election", "gov": "governor",
    "lt governor": "lieutenant governor", "lt gov": "lieutenant governor",
    "lieutenant gubernatorial": "lieutenant governor",
    "house race": "house seat", "house election": "house seat", "senate race": "senate election",
    "senate seat": "senate election", "presidential race": "presidential election", "elections": "election",
    "presidential nomination": "presidential nominee", "nomination": "nominee", "us senate": "senate",
    "us house": "house", "u s": "us", "united states": "us", "usa": "us",
    "united kingdom": "uk", "u k": "uk", "european union": "eu", "vp": "vice president",
    "vice presidential": "vice president", "sec of state": "secretary of state",
    "potus": "president", "scotus": "supreme court",
    # countries
    "turkiye": "turkey", "czech republic": "czechia", "holland": "netherlands", "korea republic": "south korea",
    "ivory coast": "cote d ivoire", "uae": "united arab emirates",
    # economy
    "consumer price index": "cpi", "personal consumption expenditures": "pce", "gross domestic product": "gdp",
    "producer price index": "ppi", "year over year": "yoy", "y y": "yoy", "annual inflation": "cpi yoy", "monthly inflation": "cpi mom", "inflation": "cpi", "core inflation": "core cpi",
    "cpi inflation": "cpi", "pce inflation": "pce", "inflation rate": "cpi",
    "month over month": "mom", "m m": "mom", "nonfarm payrolls": "payrolls", "non farm payrolls": "payrolls",
    "jobs report": "payrolls", "nfp": "payrolls", "federal reserve": "fed", "fomc": "fed",
    "federal open market committee": "fed", "european central bank": "ecb", "bank of england": "boe", "bank of mexico": "banxico", "banco de mexico": "banxico",
    "bank of japan": "boj", "bank of canada": "boc", "department of labor": "dol",
    "federal funds rate": "fed rate", "fed funds rate": "fed rate", "interest rates": "rate",
    "interest rate": "rate", "rates": "rate", "crude oil": "oil", "west texas intermediate": "wti",
    "t bill": "treasury", "10 year": "10y", "10 yr": "10y", "2 year": "2y", "2 yr": "2y", "30 year": "30y",
    "5 year": "5y", "s and p 500": "spx", "s p 500": "spx", "sp500": "spx", "sp 500": "spx",
    "nasdaq 100": "ndx", "nasdaq100": "ndx", "dow jones": "djia", "standard and poors 500": "spx",
    # companies by ticker
    "tsla": "tesla", "nvda": "nvidia", "aapl": "apple", "msft": "microsoft", "amzn": "amazon", "googl": "google",
    "goog": "google", "alphabet": "google", "nflx": "netflix", "mstr": "microstrategy", "closing": "close", "closes": "close",
    "warmest": "hottest",
    # crypto
    "btc": "bitcoin", "eth": "ethereum", "ether": "ethereum", "sol": "solana", "doge": "dogecoin", "ripple": "xrp",
    "ada": "cardano", "bnb": "binance coin",
    # leagues and prizes
    "pro football": "nfl", "professional football": "nfl", "national football league": "nfl",
    "pro basketball": "nba", "professional basketball": "nba", "national basketball association": "nba",
    "pro baseball": "mlb", "professional baseball": "mlb", "major league baseball": "mlb",
    "pro hockey": "nhl", "professional hockey": "nhl", "national hockey league": "nhl",
    "super bowl": "nfl championship", "the big game": "nfl championship", "nfl league championship": "nfl championship",
    "stanley cup": "nhl championship", "stanley cup finals": "nhl championship",
    "stanley cup championship": "nhl championship", "nhl stanley cup": "nhl championship",
    "world series": "mlb championship", "mlb world series": "mlb championship", "nba finals": "nba championship",
    "nba title": "nba championship", "afc championship": "afc champion", "nfc championship": "nfc champion",
    "fifa world cup": "world cup", "mens world cup": "world cup", "men s world cup": "world cup",
    "uefa champions league": "champions league", "ucl": "champions league", "epl": "premier league",
    "english premier league": "premier league", "academy award": "oscar", "academy awards": "oscar",
    "oscars": "oscar", "emmys": "emmy", "emmy award": "emmy", "emmy awards": "emmy",
    "primetime emmy awards": "emmy", "primetime emmys": "emmy", "primetime emmy": "emmy",
    "grammys": "grammy", "grammy award": "grammy", "grammy awards": "grammy", "golden globes": "golden globe",
    "golden globe award": "golden globe", "american league": "al", "national league": "nl",
    "al championship": "al champion", "nl championship": "nl champion", "al championship series": "al champion",
    "nl championship series": "nl champion", "alcs": "al champion", "nlcs": "nl champion",
    "cy young award": "cy young", "most valuable player": "mvp", "ballon dor": "ballon d or",
    # words of the trade
    "highest temperature": "high temp", "high temperature": "high temp", "maximum temperature": "high temp",
    "lowest temperature": "low temp", "low temperature": "low temp", "minimum temperature": "low temp",
    "temperature": "temp", "nyc": "new york city", "winner": "win", "wins": "win",
    "won": "win", "champions": "champion", "reaches": "reach", "qualifies": "qualify", "announces": "announce",
    "leaves": "leave", "resigns": "resign", "cuts": "cut", "raises": "hike", "raise": "hike", "hikes": "hike",
    "lowers": "cut", "lower rate": "cut rate", "maintains": "hold", "maintain": "hold", "no change": "hold",
    "pause": "hold", "unchanged": "hold", "number one": "1st", "no 1": "1st", "top song": "1st",
}  # fmt: skip

DEMONYMS: Final = {
    "american": "us", "british": "uk", "english": "england", "scottish": "scotland", "welsh": "wales", "irish": "ireland",
    "french": "france", "german": "germany", "dutch": "netherlands", "spanish": "spain", "polish": "poland",
    "swiss": "switzerland", "greek": "greece", "danish": "denmark", "swedish": "sweden", "finnish": "finland",
    "norwegian": "norway", "turkish": "turkey", "czech": "czechia", "hungarian": "hungary", "romanian": "romania",
    "bulgarian": "bulgaria", "italian": "italy", "portuguese": "portugal", "austrian": "austria", "belgian": "belgium",
    "russian": "russia", "ukrainian": "ukraine", "israeli": "israel", "iranian": "iran", "iraqi": "iraq", "chinese": "china",
    "japanese": "japan", "korean": "korea", "indian": "india", "pakistani": "pakistan", "brazilian": "brazil",
    "argentine": "argentina", "argentinian": "argentina", "chilean": "chile", "colombian": "colombia", "peruvian": "peru",
    "mexican": "mexico", "canadian": "canada", "venezuelan": "venezuela", "bolivian": "bolivia", "ecuadorian": "ecuador",
    "australian": "australia", "taiwanese": "taiwan", "philippine": "philippines", "serbian": "serbia", "croatian": "croatia",
    "slovenian": "slovenia", "slovak": "slovakia", "lithuanian": "lithuania", "latvian": "latvia", "estonian": "estonia",
    "armenian": "armenia", "georgian": "georgia", "moldovan": "moldova", "belarusian": "belarus", "scots": "scotland",
    "nigerian": "nigeria", "kenyan": "kenya", "egyptian": "egypt", "syrian": "syria", "lebanese": "lebanon", "saudi": "saudi",
    "honduran": "honduras", "cuban": "cuba", "thai": "thailand", "vietnamese": "vietnam", "indonesian": "indonesia",
}  # fmt: skip

# Nicknames that belong to teams of several cities: any of them may be meant.
SHARED_NICKNAMES: Final[dict[str, tuple[str, ...]]] = {
    "giants": ("new york", "san francisco"), "jets": ("new york", "winnipeg"), "kings": ("sacramento", "los angeles"),
    "rangers": ("texas", "new york"), "cardinals": ("arizona", "st louis"), "panthers": ("carolina", "florida"),
    "spurs": ("san antonio", "tottenham"), "magic": ("orlando",), "wild": ("minnesota",), "stars": ("dallas",),
    "blues": ("st louis",), "hurricanes": ("carolina", "miami"), "falcons": ("atlanta",), "mammoth": ("utah",),
}  # fmt: skip

# Short first names and what they are short for.
SHORT_NAMES: Final = {
    "bill": "william", "will": "william", "bob": "robert", "rob": "robert", "mike": "michael", "joe": "joseph",
    "jim": "james", "jimmy": "james", "tom": "thomas", "dick": "richard", "rick": "richard", "dave": "david",
    "ted": "edward", "ed": "edward", "bernie": "bernard", "pete": "peter", "liz": "elizabeth", "beth": "elizabeth",
    "jack": "john", "jon": "jonathan", "tony": "anthony", "charlie": "charles", "chuck": "charles", "kate": "katherine",
    "katie": "katherine", "becky": "rebecca", "andy": "andrew", "drew": "andrew", "larry": "lawrence", "lula": "luiz",
}  # fmt: skip

ALIASES: Final[dict[str, str]] = {
    **DEMONYMS,
    **{nickname: f"{city} {nickname}" for nickname, city in TEAM_CITIES.items()},
    **{f"{city} {nickname}": f"{city} {nickname}" for nickname, city in TEAM_CITIES.items()},
    **_TEAM_PHRASES,
    **_PHRASES,
}
