"""What mail to our own addresses does, on a real store through the real committer."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from config.settings import Settings
from relay.feedback.inbound import MAX_OCTETS, Inbound
from relay.mail.status import UNEXPECTED, Status
from relay.queue.complete import complete
from relay.queue.lanes import Lane
from relay.queue.lease import lease_due
from relay.queue.model import State
from relay.queue.values import Lease, Result
from relay.registry.secrets import Secrets
from relay.registry.tokens import SHARED, Mark, local_part
from relay.store.committer import Committer
from relay.store.database import connect, migrate

T = TypeVar("T")
SAMPLES = Path(__file__).parent.parent / "samples" / "bounces"
NOW = 1790000000.0
ANN, TOPIC, SUBMISSION = 7, 3, 1_000_001
MARK = Mark(ANN, TOPIC, SUBMISSION, 0)
HOST = "relay.example.com"

ROWS = f"""
INSERT INTO tenant (id, name, contact, plan, plan_started_at, created_at)
 VALUES (1,'shop','a@shop.example','free',0,0);
INSERT INTO stream (id, tenant_id, name, kind, consent, created_at) VALUES (1,1,'bulk','bulk','required',0);
INSERT INTO domain (tenant_id, name, token, verified_at, created_at) VALUES (1,'shop.example','t',1,0);
INSERT INTO domain (tenant_id, name, token, created_at) VALUES (1,'new.example','t',0);
INSERT INTO topic (id, tenant_id, name) VALUES ({TOPIC},1,'news');
INSERT INTO wording (id, tenant_id, text, created_at) VALUES (1,1,'I want the news',0);
INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES ({ANN},1,'ann@example.net',0);
INSERT INTO consent (subscriber_id, topic_id, given_at, source, wording_id, means, recorded_at)
 VALUES ({ANN},{TOPIC},1,'form',1,'form',1);
INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at, delivered) VALUES (5,1,1,'offers','open',0,1);
INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id, from_domain, size_octets,
 accepted_at, expires_at, open_recipients) VALUES ({SUBMISSION},1,1,5,'a@shop.example','<1@shop.example>','x.example',
 10,0,9e9,0);
INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain, state, due_at,
 changed_at) VALUES ({SUBMISSION},0,1,5,{ANN},'ann@example.net','example.net',{int(State.DELIVERED)},0,0);
"""


class World:
    """A store with one delivered copy to Ann, and what may come back for it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "relay.db"
        migrate(self.path)
        self.conn = connect(self.path)
        self.conn.executescript(ROWS)
        self.secrets = Secrets.create(path / "secrets")
        self.settings = Settings.model_validate(
            {"server": {"hostname": HOST, "data_dir": path}, "links": {"mail_domain": "rp.relay.example"}}
        )

    def inbound(self, write: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]) -> Inbound:
        return Inbound(self.settings, self.secrets, self.conn, write, lambda: NOW, logging.getLogger("test"))

    def address(self, prefix: str = "b", mark: Mark = MARK, domain: str = HOST) -> str:
        return f"{local_part(self.secrets, prefix, mark)}@{domain}"

    def rcpt(self, address: str) -> Status:
        async def unused(work: Callable[[sqlite3.Connection], T]) -> T:
            raise AssertionError("RCPT writes nothing")

        return self.inbound(unused).rcpt(address, "x@example.org")

    def send(self, raw: bytes, *recipients: str, reverse_path: str = "", times: int = 1) -> Status:
        async def run() -> Status:
            committer = Committer(self.path)
            try:
                inbound = self.inbound(committer.submit)
                for _ in range(times):
                    status = await inbound.message(reverse_path, recipients or (self.address(),), raw)
                return status
            finally:
                await committer.close()

        return asyncio.run(run())

    def events(self) -> list[str]:
        return [kind for (kind,) in self.conn.execute("SELECT kind FROM event ORDER BY id")]

    def detail(self) -> dict[str, object]:
        (text,) = self.conn.execute("SELECT detail FROM event ORDER BY id DESC LIMIT 1").fetchone()
        found = json.loads(text)
        assert isinstance(found, dict)
        return found

    def suppressions(self) -> list[tuple[str, int]]:
        return list(self.conn.execute("SELECT reason, topic_id FROM suppression ORDER BY reason"))

    def figures(self) -> tuple[int, int, int]:
        row = self.conn.execute("SELECT bounced, unsubscribed, complained FROM campaign").fetchone()
        return row[0], row[1], row[2]

    def state(self) -> State:
        return State(self.conn.execute("SELECT state FROM recipient").fetchone()[0])

    def consent_is_live(self) -> bool:
        return bool(self.conn.execute("SELECT withdrawn_at IS NULL FROM consent").fetchone()[0])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.conn.close()


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


UNSUBSCRIBE = b"From: Ann <ann@example.net>\r\nSubject: unsubscribe\r\nMessage-ID: <u@example.net>\r\n\r\n\r\n"

# --- RCPT -----------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["b", "u"])
@pytest.mark.parametrize("domain", [HOST, "rp.relay.example", "rp.shop.example", "RP.Shop.Example"])
def test_our_own_addresses_are_taken(world: World, prefix: str, domain: str) -> None:
    assert world.rcpt(world.address(prefix, domain=domain)).reply.startswith("250 2.1.5 ")
    assert world.rcpt(world.address(prefix, domain=domain).upper()).reply.startswith("250 2.1.5 ")


@pytest.mark.parametrize("domain", ["example.org", "shop.example", "rp.new.example", "rp.example.org", "[192.0.2.1]"])
def test_other_domains_are_not_relayed_to(world: World, domain: str) -> None:
    assert world.rcpt(world.address(domain=domain)).reply.startswith("550 5.7.1 relaying denied")


def test_all_else_is_unknown(world: World) -> None:
    token = world.address().partition("@")[0]
    forged = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]
    other = Secrets({1: b"x" * 32}, 1)
    for local in ("info", "b-", "u-", "x" + token[1:], "u" + token[1:], forged, local_part(other, "b", MARK)):
        assert world.rcpt(f"{local}@{HOST}").reply.startswith("550 5.1.1 no such address")
    for address in (f"postmaster@{HOST}", f"Abuse@{HOST}", "Postmaster"):
        assert world.rcpt(address).reply.startswith("550 5.1.1 no mailbox is kept")
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


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"Precedence: auto_reply",
        b"X-Auto-Response-Suppress: All",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        b"Subject: Automatic reply: Offers",
    ],
)
def test_programs_unsubscribe_nobody(world: World, field: bytes) -> None:
    raw = field + b"\r\n" + UNSUBSCRIBE
    assert world.send(raw, world.address("u"), reverse_path="ann@example.net").code == 250
    assert world.consent_is_live()
    assert world.suppressions() == []
    assert world.events() == ["auto-reply"]


def test_the_null_reverse_path_unsubscribes_nobody(world: World) -> None:
    world.send(UNSUBSCRIBE, world.address("u"), reverse_path="")
    assert world.consent_is_live()


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


# --- copies for several recipients ----------------------------------------------

SHARED_MARK = Mark(0, 0, SUBMISSION, SHARED)
BEN = 8


@pytest.fixture
def shared(world: World) -> World:
    """Ann and Ben had one copy of a transactional message."""
    world.conn.executescript(f"""
        INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES ({BEN},1,'ben@example.net',0);
        INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,
         changed_at) VALUES ({SUBMISSION},1,1,{BEN},'Ben@example.net','example.net',{int(State.DELIVERED)},0,0);
        UPDATE submission SET shared = 1;
    """)
    return world


def _suppressed(world: World) -> list[tuple[int, str]]:
    return list(world.conn.execute("SELECT subscriber_id, reason FROM suppression ORDER BY subscriber_id"))


def test_a_report_on_a_shared_copy_concerns_those_it_names(shared: World) -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nSorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; ben@example.net\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    )
    assert shared.send(raw, shared.address(mark=SHARED_MARK)).code == 250
    assert _suppressed(shared) == [(BEN, "hard-bounce")]
    states = [row[0] for row in shared.conn.execute("SELECT state FROM recipient ORDER BY number")]
    assert states == [State.DELIVERED, State.BOUNCED]


def test_words_about_a_shared_copy_concern_the_address_that_stands_in_them(shared: World) -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered mail returned to sender\r\n\r\n"
        b"Your message could not be delivered:\r\n<ben@example.net>: 550 5.1.1 user unknown\r\n"
    )
    shared.send(raw, shared.address(mark=SHARED_MARK))
    assert _suppressed(shared) == [(BEN, "hard-bounce")]


def test_a_complaint_about_a_shared_copy_needs_a_name(shared: World) -> None:
    report = (
        b"From: fbl@isp.example\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nspam\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        b"Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n%b\r\n--b--\r\n"
    )
    shared.send(report % b"", shared.address(mark=SHARED_MARK))
    assert _suppressed(shared) == []
    shared.send(report % b"Original-Rcpt-To: ann@example.net\r\n", shared.address(mark=SHARED_MARK))
    assert _suppressed(shared) == [(ANN, "complaint")]


def test_a_shared_tag_names_nobody_where_copies_are_personal(world: World) -> None:
    raw = b"From: MAILER-DAEMON@mx.example\r\nSubject: failure\r\n\r\n<ann@example.net>: 550 5.1.1 user unknown\r\n"
    world.send(raw, world.address(mark=SHARED_MARK))
    assert _suppressed(world) == []
