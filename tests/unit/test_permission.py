"""The field ``Permission``: what it holds, who can check it, and what it shows after history was written anew."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relay.audit import permission
from relay.audit.errors import AuditError
from relay.audit.permission import LENGTH, NONE, Permissions
from relay.keys.tokens import Mark
from relay.people.consent_rules import DOUBLE_OPT_IN
from relay.store.as_of import look
from relay.store.together import NEIGHBOURS
from relay.web.public.permission import find
from tests.support.web import Served, Shop, serving
from tests.unit.audit_world import World

ROOT = Path(__file__).parents[2]
NODE_CHECKER = ROOT / "tests" / "samples" / "permission_check.mjs"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("proof_check", ROOT / "docs" / "proof_check.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """People one by one and by a list, under several heads."""
    world = World(tmp_path_factory.mktemp("log"))
    for number in range(9):
        world.person(f"p{number}")
    world.imported(250)
    world.head()
    for number in range(9, 20):
        world.person(f"p{number}")
    world.head()
    return world


def person(world: World, name: str) -> tuple[int, int]:
    """(subscriber, topic of its consent)."""
    found = world.conn.execute(
        "SELECT s.id, c.topic_id FROM subscriber s JOIN consent c ON c.subscriber_id = s.id WHERE s.address = ?",
        (f"{name}@people.example",),
    ).fetchone()
    return int(found[0]), int(found[1])


def token_of(world: World, name: str) -> str:
    return Permissions(world.conn, world.clock).token(*person(world, name))


def prove(world: World, token: str) -> Document:
    return dict(permission.prove(world.conn, token))


@pytest.mark.parametrize("name", ["p0", "p8", "p19", "i0", "i137", "i249"])
def test_each_consent_has_one_and_two_checkers_agree(
    world: World, checker: ModuleType, tmp_path: Path, name: str
) -> None:
    token = token_of(world, name)
    assert len(token) == LENGTH and len(f"Permission: {token}\r\n") <= 300
    document = json.loads(json.dumps(prove(world, token)))
    assert "the mail's consent is in leaf" in checker.check_permission(document, None, token)
    assert f"{name}@" not in json.dumps(document) and "people.example" not in json.dumps(document)
    if shutil.which("node"):
        file = tmp_path / "document.json"
        file.write_text(json.dumps(document))
        done = subprocess.run(["node", NODE_CHECKER, token, file], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "genuine"), done


def test_what_is_read_is_what_was_written(world: World) -> None:
    token = token_of(world, "p3")
    assert permission.read(token).token() == token


def test_a_consent_that_is_under_no_head_yet_has_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person("ann")
    found = Permissions(world.conn, world.clock)
    assert found.token(*person(world, "ann")) == NONE
    world.head()
    assert len(found.token(*person(world, "ann"))) == LENGTH  # no old head is kept where it doesn't have the leaf
    assert found.token(999_999, 1) == NONE == found.token(person(world, "ann")[0], 999)


def test_copies_of_a_message_have_those_of_their_people(tmp_path: Path) -> None:
    """Asked about together, they have what each person's own is: the newest, or none."""
    world = World(tmp_path)
    people = [world.person(f"p{number}") for number in range(NEIGHBOURS + 6)]
    world.leave(people[2])
    world.person("p2", means=DOUBLE_OPT_IN)
    world.head()
    late = world.person("late")
    topic = person(world, "p0")[1]
    everyone = [*people, late, people[3], 999_999]
    world.conn.executemany(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " changed_at) VALUES (9, ?, 1, ?, '', '', 0, 0, 0)",
        list(enumerate(everyone)),
    )
    found = Permissions(world.conn, world.clock)
    as_of = look(world.conn, 0.0)
    tokens = [found.of_copy(Mark(one, topic, 9, number), as_of) for number, one in enumerate(everyone)]
    assert tokens == [found.token(one, topic) for one in everyone]
    assert [number for number, token in enumerate(tokens) if token == NONE] == [len(people), len(people) + 2]
    assert found.of_copy(Mark(0, topic, 9, 0), as_of) == found.of_copy(Mark(people[0], 999, 9, 0), as_of) == NONE
    world.head()
    assert len(found.of_copy(Mark(late, topic, 9, len(people)), look(world.conn, 2.0, as_of))) == LENGTH


def test_the_log_grows_and_the_mail_stays_right(tmp_path: Path, checker: ModuleType) -> None:
    world = World(tmp_path)
    ann = world.person("ann")
    world.head()
    token = token_of(world, "ann")
    world.leave(ann)
    world.head()
    assert checker.check_permission(json.loads(json.dumps(prove(world, token))), None, token)


def test_an_erased_person_s_mail_can_still_be_checked(tmp_path: Path, checker: ModuleType) -> None:
    world = World(tmp_path)
    ann = world.person("ann")
    world.head()
    token = token_of(world, "ann")
    world.erase(ann)
    world.head()
    assert checker.check_permission(json.loads(json.dumps(prove(world, token))), None, token)


def _forged(token: str) -> Iterator[str]:
    raw = base64.urlsafe_b64decode(token)
    for place in (0, 3, 9, 17, 25, 40, 70, 100, 150, 188):
        yield base64.urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode()
    yield from ("", "none", token[:-4], token + "AAAA", token[:-1] + "*", "é" * LENGTH, "A" * LENGTH, token.lower())


def test_a_token_of_another_s_making_is_refused(world: World) -> None:
    for forged in _forged(token_of(world, "p3")):
        with pytest.raises(AuditError):
            prove(world, forged)


def test_another_relay_s_token_is_refused(world: World, tmp_path: Path) -> None:
    other = World(tmp_path)
    other.person("ann")
    other.head()
    with pytest.raises(AuditError, match="another relay"):
        prove(world, token_of(other, "ann"))


def test_a_changed_document_is_seen_by_both(world: World, checker: ModuleType, tmp_path: Path) -> None:
    token = token_of(world, "i137")
    good = json.loads(json.dumps(prove(world, token)))
    other = json.loads(json.dumps(prove(world, token_of(world, "p3"))))
    changes: list[Document] = [
        {"number": good["number"] + 1},
        {"place": good["place"] + 1},
        {"batch": good["batch"][:-1]},
        {"path": good["path"][:-1]},
        {"path": other["path"]},
        {"leaf": good["leaf"] | {"action": "consent-withdrawn"}},
        {"leaf": good["leaf"] | {"at_us": good["leaf"]["at_us"] - 1}},
        {"then": good["then"] | {"size": good["then"]["size"] - 1}},
        {"head": good["head"] | {"root": "00" * 32}},
        {"consistency": ["00" * 32]},
        {"permission": other["permission"]},
    ]
    for change in changes:
        with pytest.raises(checker.Wrong):
            checker.check_permission(good | change, None, token)
        if shutil.which("node"):
            file = tmp_path / "document.json"
            file.write_text(json.dumps(good | change))
            done = subprocess.run(["node", NODE_CHECKER, token, file], capture_output=True, text=True, check=False)
            assert done.returncode == 1, (change, done.stdout)


def test_a_history_that_is_written_anew_contradicts_the_mail(tmp_path: Path) -> None:
    """The operator has the key, and makes the whole log again without one consent, before anybody kept a head."""
    world = World(tmp_path)
    for name in ("ann", "bob", "cy"):
        world.person(name)
    world.head()
    token = token_of(world, "bob")
    prove(world, token)
    for sql in (
        "DELETE FROM audit_head",
        "DELETE FROM audit_node",
        "DELETE FROM audit_leaf WHERE id = (SELECT leaf_id FROM consent_history ORDER BY id LIMIT 1)",
        "DELETE FROM consent_history WHERE id = (SELECT min(id) FROM consent_history)",
        "UPDATE audit_leaf SET number = NULL",
    ):
        world.conn.execute(sql)
    world.person("dan")
    world.head()
    with pytest.raises(AuditError):
        prove(world, token)


def test_the_field_is_found_in_what_people_paste() -> None:
    token = "A" * LENGTH
    folded = token[:70] + "\r\n " + token[70:140] + "\r\n\t" + token[140:]
    for text in (
        token,
        f" {token}\n",
        f"Permission: {token}",
        f"From: a@b\r\nPERMISSION:   {token}\r\nTo: c@d\r\n\r\nbody",
        f"permission: {folded}\r\nSubject: x\r\n\r\n",
    ):
        assert find(text) == token, text
    for text in ("", "Permission: none", token[:-1], "x" * 100_000, f"X-Permission: {token}"):
        assert find(text) is None, text


# --- the pages ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("permission"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def test_the_page_and_the_checker_by_its_address(shop: Shop, served: Served, tmp_path: Path) -> None:
    from relay.audit import sequence

    subscriber = shop.consent("ann@people.example", "offers")
    sequence.sequence(shop.conn, shop.secrets, lambda: 2_000_000_000.0)
    token = Permissions(shop.conn, lambda: 2_000_000_000.0).token(subscriber, shop.topic_id("offers"))
    before = shop.dump()
    page = served.client.post("/permission", data={"mail": f"From: x@y\r\nPermission: {token}\r\n\r\nHello"})
    assert page.status_code == 200 and "Yes: the consent stood in the log" in page.text
    assert "ann" not in page.text
    assert served.client.get("/permission").status_code == 200
    wrong = served.client.post("/permission", data={"mail": token[:-6] + "AAAAAA"})
    assert wrong.status_code == 200 and "No: the log doesn" in wrong.text
    assert served.client.post("/permission", data={"mail": "Hello <script>"}).status_code == 422
    assert served.client.get(f"/permission/{token}").json()["type"] == "relay-permission"
    assert served.client.get("/permission/none").status_code == 404
    assert shop.dump() == before
    mail = tmp_path / "mail.eml"
    mail.write_text(f"From: x@y\r\nPermission: {token}\r\nSubject: hi\r\n\r\nHello\r\n", newline="")
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "proof_check.py", "--mail", mail, "--url", served.url],
        capture_output=True, text=True, check=False, env={**os.environ, "no_proxy": "*"},
    )  # fmt: skip
    assert done.returncode == 0 and "genuine: the mail's consent" in done.stdout, done
