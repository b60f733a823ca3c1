"""Whether the name of a column is understood with certainty, or plainly of another matter. Pure (``plain`` names).

A column of yes and no whose name is neither could say that a person left, and
could say the contrary: it is asked about, and neither answer is an agreement.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from relay.lists.list_beside import BESIDE, ENDINGS, GENERIC, SHORT
from relay.lists.list_everyday import is_everyday
from relay.lists.list_heard import good_word, is_code, is_figure, stem
from relay.lists.list_matters import is_deal, is_other_flag, is_other_matter, is_place, is_plan
from relay.lists.list_root_table import WANTS, Idea
from relay.lists.list_roots import ideas_in, understands
from relay.lists.list_status_names import NOT_STATES, OTHER_STATES, YES_NAMES
from relay.lists.list_words import Said, meaning, plain

_SENTENCE: Final = 5
"""Words from which on a name is a sentence that somebody was asked to agree to."""
_JOINED: Final = re.compile(
    r"e?mails?|newsletters?|mailings?|marketing|werbung|werbe|promo|reklaami?|reklam|(?:otse)?turundus|uudiskirja?|info"
    r"|rund|verteiler|e ?posti?|kontakt|contact"
)
"""Words of mail that others are joined to: ``Werbeerlaubnis``; what is joined must be understood too."""
_JOINED_TO: Final = re.compile(r"(\w{3,})(?:mails?|brief\w{0,2}|nieuws|news|nytt|nyt|letters?|infos?|post)\Z")
_ENDINGS: Final = frozenset(("", *ENDINGS.split()))
_RECEIVED: Final = re.compile(
    r"receb|recib|recev|recoi|receiv|ricev|получ|отрим|saa|almak|gaut|sanem|kap(?:ni|hat)|otrzym|ontvang|obdrz|dostava"
    r"|primi|prejem|erhal|bekomm|envi|envoi|send|invi|saat|satt|lahet|sand|wys|zasil|zusend|verschick|надсил|надісл|отправ"
    r"|высыл|присыл|обработ|оброб|verarbeit|traitement|tratamiento|trattamento|process|tootl|przetwarz"
    r"|akzept|aceit|accett|publici|markkinoi|kirj|marketing"
)
"""Words of getting, sending and keeping data, by how they begin."""
_BESIDE: Final = frozenset(plain(word) for word in BESIDE.split())
"""Words that change nothing of what a question about mail asks."""
_TOGETHER: Final = re.compile(r"\b(?:opt(?:ed)? in|e (?:mail|post)\w*|double opt|single opt|sign up)\b")
_BY_MAIL: Final = re.compile(
    r"\b(?:per|by|via|par|por|pr|po|over|om|по|на|через) (?:e ?)?(?:mails?|emails?|post\Z|correo"
    r"|courriel|почт\w*|пошт\w*)"
)
_HOW_ANSWERED: Final = re.compile(
    r" (?:[a-zдт] [a-zн]|[01] [01]|yes no|ja nein|oui non|si no|да нет|так ні|jah ei|tak nie|sim nao|checked unchecked"
    r"|true false)\Z"
)
"""What stands behind a question of how to answer it: ``(J/N)``."""


@lru_cache(maxsize=8192)
def is_understood(name: str) -> bool:
    """Is every word in the name of a column that asks for an agreement known, so that a yes is surely one?"""
    if name in YES_NAMES or stem(name) in YES_NAMES:
        return True
    words = _TOGETHER.sub(lambda found: found[0].replace(" ", ""), _HOW_ANSWERED.sub("", name)).split()
    if len(words) >= _SENTENCE or is_place_on_list(name):
        return True
    if _BY_MAIL.search(name) is not None or WANTS.search(name) is not None:  # of what they are is any matter
        words = [word for word in words if len(word) <= _ABBREVIATED or _VOWELS.search(word) is None] or ["by"]
    return all(map(_known, words)) and (len(words[-1]) > 1 or words[-1].isdigit())


@lru_cache(maxsize=8192)
def _known(word: str) -> bool:
    if word.isdigit() or word in _BESIDE or _RECEIVED.match(word):
        return True
    if (joined := _JOINED.match(word)) is not None:
        rest = word[joined.end() :]
        return rest in _ENDINGS or _known(rest)
    if (joined := _JOINED_TO.match(word)) is not None and not (_BAD.match(joined[1]) or meaning(joined[1])):
        return True  # of what the letters are is any matter
    return good_word(word) or understands(word)


@lru_cache(maxsize=8192)
def is_of_else(name: str) -> bool:
    """Is a column plainly about another matter than whether a person may be written to?"""
    return (
        is_other_flag(name)
        or name in NOT_STATES
        or is_figure(name)
        or is_deal(name)
        or is_plan(name)
        or OTHER_STATES.search(name) is not None
        or is_other_matter(name)
        or (is_everyday(name) and _BAD.search(name) is None and ideas_in(name).isdisjoint(_SPEAKING - {Idea.DELIVER}))
    )


def bad_rest(name: str) -> Said:
    """What the name of a column of yes and no says where it is set, beside its word of mail: ``nl_raus``."""
    rest = " ".join(word for word in name.split() if not _MAIL.fullmatch(word))
    said = meaning(rest) if rest and rest != name else Said.NOTHING
    return Said.NOTHING if said is Said.AGREED else said


_MAIL: Final = re.compile(
    r"e|e?mails?|eml|nl|newsletters?|mailings?|mkt|marketing|news|рассылк\w|розсилк\w|uudiskir\w+"
)


@lru_cache(maxsize=8192)
def may_speak(name: str) -> bool:
    """May an unknown name be that of a column about agreeing, leaving, bouncing or blocking?

    By a word of that kind, by abbreviations that say nothing to a reader, or by words that are of anything.
    """
    if is_of_else(name):
        return False
    words = name.split()
    return (
        _BAD.search(name) is not None
        or _SUSPECT.search(name) is not None
        or not ideas_in(name).isdisjoint(_SPEAKING)
        or is_code(name)
        or any(_is_short(word, alone=all(len(one) <= _ABBREVIATED + 1 for one in words)) for word in words)
        or all(word in _GENERIC or word.isdigit() for word in words)
    )


def is_unknown(name: str) -> bool:
    """Is a name one of which nothing is known, not even that it is of another matter?"""
    return not is_of_else(name) and not is_place(name)


def speaks_of_leaving(name: str) -> bool:
    """May days in a column of an unknown name be those of leaving, by a word of that kind, or of mail, in it?"""
    return is_leaving(name) or _SUSPECT.search(name) is not None or not ideas_in(name).isdisjoint(_SPEAKING)


def is_leaving(name: str) -> bool:
    """Does an unknown name have a word of leaving or blocking, and none that denies it?"""
    return _BAD.search(name) is not None and _SUSPECT.search(name) is None


_GENERIC: Final = frozenset(GENERIC.split())


_SPEAKING: Final = frozenset(Idea) - {Idea.STATE, Idea.ACTIVE, Idea.ADDRESS, Idea.SOFT}
_BAD: Final = re.compile(
    r"\b(?:stop\w*|halt|quit\w*|exit\w*|out|off|aus|raus|weg|gone|left|leav\w*|lost|farewell|goodbye|bye|adieu"
    r"|adios|abschied\w*|churn\w*|drop\w*|kick\w*|sperr\w*|block\w*|ban|banned|flagged|abgang\w*|weggang"
    r"|ausscheid\w*|lock(?:ed|out)?|freez\w*|frozen|hold|paus\w*|ruh(?:t|en|end\w*)?|sospes\w*|suspend\w*"
    r"|banea\w*|hibern\w*|gestorben|zmarl\w*|surnud|умер\w*|помер\w*|kuollut|avliden|elhunyt|silen\w*|mute\w*"
    r"|quiet|stumm|dead|tot|kill\w*|lapse\w*|end\Z|ends|ended|ende|endet|termin\w*|closed?|closing|closure|void"
    r"|invalid\w*|fals(?:e|ch\w*)|wrong|bad|fail\w*|fehl\w*|error|return\w*|retour\w*|reject\w*|refus\w*"
    r"|den[iy]\w*|forbid\w*|verbot\w*|verzicht\w*|storn\w*|streich\w*|strike|black|spam|junk|abus\w*|complain\w*"
    r"|protest\w*|revo\w*|retract\w*|eras\w*|forget\w*|excl\w*|нельзя|стоп\w*|выш[еёл]\w*|ушел|ушла|вибув\w*"
    r"|пішов|пішла|убра\w*|прибр\w*|вычерк\w*|ignor\w*|skip\w*|zuruck\w*|back|devuelt\w*|rendu|revenu|tagasi"
    r"|назад|вернул\w*|поверн\w*|avoid\w*|purg\w*|trash|suppr\w*|parti|partie|sorti\w*|arret\w*|fuera|salio"
    r"|parar|basta|fora|saiu|weggegaan|slut|konec|koniec|precz|vege|gata|bitti|beigas|pabaiga|lopp\w*|maha|enam)\b"
)
"""Words of leaving and blocking: where a column named by one is set, somebody may be gone."""
_SUSPECT: Final = re.compile(
    r"\b(?:reach\w*|contact\w*|kontakt\w*|writ\w*|send\w*|permi\w*|allow\w*|agree\w*|accept\w*|inform\w*|notif\w*"
    r"|keep|legal|object\w*|gdpr|dsgvo|rgpd|clean\w*|red"
    r"|no|not|non|nicht|kein\w*|ohne|never|nie|without|sans|pas|sin|senza|sem|niet|geen|bez|ei|не|без|нет|ні)\b"
)
"""Words of agreeing, and such that turn what is said into its contrary."""


_KNOWN_SHORT: Final = frozenset(SHORT.split())
_VOWELS: Final = re.compile("[aeiouyаеёиоуыэюяіїє]")


def _is_short(word: str, *, alone: bool) -> bool:
    """Is it an abbreviation that nobody knows: ``lck``; ``alone``: or a short word beside no longer one?"""
    if word.isdigit() or word in _BESIDE or word in _KNOWN_SHORT or understands(word):
        return False
    return (len(word) <= _ABBREVIATED and alone) or (word.isalpha() and _VOWELS.search(word) is None)


_ABBREVIATED: Final = 3
"""Letters of a word that is an abbreviation, unless it is known."""


_PLACE: Final = re.compile(
    r"(?:mailing )?(?:list|liste|lista|список|segment|audience|group|verteiler|newsletter|nl) ?(?:\d+|[a-h])\Z"
)


def is_place_on_list(name: str) -> bool:
    """Does a column say by yes and no whether a person is on a list of a mere number?"""
    return _PLACE.match(name) is not None
