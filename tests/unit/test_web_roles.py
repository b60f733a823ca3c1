"""Every page behind the log-in, every verb, every role; and another tenant's people at all of them: 0 crossings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from relay.accounts.roles import MAY, STAFF_ROLES, Deed, LoginRole
from relay.web.account import pages as account
from relay.web.desk import pages as desk
from relay.web.inside.gate import OWN_PATH, GuardedRoute
from tests.support.inside import held_campaign, person, signed_in, visitor
from tests.support.web import Served, Shop, serving

ROUTES: list[GuardedRoute] = [route for route in (*account.ROUTES, *desk.ROUTES) if not route.path.startswith(OWN_PATH)]
CELLS = [(route.path, method) for route in ROUTES for method in sorted(route.deeds)]
SECRET = "only-of-acme"


class World:
    """Two tenants, everybody signed in, and a thing of ``acme`` behind each path."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.shop = shop = Shop.create(directory)
        self.other_id, _ = shop.add_tenant("other")
        self.served: Served = stack.enter_context(serving(shop))
        self.clients: dict[LoginRole, httpx.Client] = {}
        for role in LoginRole:
            tenant_id = None if role in STAFF_ROLES else shop.tenant_id
            who = person(shop, f"{role}@people.example", role, tenant_id)
            self.clients[role] = stack.enter_context(signed_in(self.served, who))
        stranger = person(shop, "owner@other.example", "owner", self.other_id)
        self.stranger = stack.enter_context(signed_in(self.served, stranger))

    def path(self, pattern: str) -> str:
        """With the number or name of something of acme's, made anew for each asking."""
        made: dict[str, object] = {}
        if "/campaigns/{id}" in pattern:
            made["id"] = held_campaign(self.shop, self.shop.tenant_id, name=SECRET, subject=SECRET)
        return pattern.format(**made, name="acme", deed="warn")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("roles"), stack)


def test_every_route_says_which_deed_it_takes() -> None:
    assert len(CELLS) == len({*CELLS}) and len(CELLS) >= 9
    for route in ROUTES:
        side = (
            {Deed.DESK, Deed.JUDGE, Deed.OPERATE}
            if route.path.startswith("/desk")
            else {Deed.SEE, Deed.CHANGE, Deed.OWN}
        )
        assert {*route.deeds.values()} <= side, route.path
        assert route.methods is not None and route.methods - {"HEAD"} == {*route.deeds}, route.path


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_each_cell_of_pages_and_roles(world: World, pattern: str, method: str) -> None:
    deed = next(route.deeds[method] for route in ROUTES if route.path == pattern and method in route.deeds)
    path = world.path(pattern)
    for role, client in world.clients.items():
        status = client.request(method, path).status_code
        if deed in MAY[role]:
            assert status in (200, 303, 422), (role, status)
        else:
            own_side = pattern.startswith("/desk") == (role in STAFF_ROLES)
            assert status == (403 if own_side else 404), (role, status)


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_nobody_and_another_tenants_owner_get_nothing(world: World, pattern: str, method: str) -> None:
    path = world.path(pattern)
    before = shown(world.shop)
    answer = world.stranger.request(method, path)
    assert SECRET not in answer.text and "acme" not in answer.text
    if "{" in pattern or pattern.startswith("/desk"):
        assert answer.status_code == 404
    with visitor(world.served) as nobody:
        closed = nobody.request(method, path)
        assert closed.status_code == 303 and closed.headers["location"].startswith("/login")
    assert shown(world.shop) == before


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_other_verbs_do_nothing(world: World, pattern: str, method: str) -> None:
    path = world.path(pattern)
    known = {m for route in ROUTES if route.path == pattern for m in route.deeds} | {"HEAD"}
    before = shown(world.shop)
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"):
        if verb not in known:
            assert world.clients[LoginRole.OPERATOR].request(verb, path).status_code == 405, verb
    assert shown(world.shop) == before


def shown(shop: Shop) -> list[str]:
    """All rows but those of sessions and of what was done with a log-in."""
    return [line for line in shop.dump().splitlines() if '"login_' not in line and "sqlite_stat" not in line]
