"""Exports as they look, many to a file of ``tests/fixtures/list_cases``: an address's name says its person's fate (R4).

A case begins with ``=== file name | import | encoding | order of dates``. ``yes1d20230213@…`` must become a consent of
that day; ``left``, ``bounced``, ``complained``: suppressed so; ``no``: told and no consent; ``stopped``: suppressed for
any reason; ``out``: anything but a consent, and told. ``## ADDRESS = FATE`` says it of an address with another name.
The fates were decided before the reader saw the files.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.list_fates import fates, new_tenant
from tests.unit.records import open_shop

CASES = Path(__file__).parents[1] / "fixtures" / "list_cases"
_PERSON = re.compile(
    r"\b(yes|left|bounced|complained|no|asked|stopped|out)\d+[a-z]?(?:d(\d{8}))?"
    r"@[a-z0-9-]+(?:\.[a-z0-9-]+)*(?![a-z0-9.-]*[^\x00-\x7f\u200b])",
    re.IGNORECASE,
)
_OCTET = re.compile(rb"\\x([0-9a-f]{2})")
_SUPPRESSED = {"left", "bounced", "complained", "hand"}
_TOLD = {"no", "asked"}
_ALLOWED = {"no": _TOLD, "stopped": _SUPPRESSED, "out": _TOLD | _SUPPRESSED}


@dataclass(frozen=True)
class Case:
    """One list file and what must become of its people."""

    name: str
    kind: str
    octets: bytes
    dates: str
    people: dict[str, str]
    days: dict[str, str]


def _cases(path: Path) -> Iterator[Case]:
    for block in re.split(r"^=== ", path.read_text("utf-8"), flags=re.M)[1:]:
        head, _, body = block.partition("\n")
        name, kind, encoding, dates = ([part.strip() for part in head.split("|")] + ["", ""])[:4]
        named = dict(re.findall(r"^## (\S+) = (\w+)\n", body, flags=re.M))
        text = re.sub(r"^## \S+ = \w+\n", "", body, flags=re.M)
        found = list(_PERSON.finditer(text))
        people = {person[0].lower(): person[1].lower() for person in found} | named
        days = {person[0].lower(): person[2] for person in found if person[2]}
        octets = _OCTET.sub(lambda octet: bytes((int(octet[1], 16),)), text.encode(encoding or "utf-8"))
        yield Case(name, kind, octets, dates, people, days)


ALL = [pytest.param(case, id=f"{path.stem}-{case.name}") for path in sorted(CASES.iterdir()) for case in _cases(path)]


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    return open_shop(tmp_path_factory.mktemp("cases") / "relay.db")


@pytest.mark.parametrize("case", ALL)
def test_everyone_has_the_fate_that_the_file_says(
    conn: sqlite3.Connection, tmp_path: Path, case: Case, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.octets)
    tenant = new_tenant(conn, request.node.name)
    found = fates(conn, path, case.kind, tenant=tenant, dates=case.dates)
    assert case.people
    assert {
        who: (wanted, found.get(who, "lost"))
        for who, wanted in case.people.items()
        if found.get(who, "lost") not in _ALLOWED.get(wanted, {wanted})
    } == {}
    assert {who for who, fate in found.items() if fate == "yes"} <= case.people.keys()
    given = conn.execute(
        "SELECT s.address, c.given_at FROM subscriber s JOIN consent c ON c.subscriber_id = s.id WHERE s.tenant_id = ?",
        (tenant,),
    )
    days = {who: datetime.fromtimestamp(at, UTC).strftime("%Y%m%d") for who, at in given if who in case.days}
    assert days == {who: day for who, day in case.days.items() if found.get(who) == "yes"}
