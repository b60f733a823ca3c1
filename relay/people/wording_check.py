"""Does a wording say what a person must know before agreeing (R2)? Pure text, by word stems.

A machine can tell that something is not said at all, never that it is said
well: an empty answer is no legal advice. Known are English, Ukrainian,
Estonian, German, French, Spanish and Russian; a text in another language is
held against all of them together.
"""

# ruff: noqa: RUF001 - Cyrillic letters and typographic apostrophes are meant here

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Final


class Gap(StrEnum):
    """What a wording leaves out; ``text`` says it in a sentence."""

    PURPOSE = "purpose"
    DATABASE = "database"
    RIGHTS = "rights"
    AUTOMATED = "automated"
    TRANSFER = "transfer"
    CONTROLLER = "controller"
    WITHDRAWAL = "withdrawal"

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS: Final[Mapping[Gap, str]] = {
    Gap.PURPOSE: "it doesn't say what will be sent (news, offers, …)",
    Gap.DATABASE: "it doesn't say that the address goes into your database",
    Gap.RIGHTS: "it doesn't name the person's rights (access, correction, erasure) or where they are explained",
    Gap.AUTOMATED: "it doesn't say that the mail is sent automatically",
    Gap.TRANSFER: "it doesn't say that the data goes abroad",
    Gap.CONTROLLER: "it doesn't name who is responsible for the data (your company)",
    Gap.WITHDRAWAL: "it doesn't say how to withdraw (unsubscribe, at any time)",
}

# As written: in small letters some of them are everyday words.
_LEGAL_FORM: Final = re.compile(
    r"\b(?:Ltd|LTD|Limited|LLC|LLP|Inc|PLC|GmbH|AG|KG|UG|OÜ|AS|MTÜ|FIE|SAS|SARL|EURL|SA|SL|SLU|S\.L|S\.A"
    r"|ООО|ОАО|ЗАО|ПАО|ИП|ТОВ|ФОП|ПрАТ|ПАТ|ТДВ)\b"
)

# Stems, matched in the casefolded text; one of them is enough.
_SAID: Final[Mapping[str, Mapping[Gap, str]]] = {
    "en": {
        Gap.PURPOSE: r"\bnews|\boffer|promotion|marketing|discount|\bupdates?\b|announce|advert|commercial"
        r"|digest|\btips\b"
        r"|invitation|information about|information on|\bevents?\b|\bdeals?\b|new products",
        Gap.DATABASE: r"database|data base|mailing list|list of subscribers|subscribers? list|\bstor(?:e|ed|es|ing)\b"
        r"|\b(?:save|saved|keep|kept|record|recorded)\b|\badd(?:ed)? .{0,40}\blist\b",
        Gap.RIGHTS: r"\brights?\b|privacy (?:policy|notice|statement)|gdpr|access, (?:correct|rectif)|"
        r"(?:correct|rectif|delet|eras)\w*.{0,60}\bdata\b|\bdata\b.{0,60}(?:correct|rectif|delet|eras)",
        Gap.AUTOMATED: r"automat|mailing (?:system|service|software)|bulk mail|mass mail",
        Gap.TRANSFER: r"abroad|third countr|other countr|outside (?:of )?the (?:eu|eea|european|country)|cross-border"
        r"|transferred to the (?:usa|united)",
        Gap.CONTROLLER: r"controller|responsible for|\bcompany\b",
        Gap.WITHDRAWAL: r"unsubscri|withdraw|revoke|opt[ -]?out|stop receiving|cancel\b.{0,30}(?:subscription"
        r"|consent)",
    },
    "uk": {
        Gap.PURPOSE: r"новин|пропози|акці|реклам|знижк|маркетинг|оновлен|дайджест|запрошен|інформаці\w+ про"
        r"|анонс|поді[яїйю]",
        Gap.DATABASE: r"баз[аиуі]|зберіга|збереж|внес|включ|список розсилки|спис\w+ (?:передплатник|підписник)",
        Gap.RIGHTS: r"\bправ[аои]?\b|правами|політик\w+ (?:конфіденційності|приватності)|gdpr|доступ|виправл|видален",
        Gap.AUTOMATED: r"автомат|масов\w+ розсил|систем\w+ розсил|сервіс\w* розсил",
        Gap.TRANSFER: r"за кордон|закордон|трет\w+ країн|інш\w+ (?:країн|держав)|транскордон"
        r"|за меж\w+ (?:україни|єс|країни)",
        Gap.CONTROLLER: r"володіл|контролер|розпорядник|відповідальн|компані",
        Gap.WITHDRAWAL: r"відпис|відклик|відмов|скасува",
    },
    "ru": {
        Gap.PURPOSE: r"новост|предложени|акци|реклам|скидк|маркетинг|обновлени|дайджест|приглашени"
        r"|информаци\w+ о|анонс|событи",
        Gap.DATABASE: r"баз[аыуе]|хран|сохран|внес|включ|список рассылки|списк\w+ (?:подписчик|рассыл)",
        Gap.RIGHTS: r"\bправ[аоы]?\b|правами|политик\w+ (?:конфиденциальности|приватности)|gdpr|доступ|исправл"
        r"|удален",
        Gap.AUTOMATED: r"автомат|массов\w+ рассыл|систем\w+ рассыл|сервис\w* рассыл",
        Gap.TRANSFER: r"за границ|за рубеж|зарубеж|трет\w+ стран|друг\w+ (?:стран|государств)|трансгранич"
        r"|за предел\w+ (?:рф|росси|ес)",
        Gap.CONTROLLER: r"оператор|контролер|контролёр|ответственн|компани",
        Gap.WITHDRAWAL: r"отпис|отозва|отзыв|отказ|отмен",
    },
    "et": {
        Gap.PURPOSE: r"uudis|pakkumis|reklaam|turundus|soodus|kampaania|teated|teavitus|uuendus"
        r"|info\w* (?:kohta|toodete)"
        r"|ülevaa|kutse|sündmus|üritus",
        Gap.DATABASE: r"andmebaas|andmekog|salvest|säilita|postiloend|saajate nimekir|nimekirja",
        Gap.RIGHTS: r"õigus|privaatsus|isikuandmete (?:kaitse|töötlemi)|gdpr|parandam|kustut",
        Gap.AUTOMATED: r"automaat|automatiseeri|masspostitus|massmeil",
        Gap.TRANSFER: r"välisrii|välisma|kolmanda\w* rii|teis\w+ rii|väljapoole|väljaspool",
        Gap.CONTROLLER: r"vastutav|töötleja|ettevõte|ettevõtte|äriühing|firma",
        Gap.WITHDRAWAL: r"loobu|tagasi võt|tagasi võtta|võin .{0,40}tagasi|tühista|lõpeta|keeldu",
    },
    "de": {
        Gap.PURPOSE: r"neuigkeit|newsletter|angebot|werbung|werblich|marketing|rabatt|aktionen"
        r"|informationen (?:über|zu)"
        r"|einladung|neuheit|nachricht|veranstaltung",
        Gap.DATABASE: r"datenbank|speicher|gespeichert|verteiler|empfängerliste|abonnentenliste|aufgenommen"
        r"|aufnehmen",
        Gap.RIGHTS: r"\brechte?n?\b|datenschutz|dsgvo|auskunft|berichtigung|löschung",
        Gap.AUTOMATED: r"automat|massenversand|versandsystem|versanddienst",
        Gap.TRANSFER: r"ausland|drittland|drittländer|drittstaat|außerhalb (?:der|des) (?:eu|ewr|europäischen)"
        r"|andere länder",
        Gap.CONTROLLER: r"verantwortlich|unternehmen|\bfirma\b",
        Gap.WITHDRAWAL: r"abmeld|abbestell|widerruf|widersprech|abmelden|kündig|austrag",
    },
    "fr": {
        Gap.PURPOSE: r"actualit|nouveaut|offre|promotion|publicit|marketing|lettre d.information|newsletter|réduction"
        r"|informations? (?:sur|concernant)|invitation|événement|évènement",
        Gap.DATABASE: r"base de données|conserv|enregistr|stock|liste de diffusion|liste d.abonnés|fichier",
        Gap.RIGHTS: r"\bdroits?\b|confidentialit|rgpd|données personnelles|accès|rectifi|efface",
        Gap.AUTOMATED: r"automat|envois? en masse|envois? en nombre|système d.envoi|service d.envoi",
        Gap.TRANSFER: r"étranger|pays tiers|hors de l.(?:ue|union|eee)|autres? pays|transfér\w+ (?:vers|aux"
        r"|en dehors)",
        Gap.CONTROLLER: r"responsable d[ue]|société|entreprise",
        Gap.WITHDRAWAL: r"désabonn|désinscri|retir|révoqu|me désinscrire|annuler",
    },
    "es": {
        Gap.PURPOSE: r"noticia|novedad|oferta|promocion|publicidad|comercial|marketing|boletín|boletin|descuento"
        r"|información (?:sobre|de|acerca)|invitacion|evento",
        Gap.DATABASE: r"base de datos|almacen|guard|conserv|lista de (?:correo|distribución|suscriptores)|fichero",
        Gap.RIGHTS: r"\bderechos?\b|privacidad|protección de datos|rgpd|acceso|rectific|supresión",
        Gap.AUTOMATED: r"automát|automat|envíos? masiv|sistema de envío|servicio de envío",
        Gap.TRANSFER: r"extranjero|terceros países|tercer país|fuera de (?:la ue|la unión|el eee|españa)"
        r"|otros países|transferencia internacional",
        Gap.CONTROLLER: r"responsable|empresa|compañía|sociedad",
        Gap.WITHDRAWAL: r"darme de baja|dar de baja|darse de baja|baja\b|retirar|revocar|cancelar",
    },
}
LANGUAGES: Final = tuple(_SAID)

_FREQUENT: Final[Mapping[str, str]] = {
    "en": "the and i to of my you your is for at any me yes send by agree with that can",
    "uk": "я та і на що до мене мої моїх з за про від згоду даю їх мій можу буде це",
    "ru": "я и на что в мне мои моих с за о от согласие даю их мой могу будет это вы",
    "et": "ja ma minu et on olen nõus saada võin igal ajal mulle e-posti saan oma kui selle",
    "de": "ich und die der das mir meine zu von ist bin mit dass ja kann jederzeit per den ein einverstanden",
    "fr": "je et les la le mes de des vous que par oui à mon ma j'accepte peux tout moment recevoir en",
    "es": "yo y los la el mis de que por sí mi acepto puedo en cualquier momento recibir un correo",
}
_WORDS: Final = {language: frozenset(text.split()) for language, text in _FREQUENT.items()}
_LETTERS: Final = {"uk": "іїєґ", "ru": "ыэъё", "et": "õ", "de": "ß", "fr": "êèçàœ", "es": "ñ¿¡"}


def language_of(text: str) -> str:
    """One of LANGUAGES; empty where the words don't tell."""
    lower = text.casefold()
    words = re.findall(r"[\w'’-]+", lower)
    scores = {language: float(sum(word in known for word in words)) for language, known in _WORDS.items()}
    for language, letters in _LETTERS.items():
        scores[language] += 2.0 * any(letter in lower for letter in letters)
    best = max(scores, key=lambda language: scores[language])
    second = max(score for language, score in scores.items() if language != best)
    return best if scores[best] > second else ""


def gaps(text: str, language: str = "", *, abroad: bool = False) -> tuple[Gap, ...]:
    """What the wording leaves out, in the order of ``Gap``; empty if nothing is missed.

    ``language`` as in BCP 47 (``et``, ``de-AT``); empty: found from the text.
    ``abroad`` says that data leaves the country; only then it must be told.
    """
    lower = " ".join(text.casefold().split())
    known = (language.split("-")[0].split("_")[0].casefold() or language_of(text)) or ""
    languages = (known,) if known in _SAID else LANGUAGES
    asked = [gap for gap in Gap if abroad or gap is not Gap.TRANSFER]
    missing = [gap for gap in asked if not any(_stems(one, gap).search(lower) for one in languages)]
    return tuple(gap for gap in missing if gap is not Gap.CONTROLLER or not _LEGAL_FORM.search(text))


def sentence(missing: Sequence[Gap]) -> str:
    """What a wording leaves out, in a line; ``""`` if nothing is missing."""
    return f"the wording has gaps: {'; '.join(gap.text for gap in missing)}" if missing else ""


@cache
def _stems(language: str, gap: Gap) -> re.Pattern[str]:
    return re.compile(_SAID[language][gap])
