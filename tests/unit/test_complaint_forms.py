"""Complaints in rarer forms: JSON of other services and as mail programs break it, copies as files, types in words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.feedback.complaint import Meaning, meaning_of
from relay.feedback.json_text import objects
from relay.queue.trace import trace
from tests.support.inbound import HOST, SUBMISSION, World
from tests.unit.test_complaints import (
    ABUSE,
    COMPLAINT,
    LOOP,
    NOTHING,
    OPT_OUT,
    TOLD,
    arf,
    copy,
    json_part,
    lines,
    outcome,
    ses,
)
from tests.unit.test_complaints import sns as in_sns


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, feedback={"addresses": [LOOP]})
    yield made
    made.conn.close()


def as_json(value: object) -> str:
    return f"From: <x@isp.example>\nSubject: event\nContent-Type: application/json\n\n{json.dumps(value)}\n"


def sparkpost(world: World, kind: str = "abuse") -> str:
    told = {"type": "spam_complaint", "fbtype": kind, "rcpt_to": "ann@example.net", "msg_from": world.address()}
    return as_json([{"msys": {"message_event": told}}])


def mailgun(world: World, event: str = "complained") -> str:
    about = {"event": event, "recipient": "ann@example.net", "message": {"headers": {"sender": world.address()}}}
    return as_json({"signature": {"timestamp": "1"}, "event-data": about})


def sendgrid(world: World) -> str:
    return as_json([{"email": "ann@example.net", "event": "spamreport", "link": world.link("report")}])


def broken_at(mark: str) -> Callable[[World], str]:
    """Long lines, as mail programs break them."""
    return lambda world: in_sns(re.sub("(.{70})", rf"\1{mark}\n", json.dumps(ses(world))))


def ses_html(world: World) -> str:
    text = json.dumps(ses(world)).replace('"', "&quot;")
    return f"From: <x@isp.example>\nSubject: x\nContent-Type: text/html\n\n<p>{text}</p>\n"


def x_arf(world: World) -> str:
    sample = {"ContentType": "message/rfc822", "Payload": base64.b64encode(copy(world).encode()).decode()}
    return json_part({"Version": "3", "Report": {"ReportType": "spam", "Samples": [sample]}})


def x_arf_4(world: World) -> str:
    sample = {"content_type": "message/rfc822", "payload": base64.b64encode(copy(world).encode()).decode()}
    return json_part({"xarf_version": "4.0.0", "category": "messaging", "type": "spam", "evidence": [sample]})


def as_file(world: World) -> str:
    return arf(ABUSE, copy(world), kind='application/octet-stream; name="original.eml"')


def quoted(world: World) -> str:
    text = "\n".join(f"> {line}" for line in f"{ABUSE}\n{copy(world)}".split("\n"))
    return f"From: <x@isp.example>\nSubject: Fwd: report\n\n{text}\n"


def jmrp_forwarded(world: World) -> str:
    return (
        "From: staff@hotmail.com\nSubject: FW: complaint about message from 192.0.2.1\n"
        f"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\n{copy(world)}\n--m--\n"
    )


def defended(world: World) -> str:
    """A link as a gateway wrote it anew, and nothing else of ours."""
    return arf(ABUSE, f"Subject: x\n\nhttps://urldefense.com/v3/__{world.link()}__;!!abc!xyz$\n")


FORMS: list[tuple[Callable[[World], str], str]] = [
    (sparkpost, COMPLAINT),
    (lambda world: sparkpost(world, "not-spam"), NOTHING),
    (mailgun, COMPLAINT),
    (lambda world: mailgun(world, "delivered"), TOLD),
    (lambda world: mailgun(world, "unsubscribed"), OPT_OUT),
    (sendgrid, COMPLAINT),
    (broken_at(""), COMPLAINT),
    (broken_at("!"), COMPLAINT),
    (ses_html, COMPLAINT),
    (x_arf, COMPLAINT),
    (x_arf_4, COMPLAINT),
    (as_file, COMPLAINT),
    (quoted, COMPLAINT),
    (jmrp_forwarded, COMPLAINT),
    (defended, COMPLAINT),
]


@pytest.mark.parametrize("to", [LOOP, f"abuse@{HOST}"])
@pytest.mark.parametrize(("form", "expected"), FORMS)
def test_forms(world: World, form: Callable[[World], str], expected: str, to: str) -> None:
    assert world.send(lines(form(world)), to, reverse_path="fbl@isp.example", times=2).code == 250
    assert outcome(world) == expected


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("user-reported-spam", Meaning.COMPLAINT),
        ("marked as spam", Meaning.COMPLAINT),
        ("complaints", Meaning.COMPLAINT),
        ("junk-report", Meaning.COMPLAINT),
        ("report-not-spam", Meaning.NOT_SPAM),
        ("is not spam", Meaning.NOT_SPAM),
        ("nospam", Meaning.NOT_SPAM),
        ("unsubscribe-report", Meaning.OPT_OUT),
        ("user-unsubscribed", Meaning.OPT_OUT),
        ("spam-trap", Meaning.OPERATOR),
        ("not-wanted-here", Meaning.OPERATOR),
        ("non-abuse", Meaning.OPERATOR),
        ("spam-score", Meaning.OPERATOR),
        ("not-a-user", Meaning.OPERATOR),
    ],
)
def test_types_in_words(value: str, meaning: Meaning) -> None:
    assert meaning_of(value)[1] is meaning


@pytest.mark.parametrize("text", ["", "{", "[[[[{", "[" * 5000, '{"a":' * 2000, "x [1, 2] {", '{"a": "{\\"b\\": 1"}'])
def test_what_is_no_json(text: str) -> None:
    assert objects(text) in ([], [{"a": '{"b": 1'}])


def test_the_trace_says_what_kind_of_complaint_it_was(world: World) -> None:
    world.send(lines(arf(ABUSE.replace("abuse", "fraud"), copy(world))), LOOP, reverse_path="fbl@isp.example")
    (told,) = [step for step in trace(world.conn, SUBMISSION).copies[0].steps if step.what == "complained"]
    assert told.why == "fraud"
