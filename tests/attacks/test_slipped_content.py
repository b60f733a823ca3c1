"""A tenant slips content past the checks by how it is written (R15 to R18a)."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.attacks.conftest import Ground
from tests.support.peers import until
from tests.support.smtp import Dialog, Reply
from tests.unit.test_operator_contact import MARKUP, NEAR, TEXTS, WHOLE

WHO = "reader@people.example"
OPERATOR: dict[str, object] = {
    "contact": "support@relay.test",
    "addresses": ["+372 5555 0100", "Pikk 15, 10123 Tallinn"],
    "sites": ["https://relay.test"],
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground(tmp_path_factory.mktemp("content"), operator=OPERATOR)
    made.agree(WHO)
    yield made
    made.close()


def written(body: str, kind: str = "plain", subject: str = "News") -> bytes:
    text = (
        f"From: Acme <news@acme.example>\nTo: {WHO}\nSubject: {subject}\nMIME-Version: 1.0\nRelay-Topic: news\n"
        f"Content-Type: text/{kind}; charset=utf-8\n\n{body}\n"
    )
    return text.replace("\n", "\r\n").encode()


def data(dialog: Dialog, raw: bytes, to: str = WHO) -> Reply:
    assert dialog.say("MAIL FROM:<news@acme.example> BODY=8BITMIME").code == 250
    assert dialog.say(f"RCPT TO:<{to}>").code == 250
    return dialog.data(raw)


def test_the_operator_s_contacts_in_no_disguise(watched: Ground) -> None:
    tried = {name: written(text) for name, text in TEXTS.items()}
    tried |= {name: written(f"<html><body>{markup}</body></html>", "html") for name, markup in MARKUP.items()}
    tried |= {name: raw.replace(b"MIME-V", b"Relay-Topic: news\r\nMIME-V", 1) for name, raw in WHOLE.items()}
    with watched.session("bulk") as dialog:
        passed = {n: str(data(dialog, raw)) for n, raw in tried.items()}
    assert {name: reply for name, reply in passed.items() if not reply.startswith("550 5.7.1 content: ")} == {}


def test_what_is_like_them_arrives(watched: Ground) -> None:
    form = f"http://127.0.0.1:{watched.relay.http}/s/abcdefgh"
    with watched.session("bulk") as dialog:
        for number, text in enumerate(NEAR):
            reply = data(dialog, written(f"{text}\n\nForm: {form}", subject=f"near {number}"))
            assert reply.code == 250, (text, reply)
    sent = {f"near {number}" for number in range(len(NEAR))}
    until(lambda: {one.field("Subject") for one in list(watched.sink.messages)} >= sent, "all arrive")


# --- forbidden goods (R17) ----------------------------------------------------------------

OFFER = "Hello {name},\n\nViagra and Cialis without prescription, discreet parcel, no doctor and no questions asked.\n"
PEOPLE = [f"reader{n}@people.example" for n in range(4)]


def arrived(ground: Ground, subject: str) -> set[str]:
    return {one.recipients[0] for one in list(ground.sink.messages) if one.field("Subject") == subject}


def test_an_offer_is_kept_whole_until_a_person_has_looked_at_it(watched: Ground) -> None:
    watched.agree(*PEOPLE)
    with watched.session("bulk") as dialog:
        for who in PEOPLE[:2]:
            raw = written(OFFER.format(name=who), subject="Offer of the week").replace(WHO.encode(), who.encode())
            assert data(dialog, raw, who).code == 250, "a suspicion is accepted"
    (campaign,) = [one for one in watched.relay.json("campaign", "list", "acme") if one["state"] == "undecided"]
    assert campaign["held"] == 2
    assert "content suspected of drugs" in campaign["why"] and "Viagra and Cialis without" in campaign["why"]
    watched.settled()
    assert arrived(watched, "Offer of the week") == set()
    watched.relay.cli("campaign", "release", str(campaign["id"]), "--reason", "a seminar on spam")
    with watched.session("bulk") as dialog:  # what is like it goes on, under any name
        raw = written(OFFER.format(name=PEOPLE[2]), subject="Offer of the week")
        assert data(dialog, raw.replace(WHO.encode(), PEOPLE[2].encode()), PEOPLE[2]).code == 250
    until(lambda: arrived(watched, "Offer of the week") == set(PEOPLE[:3]), "all go once it was released")


def test_a_declined_one_is_refused_from_then_on(watched: Ground) -> None:
    offer = "Earn 3000 a month from home, no experience needed: make money online with our secret method.\n"
    with watched.session("bulk") as dialog:
        assert data(dialog, written(offer, subject="From home")).code == 250
        (campaign,) = [one for one in watched.relay.json("campaign", "list", "acme") if one["state"] == "undecided"]
        watched.relay.cli("campaign", "decline", str(campaign["id"]), "--reason", "we don't carry this")
        assert str(data(dialog, written(offer, subject="Another name"))).startswith("550 5.7.1 campaign-declined")


def test_a_permission_is_for_one_tenant_and_class_and_on_record(watched: Ground) -> None:
    relay = watched.relay
    refused = relay.run("content", "permit", "acme", "drugz", "--document", "x", "--reason", "y")
    assert refused.returncode == 1 and "did you mean 'drugs'" in refused.stderr
    relay.cli("content", "permit", "acme", "drugs", "--document", "pharmacy licence 12", "--reason", "seen on paper")
    body = "Kamagra and Levitra without prescription, sent in a plain box.\n"
    with watched.session("bulk") as dialog:
        assert data(dialog, written(body, subject="Of the pharmacy")).code == 250
        until(lambda: arrived(watched, "Of the pharmacy") == {WHO}, "what is permitted arrives")
        given = relay.json("content", "permits", "acme")
        assert given["permits"][0]["document"] == "pharmacy licence 12"
        assert given["log"][0]["action"] == "content-permitted"
        relay.cli("content", "revoke", "acme", "drugs", "--reason", "the licence ended")
        assert data(dialog, written(f"{body} Another box of it.\n", subject="No more")).code == 250
    campaigns = relay.json("campaign", "list", "acme")
    assert [one["held"] for one in campaigns if one["state"] == "undecided"] == [1]


def test_service_mail_isn_t_read(watched: Ground) -> None:
    with watched.session("transactional") as dialog:
        raw = written("Your receipt: Viagra without prescription, 1 pack.\n", subject="Receipt 1")
        assert data(dialog, raw.replace(b"Relay-Topic: news\r\n", b"")).code == 250
    until(lambda: arrived(watched, "Receipt 1") == {WHO}, "the receipt arrives")


# --- names of others (R15) ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PayPal Support", "\u03a1ay\u03a1al", "Rival"])
def test_another_s_name_is_kept_with_the_reason(watched: Ground, name: str) -> None:
    raw = written("The spring list is out: bulbs, seeds and tools of our garden.\n", subject=f"Spring of {name[:3]}")
    raw = raw.replace(b"From: Acme", f"From: =?utf-8?B?{base64.b64encode(name.encode()).decode()}?=".encode())
    with watched.session("bulk") as dialog:
        assert data(dialog, raw).code == 250
    newest = watched.relay.json("campaign", "list", "acme")[0]
    assert newest["state"] == "undecided" and newest["held"] >= 1
    assert "misleading head: the From name is that of" in newest["why"]


def test_another_s_name_is_kept_in_service_mail_too(watched: Ground) -> None:
    with watched.session("transactional") as dialog:
        for number, name in enumerate(("Netflix Billing", "Acme Billing")):
            raw = written(f"Payment {number} for film evening {number * 7} has come in.\n", subject=f"Payment {number}")
            raw = raw.replace(b"From: Acme", f"From: {name}".encode()).replace(b"Relay-Topic: news\r\n", b"")
            assert data(dialog, raw).code == 250
    until(lambda: arrived(watched, "Payment 1") == {WHO}, "the sender's own name arrives")
    assert arrived(watched, "Payment 0") == set()
    (kept,) = [one for one in watched.relay.json("campaign", "list", "acme") if "that of Netflix" in one["why"]]
    assert kept["state"] == "undecided" and kept["held"] == 1


# --- bulk as service mail (R18a) --------------------------------------------------------------


def test_bulk_hides_not_behind_service_mail(watched: Ground) -> None:
    """The same offer to strangers one by one, each with a fact of its own, on a stream freed from consent."""
    kept = []
    with watched.session("transactional") as dialog:
        for number in range(30):
            who = f"stranger{number}@people.example"
            body = f"Your order {number}00{number} is confirmed.\n\nThe sale takes in all shelves until Sunday."
            body += " Everything is cheaper than ever and delivery is a present.\n\nAcme, Mill Lane 4.\n"
            raw = written(body, subject=f"Order {number}").replace(b"Relay-Topic: news\r\n", b"")
            assert data(dialog, raw.replace(WHO.encode(), who.encode()), who).code == 250
            kept.append(who)
    (campaign,) = [one for one in watched.relay.json("campaign", "list", "acme") if "service mail" in one["why"]]
    assert campaign["state"] == "undecided" and campaign["held"] == 10
    assert "word for word to 21 people in a day" in campaign["why"]
