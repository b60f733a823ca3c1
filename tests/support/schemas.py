"""Databases of earlier schemas, made by relays of their time (``scripts/schemas``)."""

from __future__ import annotations

import json
import lzma
import sqlite3
from pathlib import Path
from typing import Any

MADE = Path(__file__).parent.parent / "samples" / "schemas"
SECRETS = f"1 {'5a' * 32}\n"
"""The master key that all of them are made with; it protects nothing else."""
STAGED = 20
"""Recipients of the campaign of the tenant ``newcomer``."""


def numbers() -> list[int]:
    """The schemas that there are databases of."""
    return sorted(int(path.name[:4]) for path in MADE.glob("*.sql.xz"))


def sql(number: int) -> str:
    return lzma.decompress((MADE / f"{number:04}.sql.xz").read_bytes()).decode()


def told(number: int) -> dict[str, Any]:
    """Which commit made it, when, and the credentials in it (``user``, ``receipts``, ``newcomer``)."""
    made: dict[str, Any] = json.loads(sql(number).partition("\n")[0].removeprefix("-- "))
    return made


def unpack(number: int, database: Path) -> None:
    """Make the database, as it was when its relay was killed; none may be there."""
    conn = sqlite3.connect(database, isolation_level=None)
    try:
        conn.executescript(sql(number))
    finally:
        conn.close()
    database.chmod(0o600)
