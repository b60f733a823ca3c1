"""Heads that mislead keep a campaign for the operator; honest ones don't (R15, R14)."""

# ruff: noqa: RUF001 - letters of many alphabets are meant here

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies.misleading_head import Policy
from relay.mail.skeleton import look_of
from relay.pipeline.contract import PASS, Continue, Suspect
from relay.values.facts import Kind
from tests.support.content import mail, read
from tests.unit.test_policies import BULK, TENANT, txn

NAMES = ("acme", "Acme Garden", "rival", "Baltic Blooms", "News", "Example Relays")
US = replace(TENANT, title="Acme Garden", named={look_of(name): name for name in NAMES})
POLICY = Policy({})


def coded(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def judged(
    author: str = "Acme Garden", subject: str = "Spring list", body: str = "Bulbs and tools.", head: str = ""
) -> str:
    """Why it is kept; empty if it isn't."""
    msg = read(mail(body, author=coded(author), subject=coded(subject), head=head))
    answer = POLICY.on_message(replace(txn(BULK), tenant=US), msg)
    assert isinstance(answer, Continue)
    return "; ".join(one.why for one in answer.effects if isinstance(one, Suspect))


PRETENDING = [
    "PayPal", "PayPal Support", "Netflix Billing", "WhatsApp Team", "The Amazon Team",
    "Amazon.de Kundenservice", "DHL Express", "DHL Paket", "Microsoft 365 Security",
    "Google Account", "Gmail Team", "Apple ID", "Apple Support", "Visa Security", "Chase Account Alert",
    "Deutsche Bank", "Sparkasse Sicherheit", "Swedbank klienditugi", "Служба безопасности Сбербанк", "СберБанк",
    "ПриватБанк", "Нова Пошта", "Почта России", "Santander Atención al cliente", "La Banque Postale",
    "Crédit Agricole Service clientèle", "Correos", "Booking.com", "Facebook Security (Acme)", "Your Netflix",
    "ΡayΡal", "Pay\u200bPal", "P a y P a l", "PаyPаl", "ＰａｙＰａｌ", "PayPa1 Support", "Amaz0n", "Nеtflix",
    "𝐍𝐞𝐭𝐟𝐥𝐢𝐱", "Pay Pal Support", "pay-pal", "Fаcebook", "InstagraM help center", "McDonalds", "Disney+",
    "AT&T", "IKEA Rewards", "Coinbase Wallet", "Baltic Blooms", "Baltic Blooms Team", "BALTIC BLOOMS",
    "Baltic-Blooms Support", "Bаltic Blооms", "rival", "Rival Newsletter", "Example Relays",
    "Mail Delivery Subsystem", "MAILER-DAEMON", "Postmaster", "System Administrator",
]  # fmt: skip
HONEST = [
    "Acme Garden", "acme", "ACME Garden Newsletter", "Acme & Söhne", "Acme Garden for Amazon Kindle owners",
    "Anna from Acme", "Acme Visa and passport photos", "Dr. Anne-Marie O'Neill", "Anna Google-Berg", "园艺社",
    "Раура Антонова", "Сад и огород", "Apple orchard at the mill", "Orange County Bulbs",
    "Target shooting club", "Shell collectors", "Delta Gardeners", "News", "Team", "Otto Müller",
    "Hermes Papadopoulos", "Elisa Tamm", "Chase Robinson", "Signal Box Cafe", "Visa Müller", "Nova Garden",
    "Repairs of Samsung and Sony", "Netflix and chill book club", "Uber den Wolken Reisen",
    "Wise owls reading circle", "Post an alle", "Kunden-Team", "Support", "Kundenservice Acme",
    "Bank of flowers", "Express courier Tartu", "Zoom in photo club", "Slackline Verein", "Ledger and pen",
    "Discord and harmony choir", "Garden of Eden", "Rivals no more", "Blooms of Baltic", "🌷 Acme Garden",
    "Acme Garden™", "Öökull", "Ivan Petrov", "Paypalmer Family", "Stripes and dots", "Amazonas Reisen",
    "Metaphor Press", "Steam railway friends", "", "Mail from Acme", "Correos electrónicos de Acme",
    "Reddit-Rot Malerei", "Adobe houses of Mexico", "Yahoo Serious fans",
]  # fmt: skip


@pytest.mark.parametrize("name", PRETENDING)
def test_who_pretends_to_be_another_is_kept(name: str) -> None:
    assert judged(name).startswith("misleading head: the From name is that of "), name


@pytest.mark.parametrize("name", HONEST)
def test_honest_names_pass(name: str) -> None:
    assert judged(name) == ""


ANSWERS = [
    "Re: your question", "RE: Spring list", "Re[2]: offer", "RE (3): offer", "Fwd: photos", "FW: photos",
    "Fw: photos", "AW: Angebot", "WG: Angebot", "Antw: Angebot", "TR: offre", "RV: oferta", "SV: erbjudande",
    "VS: tarjous", "Odp: oferta", "YNT: teklif", "Ответ: вопрос", "Отв: вопрос", "Відп: питання", "Edasi: kiri",
    "[list] Re: spring", "re : hello", "Re： hello", "Rе: hello", "Ｒｅ： hello", "R\u200be: hello", "RE:Order",
    "回复: 报价",
]  # fmt: skip
NO_ANSWERS = [
    "Regarding the fair", "Re-opening on Monday", "RE/MAX listing", "Rewards of spring", "Recipe: soup",
    "Report: a year", "Fwd motion of the club", "Reading: ten books", "Award: best bulb", "Trains: new times",
    "Res publica", "Is it spring? Re", "Revue: songs", "Spring: list", "Rex: our dog", "Re:start of the season",
    "Awards 2026: the winners", "Trio: a concert", "Antwerp: a trip", "Answer to all: yes", "SVT: a film",
]  # fmt: skip


@pytest.mark.parametrize("subject", ANSWERS)
def test_an_answer_to_nothing_is_kept(subject: str) -> None:
    assert "and answers nothing" in judged(subject=subject)


@pytest.mark.parametrize("subject", NO_ANSWERS)
def test_what_only_begins_alike_passes(subject: str) -> None:
    assert judged(subject=subject) == ""


def test_a_true_answer_passes() -> None:
    assert judged(subject="Re: your question", head="In-Reply-To: <1@x.example>\n") == ""


SALE = "Sale! 40 % off, everything must go. Buy now, free shipping until Sunday."


@pytest.mark.parametrize(
    ("subject", "body", "kept"),
    [
        ("Your invoice", SALE, True),
        ("Payment failed", SALE, True),
        ("Ihre Rechnung", "Jetzt kaufen: 30 % Rabatt, unser Angebot der Woche.", True),
        ("Votre commande", "Soldes ! Remise de 30 %, achetez maintenant.", True),
        ("Ваш заказ", "Распродажа! Скидки на всё, купите сегодня.", True),
        ("Your invoice", "Your invoice 2026-114 over 49.90 is attached. Next week: sale, 10 % discount.", False),
        ("Your order", "Your order 88123 is on its way. Discount for the next one: sale starts Monday.", False),
        ("Spring sale", SALE, False),
        ("Your garden in May", SALE, False),
    ],
)
def test_a_subject_that_promises_what_the_message_does_not_hold(subject: str, body: str, kept: bool) -> None:
    assert bool(judged(subject=subject, body=body)) is kept


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ("service@paypal.com", True),
        ("help@mail.netflix.com", True),
        ("anna@gmail.com", False),
        ("anna@outlook.com", False),
        ("post@acme.example", False),
        ("x@paypal.com.example", True),
    ],
)
def test_where_answers_go(answers: str, kept: bool) -> None:
    assert bool(judged(head=f"Reply-To: {answers}\n")) is kept


def test_the_brand_itself_and_who_may_bear_the_name() -> None:
    msg = read(mail("x", author="PayPal"))
    own = replace(US, verified_domains=frozenset({"paypal.com"}))
    assert POLICY.on_message(replace(txn(BULK), tenant=own), msg) == PASS
    allowed = replace(US, permits=frozenset({"names"}))
    assert POLICY.on_message(replace(txn(BULK), tenant=allowed), msg) == PASS
    other = replace(US, name="rival", title="Rival")
    assert POLICY.on_message(replace(txn(BULK), tenant=other), read(mail("x", author="Rival"))) == PASS


SERVICE = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)


@pytest.mark.parametrize(
    "name",
    [
        *("PayPal", "PayPal Support", "Pаypal", "PayPal via Acme", "Microsoft 365 Security", "DHL Paket", "UPS alert"),
        *("Служба безопасности Сбербанк", "Swedbank klienditugi", "WordPress Support", "GitLab Billing"),
        *("Rival", "Baltic Blooms Team", "Bаltic Blооms", "Example Relays"),
    ],
)
def test_service_mail_bears_no_name_of_another_either(name: str) -> None:
    msg = read(mail("Your order 4711 is on its way.", author=coded(name), subject="Your order 4711"))
    answer = POLICY.on_message(replace(txn(SERVICE), tenant=US), msg)
    assert isinstance(answer, Continue)
    (why,) = [one.why for one in answer.effects if isinstance(one, Suspect)]
    assert why.startswith("misleading head: the From name is that of ")
    for permitted in (replace(US, permits=frozenset({"names"})), replace(US, name="rival", title="Rival")):
        passes = POLICY.on_message(replace(txn(SERVICE), tenant=permitted), msg) == PASS
        assert passes is (bool(permitted.permits) or name == "Rival")


@pytest.mark.parametrize(
    ("author", "subject", "head"),
    [
        *((name, "Your order 4711", "") for name in HONEST),
        ("Acme", "Re: your ticket", ""),
        ("Acme", "Your invoice", ""),
        ("Anna Tamm via Acme", "Question from the form", "Reply-To: anna@dhl.com\n"),
        ("Mail Delivery System", "Undelivered mail returned to sender", ""),
        ("System Administrator", "Disk nearly full", ""),
        ("WordPress", "[Acme] Password reset", ""),
        ("GitLab", "Acme | Pipeline failed", ""),
        ("Zabbix", "Problem: host is down", ""),
    ],
)
def test_honest_service_mail_passes(author: str, subject: str, head: str) -> None:
    msg = read(mail(SALE, author=coded(author), subject=coded(subject), head=head))
    assert POLICY.on_message(replace(txn(SERVICE), tenant=US), msg) == PASS


def test_a_list_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('[brands]\n"Old Mill" = "mill.example"\n')
    policy = Policy({"brands": str(tmp_path / "b.toml")})
    assert policy.findings(US, read(mail("x", author="Old Mill Team")))[0].sure >= 1
    assert policy.findings(US, read(mail("x", author="PayPal"))) == []
    with pytest.raises(ValueError, match="brands"):
        Policy({"brands": str(tmp_path / "none.toml")})
