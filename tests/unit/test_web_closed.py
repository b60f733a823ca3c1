"""People of a tenant that was terminated (R24): told why and whom to write to, they read, export and object."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from relay.accounts.roles import ONCE_CLOSED, Deed
from relay.conduct import statements, termination
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import tenants
from relay.web.account import pages
from relay.web.inside.gate import OWN_PATH
from tests.support.inside import person, signed_in
from tests.support.web import Served, Shop, serving

REASON = "a bought list, after three warnings"
NOTHING_MORE = "Nothing is sent or changed here any more"
OPERATOR = "ops@relay.example"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Served]]:
    shop = Shop.create(tmp_path_factory.mktemp("closed"), operator={"name": "The Relay", "contact": OPERATOR})
    with serving(shop) as served:
        yield shop, served


@pytest.fixture(scope="module")
def owner(world: tuple[Shop, Served]) -> Iterator[httpx.Client]:
    """Signed in before it was closed."""
    shop, served = world
    with signed_in(served, person(shop, "owner@acme.example", "owner", shop.tenant_id)) as client:
        assert "closed" not in client.get("/account/").text
        with transaction(shop.conn) as conn:
            tenant = tenants.by_id(conn, shop.tenant_id)
            operator = Operator.of(shop.settings)
            termination.terminate(conn, operator, tenant, reason=REASON, actor="kaja", now=time.time())
        yield client


def test_every_page_says_what_happened_and_whom_to_write_to(owner: httpx.Client) -> None:
    for path in ("/account/", "/account/people", "/account/export", "/account/me", "/account/support"):
        page = owner.get(path)
        assert page.status_code == 200, path
        for words in ("This account was closed", REASON, NOTHING_MORE, OPERATOR, "/account/statements/"):
            assert words in page.text, (path, words)


def test_who_signs_in_anew_is_told_too(world: tuple[Shop, Served], owner: httpx.Client) -> None:
    shop, served = world
    with signed_in(served, person(shop, "new@acme.example", "viewer", shop.tenant_id)) as client:
        assert REASON in client.get("/account/?lang=en").text
        assert "Dieses Konto wurde geschlossen" in client.get("/account/?lang=de").text


def test_nothing_can_be_changed(world: tuple[Shop, Served], owner: httpx.Client) -> None:
    tried = 0
    for route in pages.ROUTES:
        for method, deed in route.deeds.items():
            if deed in ONCE_CLOSED or route.path.startswith(OWN_PATH):
                continue
            path = route.path.replace("{id}", "1").replace("{name}", "x").replace("{deed}", "reset")
            answer = owner.request(method, path, data={} if method == "POST" else None)
            assert answer.status_code == 403 and NOTHING_MORE in answer.text, (method, path)
            assert OPERATOR in answer.text
            tried += 1
    assert tried > 30
    keys = owner.get("/account/").text
    assert "/account/keys" not in keys and "/account/logins" not in keys


def test_what_is_theirs_can_be_taken_along(owner: httpx.Client) -> None:
    taken = owner.post("/account/people/export", data={"kind": "people"})
    assert taken.status_code == 200 and taken.text.startswith("email,")


def test_they_can_object(world: tuple[Shop, Served], owner: httpx.Client) -> None:
    shop, _ = world
    statement = statements.in_force(shop.conn, shop.tenant_id, "terminated")
    assert statement is not None
    answer = owner.post(f"/account/statements/{statement.id}/answer", data={"text": "The list was ours."})
    assert answer.status_code == 303
    assert statements.by_id(shop.conn, statement.id).answer == "The list was ours."


def test_reopened_it_is_as_before(world: tuple[Shop, Served], owner: httpx.Client) -> None:
    shop, _ = world
    with transaction(shop.conn) as conn:
        tenant = tenants.by_id(conn, shop.tenant_id)
        termination.reinstate(
            conn, Operator.of(shop.settings), tenant, reason="it was ours", actor="kaja", now=time.time()
        )
    page = owner.get("/account/")
    assert "This account was closed" not in page.text and "/account/keys" in page.text
    assert owner.get("/account/keys").status_code == 200
    assert Deed.OWN not in ONCE_CLOSED
