"""Fresh sets, verdicts first: what is one campaign (R10), and newsletters that pose as service mail (R18a).

docs/STAGING.md has what the first look at them found.
"""

# ruff: noqa: RUF001, E501 - letters of many alphabets, and letters as they stand

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from relay.mail.likeness import APART, Likeness, words
from tests.unit.test_service_mail import filled, kept_at


class Newsletter(NamedTuple):
    head: str
    foot: str
    greeting: str
    articles: tuple[str, ...]


NEWSLETTERS = {
    "en": Newsletter(
        "Harbour Notes\nEvery second Thursday from the boat shed, with tea stains.",
        "Harbour Society, 9 Quay Lane. Reply if a link is broken.",
        "Dear {n},",
        (
            "The ferry has a new bell\nIt was cast in the yard behind the school and weighs as much as a calf. Children may ring it on the last Sunday of the month.",
            "Nets for rent\nWho wants to fish for herring in April can borrow a net for a week. Bring a bucket and dry gloves, the rest is in the shed.",
            "A whale went by\nAt six in the morning the baker saw it from the bridge, blowing twice. The museum would like photographs, sharp or not.",
            "Winter storage ends\nBoats must leave the hall before the swallows come. The crane is booked by the hour, tell us your mast's height.",
        ),
    ),
    "de": Newsletter(
        "Der Gartenbrief\nAlle zwei Wochen aus dem Gewächshaus, geschrieben mit erdigen Fingern.",
        "Gartenverein Südhang, Am Hang 4. Antworten liest Frau Kern.",
        "Liebe {n},",
        (
            "Die Bienen sind wach\nSeit Mittwoch fliegen sie an der Südseite, und der Imker hat schon zwei Stiche. Bitte mäht die Wiese am Zaun erst im Juni.",
            "Komposttag\nDer Häcksler steht am Samstag vor dem Tor, Äste bis zur Dicke eines Arms. Wer schwere Säcke hat, bekommt eine Schubkarre.",
            "Alte Apfelsorten\nVon der Gräfin und dem Graurock gibt es noch sechs Reiser. Wer veredeln lernen will, setzt sich zu Herrn Blum auf die Bank.",
            "Schnecken im Salat\nKupferband half nicht, Laufenten schon. Zwei davon wohnen jetzt bei Familie Arens und machen Hausbesuche.",
        ),
    ),
    "ru": Newsletter(
        "Письмо из мастерской\nРаз в месяц, пока сохнет клей, пишем о дереве и людях.",
        "Мастерская на Речной, дом 7. Отвечаем на все письма, но не сразу.",
        "Здравствуйте, {n}!",
        (
            "Стул с третьей ножкой\nЕго принесли из театра, где он двадцать лет играл короля. Теперь он снова стоит ровно, и сидеть на нём можно всем.",
            "Курс для левшей\nИнструменты повёрнуты, верстак переставлен, и мастер сам левша. Мест шесть, начинаем после праздников.",
            "Липа или берёза\nЛожки из липы мягче, из берёзы служат дольше. Мы вырезали по десять и спросили поваров, что они думают.",
            "Запах стружки\nСоседи просят открывать окна по вечерам. Говорят, что так лучше спится, и мы не спорим.",
        ),
    ),
    "fr": Newsletter(
        "La lettre du moulin\nTous les quinze jours, écrite entre deux sacs de farine.",
        "Moulin du Haut, chemin des Saules. Nous répondons le dimanche.",
        "Bonjour {n},",
        (
            "La meule tourne à nouveau\nLe forgeron a refait l'axe en trois nuits et n'a rien voulu pour cela. La première farine part à l'école du village.",
            "Pain de seigle\nLe levain a douze ans et il a mauvais caractère. Samedi nous en donnons un pot à qui apporte un bocal propre.",
            "Les canards du bief\nOnze petits traversent la route à huit heures. Roulez doucement, et prévenez le facteur.",
            "Crue de printemps\nL'eau est montée jusqu'à la deuxième marche. Le grenier est sec, et le chat a pris la chambre.",
        ),
    ),
    "es": Newsletter(
        "Cartas del olivar\nCada quincena, escritas a la sombra del molino viejo.",
        "Cooperativa del Olivar, camino del Pozo. Contestamos los lunes.",
        "Hola {n}:",
        (
            "La cosecha empieza tarde\nLlovió en octubre y las aceitunas siguen verdes en la ladera norte. Quien quiera ayudar, que traiga botas y una manta.",
            "Aceite nuevo\nSabe a hierba cortada y pica un poco al final. Lo probamos el domingo con pan de pueblo y tomates.",
            "El mulo se llama Bruno\nTiene nueve años y no le gustan los drones. Si lo ven por el camino, no le den azúcar.",
            "Poda en invierno\nEl maestro enseña a cortar mirando al sol. Empezamos por los árboles de la entrada, que son los más tercos.",
        ),
    ),
    "et": Newsletter(
        "Rannakiri\nÜle nädala kirjutatud võrgukuuris, kui tuul lubab.",
        "Rannarahva selts, Sadama 3. Kirjadele vastab Aino.",
        "Tere, {n}!",
        (
            "Uus sild sai valmis\nLauad on tammest ja käsipuu hoiab ka talvel sooja. Esimesena läks üle kass, siis vallavanem.",
            "Suitsukala õppus\nLepapuu tuleb ise kaasa võtta, kala anname meie. Õhtul sööme ära kõik, mis välja tuli.",
            "Hülged lahes\nNeid loeti nelikümmend kaks, üks oli väga vana. Palun ärge minge paadiga lähemale kui sada sammu.",
            "Tormi jäljed\nKaks kuuri on katuseta ja üks paat on metsas. Laupäeval tõstame selle tagasi, tulge appi.",
        ),
    ),
}
NAMES = ("Ann Harper", "Olaf Petersen", "Марина Ким", "Jürgen Groß", "Zoë Lefèvre", "Peeter Mägi")


def letter(language: str, places: tuple[int, ...], name: str = "Ann Harper", extra: str = "") -> str:
    one = NEWSLETTERS[language]
    greeting = one.greeting.format(n=name) if name else ""
    return "\n\n".join([one.head, greeting, extra, *(one.articles[place] for place in places), one.foot])


def alike(language: str) -> Iterator[tuple[str, str, str]]:
    """Pairs of one campaign."""
    whole, heads = letter(language, (0, 1, 2)), [one.split("\n")[0] for one in NEWSLETTERS[language].articles]
    lot = random.Random(language)
    yield "names", whole, letter(language, (0, 1, 2), "Zoë Lefèvre")
    yield (
        "points and codes",
        letter(language, (0, 1, 2), extra="4 812 / QX7-T99 / 17.05.2026"),
        letter(language, (0, 1, 2), "Olaf Petersen", "17 / ZZ1-A02 / 03.11.2026"),
    )
    yield (
        "links",
        letter(language, (0, 1, 2), extra="https://l.example/c/9f31aa?u=77"),
        letter(language, (0, 1, 2), "Peeter Mägi", "https://l.example/c/0b772e?u=1845"),
    )
    yield "order", whole, letter(language, (2, 0, 1), "Jürgen Groß")
    yield "another headline", whole, letter(language, (0, 1, 2), "Марина Ким").replace(heads[0], heads[3], 1)
    yield "no greeting", whole, letter(language, (0, 1, 2), "")
    yield "typing errors", whole, "".join(c for c in whole if lot.random() > 0.006)
    yield "the name all over", whole.replace(". ", ". Ann Harper! "), whole.replace(". ", ". Olaf Petersen! ")
    yield "one article", letter(language, (1,)), letter(language, (1,), "Peeter Mägi", "553 / 2026")
    yield (
        "the nearest branch",
        letter(language, (0, 1, 2), extra="Tallinn, Pikk 15, +372 5551234"),
        letter(language, (0, 1, 2), extra="Hamburg, Hafenstraße 88, +49 40 998877"),
    )


def different(language: str) -> Iterator[tuple[str, str, str]]:
    """Pairs of different issues from one template."""
    yield "all articles", letter(language, (0, 1)), letter(language, (2, 3))
    yield "the only one", letter(language, (0,)), letter(language, (1,))
    yield "one of three", letter(language, (0, 1, 2)), letter(language, (0, 1, 3))
    yield "one of two", letter(language, (0, 1)), letter(language, (2, 1))
    yield "the only one, for another", letter(language, (2,)), letter(language, (3,), "Olaf Petersen")
    yield "half, in another order", letter(language, (0, 1)), letter(language, (3, 0), "Zoë Lefèvre")


def apart(one: str, other: str) -> bool:
    return Likeness.first(words(one, NAMES)).distance(words(other, NAMES)) >= APART


@pytest.mark.parametrize("language", NEWSLETTERS)
def test_copies_are_one_campaign_and_issues_are_several(language: str) -> None:
    assert [kind for kind, one, other in alike(language) if apart(one, other)] == []
    assert [kind for kind, one, other in different(language) if not apart(one, other)] == []


POSING = {
    "en": (
        "{name}, about invoice {number}: nothing is due. Instead we thought of you: winter tyres at half price, fitting included, only while stocks last. Book a slot before everyone else does: {link}",
        "Your ticket {number} was updated on {date}.\n\nThe spring collection has landed. Linen shirts, wide trousers and hats that survive the ferry. Shop early, the first hundred orders get a tote bag as a gift: {link}",
        "Security notice for {name}.\n\nSecure your seat too: our weekend course on watercolours starts again, with a discount for early birds and free paint. Register here: {link}",
        "Delivery {number} is done.\n\nWe would like you to read how the cooperative changed this year. The dairy moved across the river, three farmers retired and two daughters took over. In the old barn there is now a library with benches, and on Sundays somebody reads aloud from the letters of the founders. We also planted a row of lindens along the lane, and the council promised not to salt it in winter. Come by when the kettle is on, and bring a story.",
    ),
    "de": (
        "{name}, zu Rechnung {number}: alles bezahlt. Darum gibt es für Sie jetzt Winterreifen zum halben Preis, Montage geschenkt, nur solange der Vorrat reicht. Termin sichern: {link}",
        "Ihr Vorgang {number} vom {date} wurde bearbeitet.\n\nDie Frühlingskollektion ist da: Leinenhemden, weite Hosen und Hüte. Die ersten hundert Bestellungen bekommen eine Tasche als Geschenk: {link}",
        "Sicherheitshinweis für {name}.\n\nSichern Sie sich auch Ihren Platz: unser Aquarellkurs beginnt wieder, Rabatt für Frühbucher und Farben gratis. Anmelden: {link}",
    ),
    "fr": (
        "{name}, facture {number} : rien à payer. Mais pour vous, pneus d'hiver à moitié prix, montage offert, dans la limite des stocks. Réservez : {link}",
        "Votre dossier {number} du {date} a été mis à jour.\n\nLa collection de printemps est arrivée : chemises en lin, pantalons larges, chapeaux. Un sac en cadeau pour les cent premières commandes : {link}",
        "Avis de sécurité pour {name}.\n\nNotre cours d'aquarelle reprend, remise pour les premiers inscrits et peinture gratuite. Inscrivez-vous : {link}",
    ),
    "es": (
        "{name}, factura {number}: no hay nada que pagar. Para ti, neumáticos de invierno a mitad de precio y montaje de regalo, solo hasta agotar existencias. Reserva: {link}",
        "Tu gestión {number} del {date} se ha actualizado.\n\nHa llegado la colección de primavera: camisas de lino, pantalones anchos y sombreros. Un bolso de regalo para los cien primeros pedidos: {link}",
        "Aviso de seguridad para {name}.\n\nVuelve nuestro curso de acuarela, descuento para los primeros y pintura gratis. Apúntate: {link}",
    ),
    "ru": (
        "{name}, по счёту {number} ничего платить не нужно. Зато для вас зимние шины за полцены, установка в подарок, пока есть на складе. Записаться: {link}",
        "Ваше обращение {number} от {date} обновлено.\n\nПришла весенняя коллекция: льняные рубашки, широкие брюки и шляпы. Первым ста заказам сумка в подарок: {link}",
        "Уведомление безопасности для {name}.\n\nНаш курс акварели начинается снова, скидка для первых и краски бесплатно. Запишитесь: {link}",
    ),
    "uk": (
        "{name}, за рахунком {number} нічого платити не треба. Натомість для вас зимові шини за пів ціни, встановлення в подарунок, поки є на складі. Записатися: {link}",
        "Ваше звернення {number} від {date} оновлено.\n\nНадійшла весняна колекція: лляні сорочки, широкі штани й капелюхи. Першим ста замовленням сумка в подарунок: {link}",
    ),
    "et": (
        "{name}, arve {number} eest pole midagi maksta. Teile on aga talverehvid poole hinnaga, paigaldus kingituseks, kuni kaupa jätkub. Broneeri: {link}",
        "Teie pöördumine {number}, {date}, on uuendatud.\n\nKevadkollektsioon on kohal: linased särgid, laiad püksid ja kübarad. Esimesed sada tellimust saavad kingituseks koti: {link}",
    ),
}
HONEST = (
    "{name}, your table for four is booked on {date} at {time}. Reply to change it, or call the kitchen.",
    "Parcel {number} could not be handed over on {date}. It waits at the shop in Mill Lane until the weekend. Bring an identity card and code {code}.",
    "Your test result {number} is ready. Log in with code {code} to read it; the doctor will call you if anything needs a word.",
    "Fahrkarte {number} für {date}, Wagen 7, Platz {four}. Bitte zeigen Sie den Ausweis. Verspätungen melden wir unter {link}.",
    "Hallo {name}, Ihr Kind {code} war am {date} ab {time} nicht in der Kita. Bitte melden Sie es krank oder rufen Sie an.",
    "Bonjour {name}, votre virement de {sum} EUR du {date} a été exécuté. Référence {code}. Si ce n'est pas vous, appelez la banque.",
    "Hola {name}, su cita con la doctora es el {date} a las {time}. Traiga la tarjeta sanitaria y llegue diez minutos antes.",
    "{name}, показания счётчика {number} приняты {date}. К оплате {sum}. Квитанция в кабинете: {link}",
    "{name}, заявку {number} прийнято {date} о {time}. Майстер зателефонує за годину до приїзду. Код дверей {code}.",
    "Tere, {name}! Prügivedu toimub {date} kell {time}. Palun jätke konteiner värava ette. Arve {number}, {sum} EUR.",
    "Backup of server {code} failed on {date} at {time}: disk {four} is full. Details: {link}",
    "{name}, you signed the document {number} on {date}. A copy is kept for ten years: {link}",
)


def copies(template: str, seed: str) -> Iterator[str]:
    lot = random.Random(seed)
    while True:
        yield filled(template, lot)


@pytest.mark.parametrize("language", POSING)
def test_offers_behind_a_service_line_are_kept_by_the_fiftieth_copy(language: str) -> None:
    found = {one[:40]: kept_at(copies(one, one), 50) for one in POSING[language]}
    assert all(found.values()), found


def test_service_mail_of_other_trades_is_not() -> None:
    assert {one[:40]: kept_at(copies(one, one), 60) for one in HONEST} == {one[:40]: 0 for one in HONEST}
