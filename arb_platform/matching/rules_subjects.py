"""Rules about who it is: seats, people, teams, and any proper name."""

from arb_platform.domain.terms import Subject
from arb_platform.matching.normalise import normalise
from arb_platform.matching.reading import STEM, Reading
from arb_platform.matching.subjects import fully_mentioned, mentioned, same_subject, similar_word


def seat(one: Reading, other: Reading) -> str | None:
    """Office, state or district, and party of an election."""
    mine, theirs = one.seat, other.seat
    if mine is None or theirs is None:
        return None
    if mine.office != theirs.office or mine.place != theirs.place:
        return f"seat: {mine} against {theirs}"
    if mine.party and theirs.party and mine.party != theirs.party:
        return f"party: {mine} against {theirs}"
    return None


def subject(one: Reading, other: Reading) -> str | None:
    """Whose fate decides: two names that cannot be one, or an outcome that the other never names."""
    if one.teams and other.teams:
        return None
    mine, theirs = one.subject, other.subject
    if mine is not None and theirs is not None:
        if same_subject(mine, theirs) or _each_in_the_other(one, mine, other, theirs):
            return None
        return f"subject: {mine} against {theirs}"
    if mine is not None and mine.as_outcome and not mentioned(mine, other.said):
        return f"subject: {mine} against nobody of that name"
    if theirs is not None and theirs.as_outcome and not mentioned(theirs, one.said):
        return f"subject: nobody of that name against {theirs}"
    return None


def _each_in_the_other(one: Reading, mine: Subject, other: Reading, theirs: Subject) -> bool:
    # "Will Trump pardon Maxwell?" and "Who will Trump pardon?" with the outcome Maxwell.
    return fully_mentioned(mine, frozenset(other.normal.split())) and fully_mentioned(
        theirs, frozenset(one.normal.split())
    )


def teams(one: Reading, other: Reading) -> str | None:
    """Which two sides play."""
    if one.teams is None or other.teams is None:
        return None
    (a, b), (c, d) = one.teams, other.teams
    if (same_subject(a, c) and same_subject(b, d)) or (same_subject(a, d) and same_subject(b, c)):
        return None
    return f"teams: {a} and {b} against {c} and {d}"


def side(one: Reading, other: Reading) -> str | None:
    """Which of the two teams Yes is about: the other one is a complement, not the same bet."""
    if one.teams is None or other.teams is None or one.subject is None or other.subject is None:
        return None
    if one.bet_types or other.bet_types:
        return None
    if same_subject(one.subject, other.subject) and not _crossed(one, other):
        return None
    return f"polarity: {one.subject} against {other.subject}"


def _crossed(one: Reading, other: Reading) -> bool:
    """Whether the teams can be paired in one way only, and in that way the two subjects are not a pair.

    The Panthers of "Panthers vs Hurricanes" may be Carolina's, but then nobody is left to be Florida.
    """
    assert one.teams
    assert other.teams
    assert one.subject
    assert other.subject
    (a, b), (c, d) = one.teams, other.teams
    straight = same_subject(a, c) and same_subject(b, d)
    crossed = same_subject(a, d) and same_subject(b, c)
    mine = [one.subject.words == team.words for team in (a, b)]
    theirs = [other.subject.words == team.words for team in (c, d)]
    if straight == crossed or sum(mine) != 1 or sum(theirs) != 1:
        return False
    return (mine == theirs) != straight


def game_or_title(one: Reading, other: Reading) -> str | None:
    """Winning a game is not winning the competition."""
    if bool(one.teams or one.single_game) == bool(other.teams or other.single_game):
        return None
    whole = other if one.teams or one.single_game else one
    if any(told.kind in ("date", "week") for told in whole.periods):
        return None
    if "office" in one.facets or "office" in other.facets:
        # "Paxton vs. Cornyn" is a runoff as much as "runoff winner".
        return None
    if not (
        whole.facets.keys() & {"competition", "league"}
        or any(told.kind == "edition" for told in whole.periods)
    ):
        return None
    return "game or title: " + ("title against game" if whole is one else "game against title")


def agent(one: Reading, other: Reading) -> str | None:
    """Who does it to whom: Israel striking Iran is not Iran striking Israel."""
    mine, theirs = one.agent, other.agent
    if mine is None or theirs is None or same_subject(mine, theirs):
        return None
    return f"agent: {mine} against {theirs}"


def anyone(one: Reading, other: Reading) -> str | None:
    """Whether anybody does it is not whether this one does."""
    if one.anyone == other.anyone:
        return None
    named = other.subject if one.anyone else one.subject
    names_told = other.names if one.anyone else one.names
    if named is None or not named.words <= names_told:
        return None
    return f"subject: anyone against {named}" if one.anyone else f"subject: {named} against anyone"


def topic(one: Reading, other: Reading) -> str | None:
    """Two headlines of which no telling word is said by the other market are about two things."""
    if not one.words or not other.words:
        return None
    if _any_said(one.words, other) or _any_said(other.words, one):
        return None
    if any(one.facets[shared] & other.facets[shared] for shared in one.facets.keys() & other.facets.keys()):
        return None
    return f"topic: {_some(one.words)} against {_some(other.words)}"


def _any_said(words: frozenset[str], other: Reading) -> bool:
    return any(word[:STEM] in other.stems for word in words)


def _some(words: frozenset[str]) -> str:
    return " ".join(sorted(words, key=lambda word: (-len(word), word))[:3])


def names(one: Reading, other: Reading) -> str | None:
    """Each headline has a proper name that the other market does not mention anywhere."""
    if one.teams and other.teams:
        return None
    mine, theirs = _unsaid(one, other), _unsaid(other, one)
    if not mine or not theirs:
        return None
    return f"names: {', '.join(sorted(mine))} against {', '.join(sorted(theirs))}"


def _unsaid(one: Reading, other: Reading) -> set[str]:
    return {
        name
        for name in one.names
        if name[:STEM] not in other.stems
        and not any(form[:STEM] in other.stems for form in normalise(name).split())
        and not any(
            word[0] == name[0] and len(word) > STEM and similar_word(name, word) for word in other.said
        )
    }
