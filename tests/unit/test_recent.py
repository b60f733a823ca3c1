"""Limits on what happened lately: they hold over a rotation of keys too (R25, R25a)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from config.conduct import Reports
from config.pages import Forms
from relay.feedback import report_limits
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.signup import limits
from relay.tenants.recent import DAY_S, HOUR_S, Recent
from tests.unit.records import NOW, open_shop

OLD = Secrets({1: b"first" * 8}, 1)
NEW = Secrets({1: b"first" * 8, 2: b"second" * 8}, 2)
ANN = parse_address("ann@people.example")
IP = "192.0.2.7"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def test_a_mailbox_is_limited_over_a_rotation(conn: sqlite3.Connection) -> None:
    limits.count(conn, OLD, ANN, IP, 1, 1, NOW)
    assert limits.reached(conn, NEW, Forms(), ANN, "203.0.113.1", 1, 2, NOW + 1) == "mailbox"
    assert limits.reached(conn, NEW, Forms(), parse_address("bob@people.example"), "203.0.113.1", 1, 2, NOW + 1) == ""


def test_a_network_is_limited_over_a_rotation(conn: sqlite3.Connection) -> None:
    limits.count(conn, OLD, ANN, IP, 1, 1, NOW)
    bob = parse_address("bob@people.example")
    assert limits.reached(conn, NEW, Forms(network_per_hour=1), bob, "192.0.2.200", 2, 2, NOW + 1) == "network"
    assert limits.reached(conn, NEW, Forms(network_per_hour=1), bob, "192.0.2.200", 2, 2, NOW + HOUR_S) == ""


def test_reports_are_limited_over_a_rotation(conn: sqlite3.Connection) -> None:
    asked = Reports(network_per_hour=1)
    assert report_limits.count(conn, OLD, asked, 1, IP, NOW)
    assert not report_limits.count(conn, NEW, asked, 2, IP, NOW + 1)
    assert report_limits.count(conn, NEW, asked, 2, "203.0.113.1", NOW + 1)


def test_rows_count_up_to_the_limit_and_those_of_the_future_too(conn: sqlite3.Connection) -> None:
    tried = Recent("report_try")
    for at in (NOW - 2, NOW, NOW + 60):
        conn.execute("INSERT INTO report_try (at, network, submission_id) VALUES (?, x'00', 1)", (at,))
    reached = [tried.reached(conn, "submission_id", [1], NOW - 1, most) for most in (0, 2, 3)]
    assert reached == [True, True, False]
    assert not tried.reached(conn, "submission_id", [2], NOW - 1, 1)
    assert not tried.reached(conn, "submission_id", [1], NOW - 10 * DAY_S, 1), "of a clock that was ten days ahead"
    assert tried.forget(conn, NOW + DAY_S) == 1
    assert conn.execute("SELECT count(*) FROM report_try").fetchone()[0] == 2
