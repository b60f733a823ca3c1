"""What tells an offer from a service message, in sentences that many people got word for word (R18a).

A receipt, a code or an alert differs in what it says of its reader; what all
copies have in common there is about the matter. Sentences are compared without
links; those that stand in the last paragraph (address, legal lines) don't count.
"""

# ruff: noqa: SIM905 - words of many alphabets, and lists of them as text

from __future__ import annotations

import itertools
import re
import zlib
from functools import lru_cache
from typing import Final, NamedTuple

from relay.mail.skeleton import shown_letters, without_marks

MOST_SENTENCES: Final = 80
MOST_LETTERS: Final = 20_000
LEAST_WORDS: Final = 3
MOST_KNOWN: Final = 2_048
"""Lines whose sentences are kept, of all messages of this process."""
LONGEST_KNOWN: Final = 300
"""Characters of such a line."""

_LINK: Final = re.compile(r"(?:https?://|www\.|mailto:)\S+")
_SENTENCE: Final = re.compile(r"[.!?\u2026:;](?=\s|\Z)")
"""Begins with a set of characters, which is found fast."""
_WORD: Final = re.compile(r"[^\W_]+")
_OFFERS: Final = """
sale sales discount cheaper bargain offer offers voucher coupon deal deals collection bestseller save gift present
giveaway exclusive limited buy shop choose discover sign-up newsletter seminar webinar course lose slim capsules
half-price instalments profit win winner prize subscribe subscription-offer trial invest earn price prices brand
season new-arrivals scarf скидк распродаж дешевл акция акции предложени купон подар коллекци новинк купи закаж
выбира выбери успей только-до бесплатн семинар вебинар курс похуд капсул полцен пол-цены рассрочк выгод приз выигр
подпис инвест зараб цены хит сезон сбросьте скиньте знижк розпродаж дешевш акція акції пропозиц купон подарун
колекці новинк купуй замов обира обери встигн безкоштовн семінар вебінар курс схуд капсул пів-ціни розстроч вигід
приз вигра підпис інвест зароб ціни хіт сезон скиньте soodus allahind odavam pakkumi kingitus kingiks kollektsioon
uudis osta telli vali kiirusta tasuta seminar veebinar kursus kapsl poole-hinna järelmaks auhind võida võit investee
teeni müük hinnad hooaeg registreeru kohti rabatt angebot günstig billiger schlussverkauf ausverkauf gutschein
geschenk kollektion neuheit kaufen bestellen wählen umsonst gratis seminar webinar kurs abnehm kapsel halber-preis
raten plätze gewinn preise saison anmelden trendig profis rabatte schnäppchen soldes remise promotion promo
moins-cher bon-plan cadeau collection nouveauté achetez commandez choisissez gratuit séminaire webinaire cours
maigri gélule moitié-prix mensualit gagn lot prix saison inscrivez offre places rebaja descuento oferta barat cupón
regalo colección novedad compra pide elige gratis seminario curso adelgaz cápsula mitad-de-precio plazos gana premio
precios temporada apúnta inscríb plazas sorteo
first-customers first-hundred costs-nothing seats shoes coat dress linen professionals kilos
первым-покупател первые-покупател первой-сотн первые-сто даром мест-мало мало-мест записаться шарф ботин туфл плать
плащ профессионал килограмм першим-покупц перші-покупц першій-сотн перші-сто задарма місць-мало мало-місць записатися
черевик туфл сукн плащ професіонал кілограм esimesed-ostjad esimesed-sada salli kingad mantel kleit kilo asjatundja
ersten-kunden ersten-hundert kostet-nichts schal schuhe mantel kleid leinen halben-preis halbem-preis kilo
premiers-clients cent-premiers écharpe souliers chaussures manteau robe kilos professionnels
primeros-clientes cien-primeros bufanda zapatos abrigo vestido lino kilos profesionales
on-the-house price-of-one go-fast по-цене-одно расходятся-быстро за-ціною-одніє розходяться-швидко ühe-hinnaga
lähevad-kiiresti preis-von-einer schnell-weg prix-d'une partent-vite precio-de-una vuelan
""".split()
_SERVICE: Final = """
password passcode reset verify verification confirm code sign-in login logged account order invoice receipt payment
paid refund parcel delivery shipped shipment tracking booking reservation appointment ticket alarm alert sensor
limit device request reply case cancel balance statement statement-of due expires security support warranty contract
парол код вход вошли аккаунт учетн запис заказ счет чек оплат возврат посылк доставк бронир запис-на прием тикет
тревог датчик устройств запрос обращени отмен баланс выписк безопасн подтверд договор гарант пароль код вхід увійшли
акаунт облік запис замовленн рахун чек оплат поверненн посилк доставк броню прийом тікет тривог датчик пристр запит
звернен скасув баланс виписк безпек підтверд договір гарант parool kood sisselog logiti konto tellimus arve kviitung
makse tasuti tagasi pakk tarne saadetis broneering vastuvõt pilet häire andur seade päring pöördumi tühist jääk
väljavõte turva kinnita leping garantii passwort code anmeldung angemeldet konto bestellung rechnung quittung
zahlung bezahlt erstattung paket lieferung sendung buchung termin ticket alarm sensor gerät anfrage storn saldo
auszug sicherheit bestätig vertrag garantie mot-de-passe code connexion compte commande facture reçu paiement payé
remboursement colis livraison réservation rendez-vous billet alerte capteur appareil demande annul solde relevé
sécurité confirm contrat garantie contraseña código sesión cuenta pedido factura recibo pago pagado reembolso
paquete envío reserva cita billete alarma sensor dispositivo solicitud cancel saldo extracto seguridad confirm
contrato garantía
""".split()


def _stems(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(without_marks(shown_letters(word)).replace("-", " ") for word in words))


OFFERS: Final = _stems(_OFFERS)
SERVICE: Final = _stems(_SERVICE)
_WITHIN: Final = (
    "kollektion",
    "kollektsioon",
    "angebot",
    "gutschein",
    "schnappchen",
    "ausverkauf",
    "allahindlus",
    "pakkumine",
)
"""Those that German and Estonian put behind another word: "Frühlingskollektion"."""
_OFFER: Final = re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, OFFERS))})|(?:{'|'.join(_WITHIN)})")
_ABOUT: Final = re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, SERVICE)) + r")")
_PERCENT: Final = re.compile(r"\d ?%|per cent|percent|процент|відсот|protsent|prozent|pour cent|por ciento")


class Sentence(NamedTuple):
    number: int
    """The same for the same words."""
    words: int
    text: str

    @property
    def offers(self) -> frozenset[str]:
        """Words of offers in it."""
        return _signs(self.text)[0]

    @property
    def about_matter(self) -> bool:
        """It speaks of what service messages are about."""
        return _signs(self.text)[1]


@lru_cache(maxsize=4096)
def _signs(text: str) -> tuple[frozenset[str], bool]:
    """Only asked of sentences that repeat, and these are the same ones again and again: it costs most of the look."""
    offers = set(_OFFER.findall(text))
    if _PERCENT.search(text):
        offers.add("%")
    return frozenset(offers), _ABOUT.search(text) is not None


@lru_cache(maxsize=64)
def sentences(text: str) -> list[Sentence]:
    """Of what a reader sees, without its last paragraph where there are several. Not to be changed: it is kept."""
    plain = without_marks(shown_letters(text[:MOST_LETTERS]))
    paragraphs: list[list[Sentence]] = []
    current: list[Sentence] = []
    says = False
    for line in plain.split("\n"):
        known = _known_line(line) if len(line) <= LONGEST_KNOWN else _of_line(line)
        if not known.rest:
            if says:
                paragraphs.append(current)
            current, says = [], False
            continue
        says = says or not known.rest.isspace()
        current += known.sentences
    if says:
        paragraphs.append(current)
    if len(paragraphs) > 2:
        paragraphs.pop()
    return list(itertools.chain.from_iterable(paragraphs))[:MOST_SENTENCES]


class _Line(NamedTuple):
    sentences: tuple[Sentence, ...]
    rest: str
    """Of what stands beside links the first character; one that is empty parts paragraphs."""


def _of_line(line: str) -> _Line:
    text = _LINK.sub(" ", line) if ":" in line or "www." in line else line
    found = []
    for piece in _SENTENCE.split(text):
        words = _WORD.findall(piece)
        if len(words) >= LEAST_WORDS:
            number = zlib.crc32(" ".join(words).encode("utf-8", "surrogatepass"))
            found.append(Sentence(number, len(words), piece))
    return _Line(tuple(found), (text.strip() or text.strip(" \t"))[:1])


_known_line: Final = lru_cache(MOST_KNOWN)(_of_line)
"""Most lines of a message stood in the one before it."""
