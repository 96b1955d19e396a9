"""Pairs in both venues' register, written for these tests: the same bet twice, and near misses."""

from datetime import UTC, datetime
from decimal import Decimal

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.pairs import MarketPair


def polymarket(title, rules="", close=None, source="", sub="", event="", outs=("Yes", "No"), outcome=None):
    return Market(
        POLYMARKET, title + sub, title, title, rules, _at(close), source, outcome or outs[0],
        subtitle=sub, event_title=event, outcomes=outs,
    )  # fmt: skip


def kalshi(
    title, sub="", rules="", close=None, source="", event="", strike=None, floor=None, cap=None, kind="binary"
):
    return Market(
        KALSHI, title + sub, title, title, rules, _at(close), source, subtitle=sub, event_title=event,
        strike_type=strike, floor_strike=_number(floor), cap_strike=_number(cap), market_type=kind,
    )  # fmt: skip


def pair(one, other):
    return MarketPair(one, other)


def _at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _number(value):
    return None if value is None else Decimal(str(value))


SAME_BET = [
    (
        polymarket(
            "Fed decreases interest rates by 25 bps after December 2026 meeting?",
            "The FED interest rates are defined in this market by the upper bound of the target federal funds range. This market will resolve to the amount of basis points the upper bound of the target federal funds rate is changed by versus the level it was prior to the Federal Reserve's December 2026 meeting.",
            "2026-12-09",
            "",
            "25 bps decrease",
            "Fed decision in December?",
        ),
        kalshi(
            "Will the Federal Reserve Cut rates by 25bps at their December 2026 meeting?",
            "Cut 25bps",
            "If the Federal Reserve does a Cut of 25bps on December 9, 2026, then the market resolves to Yes.",
            "2026-12-09",
            event="Fed decision in Dec 2026?",
        ),
    ),
    (
        polymarket(
            "No change in Fed interest rates after December 2026 meeting?",
            "...",
            "2026-12-09",
            "",
            "No change",
            "Fed decision in December?",
        ),
        kalshi(
            "Will the Federal Reserve Hike rates by 0bps at their December 2026 meeting?",
            "Fed maintains rate",
            "If the Federal Reserve does a Hike of 0bps on December 9, 2026, then the market resolves to Yes.",
            "2026-12-09",
            event="Fed decision in Dec 2026?",
        ),
    ),
    (
        polymarket(
            "Fed decreases interest rates by 50+ bps after December 2026 meeting?",
            "",
            "2026-12-09",
            "",
            "50+ bps decrease",
            "Fed decision in December?",
        ),
        kalshi(
            "Will the Federal Reserve Cut rates by >25bps at their December 2026 meeting?",
            "Cut >25bps",
            "",
            "2026-12-09",
            event="Fed decision in Dec 2026?",
        ),
    ),
    (
        polymarket(
            "Will annual inflation increase by 2.9% in November?",
            "This market will resolve to the percentage change in CPI for the 12 months ending November 2026, not seasonally adjusted, per the BLS.",
            "2026-12-10",
            "",
            "2.9%",
            "November Inflation US - Annual",
        ),
        kalshi(
            "CPI year-over-year in Nov 2026?",
            "Exactly 2.9%",
            "If the rate of CPI inflation for the year ending in November 2026 is exactly 2.9%, then the market resolves to Yes.",
            "2026-12-10",
        ),
    ),
    (
        polymarket(
            "Will monthly inflation increase by 0.3% or more in November?",
            "Resolves per the one-month change of the CPI for November 2026",
            "2026-12-10",
            "",
            "≥0.3%",
            "November Inflation US - Monthly",
        ),
        kalshi(
            "CPI in Nov 2026?",
            "Above 0.2%",
            "If the Consumer Price Index increases by more than 0.2% in November 2026, then the market resolves to Yes.",
            "2026-12-10",
            strike="greater",
            floor=0.2,
        ),
    ),
    (
        polymarket(
            "Will the US add more than 150k jobs in November?",
            "This market will resolve per the total nonfarm payroll employment change for November 2026",
            "2026-12-04",
            "",
            ">150k",
            "How many jobs added in November?",
        ),
        kalshi(
            "Jobs numbers in November 2026?",
            "Above 150,000",
            "If the increase in total nonfarm payrolls for November 2026 is above 150,000, then Yes.",
            "2026-12-04",
            strike="greater",
            floor=150000,
        ),
    ),
    (
        polymarket("Will unemployment rate be 4.3% or lower in November 2026?", "", "2026-12-04"),
        kalshi(
            "Unemployment rate in Nov 2026?",
            "4.3% or below",
            "",
            "2026-12-04",
            strike="less_or_equal",
            cap=4.3,
        ),
    ),
    (
        polymarket(
            "Will Trump pardon Ghislaine Maxwell by December 31, 2026?",
            "This market will resolve to Yes if Donald Trump issues a pardon to Ghislaine Maxwell by December 31, 2026, 11:59 PM ET.",
            "2026-12-31",
        ),
        kalshi(
            "Who will Trump pardon before 2027?",
            "Ghislaine Maxwell",
            "If Donald Trump pardons Ghislaine Maxwell before Jan 1, 2027, then the market resolves to Yes.",
            "2027-01-01T04:59:00",
        ),
    ),
    (
        polymarket("Will Gavin Newsom win the 2028 Democratic presidential nomination?", "", "2028-11-07"),
        kalshi(
            "Who will win the Democratic presidential nomination in 2028?",
            "Gavin Newsom",
            "If Gavin Newsom wins the nomination for the Democratic Party to contest the 2028 Presidential election, then Yes.",
            "2028-11-07",
            event="Democratic Presidential nominee in 2028?",
        ),
    ),
    (
        polymarket("Will Xavier Becerra win the California Governor Election in 2026?", "", "2026-11-03"),
        kalshi(
            "California Governor winner? (Person)",
            "Xavier Becerra",
            "If Xavier Becerra wins the 2026 California gubernatorial election, then Yes",
            "2027-11-03",
        ),
    ),
    (
        polymarket(
            "Will the Democratic Party control the Senate after the 2026 Midterm elections?", "", "2026-11-03"
        ),
        kalshi(
            "Which party will win the U.S. Senate?",
            "Democratic Party",
            "If the Democratic party has won control of the Senate in 2026, then Yes.",
            "2027-02-01",
            event="Will Democrats win the Senate in 2026?",
        ),
    ),
    (
        polymarket("Will the Republicans win the Texas Senate race in 2026?", "", "2026-11-03"),
        kalshi(
            "Texas Senate race?",
            "Republican",
            "If a representative of the Republican party is sworn in as a Senator of Texas for the term beginning in 2027, then Yes.",
            "2027-11-03",
        ),
    ),
    (
        polymarket(
            "Lakers vs. Celtics",
            "In the upcoming NBA game, scheduled for December 25 at 8:00PM ET: If the Lakers win, the market will resolve to Lakers.",
            "2026-12-26T01:00:00",
            outs=("Lakers", "Celtics"),
        ),
        kalshi(
            "Los Angeles L at Boston Winner?",
            "Los Angeles L",
            "If Los Angeles L wins the Los Angeles L at Boston professional basketball game originally scheduled for Dec 25, 2026, then Yes.",
            "2027-01-09",
        ),
    ),
    (
        polymarket(
            "Giants vs. Cowboys",
            "In the upcoming NFL game, scheduled for December 13 at 1:00PM ET",
            "2026-12-13T18:00:00",
            outs=("Giants", "Cowboys"),
        ),
        kalshi(
            "New York G at Dallas Winner?",
            "New York G",
            "If New York G wins the New York G at Dallas professional football game originally scheduled for Dec 13, 2026, then Yes.",
            "2026-12-27",
        ),
    ),
    (
        polymarket("Cowboys vs. Giants: O/U 44.5", "", "2026-12-13", outs=("Over", "Under")),
        kalshi(
            "Dallas at New York G: Total Points",
            "Over 44.5 points scored",
            "",
            "2026-12-27",
            strike="greater",
            floor=44.5,
        ),
    ),
    (
        polymarket(
            "Spread: Chiefs (-3.5)", "", "2026-12-13", event="Chiefs vs. Bills", outs=("Chiefs", "Bills")
        ),
        kalshi(
            "Kansas City at Buffalo: Spread",
            "Kansas City wins by over 3.5 points",
            "",
            "2026-12-27",
            strike="greater",
            floor=3.5,
        ),
    ),
    (
        polymarket("Will Arsenal win the 2026–27 English Premier League?", "", "2027-05-25"),
        kalshi(
            "English Premier League Winner 2027?",
            "Arsenal",
            "If Arsenal wins the 2026-27 English Premier League, then Yes",
            "2027-06-10",
        ),
    ),
    (
        polymarket("Will Arsenal FC win on 2026-12-20?", "If Arsenal FC wins this EPL game", "2026-12-20"),
        kalshi(
            "Arsenal vs Chelsea Winner?",
            "Arsenal",
            "If Arsenal wins the Arsenal vs Chelsea professional soccer game originally scheduled for Dec 20, 2026 after 90 minutes plus stoppage time, then Yes.",
            "2027-01-03",
        ),
    ),
    (
        polymarket("Will the New York Mets win the 2027 World Series?", "", "2027-11-01"),
        kalshi(
            "Pro Baseball Champion in 2027?",
            "New York M",
            "If New York M wins the 2027 Pro Baseball Championship, then Yes.",
            "2027-11-30",
        ),
    ),
    (
        polymarket("Will Iga Świątek be the 2027 Women's Wimbledon Winner?", "", "2027-07-12"),
        kalshi(
            "Women's Wimbledon winner 2027?",
            "Iga Swiatek",
            "If Iga Swiatek wins the 2027 Wimbledon Women's Singles, then Yes.",
            "2027-07-20",
        ),
    ),
    (
        polymarket("Will Lando Norris be the 2027 F1 Drivers Champion?", "", "2027-12-10"),
        kalshi("Formula 1 Drivers' Championship winner 2027?", "Lando Norris", "", "2027-12-20"),
    ),
    (
        polymarket("Will 'Sinners' win Best Picture at the 99th Academy Awards?", "", "2027-03-14"),
        kalshi(
            "Oscar for Best Picture?",
            "Sinners",
            "If Sinners wins the Oscar for Best Picture at the 2027 Oscars, then Yes.",
            "2027-03-20",
        ),
    ),
    (
        polymarket("Will Taylor Swift win Album of the Year at the 2027 Grammys?", "", "2027-02-07"),
        kalshi(
            "Grammy for Album of the Year 2027?",
            "Taylor Swift",
            "",
            "2027-02-20",
            event="Grammys: Album of the Year",
        ),
    ),
    (
        polymarket(
            "Will Bitcoin reach $150,000 by December 31, 2026?",
            "This market will immediately resolve to Yes if any Binance 1 minute candle for BTC/USDT has a final High price of $150,000 or higher by Dec 31 11:59 PM ET",
            "2026-12-31",
        ),
        kalshi(
            "How high will Bitcoin get in 2026?",
            "$150,000 or above",
            "If Bitcoin reaches at least 150000 on Binance by Dec 31, 2026, then Yes",
            "2027-01-01T04:59:00",
            strike="greater_or_equal",
            floor=150000,
        ),
    ),
    (
        polymarket(
            "Highest temperature in NYC on December 5?",
            "This market resolves to the temperature range that contains the highest temperature recorded at Central Park (KNYC) in degrees Fahrenheit on 5 Dec '26, per the National Weather Service.",
            "2026-12-05",
            "NWS",
            "42-43°F",
            "Highest temperature in NYC on December 5?",
        ),
        kalshi(
            "Will the **high temp in NYC** be 42-43° on Dec 5, 2026?",
            "42° to 43°",
            "If the highest temperature recorded in Central Park, New York for December 5, 2026 as reported by the National Weather Service's Climatological Report (Daily), is between 42-43°, then Yes.",
            "2026-12-06",
            "NWS",
            strike="between",
            floor=42,
            cap=43,
        ),
    ),
    (
        polymarket(
            "Will the highest temperature in Chicago be 30°F or below on December 5?",
            "per NWS at Midway",
            "2026-12-05",
        ),
        kalshi(
            "Will the high temp in Chicago be <31° on Dec 5, 2026?",
            "30° or below",
            "If the highest temperature recorded at Chicago Midway, IL for Dec 5, 2026 is less than 31°, then Yes",
            "2026-12-06",
            strike="less",
            cap=31,
        ),
    ),
    (
        polymarket(
            "Will Elon Musk post 400-419 tweets from December 1 to December 8, 2026?", "", "2026-12-08"
        ),
        kalshi(
            "How many tweets will Elon Musk post from Dec 1 to Dec 8, 2026?",
            "400-419",
            "",
            "2026-12-08",
            strike="between",
            floor=400,
            cap=419,
        ),
    ),
    (
        polymarket("Will Avatar 4 have a 85%+ Rotten Tomatoes score?", "", "2027-12-20"),
        kalshi("Avatar 4 Rotten Tomatoes score?", "Above 84", "", "2027-12-22", strike="greater", floor=84),
    ),
    (
        polymarket(
            "Will Trump's approval rating be 42.0% or higher on December 15?",
            "per Silver Bulletin",
            "2026-12-15",
        ),
        kalshi(
            "Trump approval rating on Dec 15, 2026?",
            "Above 41.9%",
            "per Silver Bulletin",
            "2026-12-15",
            strike="greater",
            floor=41.9,
        ),
    ),
    (
        polymarket("Kash Patel out as FBI Director by December 31, 2026?", "", "2026-12-31"),
        kalshi(
            "Will Kash Patel leave as FBI Director before 2027?",
            "Before 2027",
            "If Kash Patel is no longer FBI Director before Jan 1, 2027, then Yes",
            "2027-01-01T05:00:00",
            event="Kash Patel out as FBI Director?",
        ),
    ),
    (
        polymarket("Keir Starmer out as UK Prime Minister by June 30, 2027?", "", "2027-06-30"),
        kalshi(
            "Keir Starmer out as Prime Minister before Jul 1, 2027?",
            "Before July 1, 2027",
            "",
            "2027-07-01T04:00:00",
        ),
    ),
    (
        polymarket("OpenAI announces it has achieved AGI before 2027?", "", "2026-12-31"),
        kalshi(
            "Will OpenAI announce AGI before 2027?",
            "",
            "If OpenAI announces that it has achieved AGI before Jan 1, 2027",
            "2027-01-01T05:00:00",
        ),
    ),
    (
        polymarket("GPT-6 released by December 31?", "", "2026-12-31"),
        kalshi("When will OpenAI release GPT-6?", "Before Jan 1, 2027", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket("SpaceX IPO before 2027?", "", "2026-12-31"),
        kalshi(
            "Which companies will IPO in 2026?",
            "SpaceX",
            "If SpaceX confirms an IPO before Jan 1, 2027",
            "2027-01-01T05:00:00",
        ),
    ),
    (
        polymarket(
            "Which company has best AI model end of December?",
            "This market will resolve according to the company which owns the model which has the highest arena score based off the Chatbot Arena LLM Leaderboard on December 31, 2026",
            "2026-12-31",
            "",
            "Google",
        ),
        kalshi(
            "Best AI at the end of 2026?",
            "Google",
            "If Google has the top ranked model on Dec 31, 2026",
            "2026-12-31",
        ),
    ),
    (
        polymarket("US recession in 2026?", "", "2027-01-31"),
        kalshi(
            "Recession in 2026?",
            "",
            "If there are two consecutive quarters of negative GDP growth in 2026",
            "2027-02-01",
        ),
    ),
    (
        polymarket("Will WTI Crude Oil (WTI) hit (HIGH) $90 in December?", "", "2026-12-31"),
        kalshi(
            "How high will WTI oil get in December 2026?",
            "$90 or above",
            "",
            "2026-12-31",
            strike="greater_or_equal",
            floor=90,
        ),
    ),
    (
        polymarket("US government shutdown by January 31?", "", "2027-01-31"),
        kalshi("Government shutdown before Feb 1, 2027?", "", "", "2027-02-01T05:00:00"),
    ),
    (
        polymarket("Will Andrew Cuomo be the next Mayor of Chicago?", "", "2027-04-30"),
        kalshi("Who will be the next Mayor of Chicago?", "Andrew Cuomo", "", "2028-04-30"),
    ),
    (
        polymarket("Will Viktor Orbán be the next Prime Minister of Hungary?", "", "2030-04-30"),
        kalshi("Next Prime Minister of Hungary?", "Viktor Orban", "", "2030-06-01"),
    ),
    (
        polymarket(
            "Will Mike Johnson cease to be Speaker of the House by December 31, 2026?", "", "2026-12-31"
        ),
        kalshi("Mike Johnson out as Speaker before 2027?", "", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket(
            "Will Israel and Saudi Arabia normalize relations by December 31, 2026?", "", "2026-12-31"
        ),
        kalshi(
            "Will Saudi Arabia and Israel normalize relations before 2027?",
            "Before 2027",
            "",
            "2027-01-01T05:00:00",
        ),
    ),
    (
        polymarket("Russia x Ukraine ceasefire by December 31, 2026?", "", "2026-12-31"),
        kalshi("Russia-Ukraine ceasefire before 2027?", "", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket("Will the San Francisco 49ers make the 2026-27 NFL Playoffs?", "", "2027-01-10"),
        kalshi(
            "Will San Francisco make the Pro Football playoffs?",
            "San Francisco",
            "If San Francisco qualifies for the 2027 Pro Football playoffs",
            "2027-01-12",
        ),
    ),
    (
        polymarket("Will Shai Gilgeous-Alexander win the 2026–2027 NBA MVP?", "", "2027-06-10"),
        kalshi(
            "Pro Basketball MVP winner?",
            "Shai Gilgeous-Alexander",
            "If Shai Gilgeous-Alexander wins the 2026-27 Pro Basketball MVP",
            "2027-06-30",
        ),
    ),
    (
        polymarket("Will Tesla deliver between 450k and 475k vehicles in Q4 2026?", "", "2027-01-02"),
        kalshi(
            "Tesla deliveries in Q4 2026?",
            "450,000 to 475,000",
            "",
            "2027-01-02",
            strike="between",
            floor=450000,
            cap=475000,
        ),
    ),
    (
        polymarket(
            "Will Nvidia be the largest company in the world by market cap on December 31?", "", "2026-12-31"
        ),
        kalshi("Largest company on Dec 31, 2026?", "NVIDIA", "", "2026-12-31"),
    ),
    (
        polymarket("S&P 500 (SPX) closes above 7,000 on December 31?", "", "2026-12-31"),
        kalshi(
            "S&P 500 close on Dec 31, 2026?",
            "7,000.01 or above",
            "",
            "2026-12-31",
            strike="greater",
            floor=7000,
        ),
    ),
    (
        polymarket(
            "Will the Bank of Japan raise rates by 25 bps at the December 2026 meeting?", "", "2026-12-18"
        ),
        kalshi("Bank of Japan rate decision in December 2026?", "Hike 25bps", "", "2026-12-18"),
    ),
    (
        polymarket("Will China invade Taiwan by end of 2026?", "", "2026-12-31"),
        kalshi("Will China invade Taiwan before 2027?", "", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket("Will Wicked: For Good gross more than $120m on opening weekend?", "", "2026-12-31"),
        kalshi(
            "'Wicked: For Good' opening weekend box office?",
            "Above $120 million",
            "",
            "2026-12-31",
            strike="greater",
            floor=120000000,
        ),
    ),
    (
        polymarket(
            "Democratic Presidential Nominee 2028: Alexandria Ocasio-Cortez",
            "",
            "2028-11-07",
            sub="Alexandria Ocasio-Cortez",
            event="Democratic Presidential Nominee 2028",
        ),
        kalshi(
            "Will Alexandria Ocasio-Cortez be the Democratic Presidential nominee in 2028?",
            "Alexandria Ocasio-Cortez",
            "",
            "2028-11-07",
        ),
    ),
    (
        polymarket("Will Pete Buttigieg win the 2028 US Presidential Election?", "", "2028-11-07"),
        kalshi(
            "Who will win the next presidential election?",
            "Pete Buttigieg",
            "If Pete Buttigieg is the next person inaugurated as President for the term beginning January 20, 2029, then Yes.",
            "2029-11-07",
            event="2028 U.S. Presidential Election winner?",
        ),
    ),
    (
        polymarket("Will Manchester City win the 2026–27 English Premier League?", "", "2027-05-25"),
        kalshi("Premier League champion 2026-27?", "Manchester City", "", "2027-06-10"),
    ),
    (
        polymarket(
            "Real Madrid vs. Barcelona: Will it end in a draw?",
            "",
            "2026-12-20",
            event="Real Madrid vs. Barcelona",
        ),
        kalshi("Real Madrid vs Barcelona Winner?", "Tie", "If the game ends in a tie", "2027-01-03"),
    ),
    (
        polymarket("Will there be a hurricane landfall in Florida in 2026?", "", "2026-12-31"),
        kalshi("Hurricane landfall in Florida in 2026?", "", "", "2026-12-31"),
    ),
    (
        polymarket("Will Zohran Mamdani endorse Brad Lander by June 30, 2027?", "", "2027-06-30"),
        kalshi("Who will Zohran Mamdani endorse before Jul 2027?", "Brad Lander", "", "2027-07-01T04:00:00"),
    ),
    (
        polymarket(
            "Will Real Madrid win the 2026–27 La Liga?",
            "Yes if Real Madrid win the 2026–27 La Liga season.",
            "2027-05-30",
        ),
        kalshi(
            "La Liga Winner 2027?",
            "Real Madrid",
            "If Real Madrid win the 2026-27 La Liga, then Yes.",
            "2027-06-15",
        ),
    ),
    (
        polymarket("Will the Boston Celtics win the 2027 NBA Finals?", "", "2027-06-20"),
        kalshi(
            "2027 Pro Basketball Champion?",
            "Boston",
            "If Boston wins the 2027 Pro Basketball Finals, then Yes.",
            "2027-07-01",
        ),
    ),
    (
        polymarket("Will the Edmonton Oilers win the 2027 Stanley Cup?", "", "2027-06-20"),
        kalshi("Pro Hockey Champion 2027?", "Edmonton", "", "2027-07-01"),
    ),
    (
        polymarket("Will the Kansas City Chiefs win the AFC West?", "", "2027-01-10"),
        kalshi(
            "AFC West winner 2026-27?",
            "Kansas City",
            "If Kansas City wins the AFC West division",
            "2027-01-20",
        ),
    ),
    (
        polymarket(
            "Will Ohio State win the 2027 College Football Playoff National Championship?", "", "2027-01-20"
        ),
        kalshi("College Football Champion 2027?", "Ohio State", "", "2027-02-01"),
    ),
    (
        polymarket("Will Carlos Alcaraz win the 2027 Australian Open?", "", "2027-02-01"),
        kalshi("2027 Australian Open Men's Singles winner?", "Carlos Alcaraz", "", "2027-02-10"),
    ),
    (
        polymarket("Will Scottie Scheffler win the 2027 Masters?", "", "2027-04-12"),
        kalshi("The Masters winner 2027?", "Scottie Scheffler", "", "2027-04-20"),
    ),
    (
        polymarket(
            "Fed rate cut by March 2027 meeting?",
            "This market will resolve to Yes if the upper bound of the target federal funds rate is decreased at any point between now and the completion of the March 2027 FOMC meeting",
            "2027-03-17",
        ),
        kalshi("Will the Fed cut rates before Apr 2027?", "Before April 2027", "", "2027-03-31"),
    ),
    (
        polymarket(
            "Bank of England cuts rates in February?",
            "Yes if the MPC lowers Bank Rate at its 4 February 2027 meeting.",
            "2027-02-04",
        ),
        kalshi(
            "Bank of England decision in February 2027?",
            "Cut",
            "If the Bank of England cuts Bank Rate at its February 2027 meeting",
            "2027-02-04",
        ),
    ),
    (
        polymarket(
            "Will Q4 2026 US GDP growth be 2.5% or higher?", "advance estimate by the BEA", "2027-01-28"
        ),
        kalshi(
            "US GDP growth in Q4 2026?",
            "Above 2.4%",
            "If real GDP increases by more than 2.4% in Q4 2026 (advance estimate)",
            "2027-01-28",
            strike="greater",
            floor=2.4,
        ),
    ),
    (
        polymarket("Core CPI 0.3% or more in December (MoM)?", "", "2027-01-13"),
        kalshi("Core CPI month-over-month in Dec 2026?", "Above 0.2%", "", "2027-01-13"),
    ),
    (
        polymarket("Retail sales up 0.5% or more in November?", "", "2026-12-16"),
        kalshi("Retail sales growth in Nov 2026?", "At least 0.5%", "", "2026-12-16"),
    ),
    (
        polymarket("Continuing jobless claims above 1.95m for week ending November 28?", "", "2026-12-10"),
        kalshi("Continuing claims week ending Nov 28, 2026?", "Above 1,950,000", "", "2026-12-10"),
    ),
    (
        polymarket("Average US gas price above $3.10 on December 31?", "per AAA", "2026-12-31", "AAA"),
        kalshi(
            "US gas prices on Dec 31, 2026?",
            "Above $3.10",
            "per AAA",
            "2026-12-31",
            "AAA",
            strike="greater",
            floor=3.1,
        ),
    ),
    (
        polymarket("30-year mortgage rate below 6% by January 28?", "Freddie Mac PMMS", "2027-01-28"),
        kalshi("30-year mortgage rate before Jan 29, 2027?", "Below 6%", "Freddie Mac", "2027-01-29"),
    ),
    (
        polymarket(
            "Ethereum above $4,000 on January 1, 12PM ET?",
            "Binance ETH/USDT 1 minute candle",
            "2027-01-01T17:00:00",
            "Binance",
        ),
        kalshi(
            "Ethereum price on Jan 1, 2027 at 12pm EST?",
            "Above $4,000",
            "If Binance ETH/USDT is above 4000 at 12 PM EST",
            "2027-01-01T17:00:00",
            "Binance",
        ),
    ),
    (
        polymarket("Gold (GC) settles above $4,500 on December 31?", "CME settlement", "2026-12-31", "CME"),
        kalshi(
            "Gold price on Dec 31, 2026?",
            "Above $4,500",
            "COMEX gold settle price",
            "2026-12-31",
            "CME Group",
            strike="greater",
            floor=4500,
        ),
    ),
    (
        polymarket("Nasdaq 100 closes above 25,000 on December 31?", "", "2026-12-31"),
        kalshi(
            "Nasdaq-100 close price end of 2026?",
            "Above 25,000",
            "",
            "2026-12-31",
            strike="greater",
            floor=25000,
        ),
    ),
    (
        polymarket("Will Tesla close above $500 on December 31?", "", "2026-12-31"),
        kalshi("TSLA closing price on Dec 31, 2026?", "Above $500", "", "2026-12-31"),
    ),
    (
        polymarket("Will Apple reach a $5 trillion market cap by December 31, 2026?", "", "2026-12-31"),
        kalshi("Apple market cap hits $5 trillion before 2027?", "", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket("Will Trump nominate Kevin Hassett as Fed Chair?", "", "2026-12-31"),
        kalshi("Who will Trump nominate as Fed Chair?", "Kevin Hassett", "", "2026-12-31"),
    ),
    (
        polymarket("Who will be confirmed as Fed Chair?", "", "2027-05-31", sub="Kevin Hassett"),
        kalshi("Next Fed Chair confirmed by the Senate?", "Kevin Hassett", "", "2027-05-31"),
    ),
    (
        polymarket(
            "Pete Hegseth out as Secretary of Defense by December 31?",
            "Yes if Pete Hegseth ceases to be Secretary of Defense for any period",
            "2026-12-31",
        ),
        kalshi("Pete Hegseth leaves as Secretary of Defense before 2027?", "", "", "2027-01-01T05:00:00"),
    ),
    (
        polymarket("Trump impeached by end of 2027?", "", "2027-12-31"),
        kalshi("Will Donald Trump be impeached before 2028?", "", "", "2028-01-01T05:00:00"),
    ),
    (
        polymarket(
            "Will the Conservatives win the most seats in the next UK general election?", "", "2029-08-15"
        ),
        kalshi(
            "Next UK general election winner?",
            "Conservative",
            "If the Conservative Party wins the most seats",
            "2029-09-01",
        ),
    ),
    (
        polymarket("Will Mark Carney be Prime Minister of Canada on December 31, 2026?", "", "2026-12-31"),
        kalshi("Will Mark Carney be Canada's Prime Minister at the end of 2026?", "", "", "2026-12-31"),
    ),
    (
        polymarket("Will Labour win the Scottish Parliament election?", "", "2026-05-07"),
        kalshi("Scottish Parliamentary election winner?", "Labour", "", "2026-06-07"),
    ),
    (
        polymarket(
            "Will Tarcísio de Freitas win the 2026 Brazilian presidential election?", "", "2026-10-04"
        ),
        kalshi(
            "Brazil presidential election winner?",
            "Tarcisio de Freitas",
            "If Tarcisio de Freitas wins the 2026 Brazilian presidential election, then Yes",
            "2027-10-04",
        ),
    ),
    (
        polymarket("Will the Republican Party win the Maine Senate race in 2026?", "", "2026-11-03"),
        kalshi("Maine Senate winner?", "Republicans", "", "2027-11-03"),
    ),
    (
        polymarket("Balance of Power: Democrats sweep, 2026?", "", "2026-11-03", sub="D Senate, D House"),
        kalshi("Balance of power after 2026 midterms?", "D House, D Senate", "", "2027-02-01"),
    ),
    (
        polymarket(
            "Texas Republican Senate Primary Winner: Ken Paxton",
            "",
            "2026-05-26",
            sub="Ken Paxton",
            event="Texas Republican Senate Primary Winner",
        ),
        kalshi(
            "Texas Republican Senate nominee?",
            "Ken Paxton",
            "If Ken Paxton wins the Republican nomination for the Senate in Texas",
            "2026-11-03",
        ),
    ),
    (
        polymarket("Will 'One Battle After Another' win Best Director at the 2027 Oscars?", "", "2027-03-14"),
        kalshi(
            "Oscar for Best Director 2027?",
            "Paul Thomas Anderson for One Battle After Another",
            "",
            "2027-03-30",
        ),
    ),
    (
        polymarket("Will Taylor Swift release an album in 2026?", "", "2026-12-31"),
        kalshi("Taylor Swift new album before 2027?", "", "", "2027-01-01"),
    ),
    (
        polymarket("Will GTA VI be released before 2027?", "", "2026-12-31"),
        kalshi(
            "GTA VI released before 2027?",
            "Before 2027",
            "If Grand Theft Auto VI is released before Jan 1, 2027",
            "2027-01-01",
        ),
    ),
    (
        polymarket("#1 on Spotify on December 15: 'Golden'?", "", "2026-12-15"),
        kalshi("Top song on Spotify on Dec 15, 2026?", "Golden", "", "2026-12-15"),
    ),
    (
        polymarket(
            "Will Avengers: Doomsday have the best domestic opening weekend in 2026?", "", "2026-12-31"
        ),
        kalshi("Biggest opening weekend of 2026?", "Avengers: Doomsday", "domestic", "2027-01-10"),
    ),
    (
        polymarket("Will MrBeast hit 500 million subscribers by December 31?", "", "2026-12-31"),
        kalshi("MrBeast 500 million subscribers before 2027?", "", "", "2027-01-01"),
    ),
    (
        polymarket("Will a Category 5 hurricane make landfall in the US in 2026?", "", "2026-12-31"),
        kalshi("Category 5 hurricane landfall in the US in 2026?", "", "", "2026-12-31"),
    ),
    (
        polymarket(
            "Lowest temperature in Chicago on January 5?",
            "lowest temperature recorded at Chicago Midway per NWS",
            "2027-01-05",
            "NWS",
            "5°F or below",
        ),
        kalshi(
            "Low temp in Chicago on Jan 5, 2027?",
            "5° or below",
            "lowest temperature at Midway per NWS",
            "2027-01-06",
            "NWS",
            strike="less",
            cap=6,
        ),
    ),
    (
        polymarket("Snowfall in NYC in December: 5 inches or more?", "Central Park", "2026-12-31"),
        kalshi("How much snow in NYC in December 2026?", "At least 5 inches", "Central Park", "2027-01-01"),
    ),
    (
        polymarket("Will 2026 be the hottest year on record?", "NASA", "2027-01-10"),
        kalshi("Will 2026 be the warmest year ever?", "", "per NASA", "2027-01-15"),
    ),
    (
        polymarket("UFC 330: Will Ilia Topuria beat Paddy Pimblett?", "", "2027-01-20"),
        kalshi("Topuria vs Pimblett: who wins?", "Ilia Topuria", "", "2027-01-30"),
    ),
    (
        polymarket("UFC 330: Topuria vs. Pimblett", "", "2027-01-20", outs=("Topuria", "Pimblett")),
        kalshi("Ilia Topuria vs Paddy Pimblett fight winner?", "Ilia Topuria", "", "2027-01-30"),
    ),
    (
        polymarket(
            "Alcaraz vs. Sinner",
            "ATP match scheduled for January 31",
            "2027-01-31",
            outs=("Alcaraz", "Sinner"),
        ),
        kalshi("Will Carlos Alcaraz win the Alcaraz vs Sinner match?", "Carlos Alcaraz", "", "2027-02-10"),
    ),
    (
        polymarket(
            "Maple Leafs vs. Canadiens",
            "NHL game scheduled for December 20",
            "2026-12-21",
            outs=("Maple Leafs", "Canadiens"),
        ),
        kalshi(
            "Toronto at Montreal Winner?", "Toronto", "originally scheduled for Dec 20, 2026", "2027-01-03"
        ),
    ),
    (
        polymarket("Man United vs. Liverpool: Man United to win?", "", "2026-12-20", sub="Manchester United"),
        kalshi("Manchester United vs Liverpool Winner?", "Manchester United", "", "2027-01-03"),
    ),
    (
        polymarket(
            "Knicks vs. Bucks: 1H Moneyline",
            "",
            "2026-12-10",
            event="Knicks vs. Bucks",
            outs=("Knicks", "Bucks"),
        ),
        kalshi("New York at Milwaukee: First Half Winner?", "New York", "", "2026-12-24"),
    ),
    (
        polymarket("Over 2.5 goals in Arsenal vs. Chelsea?", "", "2026-12-20", event="Arsenal vs. Chelsea"),
        kalshi(
            "Arsenal vs Chelsea: Total Goals",
            "Over 2.5 goals scored",
            "",
            "2027-01-03",
            strike="greater",
            floor=2.5,
        ),
    ),
    (
        polymarket("Will Iran and the US hold direct talks by January 31, 2027?", "", "2027-01-31"),
        kalshi("US-Iran direct talks before Feb 2027?", "Before Feb 1, 2027", "", "2027-02-01"),
    ),
    (
        polymarket("Will Maduro be out as President of Venezuela by June 30, 2027?", "", "2027-06-30"),
        kalshi(
            "Maduro out before Jul 2027?",
            "",
            "If Nicolás Maduro is no longer President of Venezuela before Jul 1, 2027",
            "2027-07-01",
        ),
    ),
    (
        polymarket("NATO country leaves by 2028?", "", "2027-12-31"),
        kalshi("Will any country leave NATO before 2028?", "", "", "2028-01-01"),
    ),
    (
        polymarket("Supreme Court vacancy in 2026?", "", "2026-12-31"),
        kalshi("Will a Supreme Court justice leave in 2026?", "", "", "2026-12-31"),
    ),
    (
        polymarket("OpenAI IPO by December 31, 2027?", "", "2027-12-31"),
        kalshi(
            "OpenAI IPO before 2028?", "OpenAI", "If OpenAI completes an IPO before Jan 1, 2028", "2028-01-01"
        ),
    ),
    (
        polymarket("Anthropic valued at $500b or more by December 31?", "", "2026-12-31"),
        kalshi("Anthropic valuation before 2027?", "At least $500 billion", "", "2027-01-01"),
    ),
    (
        polymarket("How many Fed rate cuts in 2026?", "", "2026-12-31", sub="3 (75 bps)"),
        kalshi("Number of Fed rate cuts in 2026?", "Exactly 3 cuts", "", "2026-12-31"),
    ),
    (
        polymarket("Will Elon Musk's net worth be above $500b on December 31?", "Bloomberg", "2026-12-31"),
        kalshi("Elon Musk net worth at end of 2026?", "Above $500 billion", "Bloomberg", "2026-12-31"),
    ),
    (
        polymarket("TSA passengers on November 29: more than 3,000,000?", "", "2026-11-30"),
        kalshi(
            "TSA check-ins on Nov 29, 2026?",
            "Above 3 million",
            "",
            "2026-11-30",
            strike="greater",
            floor=3000000,
        ),
    ),
    (
        polymarket("Flu hospitalizations above 10,000 for week ending January 9?", "CDC", "2027-01-15"),
        kalshi(
            "Weekly flu hospitalizations, week ending Jan 9, 2027?", "More than 10,000", "CDC", "2027-01-15"
        ),
    ),
    (
        polymarket("US unemployment rate for November: 4.5%", "", "2026-12-04", sub="4.5%"),
        kalshi("Unemployment rate in November 2026?", "Exactly 4.5%", "", "2026-12-04"),
    ),
    (
        polymarket("Government shutdown ends by February 10?", "", "2027-02-10"),
        kalshi("Will the government shutdown end before Feb 11, 2027?", "", "", "2027-02-11"),
    ),
    (
        polymarket(
            "RBA cuts cash rate in February?",
            "Yes if the Reserve Bank of Australia lowers the cash rate target on 17 February 2027.",
            "2027-02-17",
        ),
        kalshi("Reserve Bank of Australia decision in February 2027?", "Cut", "", "2027-02-17"),
    ),
    (
        polymarket("UK CPI above 3.0% for December?", "ONS annual CPI for December 2026", "2027-01-20"),
        kalshi(
            "UK inflation in Dec 2026?",
            "More than 3.0%",
            "If UK annual CPI for December 2026 is more than 3.0% per the ONS",
            "2027-01-20",
        ),
    ),
    (
        polymarket("Will Eurozone inflation be 2.1% or higher in January 2027?", "", "2027-02-03"),
        kalshi("Eurozone HICP inflation January 2027?", "Above 2.0%", "", "2027-02-03"),
    ),
    (
        polymarket("ISM Manufacturing PMI at 50 or above for December?", "", "2027-01-04"),
        kalshi("ISM Manufacturing PMI in Dec 2026?", "Above 49.9", "", "2027-01-04"),
    ),
    (
        polymarket(
            "Natural gas above $4 on January 29?", "NYMEX front-month settlement", "2027-01-29", "NYMEX"
        ),
        kalshi(
            "Natural gas price on Jan 29, 2027?",
            "Above $4.00",
            "front-month Henry Hub settle price",
            "2027-01-29",
            "CME",
        ),
    ),
    (
        polymarket(
            "Will Dogecoin reach $1 by June 30, 2027?",
            "any Binance DOGE/USDT candle",
            "2027-06-30",
            "Binance",
        ),
        kalshi(
            "How high will Dogecoin get before Jul 2027?",
            "$1 or above",
            "DOGE on Binance",
            "2027-07-01",
            "Binance",
        ),
    ),
    (
        polymarket("Will the Dallas Cowboys make the playoffs?", "2026-27 NFL season", "2027-01-11"),
        kalshi(
            "Will Dallas make the playoffs?",
            "Dallas",
            "If Dallas qualifies for the 2027 Pro Football playoffs",
            "2027-01-12",
        ),
    ),
    (
        polymarket("Will the Los Angeles Dodgers win the 2027 NLCS?", "", "2027-10-25"),
        kalshi("National League Champion 2027?", "Los Angeles D", "", "2027-11-01"),
    ),
    (
        polymarket("Will Inter win the 2026-27 Serie A?", "", "2027-05-30"),
        kalshi("Serie A Winner 2027?", "Inter Milan", "", "2027-06-15"),
    ),
    (
        polymarket("Will Kylian Mbappé be the top scorer of the 2026-27 La Liga?", "", "2027-05-30"),
        kalshi("La Liga top goalscorer 2026-27?", "Kylian Mbappe", "", "2027-06-15"),
    ),
    (
        polymarket("Will Argentina reach the 2027 Copa America final?", "", "2027-07-12"),
        kalshi(
            "Copa America finalists 2027?",
            "Argentina",
            "If Argentina reach the 2027 Copa America final",
            "2027-07-20",
        ),
    ),
    (
        polymarket(
            "Duke vs. North Carolina",
            "College basketball game scheduled for February 6",
            "2027-02-07",
            outs=("Duke", "North Carolina"),
        ),
        kalshi(
            "Duke at North Carolina Winner?", "Duke", "originally scheduled for Feb 6, 2027", "2027-02-20"
        ),
    ),
    (
        polymarket("Will Noah Wyle win Lead Actor in a Drama Series at the 2027 Emmys?", "", "2027-09-20"),
        kalshi("Emmy for Lead Actor in a Drama 2027?", "Noah Wyle", "", "2027-09-30"),
    ),
    (
        polymarket("Will Jannik Sinner win Wimbledon 2027?", "", "2027-07-12"),
        kalshi("Men's Wimbledon winner 2027?", "Jannik Sinner", "", "2027-07-20"),
    ),
    (
        polymarket("Will AfD win the most seats in the 2029 German federal election?", "", "2029-03-30"),
        kalshi(
            "German federal election winner 2029?",
            "AfD",
            "If AfD wins the most seats in the Bundestag",
            "2029-04-30",
        ),
    ),
    (
        polymarket("Will Jordan Bardella win the 2027 French presidential election?", "", "2027-04-25"),
        kalshi(
            "Next French President?",
            "Jordan Bardella",
            "If Jordan Bardella wins the 2027 French presidential election",
            "2027-05-25",
        ),
    ),
    (
        polymarket("Will Susan Collins win re-election in Maine?", "", "2026-11-03"),
        kalshi("Maine Senate race winner?", "Susan Collins", "", "2027-11-03"),
    ),
    (
        polymarket("Will Eric Adams be pardoned by Trump before 2027?", "", "2026-12-31"),
        kalshi("Who will Trump pardon before Jan 2027?", "Eric Adams", "", "2027-01-01"),
    ),
    (
        polymarket("Israel x Hamas ceasefire holds through December 31?", "", "2026-12-31"),
        kalshi("Will the Israel-Hamas ceasefire last through Dec 31, 2026?", "", "", "2027-01-01"),
    ),
    (
        polymarket("Will Zelenskyy and Putin meet by March 31, 2027?", "", "2027-03-31"),
        kalshi("Putin-Zelenskyy meeting before Apr 2027?", "Before Apr 1, 2027", "", "2027-04-01"),
    ),
    (
        polymarket("Will Congress pass a budget by January 30, 2027?", "", "2027-01-30"),
        kalshi("Budget passed by Congress before Jan 31, 2027?", "", "", "2027-01-31"),
    ),
    (
        polymarket("US confirms aliens exist before 2027?", "", "2026-12-31"),
        kalshi("Will the US confirm that aliens exist before 2027?", "", "", "2027-01-01"),
    ),
    (
        polymarket("Will Netflix report more than 330m paid memberships for Q4?", "", "2027-01-21"),
        kalshi("Netflix subscribers in Q4 2026?", "Above 330 million", "", "2027-01-21"),
    ),
    (
        polymarket("Will Nvidia's Q4 revenue be above $80 billion?", "", "2027-02-25"),
        kalshi(
            "NVIDIA revenue in Q4 FY2027?",
            "Above $80 billion",
            "",
            "2027-02-25",
            strike="greater",
            floor=80000000000,
        ),
    ),
    (
        polymarket("SpaceX Starship Flight 14 launch by January 31?", "", "2027-01-31"),
        kalshi("Starship flight 14 before Feb 2027?", "Before Feb 1, 2027", "", "2027-02-01"),
    ),
    (
        polymarket("Apple foldable iPhone released by June 30, 2027?", "", "2027-06-30"),
        kalshi("Will Apple release a foldable iPhone before Jul 2027?", "", "", "2027-07-01"),
    ),
    (
        polymarket("Will 'Dune: Part Three' score 90 or higher on Rotten Tomatoes?", "", "2026-12-20"),
        kalshi("'Dune: Part Three' Rotten Tomatoes score?", "At least 90", "", "2026-12-22"),
    ),
    (
        polymarket(
            "Highest temperature in Miami on January 10?",
            "Miami International Airport per NWS",
            "2027-01-10",
            "NWS",
            "80°F or higher",
        ),
        kalshi(
            "High temp in Miami on Jan 10, 2027?",
            "80° or above",
            "Miami International Airport per NWS",
            "2027-01-11",
            "NWS",
            strike="greater",
            floor=79,
        ),
    ),
    (
        polymarket("Magnitude 8+ earthquake before 2027?", "", "2026-12-31"),
        kalshi("Earthquake of magnitude 8.0 or above before 2027?", "", "", "2027-01-01"),
    ),
    (
        polymarket("Time Person of the Year 2026: Pope Leo?", "", "2026-12-10"),
        kalshi("Time Person of the Year 2026?", "Pope Leo XIV", "", "2026-12-15"),
    ),
    (
        polymarket("Trump approval above 40% on January 20?", "Silver Bulletin", "2027-01-20"),
        kalshi("Trump approval rating on Jan 20, 2027?", "Above 40.0%", "Silver Bulletin", "2027-01-20"),
    ),
    (
        polymarket('Will Powell say "recession" at his December press conference?', "", "2026-12-09"),
        kalshi("What will Powell say during his December press conference?", "Recession", "", "2026-12-09"),
    ),
]

# (Polymarket, Kalshi, what differs)
NEAR_MISSES = [
    (
        polymarket(
            "Will Bitcoin be above $100,000 on December 31?",
            "close of Binance BTC/USDT 1 minute candle 12:00 ET",
            "2026-12-31",
        ),
        kalshi(
            "Bitcoin price on Dec 31, 2026?",
            "$100,000 or above",
            "CF Benchmarks BRTI average at 5 PM EST",
            "2026-12-31",
            strike="greater",
            floor=99999.99,
        ),
        "index/exchange",
    ),
    (
        polymarket("Fed decreases interest rates by 25 bps after December 2026 meeting?", "", "2026-12-09"),
        kalshi(
            "Will the Federal Reserve Cut rates by 25bps at their January 2027 meeting?",
            "Cut 25bps",
            "",
            "2027-01-27",
        ),
        "meeting",
    ),
    (
        polymarket("Fed decreases interest rates by 25 bps after December 2026 meeting?", "", "2026-12-09"),
        kalshi(
            "Will the Federal Reserve Hike rates by 25bps at their December 2026 meeting?",
            "Hike 25bps",
            "",
            "2026-12-09",
        ),
        "cut/hike",
    ),
    (
        polymarket("Fed decreases interest rates by 25 bps after December 2026 meeting?", "", "2026-12-09"),
        kalshi("Will the Federal Reserve Cut rates at their December 2026 meeting?", "Cut", "", "2026-12-09"),
        "25bps v any",
    ),
    (
        polymarket("Will annual inflation increase by 2.9% in November?", "", "2026-12-10"),
        kalshi(
            "CPI year-over-year in Nov 2026?", "Above 2.9%", "", "2026-12-10", strike="greater", floor=2.9
        ),
        "bucket",
    ),
    (
        polymarket("Will annual core inflation increase by 2.9% or more in November?", "", "2026-12-10"),
        kalshi(
            "CPI year-over-year in Nov 2026?", "Above 2.8%", "", "2026-12-10", strike="greater", floor=2.8
        ),
        "core",
    ),
    (
        polymarket("Will monthly inflation increase by 0.3% or more in November?", "", "2026-12-10"),
        kalshi(
            "CPI year-over-year in Nov 2026?", "Above 0.2%", "", "2026-12-10", strike="greater", floor=0.2
        ),
        "basis",
    ),
    (
        polymarket("Will Gavin Newsom win the 2028 Democratic presidential nomination?", "", "2028-11-07"),
        kalshi("Who will win the next presidential election?", "Gavin Newsom", "", "2029-11-07"),
        "nominee/winner",
    ),
    (
        polymarket("Will Gavin Newsom win the 2028 Democratic presidential nomination?", "", "2028-11-07"),
        kalshi(
            "Who will run for the Democratic presidential nomination in 2028?",
            "Gavin Newsom",
            "If Gavin Newsom announces a run",
            "2028-11-07",
        ),
        "run",
    ),
    (
        polymarket("Will the Republicans win the Texas Senate race in 2026?", "", "2026-11-03"),
        kalshi("Texas Governor race?", "Republican", "", "2027-11-03"),
        "office",
    ),
    (
        polymarket("Will the Republicans win the Texas Senate race in 2026?", "", "2026-11-03"),
        kalshi("Texas Senate race?", "Democratic", "", "2027-11-03"),
        "party",
    ),
    (
        polymarket("Will the Republicans win the Georgia Senate race in 2026?", "", "2026-11-03"),
        kalshi("Texas Senate race?", "Republican", "", "2027-11-03"),
        "state",
    ),
    (
        polymarket(
            "Lakers vs. Celtics",
            "NBA game, scheduled for December 25 at 8:00PM ET",
            "2026-12-26T01:00:00",
            outs=("Lakers", "Celtics"),
        ),
        kalshi(
            "Los Angeles L at Boston Winner?",
            "Boston",
            "originally scheduled for Dec 25, 2026, then Yes.",
            "2027-01-09",
        ),
        "other side",
    ),
    (
        polymarket(
            "Lakers vs. Celtics",
            "NBA game, scheduled for December 25 at 8:00PM ET",
            "2026-12-26T01:00:00",
            outs=("Lakers", "Celtics"),
        ),
        kalshi(
            "Los Angeles C at Boston Winner?",
            "Los Angeles C",
            "originally scheduled for Dec 25, 2026, then Yes.",
            "2027-01-09",
        ),
        "clippers",
    ),
    (
        polymarket(
            "Lakers vs. Celtics",
            "NBA game, scheduled for December 25 at 8:00PM ET",
            "2026-12-26T01:00:00",
            outs=("Lakers", "Celtics"),
        ),
        kalshi(
            "Los Angeles L at Boston: First Half Winner?",
            "Los Angeles L",
            "originally scheduled for Dec 25, 2026, then Yes.",
            "2027-01-09",
        ),
        "half",
    ),
    (
        polymarket("Lakers vs. Celtics: O/U 224.5", "", "2026-12-26T01:00:00", outs=("Over", "Under")),
        kalshi(
            "Los Angeles L at Boston: Total Points",
            "Over 225.5 points scored",
            "",
            "2027-01-09",
            strike="greater",
            floor=225.5,
        ),
        "line",
    ),
    (
        polymarket(
            "Spread: Lakers (-3.5)",
            "",
            "2026-12-26T01:00:00",
            event="Lakers vs. Celtics",
            outs=("Lakers", "Celtics"),
        ),
        kalshi("Los Angeles L at Boston Winner?", "Los Angeles L", "", "2027-01-09"),
        "spread",
    ),
    (
        polymarket("Will the New York Mets win the 2027 World Series?", "", "2027-11-01"),
        kalshi("Pro Baseball Champion in 2027?", "New York Y", "", "2027-11-30"),
        "yankees",
    ),
    (
        polymarket("Will the New York Mets win the 2027 World Series?", "", "2027-11-01"),
        kalshi("National League Champion in 2027?", "New York M", "", "2027-11-30"),
        "NL",
    ),
    (
        polymarket("Will the New York Mets win the 2027 World Series?", "", "2027-11-01"),
        kalshi("Pro Baseball Champion in 2026?", "New York M", "", "2026-11-30"),
        "year",
    ),
    (
        polymarket(
            "Highest temperature in NYC on December 5?",
            "recorded at LaGuardia Airport Station in degrees Fahrenheit per Wunderground",
            "2026-12-05",
            "Wunderground KLGA",
            "42-43°F",
        ),
        kalshi(
            "Will the high temp in NYC be 42-43° on Dec 5, 2026?",
            "42° to 43°",
            "highest temperature recorded in Central Park, New York per National Weather Service",
            "2026-12-06",
            "NWS",
            strike="between",
            floor=42,
            cap=43,
        ),
        "station",
    ),
    (
        polymarket("Highest temperature in NYC on December 5?", "", "2026-12-05", "", "42-43°F"),
        kalshi(
            "Will the high temp in NYC be 42-43° on Dec 6, 2026?",
            "42° to 43°",
            "",
            "2026-12-07",
            "NWS",
            strike="between",
            floor=42,
            cap=43,
        ),
        "day",
    ),
    (
        polymarket("Highest temperature in NYC on December 5?", "", "2026-12-05", "", "42-43°F"),
        kalshi(
            "Will the high temp in NYC be >43° on Dec 5, 2026?",
            "44° or above",
            "",
            "2026-12-07",
            "NWS",
            strike="greater",
            floor=43,
        ),
        "bucket",
    ),
    (
        polymarket("Highest temperature in Denver on December 5?", "", "2026-12-05", "", "42-43°F"),
        kalshi(
            "Will the high temp in Austin be 42-43° on Dec 5, 2026?",
            "42° to 43°",
            "",
            "2026-12-06",
            "NWS",
            strike="between",
            floor=42,
            cap=43,
        ),
        "city",
    ),
    (
        polymarket("Kash Patel out as FBI Director by December 31, 2026?", "", "2026-12-31"),
        kalshi("Who will be the next to leave the Trump cabinet?", "Kash Patel", "", "2029-01-20"),
        "race",
    ),
    (
        polymarket("Kash Patel out as FBI Director by December 31, 2026?", "", "2026-12-31"),
        kalshi(
            "Will Kash Patel announce he is leaving as FBI Director before 2027?",
            "Before 2027",
            "",
            "2027-01-01T05:00:00",
        ),
        "announce",
    ),
    (
        polymarket("Kash Patel out as FBI Director by June 30, 2026?", "", "2026-06-30"),
        kalshi(
            "Will Kash Patel leave as FBI Director before 2027?", "Before 2027", "", "2027-01-01T05:00:00"
        ),
        "deadline",
    ),
    (
        polymarket("Will Anthropic not IPO by December 31, 2026?", "", "2026-12-31"),
        kalshi("Which companies will IPO in 2026?", "Anthropic", "", "2027-01-01T05:00:00"),
        "negation",
    ),
    (
        polymarket(
            "Will Elon Musk post 400-419 tweets from December 1 to December 8, 2026?", "", "2026-12-08"
        ),
        kalshi(
            "How many tweets will Elon Musk post from Dec 8 to Dec 15, 2026?",
            "400-419",
            "",
            "2026-12-15",
            strike="between",
            floor=400,
            cap=419,
        ),
        "week",
    ),
    (
        polymarket("Russia x Ukraine ceasefire by December 31, 2026?", "", "2026-12-31"),
        kalshi("Will Putin and Zelenskyy meet before 2027?", "", "", "2027-01-01T05:00:00"),
        "action",
    ),
    (
        polymarket("Will Bitcoin reach $150,000 by December 31, 2026?", "Binance", "2026-12-31"),
        kalshi(
            "Bitcoin price at the end of 2026?",
            "$150,000 or above",
            "Binance",
            "2027-01-01T04:59:00",
            strike="greater_or_equal",
            floor=150000,
        ),
        "touch",
    ),
    (
        polymarket("Will Bitcoin reach $150,000 by December 31, 2026?", "Binance", "2026-12-31"),
        kalshi(
            "How high will Ethereum get in 2026?",
            "$150,000 or above",
            "",
            "2027-01-01T04:59:00",
            strike="greater_or_equal",
            floor=150000,
        ),
        "asset",
    ),
    (
        polymarket("Will Viktor Orbán be the next Prime Minister of Hungary?", "", "2030-04-30"),
        kalshi("Next Prime Minister of Hungary?", "Péter Magyar", "", "2030-06-01"),
        "person",
    ),
    (
        polymarket("Will Taylor Swift win Album of the Year at the 2027 Grammys?", "", "2027-02-07"),
        kalshi("Grammy for Record of the Year 2027?", "Taylor Swift", "", "2027-02-20"),
        "award",
    ),
    (
        polymarket("Will Tesla deliver between 450k and 475k vehicles in Q4 2026?", "", "2027-01-02"),
        kalshi(
            "Tesla deliveries in Q3 2026?",
            "450,000 to 475,000",
            "",
            "2026-10-02",
            strike="between",
            floor=450000,
            cap=475000,
        ),
        "quarter",
    ),
    (
        polymarket("Will WTI Crude Oil (WTI) hit (HIGH) $90 in December?", "", "2026-12-31"),
        kalshi(
            "How low will WTI oil get in December 2026?",
            "$90 or below",
            "",
            "2026-12-31",
            strike="less_or_equal",
            cap=90,
        ),
        "high/low",
    ),
    (
        polymarket("Will OpenAI release GPT-6 by December 31?", "", "2026-12-31"),
        kalshi("When will OpenAI release GPT-7?", "Before Jan 1, 2027", "", "2027-01-01T05:00:00"),
        "gpt7",
    ),
    (
        polymarket("Will Shai Gilgeous-Alexander win the 2026–2027 NBA MVP?", "", "2027-06-10"),
        kalshi("Pro Basketball Finals MVP winner?", "Shai Gilgeous-Alexander", "2026-27", "2027-06-30"),
        "finals mvp",
    ),
    (
        polymarket("Will Arsenal FC win on 2026-12-20?", "EPL game", "2026-12-20"),
        kalshi("English Premier League Winner 2027?", "Arsenal", "", "2027-06-10"),
        "game v season",
    ),
    (
        polymarket(
            "Real Madrid vs. Barcelona: Will it end in a draw?",
            "",
            "2026-12-20",
            event="Real Madrid vs. Barcelona",
        ),
        kalshi("Real Madrid vs Barcelona Winner?", "Barcelona", "", "2027-01-03"),
        "draw",
    ),
    (
        polymarket("Will Trump pardon Ghislaine Maxwell by December 31, 2026?", "", "2026-12-31"),
        kalshi("Who will Trump pardon before 2027?", "Sam Bankman-Fried", "", "2027-01-01T04:59:00"),
        "person",
    ),
    (
        polymarket("Will Trump meet with Putin by December 31, 2026?", "", "2026-12-31"),
        kalshi("Will Trump meet with Xi Jinping before 2027?", "", "", "2027-01-01T04:59:00"),
        "person",
    ),
    (
        polymarket("What price will Gold hit in December?", "", "2026-12-31", sub="↑ $4,500"),
        kalshi("Gold price on Dec 31, 2026?", "Above $4,500", "", "2026-12-31", strike="greater", floor=4500),
        "touch",
    ),
    (
        polymarket("Will the Fed cut rates by 11:59 PM ET on March 31, 2027?", "", "2027-03-31"),
        kalshi("Will the Fed cut rates by 11:59 PM PT on March 31, 2027?", "", "", "2027-03-31"),
        "zone",
    ),
    (
        polymarket("Will Netflix close above $1,200 on December 31?", "", "2026-12-31"),
        kalshi("Netflix || Count || on Dec 31?", "Above $1,200", "", "2026-12-31"),
        "placeholder",
    ),
    (
        polymarket("Will Bitcoin dominance be above 60% on December 31?", "", "2026-12-31"),
        kalshi("Bitcoin price on Dec 31, 2026?", "$60,000 or above", "", "2026-12-31"),
        "measure",
    ),
    (
        polymarket("Will Amazon acquire EA by December 31, 2026?", "", "2026-12-31"),
        kalshi("Will Amazon acquire Peloton before 2027?", "", "", "2027-01-01T05:00:00"),
        "target",
    ),
    (
        polymarket("Will Spain win Group H in the 2030 FIFA World Cup?", "", "2030-07-01"),
        kalshi("World Cup Winner 2030?", "Spain", "", "2030-07-20"),
        "stage",
    ),
    (
        polymarket("Will Rick Scott be re-elected?", "", "2030-11-05"),
        kalshi("Will Rick Scott lose re-election?", "", "", "2030-11-05"),
        "negation",
    ),
    (
        polymarket(
            "Ethereum Up or Down on December 5?", "Binance ETH/USDT", "2026-12-05", outs=("Up", "Down")
        ),
        kalshi(
            "Ethereum price on Dec 5, 2026?",
            "$4,000 or above",
            "",
            "2026-12-05",
            strike="greater",
            floor=3999.99,
        ),
        "lone",
    ),
    (
        polymarket("RBA cuts cash rate in February?", "", "2027-02-17"),
        kalshi("Reserve Bank of Australia decision in February 2027?", "Hold", "", "2027-02-17"),
        "second list",
    ),
    (
        polymarket("RBA cuts cash rate in February?", "", "2027-02-17"),
        kalshi("Reserve Bank of New Zealand decision in February 2027?", "Cut", "", "2027-02-17"),
        "second list",
    ),
    (
        polymarket("UK CPI above 3.0% for December?", "", "2027-01-20"),
        kalshi("UK core CPI in Dec 2026?", "More than 3.0%", "", "2027-01-20"),
        "second list",
    ),
    (
        polymarket("UK CPI above 3.0% for December?", "", "2027-01-20"),
        kalshi("US CPI in Dec 2026?", "More than 3.0%", "", "2027-01-20"),
        "second list",
    ),
    (
        polymarket("ISM Manufacturing PMI at 50 or above for December?", "", "2027-01-04"),
        kalshi("ISM Services PMI in Dec 2026?", "Above 49.9", "", "2027-01-04"),
        "second list",
    ),
    (
        polymarket("Natural gas above $4 on January 29?", "", "2027-01-29"),
        kalshi(
            "Natural gas high in January 2027?",
            "Above $4.00",
            "If front-month trades above 4 at any time",
            "2027-01-29",
        ),
        "second list",
    ),
    (
        polymarket("Will the Dallas Cowboys make the playoffs?", "", "2027-01-11"),
        kalshi("NFC East winner?", "Dallas", "", "2027-01-12"),
        "second list",
    ),
    (
        polymarket("Will Inter win the 2026-27 Serie A?", "", "2027-05-30"),
        kalshi("Serie A Winner 2027?", "AC Milan", "", "2027-06-15"),
        "second list",
    ),
    (
        polymarket("Will Argentina reach the 2027 Copa America final?", "", "2027-07-12"),
        kalshi("Copa America winner 2027?", "Argentina", "", "2027-07-20"),
        "second list",
    ),
    (
        polymarket("Will Noah Wyle win Lead Actor in a Drama Series at the 2027 Emmys?", "", "2027-09-20"),
        kalshi("Emmy for Supporting Actor in a Drama 2027?", "Noah Wyle", "", "2027-09-30"),
        "second list",
    ),
    (
        polymarket("Will Noah Wyle win Lead Actor in a Drama Series at the 2027 Emmys?", "", "2027-09-20"),
        kalshi(
            "Emmy nominations for Lead Actor in a Drama 2027?",
            "Noah Wyle",
            "If Noah Wyle is nominated",
            "2027-07-30",
        ),
        "second list",
    ),
    (
        polymarket("Will AfD win the most seats in the 2029 German federal election?", "", "2029-03-30"),
        kalshi("Next Chancellor of Germany?", "Alice Weidel", "", "2029-04-30"),
        "second list",
    ),
    (
        polymarket("Will AfD win the most seats in the 2029 German federal election?", "", "2029-03-30"),
        kalshi("German federal election: AfD vote share?", "Above 25%", "", "2029-04-30"),
        "second list",
    ),
    (
        polymarket("Will Jordan Bardella win the 2027 French presidential election?", "", "2027-04-25"),
        kalshi("Who will advance to the French presidential runoff?", "Jordan Bardella", "", "2027-05-25"),
        "second list",
    ),
    (
        polymarket("Israel x Hamas ceasefire holds through December 31?", "", "2026-12-31"),
        kalshi("Will the Israel-Hamas ceasefire end before 2027?", "", "", "2027-01-01"),
        "second list",
    ),
    (
        polymarket("Will Zelenskyy and Putin meet by March 31, 2027?", "", "2027-03-31"),
        kalshi("Trump-Putin meeting before Apr 2027?", "Before Apr 1, 2027", "", "2027-04-01"),
        "second list",
    ),
    (
        polymarket("Will Netflix report more than 330m paid memberships for Q4?", "", "2027-01-21"),
        kalshi("Netflix subscribers in Q3 2026?", "Above 330 million", "", "2026-10-21"),
        "second list",
    ),
    (
        polymarket("SpaceX Starship Flight 14 launch by January 31?", "", "2027-01-31"),
        kalshi("Starship flight 15 before Feb 2027?", "Before Feb 1, 2027", "", "2027-02-01"),
        "second list",
    ),
    (
        polymarket(
            "Highest temperature in Miami on January 10?",
            "Miami International Airport",
            "2027-01-10",
            "Wunderground",
            "80°F or higher",
        ),
        kalshi(
            "High temp in Miami on Jan 10, 2027?",
            "80° or above",
            "Miami International Airport per NWS",
            "2027-01-11",
            "NWS",
            strike="greater",
            floor=79,
        ),
        "second list",
    ),
    (
        polymarket("Magnitude 8+ earthquake before 2027?", "", "2026-12-31"),
        kalshi("Earthquake of magnitude 7.0 or above before 2027?", "", "", "2027-01-01"),
        "second list",
    ),
    (
        polymarket("Trump approval above 40% on January 20?", "", "2027-01-20"),
        kalshi("Trump approval rating on Jan 20, 2027?", "40.0% to 40.4%", "", "2027-01-20"),
        "second list",
    ),
    (
        polymarket('Will Powell say "recession" at his December press conference?', "", "2026-12-09"),
        kalshi("What will Powell say during his December press conference?", "Stagflation", "", "2026-12-09"),
        "second list",
    ),
    (
        polymarket('Will Powell say "recession" at his December press conference?', "", "2026-12-09"),
        kalshi("What will Powell say during his January press conference?", "Recession", "", "2027-01-27"),
        "second list",
    ),
    (
        polymarket("Apple foldable iPhone released by June 30, 2027?", "", "2027-06-30"),
        kalshi("Will Apple announce a foldable iPhone before Jul 2027?", "", "", "2027-07-01"),
        "second list",
    ),
    (
        polymarket("Will Congress pass a budget by January 30, 2027?", "", "2027-01-30"),
        kalshi("Government shutdown before Jan 31, 2027?", "", "", "2027-01-31"),
        "second list",
    ),
]
