"""As of when: what makes what was found a moment ago be looked at again, and what doesn't."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.settings import Settings
from relay.delivery.outcomes import Outcomes
from relay.delivery.smtp.compose import Composer, LinkBase
from relay.delivery.smtp.copy import MailCopy
from relay.delivery.smtp.signatures import Signatures
from relay.mail.status import refusal
from relay.mail.stored import VERSION, Template
from relay.people import suppressions
from relay.pipeline.chain import Chain
from relay.pipeline.contract import PASS, BasePolicy, QueueEntry, Reject, Stage, Verdict
from relay.queue.schedule import Schedule
from relay.queue.values import Result
from relay.store.as_of import MOMENT_S, NEVER, look
from relay.store.sqlite.committer import Committer
from relay.tenants.facts import Facts
from relay.tenants.snapshot import SnapshotSource
from relay.values.facts import Reason
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SECRETS, agree, open_shop, put
from tests.unit.test_tenants_snapshot import _domain, _key

SETTINGS = Settings.model_validate({"server": {"hostname": "relay.example"}}, context={"base": Path("/tmp")})

Change = Callable[[sqlite3.Connection, int], object]


MOVES: dict[str, Change] = {
    "another person is suppressed": lambda c, p: suppressions.add(c, p + 1, Reason.COMPLAINT, now=NOW),
    "a consent is withdrawn": lambda c, p: c.execute("UPDATE consent SET withdrawn_at = ?", (NOW,)),
    "somebody is erased": lambda c, p: c.execute("DELETE FROM consent WHERE subscriber_id = ?", (p,)),
    "a tenant is frozen": lambda c, p: c.execute("UPDATE tenant SET freeze = 'all' WHERE id = 2"),
    "a stream is changed": lambda c, p: c.execute("UPDATE stream SET consent = 'exempt'"),
    "a topic is made": lambda c, p: c.execute("INSERT INTO topic (tenant_id, name) VALUES (2, 'x')"),
    "a campaign is stopped": lambda c, p: c.execute("UPDATE campaign SET state = 'stopped'"),
    "a campaign is declined": lambda c, p: c.execute("UPDATE campaign SET state = 'declined', why = 'bad'"),
    "a retry is asked for": lambda c, p: c.execute("UPDATE meta SET value = value + 1 WHERE name = 'retry'"),
}
STAYS: dict[str, Change] = {
    "somebody agrees": lambda c, p: agree(c, "new@x.example"),
    "a message comes": lambda c, p: put(c, ["ann@x.example"], random=9),
    "a counter moves": lambda c, p: c.execute("INSERT INTO counter VALUES (1, 'delivered/bulk', 1)"),
    "a campaign is watched": lambda c, p: c.execute("UPDATE campaign SET state = 'watching'"),
    "something else is kept": lambda c, p: c.execute("INSERT INTO meta VALUES ('zzz', 1)"),
}


TEMPLATE = Template(VERSION, ((b"Subject: Autumn\r\n",),), (b"Hello.\r\n",), False, False, False, ())


class Asked(BasePolicy):
    """Keeps what it was asked."""

    name = "asked"

    def __init__(self, settings: Mapping[str, object]) -> None:
        self.entries: list[QueueEntry] = []
        self.answer: Verdict = PASS

    def on_release(self, entry: QueueEntry) -> Verdict:
        self.entries.append(entry)
        return self.answer


class Desk:
    """As much of a worker as the re-check asks, with the store's own facts."""

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self.now = NOW
        self.conn = conn
        self.terms = SimpleNamespace(schedule=Schedule((60.0,), 0.0), begin_s=900.0, expire_s=86400.0)
        self.outcomes = Outcomes(Committer(path), lambda conn, result: None, lambda batch, written: None)
        self.snapshots = SnapshotSource(conn, SETTINGS, SECRETS, clock=self.clock)
        self.facts = Facts(conn)
        self.policy = Asked({})
        self.chain = Chain([self.policy])
        self.results: list[Result] = []

    def clock(self) -> float:
        return self.now

    def even(self) -> float:
        return 0.0

    def campaign(self, campaign_id: int) -> tuple[str, str] | None:
        return "open", ""

    def finish(self, result: Result) -> None:
        self.results.append(result)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_shop(tmp_path / "relay.db")) as made:
        _key(made, _domain(made, 1, "shop.example", True), "r1", "rsa-sha256")
        yield made


@pytest.fixture
def person(conn: sqlite3.Connection) -> int:
    person = agree(conn, "ann@x.example")
    agree(conn, "bob@x.example")
    put(conn, ["ann@x.example"], campaign="autumn", stage=Stage(1, 10))
    return person


@pytest.fixture
def desk(conn: sqlite3.Connection, person: int, tmp_path: Path) -> Desk:
    return Desk(conn, tmp_path / "relay.db")


def a_copy(desk: Desk) -> MailCopy:
    desk_: Any = desk
    (lease,) = lease_all(desk.conn, "w", NOW, 9)
    composer = Composer(desk.conn, SECRETS, LinkBase("https://r.example", "r.example"), 2**20, lambda: NOW)
    composer.remember(lease.submission.id, TEMPLATE, 100)
    copy = MailCopy(desk_, lease, composer, Signatures(None))
    assert copy.wanted() and len(desk.policy.entries) == 1
    return copy


@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES)
def test_a_change_makes_another_look_of_it(conn: sqlite3.Connection, person: int, change: Change) -> None:
    before = look(conn, NOW)
    change(conn, person)
    after = look(conn, NOW, before)
    assert after is not before and after[:3] != before[:3]
    assert look(conn, NOW, after) is after


@pytest.mark.parametrize("change", STAYS.values(), ids=STAYS)
def test_what_makes_nothing_worse_leaves_it(conn: sqlite3.Connection, person: int, change: Change) -> None:
    before = look(conn, NOW)
    change(conn, person)
    assert look(conn, NOW, before) is before


@pytest.mark.parametrize(
    ("later_s", "same"),
    [(0, True), (MOMENT_S / 2, True), (MOMENT_S, False), (3600, False), (-0.001, False), (-3600, False)],
)
def test_a_moment_later_it_is_another(conn: sqlite3.Connection, later_s: float, same: bool) -> None:
    before = look(conn, NOW)
    after = look(conn, NOW + later_s, before)
    assert (after is before) is same
    assert after.at == (NOW if same else NOW + later_s)


def test_nothing_was_found_as_of_never(conn: sqlite3.Connection) -> None:
    assert look(conn, 0.0) is not NEVER


def test_what_was_found_wanted_is_so_for_a_moment(desk: Desk) -> None:
    copy = a_copy(desk)
    assert copy.still_wanted() and len(desk.policy.entries) == 1
    desk.now += MOMENT_S
    assert copy.still_wanted() and len(desk.policy.entries) == 2, "policies may look at the time"
    assert copy.still_wanted() and len(desk.policy.entries) == 2
    desk.now -= 10
    assert copy.still_wanted() and len(desk.policy.entries) == 3, "a clock that was set back"


@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES)
def test_what_was_changed_since_is_asked_about(desk: Desk, person: int, change: Change) -> None:
    copy = a_copy(desk)
    change(desk.conn, person)
    desk.policy.answer = Reject(refusal("unsubscribed", "gone"))
    assert not copy.still_wanted()
    assert [result.state for result in desk.results] == [State.WITHDRAWN]


@pytest.mark.parametrize("change", STAYS.values(), ids=STAYS)
def test_what_makes_nothing_worse_asks_nobody(desk: Desk, person: int, change: Change) -> None:
    copy = a_copy(desk)
    change(desk.conn, person)
    assert copy.still_wanted() and len(desk.policy.entries) == 1


def test_the_standing_that_came_with_the_lease_counts_until_one_gets_worse(desk: Desk, person: int) -> None:
    copy = a_copy(desk)
    assert desk.policy.entries[0].standing is copy.lease.standing
    desk.now += MOMENT_S
    assert copy.wanted() and desk.policy.entries[1].standing is copy.lease.standing, (
        "time alone makes no standing worse"
    )
    suppressions.add(desk.conn, person, Reason.COMPLAINT, now=NOW)
    assert copy.wanted()
    assert [one.reason for one in desk.policy.entries[2].standing.suppressions] == [Reason.COMPLAINT]
