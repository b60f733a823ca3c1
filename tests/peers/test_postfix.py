"""Postfix before the relay, as the mail system of a web server, and behind it, as a recipient's MX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.conftest import Office
from tests.support.octets import ADDED, added_fields, split, values
from tests.support.peers import Postfix, missing, until
from tests.support.ports import free_port
from tests.support.smtp import mail

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[Postfix]:
    """A Postfix that sends all its mail by the relay, with AUTH over TLS and the certificate verified."""
    if not list(Path("/usr/lib").glob("**/sasl2/libplain.so*")):
        missing("libsasl2-modules")
    user, password = office.direct
    made = Postfix(
        free_port(),
        office.certificate,
        office.key,
        relayhost=f"[127.0.0.1]:{office.relay.submission}",
        more="\n".join(
            [
                "smtp_sasl_auth_enable = yes",
                "smtp_sasl_security_options = noanonymous",
                f"smtp_sasl_password_maps = static:{user}:{password}",
                "smtp_tls_security_level = secure",
                "smtp_tls_secure_cert_match = relay.test",
                f"smtp_tls_CAfile = {office.certificate}",
            ]
        ),
    )
    yield made
    made.close()


def test_postfix_hands_in(office: Office, client: Postfix) -> None:
    sent = mail(sender="Acme <orders@acme.example>", to="shop@rcpt.example", body=".dot\r\nGrüße  \r\n").encode()
    client.submit(sent.replace(b"\r\n", b"\n"), "orders@acme.example", "shop@rcpt.example", "shop2@rcpt.example")
    for address in ("shop@rcpt.example", "shop2@rcpt.example"):
        got = office.sink.to(address).data
        assert set(added_fields(sent, got)) <= ADDED
        assert split(got)[1] == split(sent)[1]
        assert any("with ESMTPSA id" in line for line in values(got, "Received"))


def test_postfix_hears_a_refusal(office: Office, client: Postfix) -> None:
    """A From of someone else's: refused for good, and the sender hears why from its own Postfix."""
    sent = mail(sender="Other <boss@other.example>", to="shop3@rcpt.example").replace("\r\n", "\n").encode()
    client.submit(sent, "orders@acme.example", "shop3@rcpt.example")
    until(lambda: "550 5.7.1 sender" in client.log(), "Postfix logs the refusal")
    assert "status=bounced" in client.log()


def test_bulk_into_the_mailbox(office: Office, postfix: Postfix) -> None:
    """Delivered by STARTTLS, with a reverse-path of our own that Postfix shows as Return-Path."""
    office.agree("reader@postfix.example")
    queue_id = office.send(office.bulk, mail(to="reader@postfix.example", subject="Boxed"), "reader@postfix.example")
    stored = postfix.find("reader@postfix.example")
    assert values(stored, "Return-Path")[0].startswith("<b-")
    assert values(stored, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    assert "with ESMTPS" in values(stored, "Received")[0]
    assert office.ends(queue_id)["state"] == "delivered"


def test_refused_at_rcpt(office: Office, postfix: Postfix) -> None:
    office.agree("gone@postfix.example")
    queue_id = office.send(office.bulk, mail(to="gone@postfix.example", subject="Gone"), "gone@postfix.example")
    story = office.ends(queue_id)
    assert story["state"] == "bounced"
    assert "no such user" in story["steps"][-1]["why"]
    assert str(office.ask(office.bulk, "gone@postfix.example")).startswith("550 5.7.1 suppressed")


def test_a_bounce_of_postfix_comes_back(office: Office, postfix: Postfix) -> None:
    """Postfix takes the copy, can't put it into a mailbox, and sends its own DSN to the reverse-path."""
    office.agree("late@postfix.example")
    queue_id = office.send(office.bulk, mail(to="late@postfix.example", subject="Late"), "late@postfix.example")
    ended = until(
        lambda: next((s for s in [office.ends(queue_id)] if s["state"] == "bounced"), None),
        f"the bounce came back\n{postfix.log()[-1500:]}",
    )
    assert ended is not None
    assert "5.1.1" in ended["steps"][-1]["why"]
    assert str(office.ask(office.bulk, "late@postfix.example")).startswith("550 5.7.1 suppressed")
    assert office.rows("SELECT bounced FROM campaign WHERE name LIKE '%Late'") == [(1,)]
