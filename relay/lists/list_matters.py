"""Names of columns that are about another matter than whether a person may be written to. Pure (``plain`` names)."""

from __future__ import annotations

import re
from typing import Final

_PERSONAL: Final = re.compile(
    r"\b(?:(?:[fl]|first|last|full|sur|user|nick|middle|company|display|city|form|list|campaign|store|shop|given"
    r"|family)? ?names?|[fl]name|vorname|nachname|anrede|titel|title|nom|prenom|nombre|apellid\w*|nome|cognome"
    r"|sobrenome|naam|voornaam|achternaam|imie|nazwisko|имя|фио|фамил\w*|отчеств\w*|імя|м я|ім я|прізвищ\w*"
    r"|по батькові|(?:ees|pere)?nimi|etunimi|sukunimi|namn|fornamn|efternamn|navn|fornavn|etternavn|jmeno|prijmeni"
    r"|meno|priezvisko|nume|prenume|nev|keresztnev|ad|soyad|vards|uzvards|vardas|pavarde"
    r"|company|firm\w*|organi[sz]\w*|entreprise|societe|empresa|azienda|bedrijf|компан\w*|организац\w*|організац\w*"
    r"|asutus|ettevot\w*|yritys|foretag|employer|school|schule|brand"
    r"|city|town|ort|stadt|ville|ciudad|citta|cidade|stad|miasto|город|місто|linn|kaupunki|mesto|oras|varos|sehir"
    r"|street|str|address|adress?e|strasse|rue|calle|via|rua|straat|ulica|улица|вулиця|tanav|katu|gata"
    r"|country|land|pays|pais|paese|kraj|страна|країна|riik|maa|state|province|region|county|district"
    r"|zip|plz|post ?code|postal ?code|cp|cap|postleitzahl|индекс|індекс"
    r"|phone|tel(?:ephone|efon\w*|efono)?|mobile|handy|gsm|fax"
    r"|url|web ?site|web|site|link|domain|host|job|position|role|department"
    r"|abteilung|beruf|profession|должность|посада"
    r"|i?d|uuid|guid|hash|token|key|code|number|nr|no|nummer|referr?er\w*|landing\w*|user agent|browser|device"
    r"|language|lang|locale|sprache|langue|idioma|lingua|taal|jezyk|язык|мова|keel|kieli|time ?zone|gender|sex"
    r"|geschlecht|birth\w*|age|photo|avatar|image|product\w*|artikel|article"
    r"|subject|betreff|headline|hobby|hobbies)\b"
)
"""What stands there are names and things, whatever words they are made of."""
_OTHER_FLAGS: Final = re.compile(
    r"\b(?:vip|b2b|b2c|hr|tv|pc|kyc|gst|ust|customers?|clients?|clientes?|buyers?|purchas\w*|\w+kunden?"
    r"|bought|orders?|ordered|paid|pays|kunden?|kauf\w*|achat"
    r"|compr\w*|acquist\w*|клиент\w*|клієнт\w*|покуп\w*|klient\w*|asiakas|kund|kunde|zakaznik"
    r"|members?|mitglied\w*|membres?|miembros?|socio|membro|lid|czlonek|член\w*|учасник\w*|участник\w*|liige|jasen"
    r"|medlem|students?|teachers?|parents?|adult|minor|child\w*|kinder|enfants|over \d+|\d+ plus|male|female|married"
    r"|tax|vat|mwst|tva|iva|html|text|plain|company|business|private|privat|account|konto|compte|cuenta|login|logged"
    r"|admin|staff|employee|attend\w*|present|presence|participa\w*|teilgenommen"
    r"|teilnahme|anwesend|checked in|show(?:ed)?"
    r"|guest|gast|invite|joined|osales\w*|osaleja|присутн\w*|speaker|exhibitor|press|presse|lead|prospect|partner"
    r"|test|demo|trial|premium|free|pro|plan|donor|spender|donat\w*|volunteer|terms|agb|cgv|cgu|tos|conditions"
    r"|wheelchair|vegan|vegetarian|lunch|dinner|parking|hotel|bot|duplicate|dublette|merged|owner|primary|default"
    r"|wholesale\w*|retail\w*|loyal\w*|fidel\w*|cart[ea]?|cards?|kart\w*|agency|dealer|handler|reseller|опт\w*"
    r"|юр\w*|физ\w*"
    r"|постоян\w*|постіин\w*|карт\w*|adherent\w*|parrain\w*|app|gift|coupon|rabatt|discount|credit|kredit|invoice"
    r"|rechnung\w*|cash|pick ?up|gluten\w*|allerg\w*|kosher|halal|bus|train|first time|returning|repeat"
    r"|resident|citizen"
    r"|bezahlt\w*|bar|pagad\w*|оплат\w*|maksnud|eraisik|hij[oa]s|ninos|lapsi|дет[еи]и?|діт\w*|beta|testers?"
    r"|share|first aid"
    r"|erste hilfe|auto|voiture|coche|remote|onsite|in person|insurance|versicher\w*|licen[cs]e|fuhrerschein"
    r"|driver|swim\w*"
    r"|schwimm\w*|replied|visited|erledigt|locked|(?:un)?qualified|veteran|senior|retired|pension\w*|smok\w*"
    r"|helper|helfer|helper\w*|\w+mitglied|pusiklient|exported"
    r"|imported|synced|opened|clicked|printed|shipped|delivered|returned|refunded|car|pet|dog|cat)\b"
)


_DEALS: Final = re.compile(
    r"\b(?:orders?|bestell\w*|commandes?|pedidos?|ordin[ei]|заказ\w*|замовлен\w*|tickets?|bookings?|buchung\w*"
    r"|reservations?|invoices?|rechnung\w*|factur\w*|invitees?|events?|webinars?|appointments?|termin)\b"
)


def is_deal(name: str) -> bool:
    """Is a column about an order, a booking or an event?"""
    return _DEALS.search(name) is not None


_PLANS: Final = re.compile(r"\b(?:plan|tier|member ?ships?|price|mrr|тариф|tarif)\b")


def is_plan(name: str) -> bool:
    """Is a column about something paid for?"""
    return _PLANS.search(name) is not None


def is_personal(name: str) -> bool:
    """Do names of people, places and things stand in the column?"""
    return _PERSONAL.search(name) is not None


_WHOLLY: Final = re.compile(rf"(?:{_PERSONAL.pattern})\Z")


def is_place(name: str) -> bool:
    """Is the column called a name, a place or a thing, and nothing more?"""
    return _WHOLLY.match(name) is not None


def is_other_flag(name: str) -> bool:
    """Is a yes or no there about something else than mail?"""
    return _OTHER_FLAGS.search(name) is not None or is_personal(name)


_OTHER_MATTERS: Final = re.compile(
    r"\Amessage\Z|\b(?:label|itv|tuv|dzimums|lytis|nem|cinsiyet|pohlavi\w*|plec|spol|genero|geslacht|sukupuoli"
    r"|kjonn|kon|(?:e?mail)?(?:format|display|client|provider|host)|u ?\d\d|over ?\d\d|\d\d plus|tags?"
    r"|wartelist\w*|wait ?list\w*|waiting list|liste d attente|lista de espera|nps|csat|sku|crm|erp|sso|vpn|ssl"
    r"|pdf|xml|csv|sql|dhl|dpd|mvp|kpi|digest\w*|gmt\w*|dst\w*|utc\w*|ids|\w*left|экспорт\w*|експорт\w*"
    r"|export\w*|import\w*|directory|delinquent|follow\w*|complet\w*|geklickt|geoffnet|tps|tarjeta|tessera"
    r"|tracking\w*|has|uses?|owns?|installed|ios|android|windows|mac|linux|web|desktop|tablet|age|adult|years?"
    r"|birth\w*|size|colou?r|weight|height|room|seat|table|floor|unit|stock|warehouse|branch|filiale?|store|shop"
    r"|outlet|magasin|tienda|negozio|winkel|sklep|butik|pood|магазин\w*|филиал\w*|філі\w*|language|currency"
    r"|price|amount|total|sum|balance|value|spend|revenue|points?|bonus|level|stage|grade|star|sterne?|rank\w*"
    r"|segment|cluster|interests?|interess\w*|hobb\w*|theme|categor\w*|sector|industry|branche|quiz|survey|poll"
    r"|contest|competition|prize|winner|raffle|webinar|course|kurs\w*|lesson|module|exam|certificate|friend"
    r"|family|famil\w*|kids?|baby|pets?|garden|house|home|owner\w*|tenant|renter|employee|manager|director|board"
    r"|committee|vorstand|ehrenamt\w*|aktive mitgliedschaft|jugend|team|club|verein|chor|gruppe|shipping"
    r"|delivery address|pickup|invoice|vat|iban|sepa|bank|paypal|card|cash|refund\w*|warranty|garanti\w*"
    r"|complimentary|comped|stripe|prospect|paying|bought|buyer|fan|follower|facebook|instagram|twitter|linkedin"
    r"|social|verified account|2fa|mfa|password|admin|editor|author|role|published|public|visible|featured"
    r"|archived copy|newcomer|existing|known|new|old|bestand\w*|neukund\w*|stamm\w*|gender|salutation|anrede"
    r"|pronouns?|пол|возраст|размер|цвет|бонус\w*|скидк\w*|знижк\w*|стать|вік|розмір|колір|sugu|vanus|suurus"
    r"|varv|sexo|edad|talla|sexe|taille|geschlecht|alter|grosse|farbe|sesso|eta|taglia|wiek|rozmiar|alder"
    r"|storrelse|інвалід\w*|инвалид\w*|behinder\w*|disability|handicap\w*|minusvali\w*|discapac\w*|invalidi\w*"
    r"|iwin|lottery|meal|menu|diet\w*|drink|shirt|tshirt|transport|travel|visa|passport|accommodation|arrival)\b"
)
"""Whole words by which a column is plainly of something else, yes and no or not."""


def is_other_matter(name: str) -> bool:
    """Is a column plainly of something else, by a word in its name?"""
    return _OTHER_MATTERS.search(name) is not None
