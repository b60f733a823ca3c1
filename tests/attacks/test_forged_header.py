"""A tenant writes header fields that aren't its to write: another's From, a dead unsubscribe (R6, R7, R14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.attacks.conftest import QUEUED, Ground
from tests.support.smtp import mail

WHO = "header@people.example"
OURS = ("List-Unsubscribe", "List-Unsubscribe-Post", "X-Sender-Contact", "X-Report-Abuse", "Feedback-ID")


@pytest.fixture(scope="module", autouse=True)
def people(ground: Ground) -> None:
    ground.agree(WHO)
    ground.relay.cli("domain", "add", "rival", "rival.example")
    ground.relay.cli("domain", "verify", "rival", "rival.example", "--vouch", "known")


def names(head: bytes) -> Iterator[str]:
    """Field names as a lenient reader takes them."""
    for match in re.finditer(rb"(?m)^([^\s:]+)[ \t]*:", head):
        yield match[1].decode("latin-1").lower()


@pytest.mark.parametrize(
    "form",
    [
        "{0}: <https://evil.example/u>\r\n",
        "{0} : <https://evil.example/u>\r\n",
        "{0}\t:\r\n <https://evil.example/u>\r\n",
        "{0}:\r\n\t<https://evil.example/u>,\r\n <mailto:a@evil.example>\r\n",
        "{0}: a\r\n{0}: b\r\nX-Between: x\r\n{0}: c\r\n",
        "{0}: =?utf-8?q?=3Chttps://evil.example/u=3E?=\r\n",
        "{0}: {{{{unsubscribe_url}}}}\r\n",
        "{0}:\r\n",
    ],
)
@pytest.mark.parametrize("case", ["as it is", "upper"])
def test_what_the_relay_says_is_said_once_and_by_it(ground: Ground, form: str, case: str) -> None:
    named = [name.upper() if case == "upper" else name for name in OURS]
    extra = "".join(form.format(name) for name in named).replace("X-Between: x\r\n", "", 4)
    got = ground.deliver(mail(to=WHO, subject="Forged", extra=extra), WHO)
    found = list(names(got.head))
    for name in OURS:
        assert found.count(name.lower()) == 1, (name, got.head)
    assert b"evil.example" not in got.head and b"{{" not in got.head
    assert re.fullmatch(r"<mailto:u-[^>]+>, <http://127[^>]+/u/[\w-]+>", got.field("List-Unsubscribe")), got.head
    assert got.field("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert got.field("X-Sender-Contact") == "acme <post@acme.example>"


def test_the_signature_covers_the_way_out_of_the_list(ground: Ground) -> None:
    """RFC 8058 §4: who adds a field of that name later breaks the signature, as each name is signed once more."""
    got = ground.deliver(mail(to=WHO, subject="Signed"), WHO)
    for signature in got.fields("DKIM-Signature"):
        found = re.search(r"\bh=([^;]+)", signature)
        assert found is not None
        signed = [name.strip().lower() for name in found[1].split(":")]
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(signed)
        assert signed.count("from") == 2


SENDERS = {
    "two fields": "From: news@acme.example\r\nFrom: ceo@rival.example\r\n",
    "two fields, one spelled oddly": "From: news@acme.example\r\nFROM : ceo@rival.example\r\n",
    "two fields, one folded": "From: news@acme.example\r\nFrom:\r\n ceo@rival.example\r\n",
    "two authors": "From: news@acme.example, ceo@rival.example\r\n",
    "two authors, hidden in a comment's shadow": "From: news@acme.example (, ), ceo@rival.example\r\n",
    "group": "From: board: news@acme.example, ceo@rival.example;\r\n",
    "empty group": "From: undisclosed:;\r\n",
    "another tenant's": "From: ceo@rival.example\r\n",
    "a domain below": "From: ceo@bank.acme.example\r\n",
    "a domain that only ends so": "From: ceo@notacme.example\r\n",
    "a domain in the local part": "From: ceo@rival.example@acme.example\r\n",
    "a route": "From: <@acme.example:ceo@rival.example>\r\n",
    "none": "",
    "empty": "From:\r\n",
    "no address": "From: The Bank\r\n",
    "address as name": 'From: "ceo@rival.example" <news@acme.example>\r\n',
    "address as name, without quotes": "From: ceo@rival.example <news@acme.example>\r\n",
    "address as encoded name": "From: =?utf-8?q?ceo=40rival.example?= <news@acme.example>\r\n",
    "address in two encoded words": "From: =?utf-8?q?ceo?= =?utf-8?b?QHJpdmFsLmV4YW1wbGU=?= <news@acme.example>\r\n",
    "address as name, full width": "From: ceo\uff20rival.example <news@acme.example>\r\n",
    "address as name, small at": "From: ceo\ufe6brival\u3002example <news@acme.example>\r\n",
    "address as name, with a blank": 'From: "ceo@ rival.example" <news@acme.example>\r\n',
    "address as name, with what can't be seen": 'From: "ceo@\u200brival.example" <news@acme.example>\r\n',
    "address as name, of an internationalised domain": 'From: "ceo@bänk.example" <news@acme.example>\r\n',
    "address as encoded name in full width": "From: =?utf-8?b?Y2Vv77ygcml2YWwuZXhhbXBsZQ==?= <news@acme.example>\r\n",
    "address as comment": "From: news@acme.example (ceo@rival.example)\r\n",
    "address as comment before": "From: (ceo@rival.example) Acme <news@acme.example>\r\n",
    "another's domain as name": "From: rival.example <news@acme.example>\r\n",
    "turned around": "From: =?utf-8?b?4oCuZWxwbWF4ZS5sYXZpckBvZWM=?= <news@acme.example>\r\n",
    "encoded address": "From: =?utf-8?q?ceo=40rival.example?=\r\n",
    "NUL": "From: ceo@rival.example\x00@acme.example\r\n",
}


@pytest.mark.parametrize("name", SENDERS)
@pytest.mark.parametrize("stream", ["news", "transactional"])
def test_no_from_but_the_tenant_s_own(ground: Ground, name: str, stream: str) -> None:
    before = ground.state(QUEUED)
    message = mail(to=WHO).replace("From: Acme <news@acme.example>\r\n", SENDERS[name])
    reply = str(ground.send(message, WHO, stream=stream))
    assert reply.startswith(("550 5.7.1 sender", "554 5.6.0")), reply
    assert ground.state(QUEUED) == before


@pytest.mark.parametrize(
    "field",
    [
        "Reply-To: ceo@rival.example",
        "REPLY-TO : CEO@Rival.Example",
        "Reply-To: a@people.example,\r\n\tceo@mail.rival.example",
        "Reply-To: a@people.example\r\nReply-To: ceo@rival.example",
        "Reply-To: board: ceo@rival.example;",
        "Reply-To: =?utf-8?q?ceo=40rival.example?=",
        'Reply-To: "ceo@rival.example" <a@people.example>',
        "Reply-To: <@people.example:ceo@rival.example>",
        "Reply-To: ceo@rival.example, <<broken",
        "Mail-Followup-To: ceo@rival.example",
        "Disposition-Notification-To: ceo@rival.example",
        "Return-Receipt-To: ceo@rival.example",
    ],
)
@pytest.mark.parametrize("stream", ["news", "transactional"])
def test_answers_are_not_for_another_tenant(ground: Ground, field: str, stream: str) -> None:
    before = ground.state(QUEUED)
    reply = str(ground.send(mail(to=WHO, extra=f"{field}\r\n"), WHO, stream=stream))
    assert reply.startswith("550 5.7.1 sender: answers must not go to "), reply
    assert ground.state(QUEUED) == before


def test_answers_may_go_anywhere_else(ground: Ground) -> None:
    got = ground.deliver(mail(to=WHO, subject="Answers", extra="Reply-To: desk@helpdesk.example\r\n"), WHO)
    assert got.field("Reply-To") == "desk@helpdesk.example"


@pytest.mark.parametrize("name", ["Acme at acme.example", "news@acme.example", "Acme @ home", "R&D @ Acme, 5.0"])
def test_an_honest_name_passes(ground: Ground, name: str) -> None:
    got = ground.deliver(mail(to=WHO, sender=f'"{name}" <news@acme.example>', subject="Honest"), WHO)
    assert got.field("From") == f'"{name}" <news@acme.example>'


@pytest.mark.parametrize("path", ["ceo@rival.example", "ceo@bank.acme.example", "", "@acme.example:ceo@rival.example"])
def test_no_reverse_path_but_the_tenant_s_own(ground: Ground, path: str) -> None:
    with ground.session() as dialog:
        assert str(dialog.say(f"MAIL FROM:<{path}>")).startswith("550 5.7.1 sender")


MARKUP = 'x --></style></script><div style="display:none"><!-- {{reason}} {{unsubscribe_url}} &lt;'


def test_markup_in_what_proves_a_consent_stays_text(ground: Ground) -> None:
    """The reason in the footer quotes the consent's source, which the tenant writes."""
    who = "quoted@people.example"
    assert ground.claim(who, source=MARKUP).status_code == 201
    html = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    got = ground.deliver(mail(to=who, subject="Quoted", body="<p>Hi</p>\r\n", extra=html), who)
    body = got.data.partition(b"\r\n\r\n")[2].replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()
    assert "x --&gt;&lt;/style&gt;" in body and "&amp;lt;" in body
    assert "x -->" not in body and 'div style="display:none"' not in body
    text = ground.deliver(mail(to=who, subject="Quoted as text"), who).data.decode()
    assert re.search(r"\r\nUnsubscribe: http://\S+/u/[\w-]+\r\n", text)


def test_a_source_of_many_lines_is_one(ground: Ground) -> None:
    who = "lines@people.example"
    assert ground.claim(who, source="a\r\nBcc: x@y.example\r\n\r\nform" + "\n" * 200 + "end").status_code == 201
    got = ground.deliver(mail(to=who, subject="Lines"), who)
    assert b"\r\nBcc" not in got.data and b"(a Bcc: x@y.example form end)" in got.data.replace(b"=\r\n", b"")


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: mx.people.example; dkim=pass header.d=rival.example",
        "AUTHENTICATION-RESULTS : mx.people.example; spf=pass",
        "ARC-Seal: i=1; a=rsa-sha256; d=rival.example; s=x; cv=none; b=xx",
        "ARC-Authentication-Results: i=1; rival.example; spf=pass",
        "Received-SPF: pass (rival.example)",
        "BIMI-Indicator: PHN2Zz4=",
        "Delivered-To: header@people.example",
        "X-Original-To: header@people.example",
        "DKIM-Signature: v=1; a=rsa-sha256; d=rival.example; s=x; h=from; bh=xx; b=xx",
        "DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=x; h=from; bh=xx; b=xx\r\n"
        "dkim-signature : v=1; a=rsa-sha256; s=x; h=from;\r\n\td =\r\n rival.example; bh=xx; b=xx",
        "DomainKey-Signature: a=rsa-sha1; s=x; d=rival.example; c=nofws; q=dns; b=xx",
    ],
)
def test_what_others_sign_or_found_can_t_be_made_up(ground: Ground, field: str) -> None:
    got = ground.deliver(mail(to=WHO, subject="Made up", extra=f"{field}\r\nX-Kept: yes\r\n"), WHO)
    name = field.partition(":")[0].strip()
    assert b"rival.example" not in got.head and b"b=xx" not in got.head
    assert list(names(got.head)).count(name.lower()) == (2 if name.lower() == "dkim-signature" else 0)
    assert got.field("X-Kept") == "yes"


def test_an_own_signature_stays(ground: Ground) -> None:
    """The application may have signed before; what the relay adds stands beside."""
    field = "DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=own; h=from; bh=xx; b=xx\r\n"
    got = ground.deliver(mail(to=WHO, subject="Own", extra=field), WHO)
    assert sum("s=own" in one for one in got.fields("DKIM-Signature")) == 1


def test_the_tenant_is_told_what_was_taken_out(ground: Ground) -> None:
    extra = "sender: ceo@rival.example\r\nARC-Seal: i=1; d=rival.example\r\nBcc: a@people.example\r\nX-Kept: yes\r\n"
    reply = ground.send(mail(to=WHO, subject="Told", extra=extra), WHO)
    story = ground.relay.json("trace", reply.text.split()[1])
    assert story["steps"][0]["why"] == "1 recipient, taken out of the header: Sender, Arc-Seal"
    own = ground.send(mail(to=WHO, subject="Own", extra="Sender: desk@acme.example\r\n"), WHO)
    assert ground.relay.json("trace", own.text.split()[1])["steps"][0]["why"] == "1 recipient"
