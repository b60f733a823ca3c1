"""Bulk that poses as service mail is kept by its fiftieth copy; receipts, codes, resets and alerts never are (R18a)."""

# ruff: noqa: RUF001, E501 - letters of many alphabets, and templates as they stand

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies.service_mail import Policy
from policies.service_notes import RepeatNotes
from relay.pipeline.contract import PASS, Continue, Defer, Hold, MessageVerdict, PolicyNote, Suspect, Transaction
from relay.values.facts import Kind, Recipient, Record, Standing, Stream
from tests.support.content import mail, read
from tests.unit.test_policies import BULK, TENANT, txn

SERVICE = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)
SAMPLES = Path(__file__).parents[1] / "samples" / "content" / "ordinary.jsonl"
NAMES = ("Anna Lind", "Piotr Kask", "Marie Roy", "Олена Коваль", "Jaan Tamm", "Lena Kuhn", "Luis Prado", "Иван Рябов")
THINGS = (
    "oak shelf",
    "чайник",
    "rain coat",
    "joogamatt",
    "Wolldecke",
    "tasse",
    "manta",
    "ліхтар",
    "desk lamp",
    "насос",
)
END = "\n\nMill Lane 4, Exampleton. We answer every letter, though not always in the same week."

TEMPLATES = {
    "en": (
        "Hello {name},\n\nthank you for your order {number}.\n1 x {thing}  {sum} EUR\nPaid by card ending {four} on {date}.",
        "{name}, your code is {code}. It is valid for ten minutes. We never ask for it by telephone.",
        "Hello {name},\n\nsomeone asked to reset the password of your account on {date}. If it was you, open {link} within an"
        " hour. If not, you need do nothing, and your password stays as it is. For your security we never ask for it.",
        "Sensor {code} measured {sum} at {time} on {date}. Limit {four}. Acknowledge: {link}",
        "Your parcel {number} was shipped on {date} and arrives by {time}. Track the delivery: {link}",
        "Please confirm your e-mail address so that your account can be used: {link}\n\nIf you did not sign up, ignore this.",
        "{name}, a reminder of your appointment on {date} at {time}. Please come ten minutes early and bring your card.",
        "Your statement for {date} is ready. Balance {sum} EUR. Log in to read it: {link}",
    ),
    "ru": (
        "Здравствуйте, {name}!\n\nСпасибо за заказ {number}.\n1 x {thing}  {sum}\nОплачено картой {four}, {date}.",
        "{name}, ваш код {code}. Действует десять минут. Мы никогда не спрашиваем его по телефону.",
        "{name}, {date} в {time} кто-то попросил сменить пароль. Если это вы, откройте {link}. Если нет, ничего не делайте.",
        "Посылка {number} отправлена {date}. Следить за доставкой: {link}",
    ),
    "uk": (
        "Вітаємо, {name}!\n\nДякуємо за замовлення {number}.\n1 x {thing}  {sum}\nОплачено карткою {four}, {date}.",
        "{name}, ваш код {code}. Діє десять хвилин. Ми ніколи не питаємо його телефоном.",
        "{name}, {date} о {time} хтось попросив змінити пароль. Якщо це ви, відкрийте {link}. Якщо ні, нічого не робіть.",
    ),
    "et": (
        "Tere, {name}!\n\nTäname tellimuse {number} eest.\n1 x {thing}  {sum} EUR\nTasuti kaardiga {four}, {date}.",
        "{name}, teie kood on {code}. Kehtib kümme minutit. Me ei küsi seda kunagi telefoni teel.",
        "{name}, teie kontole logiti sisse {date} kell {time}. Kui see polnud teie, lukustage konto: {link}",
    ),
    "de": (
        "Hallo {name},\n\nRechnung {number} vom {date}\n{thing}: {sum} EUR\nZahlbar in 14 Tagen. Verwendungszweck {code}.",
        "{name}, Ihr Code ist {code}. Er gilt zehn Minuten. Wir fragen nie am Telefon danach.",
        "Zimmer {four}, ab {date}. Gast: {name}. Preis {sum} EUR. Kostenlos stornierbar bis {time} am Vortag.",
    ),
    "fr": (
        "Bonjour {name},\n\nmerci pour votre commande {number}.\n1 x {thing}  {sum} EUR\nPayé par carte {four} le {date}.",
        "{name}, votre code est {code}. Il est valable dix minutes. Nous ne le demandons jamais par téléphone.",
    ),
    "es": (
        "Hola {name}:\n\ngracias por su pedido {number}.\n1 x {thing}  {sum} EUR\nPagado con tarjeta {four} el {date}.",
        "{name}, su código es {code}. Vale diez minutos. Nunca lo pedimos por teléfono.",
    ),
}
OFFERS = {
    "en": "Everything in the house is cheaper until Sunday. The sale takes in all shelves, and delivery is a present. Choose now:",
    "ru": "До воскресенья в доме всё дешевле. Распродажа идёт на всех полках, доставка в подарок. Выбирайте:",
    "uk": "До неділі в домі все дешевше. Розпродаж на всіх полицях, доставка в подарунок. Обирайте:",
    "et": "Pühapäevani on majas kõik odavam. Müük käib igal riiulil ja kohaletoomine on kingitus. Vali:",
    "de": "Bis Sonntag ist im Haus alles günstiger. Der Ausverkauf gilt für alle Regale, die Lieferung ist ein Geschenk. Wählen:",
    "fr": "Jusqu'à dimanche, tout est moins cher dans la maison. Les soldes valent partout, la livraison est un cadeau. Choisissez :",
    "es": "Hasta el domingo todo está rebajado en la casa. La oferta vale en todas partes, el envío es un regalo. Elige:",
}
LETTERS: dict[str, list[str]] = {}
for _line in SAMPLES.read_text("utf-8").splitlines():
    _one = json.loads(_line)
    LETTERS.setdefault(_one["lang"], []).append(f"{_one['subject']}\n{_one['text']}")


def filled(template: str, chance: random.Random) -> str:
    digits = "".join(chance.choices(string.digits, k=7))
    return template.format(
        name=chance.choice(NAMES),
        number=digits,
        thing=chance.choice(THINGS),
        sum=f"{chance.randint(1, 900)}.{chance.randint(10, 99)}",
        four=digits[:4],
        date=f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.2026",
        time=f"{chance.randint(0, 23)}:{chance.randint(10, 59)}",
        code="".join(chance.choices(string.ascii_uppercase + string.digits, k=8)),
        link=f"https://my.example/{chance.getrandbits(64):x}",
    )


def copy(number: int, stream: Stream = SERVICE, **changes: object) -> Transaction:
    who = f"p{number}@x.example"
    return replace(txn(stream), recipients=(Recipient(who, who, "x.example", Standing(number)),), **changes)


def kept_at(texts: Iterator[str], most: int, policy: Policy | None = None) -> int:
    """The number of the first copy that is kept; 0: none of ``most``."""
    asked = policy or Policy({})
    for number, text in zip(range(1, most + 1), texts, strict=False):
        if suspected(asked.on_message(copy(number), read(mail(text)))):
            return number
    return 0


def suspected(answer: MessageVerdict) -> str:
    assert isinstance(answer, Continue), answer
    return "; ".join(one.why for one in answer.effects if isinstance(one, Suspect))


def posing(language: str, chance: random.Random) -> Iterator[str]:
    """A service message's beginning, with the same offer or letter in each."""
    lead = chance.choice(TEMPLATES[language])
    offered = chance.random() < 0.5
    body = OFFERS[language] + " {link}" if offered else "\n\n".join(chance.sample(LETTERS[language], 4))
    while True:
        head = filled(lead, chance) if chance.random() < 0.7 else f"{chance.choice(NAMES)},"
        yield f"{head}\n\n{body.replace('{link}', filled('{link}', chance))}{END}"


def honest(template: str, chance: random.Random) -> Iterator[str]:
    end = chance.choice((END, "", "\n\nThe team of Mill Lane"))
    while True:
        yield filled(template, chance) + end


ALL = [(language, template) for language, templates in TEMPLATES.items() for template in templates]


@pytest.mark.parametrize("language", TEMPLATES)
def test_letters_that_pose_as_service_mail_are_kept_by_the_fiftieth_copy(language: str) -> None:
    chance = random.Random(language)
    found = [kept_at(posing(language, chance), 50) for _ in range(6)]
    assert all(0 < number <= 50 for number in found), found


@pytest.mark.parametrize(("language", "template"), ALL)
def test_templates_of_service_mail_never_are(language: str, template: str) -> None:
    assert kept_at(honest(template, random.Random(template)), 60) == 0


@pytest.mark.slow
def test_the_figures_of_the_table() -> None:
    """docs/CONTENT.md: letters caught by the fiftieth copy, and none of 500 honest templates held."""
    chance = random.Random(18)
    caught = [kept_at(posing(chance.choice(list(TEMPLATES)), chance), 50) > 0 for _ in range(200)]
    assert sum(caught) >= 0.95 * len(caught), sum(caught)
    policies = [kept_at(honest(chance.choice(ALL)[1], chance), 60) for _ in range(500)]
    assert policies == [0] * 500


def test_a_tenant_s_honest_templates_together() -> None:
    policy, chance = Policy({}), random.Random(3)
    sources = [honest(template, chance) for _, template in ALL]
    start = txn().now
    kept = [
        suspected(policy.on_message(copy(number, now=start + 2 * number), read(mail(next(chance.choice(sources))))))
        for number in range(400)
    ]
    assert set(kept) == {""}


def offer(number: int) -> str:
    return f"Your order {number}: status\n\n{OFFERS['en']} https://my.example/{number}{END}"


def test_why_and_the_same_people_again_count_once() -> None:
    policy = Policy({})
    for _ in range(60):
        assert suspected(policy.on_message(copy(1), read(mail(offer(1))))) == ""
    for number in range(2, 21):
        assert suspected(policy.on_message(copy(number), read(mail(offer(number))))) == ""
    why = suspected(policy.on_message(copy(99), read(mail(offer(99)))))
    assert why == "bulk as service mail: an offer (cheaper, present, sale), word for word to 21 people in a day"


def test_a_day_rolls() -> None:
    policy = Policy({})
    start = txn().now
    for number in range(40):
        asked = copy(number, now=start + number * 6 * 3600.0)
        assert suspected(policy.on_message(asked, read(mail(offer(number))))) == ""


def test_essential_streams_bulk_and_who_may_are_not_looked_at() -> None:
    for stream, tenant in (
        (replace(SERVICE, essential=True), TENANT),
        (BULK, TENANT),
        (SERVICE, replace(TENANT, permits=frozenset({"service-mail"}))),
    ):
        policy = Policy({})
        for number in range(30):
            assert policy.on_message(copy(number, stream, tenant=tenant), read(mail(offer(number)))) == PASS


def test_new_senders_have_an_allowance_a_day() -> None:
    policy = Policy({"new_per_day": 3})
    codes = honest(TEMPLATES["en"][1], random.Random(1))
    for number in range(3):
        assert policy.on_message(copy(number), read(mail(next(codes)))) == PASS
    over = policy.on_message(copy(4), read(mail(next(codes))))
    assert isinstance(over, Defer) and over.status.reply.startswith("450 4.7.1 rate: service mail of new senders")
    assert policy.on_message(copy(1), read(mail(next(codes)))) == PASS, "who had some may have more"
    known = replace(TENANT, record=Record(released=1))
    assert policy.on_message(copy(5, tenant=known), read(mail(next(codes)))) == PASS


def test_several_processes_count_together() -> None:
    policies = [Policy({}) for _ in range(4)]
    for policy in policies:
        policy.shared_among(4)
    for number in range(1, 60):
        chosen = policies[number % 4]
        if suspected(chosen.on_message(copy(number), read(mail(offer(number))))):
            break
        told(chosen, [one for one in policies if one is not chosen])
    assert number == 21


def told(by: Policy, others: list[Policy], now: float | None = None) -> None:
    for note in by.take_notes():
        for other in others:
            other.read_note(note.octets, txn().now if now is None else now)
            other.read_note(note.octets, txn().now if now is None else now)  # one may come twice


def test_a_restart_forgets_nothing() -> None:
    before, after = Policy({"new_per_day": 25}), Policy({"new_per_day": 25})
    for number in range(20):
        assert suspected(before.on_message(copy(number), read(mail(offer(number))))) == ""
    told(before, [after])
    assert suspected(after.on_message(copy(20), read(mail(offer(20)))))
    for number in range(21, 25):
        after.on_message(copy(number), read(mail("Other words for each of them, and nothing else here.")))
    assert isinstance(after.on_message(copy(99), read(mail("Your code is 4711."))), Defer), "25 people were written to"
    assert list(before.take_notes()) == [], "only what is new"


def test_a_template_that_nobody_knows_is_slowed_and_known_on_the_third_day() -> None:
    policy, start = Policy({"pace": 30}), txn().now // 86_400 * 86_400
    codes = honest(TEMPLATES["en"][1], random.Random(1))
    known = replace(TENANT, record=Record(released=1))
    waits: list[float] = []
    notes: list[PolicyNote] = []
    for day in range(3):
        now = start + day * 86_400 + 3600
        for number in range(200):
            answer = policy.on_message(copy(1000 * day + number, now=now, tenant=known), read(mail(next(codes))))
            waits.append(answer.until - now if isinstance(answer, Hold) and answer.until else 0.0)
            assert isinstance(answer, Hold) or answer == PASS
        if day == 0:
            assert waits[:50] == [0.0] * 50 and 200 < max(waits) <= 900
            assert waits[50:200] == sorted(waits[50:200])
        notes += policy.take_notes()
        policy = Policy({"pace": 30})  # the relay was started anew
        for note in notes:
            policy.read_note(note.octets, now + 7200)
    assert max(waits[200:400]) > 0 and waits[400:] == [0.0] * 200
    free = Policy({"pace": 0})
    for number in range(100):
        assert free.on_message(copy(number, tenant=known), read(mail(next(codes)))) == PASS


def test_notes_are_bounded() -> None:
    notes = RepeatNotes()
    for number in range(100_000):
        notes.wrote_to(1, [number], 0.0)
    found = notes.take()
    assert sum(len(RepeatNotes.read(one.octets).people) for one in found) == 40_000
    assert max(len(one.octets) for one in found) <= 65_536 and notes.take() == []


def test_what_is_remembered_is_bounded_for_all_tenants_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant that was quiet for longest begins anew; the one that sends now is told all the same."""
    monkeypatch.setattr("policies.service_mail.MOST_NUMBERS", 300)
    policy = Policy({})
    for tenant in range(30):
        for number in range(10):
            policy.on_message(copy(number, tenant=replace(TENANT, id=tenant)), read(mail(offer(number))))
    assert sum(day.size for day in policy._days.values()) <= 300 and 0 < len(policy._days) < 30
    assert policy._numbers == sum(day.size for day in policy._days.values())
    assert 0 < kept_at((offer(number) for number in range(100)), 50, policy) <= 25
