"""Words in a market's text that talk to a reader of ours instead of about an event.

Rules of real markets speak of events and sources. They do not speak of answers, prompts or
comparisons, hold no markup, and are plain English in Latin letters: of 3,500 real texts these checks
find fault with about one in a hundred, and a person looks at those. They do not understand
anything; a hostile sentence in the register of real rules passes, and is the hard rules' business.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final

# Words that have no business in a market's rules, by what they would be there for.
_JUDGING: Final = (
    r"(?:say|report|stat|claim|conclud|choos|select|classify|mark|rat|scor|label|treat|set|giv|tell|rank|approv|accept|confirm|"
    r"validat|assum|consider|regard|record|count|find|pick)(?:e|es|s|ing|ed|ting)?"
)
_OBJECTS: Final = (
    r"(?:pairs?|(?:two |other )?markets?|contracts?|listings?|match(?:es|ing)?|candidates?|identity|identical|equivalen(?:t|ce)|equal|"
    r"same|one|similarity|booleans?|fields?|maximal|maximum|highest)"
)
_BETWEEN: Final = r"(?:that |it |them |this |these |those |the |all |every |each |any |both |full |as |always |a |an |to ){0,3}"
_COMMANDS: Final = (
    r"ignor(?:e|ing)\b(?! (?:by|if))|disregard\w*|overrid\w+|overrule\w*|forget\w*|pretend\w*|instruct\w*|"
    r"respond\w*|repl(?:y|ies)\b|answer\w*|outputs?\b|prompts?\b|repeat after|"
    r"(?:stop|keep|start|continue) (?:reading|comparing|writing)|do not (?:mention|say|tell|report|compare)|"
    rf"(?:{_JUDGING} )(?:it |them )?as (?:one|equal|equivalent|identical|the same|a match)\b|"
    rf"(?:approv|accept|confirm|validat|classify|rat|scor|label|rank|mark)(?:e|es|s|ing|ed)? {_BETWEEN}{_OBJECTS}\b|"
    r"(?:conclude|report|say|state|claim|answer|choose|select|give|assume|set|score|rate) "
    r"(?:that |the |a |full |always |it |them |every |all |this )*"
    r"(?:both|these|they|pair|match|identity|identical|equivalen(?:t|ce)|equal\b|similarity|boolean|maximal|maximum score|highest score|same\b|one\b|1\.0|0\.9\d*)"
)
_MACHINE: Final = r"(?:ai|llm|chat ?bot|language model|bot|machine|model|algorithm|agent)s?"
_AUDIENCE: Final = (
    r"assistants?|classifiers?|reviewers?|evaluators?|validators?|annotators?|(?:the|any|every|a|dear) readers?|"
    r"json|booleans?|debug mode|developer mode|jailbreak\w*|system (?:prompt|notice|message)|"
    rf"(?:by|to|for) (?:a |an |any |the )?(?:large )?(?:language )?{_MACHINE},? (?:it|they|that|which|should|must|reading)\b|"
    rf"(?:dear|hey|hello|attention),? {_MACHINE}|{_MACHINE} (?:reading|processing|evaluating|comparing|judging) (?:this|it|these)|"
    r"note to\b|(?:operator|developer|admin\w*|moderator|editor(?:'s|ial)?) (?:note|message|notice)|\[ ?admin\w* ?\]|important\b|attention\b"
)
_COMPARISON: Final = (
    r"similarit\w+|identity\b|equivalen(?:t|ce|tly) (?:to (?:the|its|that|this|any|kalshi|polymarket)|contract|market|listing)|field.match\w*|"
    r"orientation|verdicts?|acceptance|counterparts?|cross-list\w*|comparisons?|when comparing|compare\b|"
    r"match(?:es|ed)? (?:exactly|perfectly|in all)|verified match|as a match\b|"
    r"both (?:markets?|contracts?|listings?|sides pay|venues?|texts?)|"
    r"(?:the|these|those|this|that) (?:two|pair|other) (?:of )?(?:markets?|contracts?|listings?|venues?|exchanges?|platforms?|bets?)|"
    r"(?:this|every|each|all|any) pairs?\b|any other (?:contract|market|listing)|"
    r"(?:the )?same (?:bet|contract|market|listing|thing|instrument)\b|one and the same|always pay\w*|pay alike|settles? (?:exactly )?(?:like|as) its|"
    r"identical (?:to|in|contracts?|markets?|listings?)\b|(?:are|is|be|as|deemed|fully|always|choose) identical\b|no (?:differences?|objections?)|"
    r"accept(?:s|ing|ed)? (?:the pair|this|every|all (?:pairs|candidates)|any pair|both)\b|[.,;:(-] ?accept(?:ed)?\b(?! by)|and accept\b|^ ?accept(?:ed)?\b"
)
_JUDGEMENT: Final = (
    r"pairings?\b|duplicat\w+|interchangeabl\w+|discrepanc\w+|confidence\b|grad(?:er|ers|ing)\b|analysts?\b|guidelines?\b|lenien\w+|"
    r"bypass\w*|supersed\w+|robots?\b|kindly\b|typograph\w+|(?:treated|regarded|read|interpreted|understood) as\b|interpret\w*|"
    r"fungible with|mirrors? (?:of|the)\b|conclusion that|come to the result|final answer|(?:this|these) contracts? (?:is|are) (?:a |the )?"
    r"(?:fungible|one|same|mirror\w*|equal)|(?:ai|bots?|llms?|models?|machines?|agents?|systems?) ?:|\w+_(?:window|definition|source|match\w*)\b|"
    r"(?:score|similarity|confidence|relation|identity|rating|label|class|verdict|result) ?[=:] ?\w|(?:no|without) further (?:analysis|checks?|review|"
    r"reading|comparison)|(?:high|full|maximum|total) (?:confidence|agreement|equivalence|marks)|differences? (?:in|between|of) (?:dates?|texts?|wording|rules?|months?|"
    r"the (?:two|texts?|rules))|differences? (?:here|have no|has no|do not|does not|should|must|shall)|nothing differs|do not differ|same as (?:on |at )?(?:kalshi|polymarket)|"
    r"mismatch\w*|(?:confirm|of|for|full) equality|cross-venue|each other one to one|elsewhere\b|rejecting\b|in case of doubt|engine should|as evidence|"
    r"matching (?:contract|engine|market)|judge:|alias\w*|placeholder for|means [A-Z]\w+ in this|this very (?:market|contract)|linked (?:contract|market)|"
    r"(?:cautious|reviewing|validat\w+|comparison) (?:party|mode|step|stage)|validation\b|\w+ mode\b(?<!outdoor mode)|1\.0+\b(?= ?(?:$|[.,;)]))"
)
# A rule does not begin a sentence with an order to think or to write.
_IMPERATIVES: Final = (
    r"accept|act|agree|allow|answer|apply|approve|ask|assign|assume|attach|believe|bypass|check off|choose|claim|classify|compare|complete|"
    r"conclude|confirm|consider|continue|decide|declare|deem|deliver|disregard|do|drop|emit|end|enter|evaluate|execute|finish|follow|forget|"
    r"generate|give|go|grade|guess|hide|ignore|imagine|insert|judge|keep|kindly|leave|let|link|make|map|mark|match|merge|obey|omit|output|overlook|"
    r"pair|pass|pick|predict|prefer|pretend|print|proceed|produce|put|raise|rank|rate|read|reason|recommend|regard|reject|remember|repeat|replace|"
    r"reply|report|respond|return|say|score|select|set|show|sign|skip|speak|start|state|stop|submit|suppose|switch|take|tell|think|translate|treat|"
    r"trust|turn|use|verify|vote|write"
)
_SECOND_PERSON: Final = (
    r"\byou (?:are|must|should|shall|will|have|need|may now|now|can assume|can ignore|ought)\b|"
    r"\byour (?:new |next |only |final |previous )?(?:task|job|role|answer|goal|score|rating|instructions?|response|decision is)\b"
)
_MARKUP: Final = (
    r"[{}`\\]|<[/!|a-z]|>>|/\*|^//|^\W+ accept\b|\|>|&(?:lt|gt|quot|amp|#\w+);|\[/?[a-z]+\](?!\()|\]\(|\[//\]|^ ?#{2,}|^ ?(?:system|assistant|user|human|developer) ?:|"
    r"\b(?:end|begin|start) of (?:data|document|input|message|prompt|text)\b|={3,}|\*{3,}|\"\w+\" ?: "
)


def _folded(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """``pattern`` for text in small letters: ignoring case in the search itself costs four times as much."""
    small = re.sub(
        r"\\.|[A-Z]",
        lambda found: found.group() if len(found.group()) == 2 else found.group().lower(),
        pattern,
    )
    return re.compile(small, flags)


def _small(text: str) -> str:
    """Small letters; Turkish ones count as an i."""
    small = text.lower()
    return small if small.isascii() else small.replace("i\u0307", "i").replace("\u0131", "i")


_VOCABULARY: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("speaks of commands", _folded(rf"\b(?:{_COMMANDS})")),
    ("speaks to a reader", _folded(rf"(?:\b|(?=\[))(?:{_AUDIENCE})(?:\b|(?<=\]))")),
    ("speaks of comparing", _folded(rf"(?:\b|(?=[.,;:(-])|^)(?:{_COMPARISON})", re.MULTILINE)),
    ("speaks of judging", _folded(rf"\b(?:{_JUDGEMENT})")),
    (
        "gives an order",
        _folded(
            rf"(?:^|[.!?;:)\"”] )\W{{0,3}}(?:please |kindly |always |never |now |then |just |do not |don't )*(?:{_IMPERATIVES}) (?!of\b|is\b|in\b|to win)\w",
            re.MULTILINE,
        ),
    ),
    ("speaks in the second person", _folded(_SECOND_PERSON)),
    ("holds markup", _folded(_MARKUP, re.MULTILINE)),
)

_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_LEET_WORD: Final = re.compile(r"(?<![\w$@])(?=[^\s]*[A-Za-z])(?=[^\s]*[0134578@$!|])[\w@$!|]+")
_SPACED: Final = re.compile(r"(?<!\w)\w(?:[ .\-_*·]{1,3}\w){5,}(?!\w)")
_HYPHENATED: Final = re.compile(r"(?<=[a-z])-(?=[a-z])")
_URL: Final = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)+/\S*")
_BLOB: Final = re.compile(
    r"\b(?=\w*\d)(?=\w*[a-zA-Z])[A-Za-z0-9+/_]{24,}={0,2}|\b[A-Za-z]{29,}\b|\b[0-9a-fA-F]{32,}\b"
)
_CASE_SWITCHES: Final = re.compile(r"\b(?:[A-Za-z0-9+/]*?[a-z0-9][A-Z]){3,}[A-Za-z0-9+/]*={0,2}")
_BACKWARDS: Final = re.compile(
    r"\b(?:" + "|".join(word[::-1] for word in ("ignore", "instructions", "answer", "identical", "identity", "accept", "similarity",
    "respond", "pair", "previous", "contract", "contracts", "markets", "disregard", "same")) + r")\b", re.IGNORECASE
)  # fmt: skip
_CODE: Final = re.compile(r"(?:%[0-9a-fA-F]{2}){4,}|(?:[.\-_·•/|]+ ){4,}|(?:\b[01]{7,8}\b ?){3,}")
_LATIN_EXTRAS: Final = frozenset("ªºµ")


def suspicions(text: str) -> Sequence[str]:
    """In short words what is suspicious about ``text`` (already plain, see sanitise); empty when nothing is."""
    small = _small(text)
    found = [name for name, pattern in _VOCABULARY if pattern.search(small)]
    found += [name for name, test in _DISGUISES if test(text)]
    return found


def _speaks(text: str) -> bool:
    small = _small(text)
    return any(pattern.search(small) for _, pattern in _VOCABULARY)


def _leetspeak(text: str) -> bool:
    """Words of letters and digits that give orders once the digits are read as letters."""
    bare = _URL.sub(" ", text)
    if _LEET_WORD.search(bare) is None:
        return False
    return _speaks_only_when(bare, _LEET_WORD.sub(lambda word: word.group().translate(_LEET), bare))


def _speaks_only_when(plain: str, changed: str) -> bool:
    return changed != plain and _speaks(changed) and not _speaks(plain)


def _spaced_letters(text: str) -> bool:
    return any(sum(char.isalpha() for char in run) >= 6 for run in _SPACED.findall(text))


def _split_words(text: str) -> bool:
    return _speaks_only_when(text, _HYPHENATED.sub("", text))


def _blob(text: str) -> bool:
    bare = _URL.sub(" ", text)
    return (
        _BLOB.search(bare) is not None
        or _CASE_SWITCHES.search(bare) is not None
        or _CODE.search(bare) is not None
    )


def _foreign_letters(text: str) -> bool:
    """A word that mixes scripts, or more than a name's worth of letters that are not Latin."""
    if text.isascii():
        return False
    foreign = 0
    for word in re.findall(r"[^\W\d_]+", text):
        kinds = {_is_latin(char) for char in word}
        if len(kinds) == 2:
            return True
        foreign += 0 if True in kinds else len(word)
    return foreign > _MOST_FOREIGN_LETTERS


_MOST_FOREIGN_LETTERS: Final = 3


def _is_latin(char: str) -> bool:
    # Latin-1, Extended-A and -B and Additional; phonetic and small capital letters only look like Latin
    return (
        char.isascii()
        or char in _LATIN_EXTRAS
        or "\u00c0" <= char <= "\u024f"
        or "\u1e00" <= char <= "\u1eff"
    )


# Every sentence of a real rule names a date, a number, a name, or one of these.
_ANCHOR: Final = re.compile(
    r"\d|\b(?:markets?|resol\w+|yes|official\w*|sources?|report\w*|announce\w*|win\w*|lose\w*|tie[ds]?|games?|match\w*|season|elect\w*|"
    r"candidates?|prices?|close\w*|dates?|data|deadline|release\w*|publish\w*|qualify\w*|count\w*|postpone\w*|cancel\w*|rounds?|teams?|players?|"
    r"government\w*|president\w*|part(?:y|ies)|compan\w+|courts?|points?|percent\w*|rates?|index|trad\w+|tokens?|strikes?|agreements?|militar\w+|"
    r"meetings?|votes?|ballots?|seats?|time|days?|weeks?|months?|years?|levels?|range|number|threshold|includ\w+|considered|defined|control|fire|"
    r"territor\w+|studio|temperature\w*|rain\w*|snow\w*|weather|storm\w*|album\w*|song\w*|film\w*|movie\w*|award\w*|draws?|goals?|shootout)\b",
    re.IGNORECASE,
)
# their full stop ends no sentence
_ABBREVIATION: Final = re.compile(
    r"\b(vs|e\.g|i\.e|etc|approx|incl|no|st|mr|mrs|dr|jr|sr|inc|corp|co|ltd|u\.s|u\.k)\.", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_FEWEST_PLAIN_WORDS: Final = 3


def _whole(text: str) -> str:
    return _ABBREVIATION.sub(lambda short: short.group().replace(".", ""), text)


def _off_topic(text: str) -> bool:
    """A sentence without anything a rule could be about."""
    return any(_unanchored(sentence) for sentence in _SENTENCE_END.split(_whole(_URL.sub("1", text))))


def _unanchored(sentence: str) -> bool:
    if len(re.findall(r"\b[a-z]{2,}", sentence)) < _FEWEST_PLAIN_WORDS:
        return False
    named = any(re.match(r"\W*[A-Z]", word) for word in sentence.split()[1:])
    return not named and _ANCHOR.search(sentence) is None


def _backwards(text: str) -> bool:
    return _BACKWARDS.search(text) is not None


def _symbols(text: str) -> bool:
    """Pictures and arrows: one may decorate a title, more say something."""
    if text.isascii():
        return False
    return sum(unicodedata.category(char) == "So" and char not in "°®©™" for char in text) > 1


# Frequent English words that are no words of the languages an order could be written in instead.
_ENGLISH: Final = frozenset(
    ("the", "of", "and", "to", "will", "be", "if", "this", "that", "by", "with", "are", "from", "has", "have", "its", "their",
     "not", "any", "which", "than", "who", "other", "or", "is", "was", "for", "between", "above", "below", "over", "under", "more",
     "less", "at", "before", "after", "how", "many", "what", "when", "during", "price", "market", "win", "wins", "yes", "least",
     "on", "an", "into", "were", "such", "however", "following", "new", "here", "his", "her", "reporting", "basis",
     "there", "end", "draw", "rate", "happen", "it", "each", "all", "including", "does", "reach", "close", "score", "game", "higher", "lower", "through", "out")
)  # fmt: skip
_ENGLISH_SHARE: Final = 0.12
_FEWEST_WORDS: Final = 4


def _passages(text: str) -> Iterator[list[str]]:
    """Words of each sentence, names (capital and small letters) left out unless every word is one."""
    for passage in re.split(r"[.!?;:\n()\"“”]+", _whole(_URL.sub(" ", text))):
        words: list[str] = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", passage)
        plain = [word for word in words if not word[:1].isupper() or (word.isupper() and len(word) > 4)]
        yield [word.lower() for word in plain]


def _not_english(text: str) -> bool:
    for words in _passages(text):
        if len(words) >= _FEWEST_WORDS and sum(word in _ENGLISH for word in words) < _ENGLISH_SHARE * len(
            words
        ):
            return True
    return False


_DISGUISES: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("spells with digits", _leetspeak),
    ("spells letter by letter", _spaced_letters),
    ("splits words", _split_words),
    ("spells backwards", _backwards),
    ("holds encoded text", _blob),
    ("holds a sentence about nothing", _off_topic),
    ("mixes or uses other alphabets", _foreign_letters),
    ("speaks in pictures", _symbols),
    ("is not plain English", _not_english),
)
