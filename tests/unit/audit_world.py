"""A log with a bit of everything, for tests that attack it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from relay.audit import actions, erase, sequence
from relay.audit.heads import Head
from relay.campaigns import numbering
from relay.events import forget as events
from relay.keys.secrets import Secrets
from relay.lists import consent_import
from relay.lists.list_file import open_list
from relay.mail.address import parse_address
from relay.people import consent_rules, consents, suppressions
from relay.queue import verdicts
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.facts import Reason
from tests.unit.records import BULK, NOW, SHOP, agree, make_topic, open_shop

HOUR = 3600.0


class Clock:
    """Time that only tests move."""

    def __init__(self, at: float = NOW) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class World:
    """A shop whose people agree, leave and bounce; ``heads`` are those kept elsewhere."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "relay.db"
        self.conn = open_shop(self.path)
        self.secrets = Secrets.create(directory / "secrets")
        self.clock = Clock()
        self.heads: list[Head] = []

    def head(self) -> Head:
        """Sign one, and keep it."""
        self.clock.at += HOUR
        self.heads.append(sequence.sequence(self.conn, self.secrets, self.clock))
        return self.heads[-1]

    def person(self, name: str, **said: str) -> int:
        self.clock.at += 1
        return agree(self.conn, f"{name}@people.example", now=self.clock.at, **said)

    def leave(self, person: int, topic_id: int = 0, means: str = "one-click") -> None:
        self.clock.at += 1
        with transaction(self.conn):
            evidence = {"ip": "192.0.2.1", "agent": "Mail/1"}
            consents.withdraw(
                self.conn, SHOP, person, topic_id=topic_id, means=means, now=self.clock.at, evidence=evidence
            )

    def suppress(self, person: int, reason: Reason = Reason.HARD_BOUNCE, detail: str = "5.1.1 no such user") -> None:
        self.clock.at += 1
        with transaction(self.conn):
            suppressions.add(self.conn, person, reason, detail=detail, now=self.clock.at)

    def lift(self, name: str) -> None:
        self.clock.at += 1
        with transaction(self.conn):
            address = f"{name}@people.example"
            suppressions.remove(self.conn, SHOP, address, why="it is mended", actor="eve", now=self.clock.at)

    def freeze(self, reason: str) -> None:
        self.clock.at += 1
        with transaction(self.conn):
            shop = tenants.by_id(self.conn, SHOP)
            tenants.freeze(self.conn, shop, everything=False, reason=reason, actor="eve", now=self.clock.at)

    def verdicts(self) -> None:
        self.clock.at += 1
        with transaction(self.conn):
            for name in ("autumn", "winter"):
                numbering.for_message(
                    self.conn, SHOP, BULK, name, explicit=True, topic="news", from_address="a@shop.example",
                    subject="s", now=self.clock.at,
                )  # fmt: skip
            verdicts.stop(self.conn, 1, "relay", "every tenth address is dead", self.clock.at)
            verdicts.decline(self.conn, 1, "eve", "list is bought", self.clock.at)

    def imported(self, count: int, topic: str = "offers") -> None:
        self.clock.at += 1
        with transaction(self.conn):
            make_topic(self.conn, topic)
        file = self.directory / "list.csv"
        lines = [f"i{number}@people.example,192.0.2.{number % 250}" for number in range(count)]
        file.write_text("\n".join(["email,ip", *lines]) + "\n")
        terms = consent_rules.terms(topic=topic, source="till in the shop", wording="Yes, offers.", means="import")
        order = consent_import.Order(SHOP, self.secrets, terms, "eve", self.clock.at)
        consent_import.run(self.conn, open_list(file), order, refused=lambda bad: None, chunk=100)

    def erase(self, person: int) -> int:
        """As a request for erasure would: the consents go, the log keeps what it needs."""
        self.clock.at += 1
        with transaction(self.conn) as conn:
            done = erase.erase(conn, person, "eve", self.clock.at)
            (address,) = conn.execute("SELECT address FROM subscriber WHERE id = ?", (person,)).fetchone()
            named = conn.execute("SELECT id FROM event WHERE detail LIKE ?", (f"%{address}%",)).fetchall()
            events.blank(conn, [row[0] for row in named])
            for table in ("consent", "suppression"):
                conn.execute(f"DELETE FROM {table} WHERE subscriber_id = ?", (person,))
            conn.execute("DELETE FROM subscriber WHERE id = ?", (person,))
        return done

    def note(self, action: str = "tenant-warned") -> None:
        self.clock.at += 1
        with transaction(self.conn):
            actions.record(self.conn, "eve", action, SHOP, {"reason": "complaints"}, self.clock.at)

    def gap(self) -> None:
        """Ids that nobody gets: as where several write, and one of them takes its transaction back."""
        self.conn.execute("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name IN ('audit_leaf', 'audit_head')")

    def late(self) -> None:
        """A leaf with an id before others that are in the tree: as where several write, and one commits last."""
        self.gap()
        self.note("tenant-added-late")
        (unused,) = self.conn.execute(
            "SELECT max(id) - 7 FROM audit_leaf WHERE action = 'tenant-added-late'"
        ).fetchone()
        self.note()
        self.head()
        self.note("tenant-late")
        (given,) = self.conn.execute("SELECT id FROM audit_leaf WHERE action = 'tenant-late'").fetchone()
        self.conn.execute("UPDATE audit SET leaf_id = ? WHERE leaf_id = ?", (unused, given))
        self.conn.execute("UPDATE audit_leaf SET id = ? WHERE id = ?", (unused, given))

    def copy(self) -> sqlite3.Connection:
        """The database as whoever can write the file has it: without rules."""
        made = sqlite3.connect(":memory:", isolation_level=None)
        self.conn.backup(made)
        made.execute("PRAGMA foreign_keys = OFF")
        made.execute("DROP TRIGGER IF EXISTS wording_kept")
        return made


def lively(directory: Path) -> World:
    """Over 600 leaves, so that subtrees are stored; heads, two keys, a batch, an erased person, some of it late.

    The ids of leaves and heads have gaps, and one of a leaf is out of its order.
    """
    world = World(directory)
    for tenant_id, name in ((SHOP, "shop"), (2, "rival")):
        actions.record(world.conn, "eve", "tenant-added", tenant_id, {"name": name, "contact": "a@b.example"}, NOW)
    people = [world.person(f"p{number}", ip=f"192.0.2.{number % 250}") for number in range(250)]
    world.gap()
    world.head()
    for number, person in enumerate(people):
        if number % 5 == 0:
            world.leave(person, topic_id=number % 2)
        if number % 6 == 0:
            world.suppress(person)
        if number % 12 == 0:
            world.lift(f"p{number}")
    world.freeze("bought list")
    world.verdicts()
    world.imported(250)
    world.gap()
    for _ in range(200):
        world.note()
    world.late()
    world.head()
    sequence.rotate(world.conn, world.secrets, "eve", world.clock)
    world.head()
    world.suppress(people[7], Reason.COMPLAINT, "abuse")
    assert world.erase(people[10]) > 1
    back = parse_address("p5@people.example")
    with transaction(world.conn):
        consents.give(
            world.conn, world.secrets, SHOP, back, topic="news", source="form on shop.example", wording="Yes again.",
            means="double-opt-in", given_at=world.clock.at, now=world.clock.at,
        )  # fmt: skip
    world.head()
    for number in range(5):
        world.person(f"late{number}")
    return world


def tables(conn: sqlite3.Connection) -> Iterator[str]:
    """Tables of the log."""
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'audit%'"):
        yield name
