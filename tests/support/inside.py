"""People who log in, for tests: log-ins in a ``Shop``'s store, and browsers' worth of client signed in with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from relay.accounts import logins, passwords
from relay.accounts.roles import LoginRole
from relay.mail.address import parse_address
from relay.store.database import transaction
from relay.tenants import tenants
from tests.support.web import Served, Shop


@dataclass(frozen=True, slots=True)
class Person:
    """A log-in and its password."""

    email: str
    password: str


def person(shop: Shop, email: str, role: str, tenant_id: int | None = None) -> Person:
    """A new log-in; ``tenant_id`` None: staff."""
    made = passwords.fresh()
    with transaction(shop.conn):
        owner = None if tenant_id is None else tenants.by_id(shop.conn, tenant_id)
        logins.add(shop.conn, parse_address(email), LoginRole(role), owner, made, actor="test", now=time.time())
    return Person(email, made.shown)


def visitor(served: Served) -> httpx.Client:
    """A browser of its own: cookies are kept, and nothing is followed by itself."""
    return httpx.Client(base_url=served.url, timeout=30, trust_env=False, follow_redirects=False)


@contextmanager
def signed_in(served: Served, who: Person) -> Iterator[httpx.Client]:
    """Or half, for who has a second factor."""
    with visitor(served) as client:
        answer = client.post("/login", data={"email": who.email, "password": who.password})
        assert answer.status_code == 303, answer.text
        yield client
