"""Words that carry no meaning for a comparison, by the comparison they are left out of."""

from typing import Final

# Words that every title is made of.
_GRAMMAR_WORDS_TEXT: Final = """
us uk general number a above after an and any apr are at aug be before below between by can day dec did do does feb for from get has
have how in is it its jan jul jun less many mar market may month more much no nov oct of on or out over resolve
sep than that the there this to under vs was week what when which who will win with year yes
"""
GRAMMAR_WORDS: Final = frozenset(_GRAMMAR_WORDS_TEXT.split())

# Words that titles write with a capital without naming anything.
_TITLE_WORDS_TEXT: Final = """
10-year 2-year above ac actor actress afc after ai album all am american and announce announced annual any apr
april are as at aug august average award awards baseball basketball be before below best between billion by can
candidate cap cf champion champions championship chancellor chart city claims club company congress control core
county cpi cup cut daily day dc deal dec december decision decrease democratic do does down east edt election
elections end est et eu ever exactly f1 fc feb february film final finals first football for formula friday from
game gdp general get gets government governor grand group he high highest hike hockey hold hottest house how if
in increase index inflation initial into ipo is it jan january jobless jobs jr jul july jun june la league least
leave less low lowest made maintain major majority make mar march market match may mayor mayoral meeting men
mens midterm midterms million minister monday month monthly more most movie my national new next no nomination
nominee nominees north nov november number oct october of official officially on or out outright outstanding
over party pce people per percent person place playoffs pm point points popular president presidential price
prices primary prime prize pro professional race rate rates record release report republican resolves round said
saturday say sc season seat seats second senate sep sept september series show sign signed so soccer song south
special sr st stage state states sunday take takes team temp temperature than that the third this thousand
thursday time to top total tournament treasury tuesday tv uk under unemployment united up us utc vice vote vp vs
we weather wednesday week weekly west what when which who will win winner winners winning wins with women womens
world year yes yield
"""
TITLE_WORDS: Final = frozenset(_TITLE_WORDS_TEXT.split())

# Words of a name that do not tell one subject from another.
_EMPTY_NAME_WORDS_TEXT: Final = """
a ac afc an and any anyone candidate cf club co company corp da das de del do dos dr el esports everybody fc
gaming group he her his inc it jr la le ltd man mr mrs of other party person plc chair chairman chairwoman rep sc sen she someone sr team
the their they us will woman
"""
EMPTY_NAME_WORDS: Final = frozenset(_EMPTY_NAME_WORDS_TEXT.split())

# Words shared by too many names to prove anything on their own.
_WEAK_NAME_WORDS_TEXT: Final = """
central city east great las los new north real saint san santa south st state states united west
"""
WEAK_NAME_WORDS: Final = frozenset(_WEAK_NAME_WORDS_TEXT.split())

# Words that make another bet of the one they stand before, wherever only one side has them.
_MODIFIERS_TEXT: Final = """
acting assistant coding commercial core crewed deputy electric global guest interim jury junior median phone preliminary private provisional regional
runner second statewide supporting televote third uncrewed unmanned virtual worldwide youth
"""
MODIFIERS: Final = frozenset(_MODIFIERS_TEXT.split())
