"""Calls to the operator: an event and a letter each, once."""

from __future__ import annotations

import email
import email.policy
import json
import sqlite3
from pathlib import Path

import pytest

from config.load import validate
from relay.mail.render import Renderer
from relay.mail.stored import Template
from relay.queue.operator import CALLED, HOUR_S, OPERATOR, Operator, call
from relay.store.database import transaction
from tests.unit.records import NOW, open_shop

WHO = Operator("relay.example.com", 'Ops "night" Ltd', ("a@ops.example", "b@ops.example"))


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def ring(conn: sqlite3.Connection, about: str = "dns-doubt", now: float = NOW, who: Operator = WHO) -> bool:
    with transaction(conn):
        return call(
            conn, who, about, "Names vanish\r\nBcc: x@y.example", ["50 of 50 <names> don't exist.", "Look."], now=now
        )


def events(conn: sqlite3.Connection) -> list[dict[str, str]]:
    rows = conn.execute("SELECT detail FROM event WHERE tenant_id = ? AND kind = ? ORDER BY id", (OPERATOR, CALLED))
    return [json.loads(detail) for (detail,) in rows]


def test_a_call_is_an_event_and_a_letter_to_each(conn: sqlite3.Connection) -> None:
    assert ring(conn)
    assert [event["about"] for event in events(conn)] == ["dns-doubt"]
    rows = conn.execute(
        "SELECT r.address, r.state, s.reverse_path, s.stream_id, b.template FROM recipient r JOIN submission s"
        " ON s.id = r.submission_id JOIN body b ON b.submission_id = s.id ORDER BY r.address"
    ).fetchall()
    assert [row[:4] for row in rows] == [("a@ops.example", 0, "", 0), ("b@ops.example", 0, "", 0)]
    rendered = Renderer(Template.decode(rows[0][4])).render({})
    raw = b"".join((*rendered.fields, b"\r\n", rendered.body))
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["To"] == "a@ops.example" and message["Bcc"] is None
    assert message["From"].addresses[0].display_name == 'Ops "night" Ltd'
    assert message["Auto-Submitted"] == "auto-generated"
    text, page = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "50 of 50 <names> don't exist.\n\nLook." in text.replace("\r\n", "\n")
    assert "&lt;names&gt;" in page


def test_the_same_call_is_made_once_an_hour(conn: sqlite3.Connection) -> None:
    assert ring(conn)
    assert not ring(conn, now=NOW + HOUR_S - 1)
    assert ring(conn, "disk", NOW + 1), "another matter is another call"
    assert ring(conn, now=NOW + HOUR_S + 1)
    assert len(events(conn)) == 3


def test_a_call_by_a_clock_that_was_ahead_silences_nobody(conn: sqlite3.Connection) -> None:
    assert ring(conn, now=NOW + 10 * 86_400)
    assert ring(conn, now=NOW)


def test_without_an_address_the_event_alone_is_written(conn: sqlite3.Connection) -> None:
    assert ring(conn, who=Operator("relay.example.com", "x", ()))
    assert len(events(conn)) == 1
    assert conn.execute("SELECT count(*) FROM submission").fetchone() == (0,)


def test_calls_go_to_the_contact_where_nobody_else_is_named(tmp_path: Path) -> None:
    def who(**operator: object) -> Operator:
        return Operator.of(validate({"server": {"hostname": "relay.example.com"}, "operator": operator}, base=tmp_path))

    assert who() == Operator("relay.example.com", "relay.example.com", ())
    assert who(contact="me@Ops.example").notify == ("me@ops.example",)
    assert who(contact="me@ops.example", notify=["night@ops.example"]).notify == ("night@ops.example",)
