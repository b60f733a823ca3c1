"""The proof of a consent: checked by docs/proof_check.py alone, in a process that knows nothing of the relay."""

from __future__ import annotations

import base64
import copy
import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relay.audit import document, heads, page, sequence, signers
from relay.audit.errors import AuditError
from relay.audit.prove import Prover
from relay.audit.rows import HISTORY, AuditRows
from relay.audit.verify import verify
from relay.keys.secrets import Secrets
from relay.tenants import tenants
from relay.values.facts import Reason
from tests.support.store import dump
from tests.unit.audit_world import World
from tests.unit.records import SHOP, agree

CHECKER = Path(__file__).parents[2] / "docs" / "proof_check.py"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("proof_check", CHECKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Somebody agreed, bounced, was mended, left; somebody is in by a list; others are around them."""
    world = World(tmp_path_factory.mktemp("log"))
    ann = world.person("ann", ip="192.0.2.7", page="https://shop.example/<form>", wording="Yes, send „news” </script>.")
    for number in range(20):
        world.person(f"p{number}")
    world.imported(250)
    world.head()
    world.suppress(ann)
    world.lift("ann")
    world.leave(ann)
    world.head()
    return world


def proof(world: World, name: str, topic: str = "news", secrets: Secrets | None = None) -> Document:
    owner = tenants.by_id(world.conn, SHOP)
    address = f"{name}@people.example"
    built = document.build(world.conn, secrets or world.secrets, owner, address, topic, "relay.example", world.clock)
    return dict(built)


def run(*words: str) -> tuple[int, str]:
    """The checker as others run it: no environment, no relay to import."""
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), *words], capture_output=True, text=True, check=False, cwd="/", env={}
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["html", "json"])
def test_the_document_stands_alone(world: World, tmp_path: Path, form: str) -> None:
    found = proof(world, "ann")
    file = tmp_path / f"proof.{form}"
    file.write_text(page.render(found) if form == "html" else json.dumps(found))
    status, said = run(str(file), "--key", found["head"]["key"])
    assert status == 0 and "ann@people.example agreed to 'news' of shop" in said and "withdrawn" in said, said
    assert [entry["record"]["action"] for entry in found["entries"]] == ["given", "suppressed", "lifted", "withdrawn"]
    assert found["state"] == {"live": False, "consent": 0, "withdrawal": 3, "suppressed": []}
    assert list(found["wordings"].values()) == ["Yes, send „news” </script>."]
    status, said = run(str(file), "--key", "0" * 16)
    assert status == 1 and "isn't trusted" in said


def test_one_person_of_an_import_has_a_proof_of_its_own(world: World, checker: ModuleType) -> None:
    """The chunk is one leaf; the proof shows one record of it and nothing of the others."""
    found = proof(world, "i137", "offers")
    (entry,), text = found["entries"], json.dumps(found)
    assert entry["leaf"]["records"] == 100 and len(entry["batch"]) == 7
    assert "i136@" not in text and "i138@" not in text
    assert [one["record"]["action"] for one in found["attestations"]] == ["consents-import-begun"]
    assert "in force" in checker.check(found)


def test_what_is_recorded_while_the_proof_is_made_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    ann = world.person("ann")
    signed = sequence.sequence

    def late(*args: Any) -> heads.Head:
        head = signed(*args)
        if not world.conn.execute("SELECT 1 FROM consent_history WHERE action = 'withdrawn'").fetchone():
            world.leave(ann)
        return head

    monkeypatch.setattr(sequence, "sequence", late)
    assert [one["record"]["action"] for one in proof(world, "ann")["entries"]] == ["given", "withdrawn"]


def test_a_record_of_no_leaf_has_no_proof(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person("ann")
    world.head()
    world.conn.execute("UPDATE consent_history SET leaf_id = 1000")
    with pytest.raises(AuditError, match="is not what is there"):
        proof(world, "ann")


def test_nothing_recorded_is_said(world: World) -> None:
    with pytest.raises(AuditError, match=r"no consent of nobody@people\.example to news was ever recorded"):
        proof(world, "nobody")
    with pytest.raises(AuditError, match="to golf"):
        proof(world, "ann", "golf")


def test_a_changed_record_has_no_proof(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person("ann")
    world.head()
    world.conn.execute("UPDATE consent_history SET at = at - 86400")
    with pytest.raises(AuditError, match="relay audit verify"):
        proof(world, "ann")


# --- forging ------------------------------------------------------------------------


def signed_anew(world: World, found: Document) -> Document:
    """By the relay's own key: what even whoever holds it can't make pass."""
    made = {name: value for name, value in found.items() if name != "signature"}
    signer = signers.current(world.conn, world.secrets)
    return made | {"signature": base64.b64encode(signer.sign(document.signed_octets(made))).decode()}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every plain value of a document."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places(one, (*path, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from places(one, (*path, number))
    else:
        yield path


def changed(found: Document, path: tuple[Any, ...], rng: random.Random) -> Document:
    made = copy.deepcopy(found)
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    value = inner[path[-1]]
    if isinstance(value, bool):
        inner[path[-1]] = not value
    elif isinstance(value, int):
        inner[path[-1]] = value + rng.choice((-1, 1, 86_400_000_000))
    elif isinstance(value, str):
        place = rng.randrange(len(value) + 1)
        inner[path[-1]] = value[:place] + rng.choice("0aZ") + value[place + 1 :]
        if inner[path[-1]] == value:
            inner[path[-1]] = value + "0"
    else:
        inner[path[-1]] = 0
    return made


OWN_WORD = {"relay", "made_at", "tenant"}
"""What stands on the document's signature alone."""


@pytest.mark.parametrize(("name", "topic"), [("ann", "news"), ("i137", "offers")])
def test_every_value_of_the_document_is_bound(world: World, checker: ModuleType, name: str, topic: str) -> None:
    rng, found = random.Random(name), proof(world, name, topic)
    tried = 0
    for path in places(found):
        with pytest.raises(checker.Wrong):
            checker.check(changed(found, path, rng))
        if path[0] in OWN_WORD or path == ("signature",):
            continue
        with pytest.raises(checker.Wrong):
            checker.check(signed_anew(world, changed(found, path, rng)))
        tried += 1
    assert tried > 40


def left_out(found: Document) -> None:
    del found["entries"][-1]


def turned(found: Document) -> None:
    found["entries"].reverse()


def swapped_salt(found: Document) -> None:
    one, other = found["entries"][:2]
    one["salt"], other["salt"] = other["salt"], one["salt"]


def twice(found: Document) -> None:
    found["entries"].append(found["entries"][-1])


def live(found: Document) -> None:
    found["state"] = {"live": True, "consent": 0, "withdrawal": None, "suppressed": []}


def no_wording(found: Document) -> None:
    found["wordings"] = {}


@pytest.mark.parametrize("forge", [left_out, turned, swapped_salt, twice, live, no_wording])
def test_what_is_forged_and_signed_anew_is_refused(
    world: World, checker: ModuleType, forge: Callable[[Document], None]
) -> None:
    found = proof(world, "ann")
    forge(found)
    with pytest.raises(checker.Wrong):
        checker.check(found)
    with pytest.raises(checker.Wrong):
        checker.check(signed_anew(world, found))


def test_another_relays_key_is_not_taken_for_this_ones(world: World, checker: ModuleType, tmp_path: Path) -> None:
    """A forger makes a log of his own that says so: only the key tells, and the checker says that it does."""
    forger = World(tmp_path)
    forger.person("ann")
    found = proof(forger, "ann")
    assert "in force" in checker.check(found)
    with pytest.raises(checker.Wrong, match="isn't trusted"):
        checker.check(found, [proof(world, "ann")["head"]["key"]])
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(found))
    assert "--key KEYID says which one you trust" in run(str(file))[1]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "[[]]", "1", '{"type": "relay-consent-proof"}', '{"type": []}', "<html>", "[" * 100_000),
        '{"type": "relay-audit-head", "deep": ' + "[" * 900 + "]" * 900 + "}",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_proof_is_no_proof(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    status, said = run(str(file))
    assert status == 1 and "Traceback" not in said


# --- heads kept elsewhere ---------------------------------------------------------------


def test_a_kept_head_and_the_way_from_it(world: World, tmp_path: Path) -> None:
    first, last = world.heads[0], world.heads[-1]
    files = {name: tmp_path / f"{name}.json" for name in ("proof", "first", "bridge")}
    files["proof"].write_text(json.dumps(proof(world, "ann")))
    files["first"].write_text(json.dumps(first.fields()))
    files["bridge"].write_text(json.dumps(Prover(world.conn, last).consistency(first)))
    words = [str(files["proof"]), "--head", str(files["first"])]
    assert run(*words)[0] == 1
    assert run(*words, "--consistency", str(files["bridge"]))[0] == 0
    for text in (f"2026-11-26T06:48:00.032Z info    relay.audit: head {first.line()}", printed(first), logged(first)):
        files["first"].write_text(text)
        assert heads.parse(text) == first
        assert run(*words)[0] == 1
        assert run(*words, "--consistency", str(files["bridge"]))[0] == 0
        assert run(str(files["bridge"]), "--head", str(files["first"]))[0] == 1
    files["first"].write_text("no head")
    assert "holds no head" in run(*words)[1]
    assert "beginning of the one" in run(str(files["bridge"]))[1]


def printed(head: heads.Head) -> str:
    """As ``relay audit head`` shows it."""
    return "\n".join(f"{name.replace('_', ' '):10}  {value or '-'}" for name, value in head.fields().items())


def logged(head: heads.Head) -> str:
    """As ``[log] format = "json"`` has it."""
    return json.dumps({"at": "2026-11-26T06:48:00.032Z", "logger": "relay.audit", "message": f"head {head.line()}"})


def test_many_proofs_in_one_file_are_all_checked(world: World, tmp_path: Path) -> None:
    prover, file = Prover(world.conn, world.heads[-1]), tmp_path / "proofs.json"
    found = [dict(prover.inclusion(number)) for number in (3, 4)]
    file.write_text(json.dumps(found))
    assert run(str(file))[1].count("genuine: ") == 2
    found[1]["number"] = 5
    file.write_text(json.dumps(found))
    status, said = run(str(file))
    assert status == 1 and "genuine: " not in said


def test_every_leaf_and_every_head_has_its_proof(world: World, checker: ModuleType) -> None:
    last = sequence.sequence(world.conn, world.secrets, world.clock)
    prover = Prover(world.conn, last)
    for number in range(last.size):
        checker.check(prover.inclusion(number))
    for head in world.heads:
        checker.check(prover.consistency(head))
        assert heads.parse(head.line()) == heads.parse(json.dumps(head.fields())) == head
    with pytest.raises(AuditError, match="there is no leaf"):
        prover.inclusion(last.size)


def test_a_change_in_the_proof_of_a_leaf_is_refused(world: World, checker: ModuleType) -> None:
    rng = random.Random(3)
    last = sequence.sequence(world.conn, world.secrets, world.clock)
    prover = Prover(world.conn, last)
    for found in (prover.inclusion(5), prover.inclusion(21), prover.consistency(world.heads[0])):
        for path in places(found):
            with pytest.raises(checker.Wrong):
                checker.check(changed(dict(found), path, rng))


# --- erasing -----------------------------------------------------------------------------


def test_after_erasing_the_log_is_whole_and_knows_nobody(tmp_path: Path, checker: ModuleType) -> None:
    world = World(tmp_path)
    ann, _ = world.person("ann", ip="192.0.2.99"), world.person("bob")
    world.suppress(ann, Reason.COMPLAINT, "abuse")
    before = world.head()
    salts = [row.salt for row in AuditRows(world.conn, HISTORY).all()]
    assert world.erase(ann) == 2
    head = world.head()
    found = verify(world.conn, world.secrets, [before])
    assert (found.faults, found.erased) == ([], 2)
    stored = "\n".join(dump(world.conn))
    assert "ann@people" not in stored and "192.0.2.99" not in stored
    for salt in salts[:1] + salts[2:]:
        assert salt is not None and salt.hex() not in stored
    with pytest.raises(AuditError, match="no consent"):
        proof(world, "ann")
    assert "in force" in checker.check(proof(world, "bob"))
    inclusion = Prover(world.conn, head).inclusion(0)
    assert list(inclusion["records"][0]) == ["erased"]  # type: ignore[index]
    checker.check(inclusion)


def test_spellings_of_one_mailbox_are_no_fault(tmp_path: Path) -> None:
    """One ends it for both, the other comes back by double opt-in: what holds is still what was recorded."""
    world, ids = World(tmp_path), []
    for email in ("ann.b@gmail.com", "annb@googlemail.com"):
        ids.append(agree(world.conn, email, now=world.clock.at))
    world.leave(ids[0])
    assert verify(world.conn, world.secrets).faults == []
    world.clock.at += 1
    agree(world.conn, "annb@googlemail.com", means="double-opt-in", now=world.clock.at)
    world.head()
    assert verify(world.conn, world.secrets).faults == []
    (lifted,) = world.conn.execute("SELECT subscriber_id FROM consent_history WHERE action = 'lifted'").fetchall()
    assert lifted == (ids[0],)


def test_the_page_loads_nothing(world: World) -> None:
    text = page.render(proof(world, "ann"))
    head, _, rest = text.partition('<script type="application/json" id="proof">')
    assert "<script" not in head and rest.count("<") < 10
    for word in ("http:", "src=", "@import", "url(", "<link"):
        assert word not in head.replace("https://shop.example", ""), word
    assert "&lt;/script&gt;" in head and "&lt;form&gt;" in head
    assert "prefers-color-scheme: dark" in head and "@media print" in head
    assert os.linesep != "\r\n" or "\r" not in text
