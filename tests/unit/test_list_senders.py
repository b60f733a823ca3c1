"""List files of a hundred senders, each person with the fate that was decided before the reader was written (R4).

``tests/fixtures/lists`` has the files, made up for these tests in the form that each sender exports; ``fates.json``
has what must become of each person: a consent (``yes``), a suppression with its reason, or told as refused.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.unit.list_fates import fates, new_tenant, wrong
from tests.unit.records import open_shop

FIXTURES = Path(__file__).parents[1] / "fixtures" / "lists"
FATES: dict[str, dict[str, Any]] = json.loads((FIXTURES / "fates.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    return open_shop(tmp_path_factory.mktemp("senders") / "relay.db")


def test_every_fixture_has_its_fates() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(FATES) | {"fates.json"}
    assert len(FATES) >= 24


@pytest.mark.parametrize("name", sorted(FATES))
def test_everyone_has_the_fate_that_the_file_says(conn: sqlite3.Connection, name: str) -> None:
    case = FATES[name]
    found = fates(conn, FIXTURES / name, case["import"], tenant=new_tenant(conn, name))
    assert wrong(found, case["fates"]) == {}
