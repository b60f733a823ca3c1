"""Opening the database again in a process must not cost the locks that it has: fcntl(2) drops all at any close."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from relay.queue.owners import EndedLeases, Owners, end_leases
from relay.store.database import connect, migrate, schema_of

BUSY = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    conn.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    sys.exit("locked" in str(error) and 7)
"""


def locked(path: Path) -> bool:
    """As another process sees it."""
    return subprocess.run([sys.executable, "-c", BUSY, str(path)], timeout=60, check=False).returncode == 7


def test_a_lock_outlasts_what_else_opens_the_database(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    migrate(path)
    held = connect(path)
    held.execute("BEGIN IMMEDIATE")
    assert locked(path)
    connect(path, readonly=True).close()
    assert schema_of(path)
    with sqlite3.connect(path) as other:
        other.execute("SELECT 1").fetchone()
    Owners(path).close()
    assert end_leases(path, 0.0) == EndedLeases(0, [], [])
    assert locked(path)
    held.execute("ROLLBACK")
    assert not locked(path)
