"""Cost of one look-up of a person's standing: ``python -m bench.micro_registry --people 1000000``; µs, best of five.

Fills a database in a temporary folder (or ``--folder``), one live consent a
person, every fifth address one whose provider knows other spellings and every
fiftieth suppressed, and asks for random people, known and not.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relay.people.mailbox import mailbox_of
from relay.people.standing import standing, standing_by_id
from relay.store.database import connect, migrate

ASKED = 20_000
PERIOD = "2026-11"


def address(number: int) -> str:
    """Of person ``number``, in no order, as real lists are."""
    local = f"u{number * 2_654_435_761 % 4_294_967_296:08x}"
    return f"{local[:4]}.{local[4:]}@gmail.com" if number % 5 == 0 else f"{local}@d{number % 1000}.example"


def fill(path: Path, people: int) -> None:
    """Make the database, unless it is there."""
    if path.exists():
        return
    migrate(path)
    conn = connect(path)
    conn.create_function("address", 1, address, deterministic=True)
    conn.create_function("mailbox", 1, mailbox_of, deterministic=True)
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("PRAGMA cache_size = -1000000")
    conn.execute("BEGIN")
    conn.execute("INSERT INTO tenant (id, name, contact, plan_started_at, created_at) VALUES (1, 't', 'a@b', 0, 0)")
    conn.execute("INSERT INTO topic (id, tenant_id, name) VALUES (1, 1, 'news')")
    conn.execute("INSERT INTO wording (id, tenant_id, text, created_at, number) VALUES (1, 1, 'x', 0, 1)")
    rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    conn.execute(
        f"{rows}, a AS MATERIALIZED (SELECT i, address(i) AS address FROM n)"
        " INSERT INTO subscriber (id, tenant_id, address, created_at, mailbox)"
        " SELECT i, 1, address, 0, mailbox(address) FROM a ORDER BY address",
        (people,),
    )
    conn.execute(
        f"{rows} INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
        " recorded_at) SELECT i, 1, 'email', 0, 'form', 1, '', '', 'import', 0 FROM n",
        (people,),
    )
    conn.execute(
        f"{rows} INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail)"
        " SELECT i, 0, 'unsubscribed', 0, '' FROM n WHERE i % 50 = 0",
        (people,),
    )
    conn.execute("COMMIT")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def measure(conn: sqlite3.Connection, people: int) -> dict[str, float]:
    """What is asked → µs a look-up."""
    rng = random.Random(7)
    numbers = [rng.randrange(people) + 1 for _ in range(ASKED)]
    plain = [address(n) for n in numbers if n % 5]
    gmail = [address(n) for n in numbers if not n % 5]
    spelt = [one.replace(".", "", 1) for one in gmail]
    strangers = [address(n + people) for n in numbers]

    def by_address(one: str) -> object:
        return standing(conn, 1, one, PERIOD)

    return {
        "known address": _best(by_address, plain),
        "known, one of several spellings": _best(by_address, gmail),
        "another spelling of a known one": _best(by_address, spelt),
        "unknown address": _best(by_address, strangers),
        "by id (before delivery)": _best(lambda n: standing_by_id(conn, n), numbers),
    }


def _best(ask: Callable[[Any], object], values: Sequence[object]) -> float:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for value in values:
            ask(value)
        times.append((time.perf_counter() - started) / len(values) * 1e6)
    return min(times)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--people", type=int, default=1_000_000)
    words.add_argument("--folder", type=Path, help="Keep the database there.")
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (given.folder or Path(temporary)) / f"people-{given.people}.db"
        fill(path, given.people)
        conn = connect(path)
        print(f"{given.people} consents, {path.stat().st_size >> 20} MiB")
        for what, cost in measure(conn, given.people).items():
            print(f"{what:34} {cost:6.1f} µs")
        conn.close()


if __name__ == "__main__":
    main()
