"""What a consent's source may not be (R2): vague, or a list that was bought, rented or harvested.

In the languages of the pages. A source says where the person agreed, so it is
judged by its words: a purchase in a shop is one, the purchase of a list none.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NOTHING_WORDS: Final = (
    "unknown other others n/a na none nil null misc miscellaneous various whatever unspecified tbd todo blah "
    "asdf qwerty foo bar dummy something somewhere anywhere everywhere someone unbekannt sonstige sonstiges "
    "keine diverse verschiedene irgendwo desconocido desconocida otro otros otra otras ninguno ninguna varios "
    "varias inconnu inconnue autre autres aucun aucune divers teadmata muu puudub erinevad kuskilt неизвестно "
    "другое прочее нет разное откуда-то где-то невідомо інше немає різне звідкись"
)
_NOTHING: Final = frozenset(_NOTHING_WORDS.split())
"""Words that say nothing at all."""
_LOOSE_WORDS: Final = (
    "list lists listing mailing mail mails email emails e-mail e-mails address addresses contact contacts "
    "database databases db base data file files csv excel spreadsheet internet web www net online network "
    "public open source sources people friends lead leads prospects google social media liste listen "
    "adressliste adressen adresse kontakte datenbank datei netz quellen oeffentliche öffentliche lista listas "
    "direcciones contactos correo correos datos archivo red fuentes publicas públicas listes adresses fichier "
    "données donnees bases publiques nimekiri nimekirjad aadressid kontaktid andmebaas fail internetist "
    "avalikud allikad список списки база базы баз данных адреса адресов контакты контактов файл интернет "
    "интернета интернете сеть сети открытые открытых источники источников почта друзья бази даних адреси адрес "
    "контакти контактів інтернет інтернету інтернеті мережа мережі відкриті відкритих джерела джерел пошта "
    "друзі"
)
_LOOSE: Final = frozenset(_LOOSE_WORDS.split())
"""Words that name a list or the whole net, and not where anybody agreed."""
_SMALL_WORDS: Final = (
    "the an my our your old new some from of in on by out and big all der die das ein eine aus von vom im dem "
    "den meine unsere alte neue el la los las un una de del en mi mis nuestra nuestro le les une des du sur "
    "mon mes notre nos minu meie vana uus во на моя мой наша наш старая новая із зі мій стара нова из"
)
_SMALL: Final = frozenset(_SMALL_WORDS.split())

_LIST: Final = (
    r"(?:\w*lists?|\w*listen?|lista|listas|listes?|nimekir\w*|спис\w+|\w*bases?|\w*баз\w*|databases?|\w*datenbank\w*|"
    r"\w*andmebaas\w*|bdd|fichiers?|contacts?|contactos?|kontakte?|kontakti\w*|контакт\w*|addresses|adress\w*|"
    r"direcciones|aadress\w*|адрес\w*|leads?|emails?|e-mails?|subscribers|données|datos|даних|данных)"
)
_BETWEEN: Final = r"(?:\W+\w+){0,3}?\W+"
_BOUGHT: Final = re.compile(
    # Past participles, which say it of what was got.
    r"\b(?:bought|purchased|rented|harvested|scraped|crawled|leased|stolen|leaked|gekauft\w*|gemietet\w*|angekauft\w*"
    r"|zugekauft\w*|comprad[oa]s?|alquilad[oa]s?|acheté(?:e|s|es)?|loué(?:e|s|es)?|куплен\w*|приобрет[её]н\w*|арендован\w*|спарсен\w*"
    r"|украден\w*|придбан\w*|орендован\w*|спарсен\w*|ostetud|renditud|üüritud"
    r"|(?:data|list|address|email|lead)[\s-]*brokers?|adresshändler\w*|\w*adress\w*kauf\w*|\w*listenkauf\w*|web[\s-]?scrap\w+|scraping|harvesting|парсинг\w*|парсер\w*)\b"
    # The deed, and a list or what lists are made of.
    rf"|\b(?:purchas(?:e|ing)|buy(?:ing)?|rent(?:al|ing)?|leas(?:e|ing)|kauf|ankauf|miete|compra|alquiler|achat|location|ost|rent"
    rf"|покупк\w+|закупк\w+|аренд\w+|купівл\w+|придбанн\w+|оренд\w+|ostu?|ostmi\w+){_BETWEEN}{_LIST}\b"
    rf"|\b{_LIST}\W+(?:purchas(?:e|ing)|rental|kauf|miete|покупк\w+|купівл\w+|ost)\b",
    re.I,
)


def vague(source: str) -> bool:
    """Whether it says nothing of where the person agreed."""
    words = re.findall(r"[^\W_]+(?:[-/][^\W_]+)*", unicodedata.normalize("NFC", source).casefold())
    telling = [word for word in words if len(word) > 1 and word not in _SMALL]
    return all(word.isdigit() or len(set(word)) == 1 or word in _NOTHING or word in _LOOSE for word in telling)


def bought(source: str) -> str:
    """The words that say that the addresses were bought, rented or harvested; empty if none do."""
    found = _BOUGHT.search(unicodedata.normalize("NFC", source))
    return "" if found is None else " ".join(found[0].lower().split())
