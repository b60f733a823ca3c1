"""A report on a copy that several people shared is told and proves nothing; the next copy goes to each alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.keys.tokens import Mark
from relay.people import apart
from relay.queue.operator import CALLED
from relay.rights.retention import clean
from relay.values.states import State
from tests.support.inbound import ANN, BEN, HOST, MARK, NOW, SHARED_MARK, SUBMISSION, TOPIC, World

LOOP = f"fbl@{HOST}"


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, feedback={"addresses": [LOOP]}, operator={"notify": ["ops@example.com"]})
    world.share()
    yield world
    world.conn.close()


def dsn(address: str, status: str = "5.1.1") -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nSorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; %b\r\nAction: failed\r\n"
        b"Status: %b\r\nDiagnostic-Code: smtp; 550 %b no such user\r\n\r\n--b--\r\n"
    ) % (address.encode(), status.encode(), status.encode())


def arf(fields: str, returned: str = "", kind: str = "abuse") -> bytes:
    return (
        "From: fbl@isp.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\n\r\nspam\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: x\r\nVersion: 1\r\n{fields}\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\n--b--\r\n"
    ).encode()


def told(world: World) -> list[tuple[int | None, str]]:
    """Recipient's number and what each report says."""
    rows = world.conn.execute(
        "SELECT number, kind, detail FROM event WHERE kind <> 'consent.given' ORDER BY id"
    ).fetchall()
    assert all(kind == "unproved" for _, kind, _ in rows)
    return [(number, json.loads(detail)["says"]) for number, _, detail in rows]


def kept_apart(world: World) -> list[int]:
    return [row[0] for row in world.conn.execute("SELECT subscriber_id FROM apart ORDER BY subscriber_id")]


def test_a_bounce_suppresses_nobody_and_the_tenant_sees_it(shared: World) -> None:
    assert shared.send(dsn("ben@example.net"), shared.address(mark=SHARED_MARK), times=3).code == 250
    assert shared.suppressed() == []
    assert told(shared) == [(1, "bounced")]
    assert (shared.detail()["status"], shared.detail()["hard"]) == ("5.1.1", True)
    assert "no such user" in str(shared.detail()["diagnostic"])
    assert kept_apart(shared) == [BEN]
    assert {row[0] for row in shared.conn.execute("SELECT state FROM recipient")} == {State.DELIVERED}
    assert shared.figures() == (0, 0, 0)


def test_words_about_it_are_told_alike(shared: World) -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered mail returned to sender\r\n\r\n"
        b"Your message could not be delivered:\r\n<ben@example.net>: 550 5.1.1 user unknown\r\n"
    )
    shared.send(raw, shared.address(mark=SHARED_MARK))
    assert (shared.suppressed(), told(shared), kept_apart(shared)) == ([], [(1, "bounced")], [BEN])


@pytest.mark.parametrize("to", ["tag", "loop", "abuse"])
def test_a_complaint_suppresses_nobody(shared: World, to: str) -> None:
    address = {"tag": shared.address(mark=SHARED_MARK), "loop": LOOP, "abuse": f"abuse@{HOST}"}[to]
    returned = f"Return-Path: <{shared.address(mark=SHARED_MARK)}>\r\nSubject: x\r\n"
    raw = arf("Original-Rcpt-To: <ann@example.net>\r\n", returned)
    shared.send(raw, address, reverse_path="f@isp.example", times=2)
    assert (shared.suppressed(), told(shared), kept_apart(shared)) == ([], [(0, "complained")], [ANN])


@pytest.mark.parametrize(("kind", "says"), [("opt-out", "unsubscribed"), ("fraud", "complained")])
def test_nor_do_other_feedback_types(shared: World, kind: str, says: str) -> None:
    raw = arf("Original-Rcpt-To: <ann@example.net>\r\n", kind=kind)
    shared.send(raw, shared.address(mark=SHARED_MARK), reverse_path="f@isp.example")
    assert (shared.suppressed(), told(shared)) == ([], [(0, says)])
    assert shared.consent_is_live()


def test_a_complaint_that_names_nobody_is_told_of_the_message(shared: World) -> None:
    returned = f"Return-Path: <{shared.address(mark=SHARED_MARK)}>\r\nSubject: x\r\n"
    for named in ("", "Original-Rcpt-To: <stranger@example.net>\r\n"):
        shared.send(arf(named, returned), LOOP, reverse_path="f@isp.example")
    assert (shared.suppressed(), told(shared), kept_apart(shared)) == ([], [(None, "complained")], [])


def test_not_spam_and_delays_say_nothing(shared: World) -> None:
    raw = arf("Original-Rcpt-To: <ann@example.net>\r\n", kind="not-spam")
    shared.send(raw, shared.address(mark=SHARED_MARK), reverse_path="f@isp.example")
    assert told(shared) == []


def test_a_letter_to_a_shared_unsubscribe_address_unsubscribes_nobody(shared: World) -> None:
    raw = b"From: mallory@example.net\r\nSubject: unsubscribe\r\n\r\nunsubscribe ben@example.net\r\n"
    shared.send(raw, shared.address("u", SHARED_MARK), reverse_path="mallory@example.net")
    assert (shared.suppressed(), told(shared)) == ([], [(1, "unsubscribed")])


FORGED = {
    "in another's name": "From: ben@example.net\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n",
    "as Apple Mail writes it": "From: ben@example.net\r\nSubject: unsubscribe\r\nAuto-Submitted: auto-replied\r\n"
    "X-Apple-Unsubscribe: true\r\n\r\nunsubscribe\r\n",
    "one click by mail": "From: ben@example.net\r\nSubject: List-Unsubscribe=One-Click\r\n\r\nben@example.net\r\n",
    "forwarded with the copy": "From: eve@example.org\r\nSubject: Fwd: offers\r\n\r\nunsubscribe\r\n\r\n"
    "---------- Forwarded message ----------\r\nTo: ann@example.net, ben@example.net\r\n{link}\r\n",
    "naming all": "From: eve@example.org\r\nTo: ann@example.net\r\nCc: ben@example.net\r\nSubject: STOP\r\n\r\n"
    "Please unsubscribe ann@example.net and ben@example.net.\r\n",
    "with somebody's own link": "From: eve@example.org\r\nSubject: unsubscribe\r\n\r\nunsubscribe {own}\r\n",
    "failed recipients": "From: ben@example.net\r\nSubject: unsubscribe\r\n"
    "X-Failed-Recipients: ann@example.net\r\n\r\nx",
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("to", ["shared", "shared and own", "shared bounce", "operator"])
def test_no_letter_about_a_shared_copy_speaks_for_anybody_else(shared: World, how: str, to: str) -> None:
    """Whoever got the copy, or was sent it on, could write it; an own address speaks for its own person alone."""
    own = Mark(BEN, TOPIC, SUBMISSION, 1)
    raw = FORGED[how].format(link=shared.link("report", SHARED_MARK), own=shared.link("u", MARK)).encode()
    addresses = {
        "shared": [shared.address("u", SHARED_MARK)],
        "shared and own": [shared.address("u", SHARED_MARK), shared.address("u", own)],
        "shared bounce": [shared.address("b", SHARED_MARK)],
        "operator": [f"abuse@{HOST}"],
    }[to]
    assert shared.send(raw, *addresses, reverse_path="ben@example.net", times=2).code == 250
    assert {who for who, _ in shared.suppressed()} <= ({BEN} if to == "shared and own" else set())
    assert shared.consent_is_live(), "Ann's"


def test_whoever_holds_such_a_tag_cannot_fill_the_store(shared: World) -> None:
    for detail in range(30):
        for who in ("ann", "ben", "joe"):
            shared.send(dsn(f"{who}@example.net", f"5.1.{detail}"), shared.address(mark=SHARED_MARK))
    assert len(told(shared)) <= 4


def test_a_shared_tag_names_nobody_where_copies_are_personal(shared: World) -> None:
    shared.conn.execute("UPDATE submission SET shared = 0")
    shared.send(dsn("ann@example.net"), shared.address(mark=SHARED_MARK))
    assert (shared.suppressed(), told(shared)) == ([], [])


def test_the_operator_is_called_where_it_repeats(shared: World) -> None:
    for person in range(100, 109):
        apart.keep(shared.conn, 1, person, NOW - 60)
    shared.send(dsn("ann@example.net"), shared.address(mark=SHARED_MARK))
    shared.send(dsn("ben@example.net"), shared.address(mark=SHARED_MARK))
    ((detail,),) = shared.conn.execute("SELECT detail FROM event WHERE kind = ?", (CALLED,))
    assert json.loads(detail)["about"] == "unproved:shop"


def test_after_its_time_nobody_is_kept_apart(shared: World) -> None:
    apart.keep(shared.conn, 1, ANN, NOW)
    assert apart.any_of(shared.conn, [BEN, ANN], NOW + 1)
    assert not apart.any_of(shared.conn, [BEN], NOW + 1)
    assert not apart.any_of(shared.conn, [ANN], NOW + apart.APART_S + 1)
    clean(shared.path, 1e12, 1e12, NOW + apart.APART_S + 1)
    assert kept_apart(shared) == []
    assert shared.conn.execute("SELECT count(*) FROM submission WHERE id = ?", (SUBMISSION,)).fetchone() == (1,)
