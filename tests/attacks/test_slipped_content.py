"""A tenant slips content past the checks by how it is written (R16)."""

from __future__ import annotations

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
