"""Letters to a tenant's contact: in its language, from the operator, whatever stands in them."""

from __future__ import annotations

import email
import email.policy
import sqlite3
from email.message import EmailMessage
from pathlib import Path

import pytest

from relay.mail.render import Renderer
from relay.mail.stored import Template
from relay.queue.operator import Operator
from relay.queue.to_tenant import tell
from relay.store.database import transaction
from tests.unit.records import NOW, open_shop

WHO = Operator("relay.example.com", "Ops Ltd", ())


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def queued(conn: sqlite3.Connection) -> list[EmailMessage]:
    rows = conn.execute("SELECT template FROM body ORDER BY submission_id")
    rendered = [Renderer(Template.decode(row[0])).render({}) for row in rows]
    return [
        email.message_from_bytes(b"".join((*one.fields, b"\r\n", one.body)), policy=email.policy.default)
        for one in rendered
    ]


def test_a_letter_says_what_happened_and_where_to_look(conn: sqlite3.Connection) -> None:
    said = ["Rīga <b> & Co wrote.\nSecond line.", "See https://relay.example/why?a=1&b=2 now."]
    with transaction(conn):
        assert tell(conn, WHO, "desk@acme.example", "et", "Teade\r\nBcc: x@y.example", said, now=NOW)
    (letter,) = queued(conn)
    assert letter["To"] == "desk@acme.example" and letter["Bcc"] is None and letter["Content-Language"] == "et"
    text, page = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "\n\n".join(said) in text.replace("\r\n", "\n")
    assert "&lt;b&gt; &amp; Co wrote.<br>" in page and 'lang="et"' in page
    assert '<a href="https://relay.example/why?a=1&amp;b=2">' in page


def test_a_contact_that_is_no_address_gets_none(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        assert not tell(conn, WHO, "not an address", "en", "Hello", ["Text."], now=NOW)
    assert queued(conn) == []
