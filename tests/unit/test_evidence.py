"""Evidence: bundles that show every later change, and the abused part of a list that two people hand on (R24)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.audit.errors import AuditError
from relay.evidence import abused, bundle
from relay.evidence.abused import written
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.people import consents, topics
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError
from tests.support.conduct import NOW, World

Files = dict[str, bytes]


class Case(World):
    """Two people of acme: one complained about campaign 5, one's address was dead."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.secrets = Secrets.create(self.settings.secrets_file)
        whose, stream = self.ids["acme"], self.streams["acme", "bulk"]
        self.conn.execute(
            "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at, last_at)"
            " VALUES (5, ?, ?, 'o', 'open', ?, ?)",
            (whose, stream, NOW, NOW),
        )
        with transaction(self.conn) as conn:
            topics.add(conn, whose, "news", actor="test", now=NOW)
            for email in ("ann@gone.example", "bob@people.example", "eve@people.example"):
                consents.give(
                    conn, self.secrets, whose, parse_address(email), topic="news", source="form on acme.example",
                    wording="Yes, send me the news", means="form", given_at=NOW - 60, now=NOW,
                )  # fmt: skip
        people = {row[1]: int(row[0]) for row in self.rows("SELECT id, address FROM subscriber")}
        self.dead(1, campaign=5, person=people["ann@gone.example"])
        self.complained(1, campaign=5, person=people["bob@people.example"])
        self.conn.execute("UPDATE submission SET topic = 'news', subject = 'Offers'")

    def bundle(self, tenant: str = "acme", campaign: int | None = 5) -> bytes:
        case = bundle.Case(tenants.find(self.conn, tenant), campaign, "§ 1 of the Act", "AZ 12/26", 10)
        made = bundle.build(self.conn, self.secrets, self.settings, case, actor="anna", clock=self.clock)
        return made.octets

    def ask(self, form: str = "hashed") -> abused.Disclosure:
        with transaction(self.conn) as conn:
            return abused.ask(
                conn, tenants.find(conn, "acme"), campaign_id=5, form=form, recipient="Spamhaus", ground="abuse report",
                reference="SBL1", actor="anna", now=NOW,
            )  # fmt: skip

    def release(self, disclosure: abused.Disclosure, actor: str) -> str:
        with transaction(self.conn) as conn:
            return abused.release(conn, disclosure, actor=actor, now=NOW)[1]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.close()


def opened(octets: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(octets)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, octets in files.items():
            target.writestr(name, octets)
    return out.getvalue()


def test_a_bundle_has_the_case_and_is_whole(case: Case) -> None:
    octets = case.bundle()
    files = opened(octets)
    named = ("tenant", "campaign", "rates", "statements", "log", "messages", "manifest", "head", "leaf")
    assert {*(f"{name}.json" for name in (*named, "consents/0001", "consents/0002")), "events.jsonl"} == set(files)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["ground"], manifest["reference"], manifest["made_by"]) == ("§ 1 of the Act", "AZ 12/26", "anna")
    proofs = [json.loads(files[f"consents/000{number}.json"]) for number in (1, 2)]
    assert [proof["address"] for proof in proofs] == ["bob@people.example", "ann@gone.example"]  # who complained first
    assert all(proof["type"] == "relay-consent-proof" and proof["state"]["live"] for proof in proofs)
    kinds = [json.loads(line)["kind"] for line in files["events.jsonl"].splitlines()]
    assert kinds == ["bounced", "complained"]
    assert json.loads(files["messages.json"])[0]["subject"] == "Offers"
    assert bundle.check(octets).size > 0
    assert case.rows("SELECT actor FROM audit WHERE action = 'evidence-exported'") == [("anna",)]


def edit(name: str) -> Callable[[Files], object]:
    return lambda files: files.update({name: files[name].replace(b"acme", b"evil").replace(b"bounced", b"fine")})


def whole_manifest(files: Files) -> None:
    """Edit a file, and the manifest with it."""
    files["events.jsonl"] = b""
    manifest = json.loads(files["manifest.json"])
    for one in manifest["files"]:
        one["sha256"] = hashlib.sha256(files[one["name"]]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()


def another_leaf(files: Files) -> None:
    """Edit everything up to the record in the leaf."""
    whole_manifest(files)
    leaf = json.loads(files["leaf.json"])
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    for one in leaf["records"]:
        detail = json.loads(one["record"]["detail"])
        one["record"]["detail"] = json.dumps(detail | {"sha256": digest})
    files["leaf.json"] = json.dumps(leaf).encode()


def another_head(files: Files) -> None:
    leaf = json.loads(files["leaf.json"])
    leaf["head"]["size"] += 1
    files["leaf.json"] = json.dumps(leaf).encode()


@pytest.mark.parametrize(
    "change",
    [
        edit("tenant.json"),
        edit("events.jsonl"),
        edit("manifest.json"),
        lambda files: files.pop("rates.json"),
        lambda files: files.pop("leaf.json"),
        lambda files: files.update({"extra.json": b"{}"}),
        whole_manifest,
        another_leaf,
        another_head,
    ],
)
def test_every_change_of_a_bundle_shows(case: Case, change: Callable[[Files], object]) -> None:
    files = opened(case.bundle())
    assert bundle.check(packed(files))
    change(files)
    with pytest.raises(AuditError):
        bundle.check(packed(files))


def test_what_is_no_bundle(case: Case) -> None:
    for octets in (b"", b"PK", packed({"a": b"b"}), packed({"manifest.json": b"[]"})):
        with pytest.raises(AuditError):
            bundle.check(octets)
    with pytest.raises(RegistryError, match="not one of rival"):
        case.bundle("rival")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("plain", "ann@gone.example\nbob@people.example\n"),
        ("domains", "gone.example 1\npeople.example 1\n"),
        (
            "hashed",
            "".join(sorted(f"{hashlib.sha256(a).hexdigest()}\n" for a in (b"ann@gone.example", b"bob@people.example"))),
        ),
    ],
)
def test_the_abused_part_of_a_list_takes_two_people(case: Case, form: str, expected: str) -> None:
    """Who is fine (eve) isn't in it; who asked can't release, and nothing leaves twice."""
    asked = case.ask(form)
    with pytest.raises(RegistryError, match="somebody else"):
        case.release(asked, "anna")
    assert case.release(asked, "bert") == expected
    with pytest.raises(RegistryError, match="already, by bert"):
        case.release(abused.by_id(case.conn, asked.id), "carl")
    log = case.rows("SELECT action, actor FROM audit WHERE action LIKE 'disclosure-%' ORDER BY id")
    assert log == [("disclosure-asked", "anna"), ("disclosure-released", "bert")]


def test_a_hash_is_that_of_the_address_in_lower_case() -> None:
    assert written("hashed", ["Ann@X.example"]) == hashlib.sha256(b"ann@x.example").hexdigest() + "\n"


@pytest.mark.parametrize("missing", ["recipient", "ground", "reference"])
def test_ground_reference_and_recipient_are_asked_for(case: Case, missing: str) -> None:
    said = {"recipient": "Spamhaus", "ground": "abuse", "reference": "SBL1", missing: " "}
    with pytest.raises(RegistryError, match=missing), transaction(case.conn) as conn:
        abused.ask(conn, tenants.find(conn, "acme"), campaign_id=None, form="hashed", actor="anna", now=NOW, **said)
