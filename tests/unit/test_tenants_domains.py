"""Domains: claims, keys, the records to publish, and comparing them with DNS."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from config.settings import Settings
from relay.keys import dkim_keys
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.store.database import connect, migrate
from relay.tenants import domain_check, domains, snapshot, tenants
from relay.tenants.domain_check import RecordState
from relay.tenants.domains import DnsRecord, DomainRow
from relay.tenants.lookup import LookupFailed, RecordLookup
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

NOW = 1_794_300_000.0  # November 2026
SECRETS = Secrets({1: b"1" * 32}, 1)
SETTINGS = Settings.model_validate(
    {"server": {"hostname": "relay.example"}, "plans": {}}, context={"base": Path("/tmp")}
)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    connection = connect(tmp_path / "relay.db")
    yield connection
    connection.close()


def _tenant(conn: sqlite3.Connection, name: str) -> TenantRow:
    return tenants.add(conn, name, parse_address(f"o@{name}.example"), actor="anna", now=NOW)


@pytest.fixture
def row(conn: sqlite3.Connection) -> DomainRow:
    return domains.add(conn, SECRETS, _tenant(conn, "shop"), "shop.example", actor="anna", now=NOW)


def _published(records: Sequence[DnsRecord]) -> dict[tuple[str, str], list[str]]:
    return {(record.name, record.type): [record.value] for record in records}


def _lookup(zone: Mapping[tuple[str, str], Sequence[str]]) -> RecordLookup:
    return lambda name, kind: zone.get((name, kind), ())


def _states(records: Sequence[DnsRecord], zone: Mapping[tuple[str, str], Sequence[str]]) -> dict[str, RecordState]:
    return {f.record.name: f.state for f in domain_check.check(records, _lookup(zone))}


# --- names ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [("Shop.Example.", "shop.example"), (" bücher.example ", "xn--bcher-kva.example"), ("a-b.c.d", "a-b.c.d")],
)
def test_a_domain_is_kept_as_lower_case_a_labels(text: str, name: str) -> None:
    assert domains.normal_name(text) == name


@pytest.mark.parametrize(
    "text", ["", ".", "com", "a..b", "-a.example", "a_b.example", "[192.0.2.1]", "192.0.2.1", "a b.example", "x" * 210]
)
def test_what_mail_can_t_come_from_is_refused(text: str) -> None:
    with pytest.raises(RegistryError):
        domains.normal_name(text)


@pytest.mark.parametrize("selector", ["", "-a", "a-", "a..b", "a_b", "ä", "x" * 64, "a b"])
def test_a_bad_selector_is_refused(selector: str) -> None:
    with pytest.raises(RegistryError, match="selector"):
        domains.normal_selector(selector)


# --- records ----------------------------------------------------------------


def test_the_records_to_publish(conn: sqlite3.Connection, row: DomainRow) -> None:
    found = domains.records(conn, SETTINGS, row)
    rsa, ed25519 = row.keys
    assert (rsa.selector, rsa.algorithm) == ("r2611", "rsa-sha256")
    assert (ed25519.selector, ed25519.algorithm) == ("e2611", "ed25519-sha256")
    assert [(r.name, r.type, r.purpose) for r in found] == [
        ("_relay-verify.shop.example", "TXT", "verification"),
        ("r2611._domainkey.shop.example", "TXT", "dkim"),
        ("e2611._domainkey.shop.example", "TXT", "dkim"),
        ("rp.shop.example", "CNAME", "return-path"),
        ("links.shop.example", "CNAME", "links"),
        ("shop.example", "TXT", "spf"),
        ("_dmarc.shop.example", "TXT", "dmarc"),
    ]
    values = [record.value for record in found]
    assert values[0] == f"relay-verify={row.token}"
    assert f"p={rsa.public}" in values[1] and "k=rsa" in values[1]
    assert f"p={ed25519.public}" in values[2] and "k=ed25519" in values[2]
    assert values[3:] == [
        "relay.example",
        "relay.example",
        "v=spf1 a:relay.example ~all",
        "v=DMARC1; p=none; rua=mailto:o@shop.example",
    ]


def test_the_return_path_leads_to_the_mail_domain(conn: sqlite3.Connection, row: DomainRow) -> None:
    links = SETTINGS.links.model_copy(update={"mail_domain": "bounce.example"})
    found = domains.records(conn, SETTINGS.model_copy(update={"links": links}), row)
    assert [r.value for r in found if r.purpose == "return-path"] == ["bounce.example"]
    assert [r.value for r in found if r.purpose == "spf"] == ["v=spf1 a:relay.example ~all"]


def test_zone_lines_split_and_quote_text() -> None:
    line = domains.zone_line(DnsRecord("a.example", "TXT", "x" * 255 + 'y"\\é', "dkim"))
    assert line == f'a.example. IN TXT "{"x" * 255}" "y\\"\\\\\\195\\169"'
    assert domains.zone_line(DnsRecord("rp.a.example", "CNAME", "b.example", "")) == "rp.a.example. IN CNAME b.example."


# --- claims -----------------------------------------------------------------


def test_a_claim_counts_for_nothing_by_itself(row: DomainRow) -> None:
    assert (row.verified_at, row.verified_by, row.return_path_at) == (None, "", None)


def test_the_same_claim_twice_is_refused(conn: sqlite3.Connection, row: DomainRow) -> None:
    with pytest.raises(RegistryError, match="already"):
        domains.add(conn, SECRETS, tenants.find(conn, "shop"), "shop.example", actor="anna", now=NOW)


def test_two_may_claim_but_one_verifies(conn: sqlite3.Connection, row: DomainRow) -> None:
    other = domains.add(conn, SECRETS, _tenant(conn, "club"), "shop.example", actor="anna", now=NOW)
    assert other.token != row.token
    with pytest.raises(RegistryError, match="several tenants"):
        domains.find(conn, "shop.example")
    domains.mark_verified(conn, row, "dns", actor="anna", now=NOW)
    with pytest.raises(RegistryError, match="another customer's here") as refused:
        domains.mark_verified(conn, other, "dns", actor="anna", now=NOW)
    assert "the tenant shop" in refused.value.inside and "tenant shop" not in str(refused.value)
    with pytest.raises(RegistryError, match="another customer's here"):
        domains.add(conn, SECRETS, _tenant(conn, "third"), "shop.example", actor="anna", now=NOW)


def test_verifying_again_keeps_the_first_time(conn: sqlite3.Connection, row: DomainRow) -> None:
    first = domains.mark_verified(conn, row, "dns", actor="anna", now=NOW)
    assert domains.mark_verified(conn, first, "dns", actor="anna", now=NOW + 9).verified_at == NOW


def test_the_return_path_comes_and_goes(conn: sqlite3.Connection, row: DomainRow) -> None:
    there = domains.mark_return_path(conn, row, True, NOW)
    assert there.return_path_at == NOW
    assert domains.mark_return_path(conn, there, True, NOW + 9).return_path_at == NOW
    assert domains.mark_return_path(conn, there, False, NOW + 9).return_path_at is None


def test_removing_drops_the_keys(conn: sqlite3.Connection, row: DomainRow) -> None:
    domains.remove(conn, row, actor="anna", now=NOW)
    assert conn.execute("SELECT count(*) FROM dkim_key").fetchone()[0] == 0
    with pytest.raises(RegistryError, match="no domain"):
        domains.find(conn, "shop.example")


# --- rotating ---------------------------------------------------------------


def test_new_keys_wait_until_they_are_published(conn: sqlite3.Connection, row: DomainRow) -> None:
    rotated = domains.rotate(conn, SECRETS, row, at_once=False, actor="anna", now=NOW)
    assert [(key.selector, key.waiting) for key in rotated.keys] == [
        ("r2611", False),
        ("e2611", False),
        ("r2611-2", True),
        ("e2611-2", True),
    ]
    with pytest.raises(RegistryError, match="wait for their DNS records"):
        domains.rotate(conn, SECRETS, rotated, at_once=False, actor="anna", now=NOW)
    assert domains.retire_superseded(conn, rotated, ["r2611"], actor="anna", now=NOW) == []
    assert domains.retire_superseded(conn, rotated, ["r2611-2"], actor="anna", now=NOW) == ["r2611"]
    after = domains.by_id(conn, row.id)
    assert [(key.selector, key.waiting) for key in after.keys] == [
        ("e2611", False),
        ("r2611-2", False),
        ("e2611-2", True),
    ]


def test_a_leaked_key_stops_at_once(conn: sqlite3.Connection, row: DomainRow) -> None:
    rotated = domains.rotate(conn, SECRETS, row, at_once=True, actor="anna", now=NOW)
    assert [(key.selector, key.waiting) for key in rotated.keys] == [("r2611-2", False), ("e2611-2", False)]


# --- comparing with DNS -----------------------------------------------------


def test_all_in_place(conn: sqlite3.Connection, row: DomainRow) -> None:
    records = domains.records(conn, SETTINGS, row)
    assert set(_states(records, _published(records)).values()) == {RecordState.OK}
    assert domain_check.proves(domain_check.check(records, _lookup(_published(records))))


def test_nothing_in_place(conn: sqlite3.Connection, row: DomainRow) -> None:
    records = domains.records(conn, SETTINGS, row)
    assert set(_states(records, {}).values()) == {RecordState.MISSING}


@pytest.mark.parametrize(("gone", "proved"), [("dkim", False), ("verification", False), ("return-path", True)])
def test_what_proves_a_domain(conn: sqlite3.Connection, row: DomainRow, gone: str, proved: bool) -> None:
    records = domains.records(conn, SETTINGS, row)
    zone = _published([record for record in records if record.purpose != gone])
    assert domain_check.proves(domain_check.check(records, _lookup(zone))) is proved


def test_one_key_of_two_is_enough(conn: sqlite3.Connection, row: DomainRow) -> None:
    records = domains.records(conn, SETTINGS, row)
    zone = _published([record for record in records if not record.name.startswith("r2611.")])
    assert domain_check.proves(domain_check.check(records, _lookup(zone)))


DKIM = DnsRecord("s._domainkey.a.example", "TXT", "v=DKIM1; k=rsa; p=MIIB", "dkim")
SPF = DnsRecord("a.example", "TXT", "v=spf1 a:relay.example ~all", "spf")
DMARC = DnsRecord("_dmarc.a.example", "TXT", "v=DMARC1; p=none; rua=mailto:o@a.example", "dmarc")
TOKEN = DnsRecord("_relay-verify.a.example", "TXT", "relay-verify=abc", "verification")


@pytest.mark.parametrize(
    ("record", "texts", "state"),
    [
        (DKIM, ["p=MI IB"], RecordState.OK),
        (DKIM, ["k=rsa;t=s;p=MIIB;"], RecordState.OK),
        (DKIM, ["v=DKIM1; k=ed25519; p=MIIB"], RecordState.DIFFERENT),
        (DKIM, ["v=DKIM1; p="], RecordState.DIFFERENT),
        (DKIM, ["other", "v=DKIM1; p=MIIB"], RecordState.OK),
        (SPF, ["google-site-verification=x"], RecordState.MISSING),
        (SPF, ["x", "V=SPF1 ip4:192.0.2.1 +A:Relay.example -all"], RecordState.OK),
        (SPF, ["v=spf1 -all"], RecordState.DIFFERENT),
        (SPF, ["v=spf10 a:relay.example"], RecordState.MISSING),
        (DMARC, ["v=DMARC1; p=reject"], RecordState.OK),
        (DMARC, ["v=DMARC1"], RecordState.DIFFERENT),
        (DMARC, ["hello"], RecordState.MISSING),
        (TOKEN, ["relay-verify=abd"], RecordState.DIFFERENT),
        (TOKEN, ["relay-verify=abd", "relay-verify=abc"], RecordState.OK),
        (TOKEN, [], RecordState.MISSING),
    ],
)
def test_a_text_record_is_compared_by_its_meaning(record: DnsRecord, texts: list[str], state: RecordState) -> None:
    assert _states([record], {(record.name, "TXT"): texts}) == {record.name: state}


RETURN = DnsRecord("rp.a.example", "CNAME", "relay.example", "return-path")


@pytest.mark.parametrize(
    ("zone", "state"),
    [
        ({"CNAME": ["relay.example"]}, RecordState.OK),
        ({"CNAME": ["other.example"], "MX": ["relay.example"]}, RecordState.DIFFERENT),
        ({"MX": ["relay.example"]}, RecordState.OK),
        ({"MX": ["relay.example", "other.example"]}, RecordState.DIFFERENT),
        ({"MX": [""]}, RecordState.DIFFERENT),
        ({}, RecordState.MISSING),
    ],
)
def test_the_return_path_is_a_cname_or_only_our_mx(zone: dict[str, list[str]], state: RecordState) -> None:
    assert _states([RETURN], {(RETURN.name, kind): values for kind, values in zone.items()}) == {RETURN.name: state}


def test_a_failed_look_up_is_unknown_not_missing() -> None:
    def lookup(name: str, kind: str) -> Sequence[str]:
        raise LookupFailed("no answer within 5 s")

    findings = domain_check.check([TOKEN, RETURN], lookup)
    assert [(f.state, f.cause) for f in findings] == [(RecordState.UNKNOWN, "no answer within 5 s")] * 2


def test_the_stored_keys_open_and_fit_the_records(conn: sqlite3.Connection, row: DomainRow) -> None:
    stored = snapshot.load(conn, SETTINGS, SECRETS).domains["shop.example"].keys
    opened = [dkim_keys.open_key(SECRETS, "shop.example", key) for key in stored]
    published = [r.value for r in domains.records(conn, SETTINGS, row) if r.purpose == "dkim"]
    assert [key.record for key in opened] == published
