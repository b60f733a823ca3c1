"""What mail to our own addresses does, on a real store through the real committer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from relay.feedback.inbound import MAX_OCTETS
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark, local_part
from relay.mail.status import UNEXPECTED
from relay.queue.complete import complete
from relay.queue.lanes import Lane
from relay.queue.lease import lease_due
from relay.queue.values import Lease, Result
from relay.values.states import State
from tests.support.inbound import ANN, HOST, MARK, NOW, SUBMISSION, TOPIC, World, sample

T = TypeVar("T")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.conn.close()


UNSUBSCRIBE = b"From: Ann <ann@example.net>\r\nSubject: unsubscribe\r\nMessage-ID: <u@example.net>\r\n\r\n\r\n"

# --- RCPT -----------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["b", "u"])
@pytest.mark.parametrize("domain", [HOST, "rp.relay.example", "rp.shop.example", "RP.Shop.Example"])
def test_our_own_addresses_are_taken(world: World, prefix: str, domain: str) -> None:
    assert world.rcpt(world.address(prefix, domain=domain)).reply.startswith("250 2.1.5 ")
    assert world.rcpt(world.address(prefix, domain=domain).upper()).reply.startswith("250 2.1.5 ")


@pytest.mark.parametrize("prefix", ["b", "u"])
def test_quoted_it_is_the_same_address(world: World, prefix: str) -> None:
    local, _, domain = world.address(prefix).partition("@")
    assert world.rcpt(f'"{local}"@{domain}').code == 250
    assert world.rcpt(f'"postmaster"@{domain}').code == 250
    assert world.rcpt(f'"{local} x"@{domain}').code == 550


@pytest.mark.parametrize("domain", ["example.org", "shop.example", "rp.new.example", "rp.example.org", "[192.0.2.1]"])
def test_other_domains_are_not_relayed_to(world: World, domain: str) -> None:
    assert world.rcpt(world.address(domain=domain)).reply.startswith("550 5.7.1 relaying denied")


def test_all_else_is_unknown(world: World) -> None:
    token = world.address().partition("@")[0]
    forged = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]
    other = Secrets({1: b"x" * 32}, 1)
    for local in ("info", "b-", "u-", "x" + token[1:], "u" + token[1:], forged, local_part(other, "b", MARK)):
        assert world.rcpt(f"{local}@{HOST}").reply.startswith("550 5.1.1 no such address")
    assert world.rcpt("nonsense").reply.startswith("550 5.1.3 ")


def test_a_store_that_fails_at_rcpt_is_temporary(world: World) -> None:
    world.conn.execute("DROP TABLE domain")
    assert world.rcpt(world.address(domain="rp.shop.example")) == UNEXPECTED


# --- bounces ----------------------------------------------------------------------------


def test_a_dead_address_is_suppressed(world: World) -> None:
    assert world.send(sample("dead-5.1.1")).reply.startswith("250 2.0.0 ")
    assert world.events() == ["bounced"]
    assert world.suppressions() == [("hard-bounce", 0)]
    assert world.figures() == (1, 0, 0)
    assert world.state() is State.BOUNCED
    detail = world.detail()
    assert (detail["type"], detail["status"], detail["code"], detail["hard"]) == ("unknown-address", "5.1.1", 550, True)
    assert "User unknown" in str(detail["diagnostic"])


def leased(world: World) -> Lease:
    """Ann's copy, taken for delivery."""
    world.conn.execute("UPDATE recipient SET state = 0, owner = NULL, due_at = 0")
    world.conn.execute("UPDATE submission SET open_recipients = 1")
    (lease,) = lease_due(world.conn, "me", NOW, {Lane(1, "example.net"): 1})
    return lease


def test_a_report_may_come_before_the_delivery_is_written_down(world: World) -> None:
    lease = leased(world)
    world.send(sample("dead-5.1.1"))
    assert (world.state(), world.figures()) == (State.READY, (1, 0, 0))
    written = complete(world.conn, [Result(lease, State.DELIVERED, NOW, "250 2.0.0 taken")], lambda conn, result: None)
    assert written.finished == [SUBMISSION]
    assert (world.state(), world.figures(), world.suppressions()) == (State.BOUNCED, (1, 0, 0), [("hard-bounce", 0)])
    ((status, reason),) = world.conn.execute("SELECT status, hold_reason FROM recipient")
    assert status.startswith("5.1.1 ") and reason == ""


@pytest.mark.parametrize("written", [True, False], ids=["written down", "lost in a crash"])
def test_such_a_report_says_nothing_about_the_next_attempt(world: World, written: bool) -> None:
    lease = leased(world)
    world.send(sample("soft-full"))
    if written:
        complete(world.conn, [Result(lease, State.READY, NOW, "451 4.4.2 lost")], lambda conn, result: None)
    again = leased(world)
    complete(world.conn, [Result(again, State.DELIVERED, NOW, "250 2.0.0 taken")], lambda conn, result: None)
    assert world.state() is State.DELIVERED


def test_a_soft_bounce_is_not(world: World) -> None:
    world.send(sample("soft-full"))
    assert world.events() == ["soft-bounced"]
    assert world.suppressions() == []
    assert world.figures() == (1, 0, 0)
    assert world.state() is State.BOUNCED


def test_a_delay_is_noted_only(world: World) -> None:
    world.send(sample("delayed"))
    assert world.events() == ["delayed"]
    assert (world.suppressions(), world.figures(), world.state()) == ([], (0, 0, 0), State.DELIVERED)


@pytest.mark.parametrize("name", ["auto-reply-vacation", "unclassified-person", "nothing-read-receipt", "delivered"])
def test_what_is_no_bounce_counts_as_none(world: World, name: str) -> None:
    assert world.send(sample(name), reverse_path="ann@example.net").code == 250
    assert (world.suppressions(), world.figures(), world.state()) == ([], (0, 0, 0), State.DELIVERED)
    assert not {"bounced", "soft-bounced"} & set(world.events())


def test_the_same_bounce_is_recorded_once(world: World) -> None:
    world.send(sample("dead-5.1.1"), times=3)
    world.send(sample("dead-5.1.1"), world.address(), world.address().upper())
    assert (world.events(), world.figures()) == (["bounced"], (1, 0, 0))


def test_one_recipient_counts_once(world: World) -> None:
    world.send(sample("soft-full"))
    world.send(sample("dead-5.1.1"))
    assert world.events() == ["soft-bounced", "bounced"]
    assert world.figures() == (1, 0, 0)
    assert world.suppressions() == [("hard-bounce", 0)]


def test_a_copy_that_failed_at_delivery_counts_no_second_time(world: World) -> None:
    world.conn.execute("UPDATE recipient SET state = ?", (int(State.BOUNCED),))
    world.send(sample("dead-5.1.1"))
    assert (world.events(), world.figures()) == (["bounced"], (0, 0, 0))


def test_a_copy_not_yet_written_down_keeps_its_state(world: World) -> None:
    world.conn.execute("UPDATE recipient SET state = ?, owner = 'me'", (int(State.READY),))
    world.send(sample("dead-5.1.1"))
    assert (world.state(), world.figures()) == (State.READY, (1, 0, 0))


def test_without_the_records_of_the_submission_the_person_is_still_suppressed(world: World) -> None:
    world.conn.executescript("DELETE FROM recipient; DELETE FROM submission;")
    world.send(sample("dead-5.1.1"), times=2)
    assert world.suppressions() == [("hard-bounce", 0)]
    assert world.events() == ["bounced"]


def test_an_erased_person_leaves_no_trace(world: World) -> None:
    stranger = Mark(99, TOPIC, SUBMISSION, 1)
    assert world.send(sample("dead-5.1.1"), world.address(mark=stranger)).code == 250
    assert world.send(UNSUBSCRIBE, world.address("u", stranger), reverse_path="x@example.net").code == 250
    assert world.events() == []


def test_whoever_holds_a_tag_cannot_fill_the_store(world: World) -> None:
    for detail in range(100):
        world.send(sample("soft-full").replace(b"5.2.2", b"5.3.%d" % detail))
    assert len(world.events()) == 20
    world.send(sample("dead-5.1.1"))
    assert world.suppressions() == [("hard-bounce", 0)]


# --- complaints ----------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["b", "u"])
def test_a_complaint_stops_all(world: World, prefix: str) -> None:
    world.send(sample("complained-abuse"), world.address(prefix), reverse_path="fbl@example.net", times=2)
    assert world.events() == ["complained"]
    assert world.suppressions() == [("complaint", 0)]
    assert world.figures() == (0, 0, 1)
    assert world.state() is State.DELIVERED


def test_not_spam_is_no_complaint(world: World) -> None:
    world.send(sample("nothing-not-spam"), world.address("u"), reverse_path="fbl@example.net")
    assert (world.events(), world.suppressions(), world.consent_is_live()) == ([], [], True)


# --- unsubscribing ---------------------------------------------------------------------------


def test_mail_to_the_unsubscribe_address_unsubscribes(world: World) -> None:
    assert world.send(UNSUBSCRIBE, world.address("u"), reverse_path="ann@example.net", times=2).code == 250
    assert world.events() == ["unsubscribed"]
    assert world.suppressions() == [("unsubscribed", TOPIC)]
    assert world.figures() == (0, 1, 0)
    assert not world.consent_is_live()
    (evidence,) = world.conn.execute("SELECT evidence FROM consent_history WHERE action = 'withdrawn'").fetchone()
    assert "<u@example.net>" in evidence


@pytest.mark.parametrize("name", ["dead-5.1.1", "delayed", "auto-reply-vacation"])
def test_reports_to_the_unsubscribe_address_change_nothing(world: World, name: str) -> None:
    world.send(sample(name), world.address("u"), reverse_path="x@example.net")
    assert (world.consent_is_live(), world.suppressions(), world.figures()) == (True, [], (0, 0, 0))


# --- what goes wrong ----------------------------------------------------------------------------


def test_one_message_is_one_transaction(world: World) -> None:
    world.conn.execute(
        "CREATE TRIGGER fault BEFORE INSERT ON event WHEN NEW.number = 1 BEGIN SELECT RAISE(ABORT, 'fault'); END"
    )
    second = Mark(ANN, TOPIC, SUBMISSION, 1)
    assert world.send(sample("dead-5.1.1"), world.address(), world.address(mark=second)) == UNEXPECTED
    assert (world.events(), world.suppressions(), world.figures()) == ([], [], (0, 0, 0))
    assert world.state() is State.DELIVERED
    assert world.send(sample("dead-5.1.1")).code == 250
    assert world.events() == ["bounced"]


def test_too_large_a_message_is_refused(world: World) -> None:
    assert world.send(b"x" * (MAX_OCTETS + 1)).reply.startswith("552 5.3.4 ")


def test_a_large_message_is_read_as_a_small_one(world: World) -> None:
    world.send(sample("dead-5.1.1") + b"x" * 5_000_000)
    assert world.suppressions() == [("hard-bounce", 0)]


def test_recipients_that_rcpt_would_not_have_taken(world: World) -> None:
    assert world.send(sample("dead-5.1.1"), f"info@{HOST}").reply.startswith("550 5.1.1 ")


def test_an_unexpected_error_is_temporary(world: World) -> None:
    async def broken(work: Callable[[sqlite3.Connection], T]) -> T:
        raise RuntimeError("disk on fire")

    status = asyncio.run(world.inbound(broken).message("", [world.address()], sample("dead-5.1.1")))
    assert status == UNEXPECTED
    assert "fire" not in status.reply
