"""How people come onto a list, with what proves it, and who doesn't: seen in the replies to RCPT (R1, R2, R4, R5).

The way by a form is in ``test_signup_e2e``.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.meta.tree import ROOT
from tests.peers.conftest import WORDING, Office
from tests.support.smtp import mail
from tests.unit.test_lists import sheet_row, workbook

PROOF = ("--topic", "news", "--source", "till in the shop", "--wording", WORDING)


@pytest.fixture(scope="module")
def token(office: Office) -> str:
    return str(office.relay.json("token", "add", "acme", "--name", "people")["token"])


def post(office: Office, token: str, **said: object) -> httpx.Response:
    given = {"topic": "news", "source": "shop account", "wording": WORDING, **said}
    url = f"http://127.0.0.1:{office.relay.http}/v1/consents"
    return httpx.post(url, json=given, headers={"Authorization": f"Bearer {token}"}, timeout=20, trust_env=False)


def file(office: Office, name: str, content: str | bytes) -> str:
    path = office.relay.directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


# --- ways in (R4) -----------------------------------------------------------------------

FILES: dict[str, Callable[[str], str | bytes]] = {
    "people.txt": lambda who: f"{who}\n",
    "people.csv": lambda who: f"Name;E-Mail;City\nAnn;{who};Tartu\n",
    "people.xlsx": lambda who: workbook(sheet_row(1, "Name", "E-mail") + sheet_row(2, "Ann", who)),
    "people.vcf": lambda who: f"BEGIN:VCARD\nVERSION:4.0\nFN:Ann\nEMAIL:{who}\nEND:VCARD\n",
}


@pytest.mark.parametrize("way", [*FILES, "hand", "api"])
def test_every_way_in_is_a_consent_and_nothing_else_is(office: Office, token: str, way: str) -> None:
    who = f"by-{way.replace('people.', '')}@rcpt.example"
    assert str(office.ask(office.bulk, who)).startswith("550 5.7.1 no-consent")
    if way == "hand":
        office.relay.cli("consent", "add", "acme", who, *PROOF)
    elif way == "api":
        assert post(office, token, email=who).status_code == 201
    else:
        words = ("consent", "import", "acme", file(office, way, FILES[way](who)), *PROOF)
        unattested = office.relay.run(*words)
        assert unattested.returncode == 1 and "--attest" in unattested.stderr
        assert str(office.ask(office.bulk, who)).startswith("550 5.7.1 no-consent")
        assert office.relay.json(*words, "--attest")["taken"] == 1
    assert office.ask(office.bulk, who).code == 250
    office.send(office.bulk, mail(to=who, subject=f"Welcome by {way}"), who)
    expected = "shop account" if way == "api" else "till in the shop"
    assert f"({expected})".encode() in office.sink.to(who).data.replace(b"=\r\n", b"")
    (consent,) = office.relay.json("consent", "show", "acme", who)["consents"]
    assert consent["means"] == (way if way in ("hand", "api") else "import")


def test_a_list_goes_out_as_it_came_in(office: Office) -> None:
    """With attributes and groups; and what was exported can be taken elsewhere."""
    who = ("out-a@rcpt.example", "out-b@rcpt.example", "out-c@rcpt.example")
    rows = "".join(f"{one},City {number}\n" for number, one in enumerate(who))
    listed = file(office, "out.csv", f"email,city\n{rows}")
    office.relay.cli("consent", "import", "acme", listed, *PROOF, "--attest", "--group", "spring")
    office.relay.cli("consent", "withdraw", "acme", who[2])
    path = office.relay.directory / "exported.csv"
    office.relay.cli("consent", "export", "acme", str(path), "--group", "spring", "--live")
    with path.open(newline="") as lines:
        found = {row["email"]: row for row in csv.DictReader(lines)}
    assert set(found) == set(who[:2]) and found[who[1]]["city"] == "City 1"
    everything = office.relay.directory / "exported.jsonl"
    office.relay.cli("consent", "export", "acme", str(everything), "--group", "spring")
    kept = [json.loads(line) for line in everything.read_text().splitlines()]
    assert {one["email"]: bool(one["withdrawn_at"]) for one in kept} == {who[0]: False, who[1]: False, who[2]: True}
    office.relay.tenant("elsewhere", "elsewhere.example")
    taken = office.relay.run("consent", "import", "elsewhere", str(path), *PROOF, "--attest", "--json")
    assert json.loads(taken.stdout)["taken"] == 2, taken.stderr


# --- what proves it (R2) -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "value", "word"),
    [
        ("source", "unknown", "source"),
        ("source", "n/a", "source"),
        ("source", "...", "invalid"),
        ("source", "purchased from a partner", "source"),
        ("source", "купленная база", "source"),
        ("wording", "   ", "wording"),
        ("wording", None, "invalid"),
        ("topic", "*", "topic"),
        ("ip", "300.1.1.1", "invalid"),
    ],
)
def test_what_proves_nothing_is_refused_and_not_kept(
    office: Office, token: str, member: str, value: object, word: str
) -> None:
    who = "unproved@rcpt.example"
    answer = post(office, token, email=who, **{member: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].rpartition("/")[2] in (word, member, "invalid")
    assert office.rows("SELECT count(*) FROM subscriber WHERE address = ?", who) == [(0,)]
    assert str(office.ask(office.bulk, who)).startswith("550 5.7.1 no-consent")


def test_a_bought_list_is_refused_whole(office: Office) -> None:
    path = file(office, "bought.txt", "bought@rcpt.example\n")
    words = ("--topic", "news", "--source", "bought from a broker", "--wording", WORDING, "--attest")
    refused = office.relay.run("consent", "import", "acme", path, *words)
    assert refused.returncode == 1 and "bought" in refused.stderr
    assert office.rows("SELECT count(*) FROM subscriber WHERE address = 'bought@rcpt.example'") == [(0,)]


def test_the_proof_of_a_consent_is_checked_without_the_relay(office: Office, token: str, tmp_path: Path) -> None:
    """Who, when, which topic, by what means, the exact words, page and IP address; nothing of the relay is needed."""
    who = "proved@rcpt.example"
    said = {"email": who, "ip": "192.0.2.9", "page": "https://acme.example/join", "at": "2026-01-31T12:00:00Z"}
    assert post(office, token, **said).status_code == 201
    document = tmp_path / "proof.html"
    office.relay.cli("consent", "proof", "acme", who, "--topic", "news", "--out", str(document))
    key = office.relay.json("audit", "head")["key"]
    words = [sys.executable, "-I", str(ROOT / "docs/proof_check.py"), "--key", key, str(document)]
    checked = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env={})
    assert checked.returncode == 0 and checked.stdout.startswith("genuine: "), checked.stdout + checked.stderr
    for told in (who, "acme", "news", "2026-01-31", "192.0.2.9", "https://acme.example/join"):
        assert told in document.read_text(), told
    document.write_text(document.read_text().replace("192.0.2.9", "192.0.2.8"))
    checked = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env={})
    assert checked.returncode == 1 and "NOT GENUINE" in checked.stdout + checked.stderr


# --- children (R5) ---------------------------------------------------------------------------


def test_who_says_to_be_too_young_is_not_kept(office: Office) -> None:
    form = office.relay.json(
        "form", "add", "acme", "young", "--topic", "news", "--wording", WORDING, "--ask-age"
    )  # fmt: skip
    who = "young@rcpt.example"
    with httpx.Client(trust_env=False, timeout=20) as client:
        page = client.get(form["url"]).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        topic = re.findall(r'name="topic" value="(\d+)"', page)
        said = {**hidden, "email": who, "topic": topic, "remark": ""}
        assert "Nothing was stored" in client.post(form["url"], data={**said, "age": "no"}).text
        assert office.rows("SELECT count(*) FROM opt_in WHERE address = ?", who) == [(0,)]
        assert office.rows("SELECT count(*) FROM subscriber WHERE address = ?", who) == [(0,)]
        assert client.post(form["url"], data={**said, "email": "old@rcpt.example", "age": "yes"}).status_code == 200
    office.sink.to("old@rcpt.example")  # so a letter would have come
    assert not [one for one in office.sink.messages if who in one.recipients]


def test_a_birth_date_that_says_so_stops_everything(office: Office) -> None:
    """Somebody new isn't taken; somebody known gets nothing any more, service mail neither."""
    this_year = datetime.now(UTC).year
    known, new, grown = (f"{name}-age@rcpt.example" for name in ("known", "new", "grown"))
    office.agree(known)
    born = {known: f"{this_year - 12}-05-01", new: f"{this_year - 15}-12-31", grown: f"{this_year - 30}-01-01"}
    rows = "".join(f"{who},{day}\n" for who, day in born.items())
    listed = file(office, "ages.csv", f"email,birthday\n{rows}")
    told = office.relay.run("consent", "import", "acme", listed, *PROOF, "--attest", "--json")
    outcome = json.loads(told.stdout)
    assert (outcome["taken"], outcome["refused"]) == (1, 2)
    assert office.rows("SELECT count(*) FROM subscriber WHERE address = ?", new) == [(0,)]
    assert office.ask(office.bulk, grown).code == 250
    for who in (office.bulk, office.direct):
        assert str(office.ask(who, known)).startswith("550 5.7.1 suppressed")
    refused = office.relay.run("consent", "set", "acme", grown, "--attribute", f"birthday={this_year - 10}-01-01")
    assert refused.returncode == 1 and "under 16" in refused.stderr


# --- erasure (R5, R26) -----------------------------------------------------------------------


def test_one_command_erases_and_nobody_brings_the_person_back(office: Office, token: str) -> None:
    who, complained = "erased@rcpt.example", "erased-complained@rcpt.example"
    for one in (who, complained):
        office.agree(one)
    office.relay.cli("suppression", "add", "acme", complained, "--reason", "complaint")
    office.send(office.bulk, mail(to=who, subject="The last one"), who)
    link = re.search(rb"https?://[^/ >]+(/u/[\w=-]+)", office.sink.to(who).data.replace(b"=\r\n", b""))
    assert link is not None
    asked = office.relay.run("consent", "erase", "acme", who)
    assert asked.returncode == 1 and "--yes" in asked.stderr
    found = office.relay.json("consent", "erase", "acme", who, "--yes")
    assert (found["people"], found["copies"], found["busy"]) == (1, 1, 0)
    office.relay.cli("consent", "erase", "acme", complained, "--yes")
    for table, column in (("subscriber", "address"), ("recipient", "address"), ("event", "detail")):
        assert office.rows(f"SELECT count(*) FROM {table} WHERE {column} LIKE '%erased@rcpt%'") == [(0,)], table
    assert office.relay.run("consent", "show", "acme", who).returncode == 1
    # On the wire: no mailing; service mail as before, but not where a suppression stopped it.
    assert str(office.ask(office.bulk, who)).startswith("550 5.7.1 no-consent")
    assert office.ask(office.direct, who).code == 250
    assert str(office.ask(office.direct, complained)).startswith("550 5.7.1 suppressed")
    # No list, hand or program brings the person back.
    listed = file(office, "erased.txt", f"{who}\n")
    told = office.relay.run("consent", "import", "acme", listed, *PROOF, "--attest", "--json")
    assert json.loads(told.stdout)["taken"] == 0
    assert office.relay.run("consent", "add", "acme", who, *PROOF).returncode == 1
    answer = post(office, token, email=who)
    assert answer.status_code == 409 and answer.json()["type"].endswith("/unsubscribed")
    # The link of the last message says so, and the log still is what it was.
    page = httpx.get(f"http://127.0.0.1:{office.relay.http}{link[1].decode()}", timeout=20, trust_env=False)
    assert page.status_code == 200 and who not in page.text
    office.relay.cli("audit", "verify")
