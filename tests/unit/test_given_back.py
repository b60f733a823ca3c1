"""What was never sent is given back, the subscriber too; a limit met at the commit refuses who is over it (R19)."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.ledger import counters, quota
from relay.mail.address import parse_address
from relay.mail.status import refusal
from relay.people import consents
from relay.pipeline.contract import Add, AddDistinct, Effect
from relay.queue import own
from relay.queue.complete import complete
from relay.queue.count import Refused
from relay.queue.drop import QueuedCopy, give_up
from relay.queue.enqueue import enqueue
from relay.queue.lease import lease_due
from relay.queue.values import Enqueued, Lease, NewRecipient, NewSubmission, Result
from relay.store.database import connect, transaction
from relay.values.facts import Recipient
from relay.values.states import State
from tests.unit.records import NOW, SHOP, column, one, open_shop

PERIOD = "2026-09"
MESSAGES, PEOPLE = f"messages/{PERIOD}", f"subscribers/{PERIOD}"
NO_MORE = refusal("quota-messages", "3000 of 3000 used")
NOBODY_MORE = refusal("quota-subscribers", "300 of 300 used")


def effects(messages: int | None = None, people: int | None = None) -> tuple[Effect, ...]:
    return (Add(MESSAGES, 1, messages, NO_MORE), AddDistinct(PEOPLE, people, NOBODY_MORE))


def put(
    conn: sqlite3.Connection, names: Sequence[str], number: int, messages: int | None = None, people: int | None = None
) -> tuple[NewSubmission, Enqueued]:
    recipients = []
    for name in names:
        address = parse_address(f"{name}@people.example")
        standing = consents.standing(conn, SHOP, address.canonical, "")
        rcpt = Recipient(str(address), address.canonical, address.domain, standing)
        recipients.append(NewRecipient(rcpt, {}, effects(messages, people), None))
    new = NewSubmission(
        id=number,
        tenant_id=SHOP,
        stream_id=SHOP,
        campaign="",
        campaign_explicit=False,
        topic="news",
        reverse_path="news@shop.example",
        message_id=f"<{number}@shop.example>",
        from_address="news@shop.example",
        from_domain="shop.example",
        subject="Autumn",
        size_octets=1000,
        accepted_at=NOW,
        due_at=NOW,
        expires_at=NOW + 86400,
        template=b"template",
        recipients=tuple(recipients),
    )
    with transaction(conn):
        return new, enqueue(conn, new, None)


def used(conn: sqlite3.Connection) -> tuple[int, int]:
    found = quota.usage(conn, SHOP, PERIOD)
    return found.messages, found.subscribers


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


# --- giving back ---------------------------------------------------------------------------------------------


def leases(conn: sqlite3.Connection) -> list[Lease]:
    from relay.queue.lanes import Lane

    with transaction(conn):
        return lease_due(conn, "one", NOW, {Lane(SHOP, "people.example"): 100})


ENDS = ("delivered", "bounced", "expired", "expired unsent", "withdrawn", "declined", "cancelled", "dropped", "waits")
SENT = {"delivered", "bounced", "expired", "waits"}
"""What counts: it went out, or was tried, or still may go."""


def ending(conn: sqlite3.Connection, lease: Lease, how: str) -> None:
    copy = QueuedCopy(lease.submission.id, lease.number, SHOP, None)
    states = {
        "delivered": (State.DELIVERED, 1), "bounced": (State.BOUNCED, 1), "expired": (State.EXPIRED, 3),
        "expired unsent": (State.EXPIRED, 0), "withdrawn": (State.WITHDRAWN, 0), "declined": (State.DECLINED, 0),
        "cancelled": (State.CANCELLED, 0),
    }  # fmt: skip
    with transaction(conn):
        if how == "dropped":
            conn.execute("UPDATE recipient SET owner = NULL WHERE submission_id = ?", (copy.submission_id,))
            assert give_up(conn, [copy], State.CANCELLED, "cancelled", "op", NOW) == [copy]
            assert give_up(conn, [copy], State.CANCELLED, "cancelled", "op", NOW) == [], "once"
        elif how != "waits":
            state, attempts = states[how]
            result = Result(lease, state, NOW, attempts=attempts)
            complete(conn, [result], lambda tx, one: None)
            assert not complete(conn, [result], lambda tx, one: None).applied, "once"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(ENDS)), max_size=12))
def test_a_person_counts_while_one_copy_was_sent_or_may_be(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, str]]
) -> None:
    conn = open_shop(tmp_path_factory.mktemp("given") / "relay.db")
    try:
        for number, (name, _) in enumerate(story):
            put(conn, [name], number + 1)
        assert used(conn) == (len(story), len({name for name, _ in story}))
        found = {lease.submission.id: lease for lease in leases(conn)}
        left = list(story)
        for number, (_, how) in enumerate(story):
            ending(conn, found[number + 1], how)
            if how not in SENT:
                left[number] = ("", "")
            people = {name for name, _ in left if name}
            assert used(conn) == (sum(bool(name) for name, _ in left), len(people))
            assert one(conn, "SELECT count(*) FROM counted WHERE name = ?", PEOPLE) == len(people)
    finally:
        conn.close()


def test_who_was_counted_before_this_release_stays_counted(conn: sqlite3.Connection) -> None:
    """How many copies of theirs were sent is not known."""
    put(conn, ["ann"], 1)
    conn.execute("UPDATE counted SET copies = NULL")
    put(conn, ["ann"], 2)
    for lease in leases(conn):
        ending(conn, lease, "cancelled")
    assert used(conn) == (0, 1)


def test_a_message_of_before_gives_back_what_it_did(conn: sqlite3.Connection) -> None:
    put(conn, ["ann"], 1)
    conn.execute("UPDATE submission SET counted_in = ''")
    (lease,) = leases(conn)
    ending(conn, lease, "cancelled")
    assert used(conn) == (0, 1)


def test_two_spellings_in_one_message_are_two(conn: sqlite3.Connection) -> None:
    """They are as before: each address is one of the plan's subscribers."""
    put(conn, ["ann", "bob"], 1)
    assert used(conn) == (2, 2)
    for lease in leases(conn):
        ending(conn, lease, "withdrawn")
    assert used(conn) == (0, 0)


# --- limits met at the commit ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "names", "messages", "people", "taken", "code"),
    [
        ("", "abc", 3, None, "abc", ""),
        ("", "abcd", 3, None, "abc", "quota-messages"),
        ("x", "abc", 3, None, "ab", "quota-messages"),
        ("xyz", "abc", 3, None, None, "quota-messages"),
        ("", "abcd", None, 2, "ab", "quota-subscribers"),
        ("a", "bca", None, 2, "ba", "quota-subscribers"),  # who is counted already passes behind who isn't
        ("ab", "cab", None, 2, "ab", "quota-subscribers"),
        ("ab", "cd", None, 2, None, "quota-subscribers"),
        ("ab", "cabd", 5, 2, "ab", "quota-subscribers"),
        ("ab", "abc", 4, 9, "ab", "quota-messages"),
        ("", "abc", 0, None, None, "quota-messages"),
        ("ab", "cabd", 4, 2, "ab", "quota-"),  # who is refused for one limit leaves the room of the other
    ],
)
def test_who_fits_is_taken_and_the_others_are_told(
    conn: sqlite3.Connection,
    before: str,
    names: str,
    messages: int | None,
    people: int | None,
    taken: str | None,
    code: str,
) -> None:
    for number, name in enumerate(before):
        put(conn, [name], 100 + number)
    counted = used(conn)
    if taken is None:
        with pytest.raises(Refused) as told:
            put(conn, list(names), 1, messages, people)
        assert told.value.status.text.startswith(code)
        assert used(conn) == counted and one(conn, "SELECT count(*) FROM submission WHERE id = 1") == 0
        return
    new, stored = put(conn, list(names), 1, messages, people)
    there = column(conn, "SELECT address FROM recipient WHERE submission_id = 1 ORDER BY number")
    assert "".join(str(address)[0] for address in there) == taken
    assert len(stored.states) == len(stored.subscriber_ids) == len(taken)
    told_to = [rcpt.address[0] for rcpt, _ in stored.refused]
    assert sorted(told_to) == sorted(set(names) - set(taken))
    assert all(status.text.startswith(code) for _, status in stored.refused)
    assert one(conn, "SELECT open_recipients FROM submission WHERE id = 1") == len(taken)
    now = used(conn)
    assert now == (counted[0] + len(taken), len(set(before) | set(taken)))
    assert dict(stored.counted) == {
        name: amount for name, amount in ((MESSAGES, len(taken)), (PEOPLE, now[1] - counted[1])) if amount
    } | ({PEOPLE: 0} if PEOPLE in stored.counted and now[1] == counted[1] else {})
    assert len(new.recipients) == len(names), "what was asked for is not changed"


def _send(path: Path, begin: int, names: Sequence[str], ready: threading.Barrier, answer: object) -> None:
    conn = connect(path)
    ready.wait()
    taken = refused = 0
    for number in range(20):
        try:
            _, stored = put(conn, names, begin + number, 50, None)
            taken, refused = taken + len(stored.states), refused + len(stored.refused)
        except Refused:
            refused += len(names)
    answer.put((taken, refused))  # type: ignore[attr-defined]


def test_two_processes_share_what_is_left_to_the_last(tmp_path: Path) -> None:
    """Each sends 20 messages to 3 people where 50 messages are left: 50 are taken, nobody loses a message of others."""
    path = tmp_path / "relay.db"
    open_shop(path).close()
    context = multiprocessing.get_context("spawn")
    ready, answer = context.Barrier(2), context.Queue()
    senders = [
        context.Process(target=_send, args=(path, begin, [f"{begin}{c}" for c in "abc"], ready, answer))
        for begin in (1000, 2000)
    ]
    for sender in senders:
        sender.start()
    answers = [answer.get(timeout=60) for _ in senders]
    for sender in senders:
        sender.join(60)
    conn = connect(path)
    assert sum(taken for taken, _ in answers) == 50 == quota.usage(conn, SHOP, PERIOD).messages
    assert sum(refused for _, refused in answers) == 120 - 50
    assert one(conn, "SELECT count(*) FROM recipient") == 50


# --- what counts nowhere -----------------------------------------------------------------------------------------


@pytest.fixture
def letter(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One of the relay's own, through the tenant's stream of service mail."""
    message = own.OwnMessage(
        7, SHOP, parse_address("new@people.example"), "shop.example", "Please confirm", "<7@x>", b"t", 100, NOW, NOW + 9
    )
    with transaction(conn):
        own.put(conn, message, stream_id=SHOP)
    yield conn


@pytest.mark.parametrize("how", ["delivered", "bounced", "cancelled"])
def test_the_relay_s_own_letters_count_nowhere(letter: sqlite3.Connection, how: str) -> None:
    from relay.campaigns import figures

    before = figures.of_tenant(letter, SHOP)
    counters.add(letter, SHOP, MESSAGES, 5)
    (lease,) = leases(letter)
    ending(letter, lease, how)
    assert used(letter) == (5, 0)
    assert figures.of_tenant(letter, SHOP) == before
