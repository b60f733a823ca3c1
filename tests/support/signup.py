"""Subscription forms for tests: a shop with a form, a clock to turn, and the letters that were queued."""

from __future__ import annotations

import email
import email.policy
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from relay.mail.address import parse_address
from relay.mail.template import Template
from relay.people import consents
from relay.people import topics as all_topics
from relay.signup import forms
from relay.signup.forms import Form, FormWish
from relay.store.database import transaction
from relay.tenants import domains, tenants
from relay.texts.language import LANGUAGES
from relay.values.short_name import fault
from relay.web.server.app import create_app
from relay.web.server.process import bind, make_server
from tests.support.web import Shop

WAIT_S = 60
NOW = 1_790_000_000.0
WORDING = "I agree that acme keeps my address and sends me its newsletter.\nI can unsubscribe at any time."


class Signup:
    """The tenant ``acme`` with the verified domain ``acme.example`` and the form ``news`` of two topics."""

    def __init__(self, directory: Path, **tables: object) -> None:
        self.shop = Shop.create(directory, **tables)
        self.now = NOW
        self._clients: dict[tuple[object, ...], httpx.Client] = {}
        self.own(self.shop.tenant_id, "acme.example")
        self.form = self.add("news", topics=("newsletter", "offers"))
        self.serve()

    def own(self, tenant_id: int, domain: str) -> None:
        """A verified domain of the tenant."""
        with transaction(self.shop.conn) as conn:
            tenant = tenants.by_id(conn, tenant_id)
            row = domains.add(conn, self.shop.secrets, tenant, domain, actor="test", now=NOW)
            domains.mark_verified(conn, row, "test", actor="test", now=NOW)

    def add(self, name: str, topics: Sequence[str] = ("newsletter",), *, tenant_id: int = 0, **more: Any) -> Form:
        with transaction(self.shop.conn) as conn:
            owner = tenants.by_id(conn, tenant_id or self.shop.tenant_id)
            for topic in topics:
                if all_topics.find(conn, owner.id, topic) is None and not fault(topic):
                    all_topics.add(conn, owner.id, topic, actor="test", now=NOW)
            wish = FormWish(topics, more.pop("wording", WORDING), **more)
            return forms.add(conn, owner, name, wish, languages=LANGUAGES, actor="test", now=NOW)

    def edit(self, **changes: Any) -> Form:
        with transaction(self.shop.conn) as conn:
            owner = tenants.by_id(conn, self.shop.tenant_id)
            wish = replace(FormWish.of(self.form), **changes)
            self.form = forms.edit(conn, owner, "news", wish, languages=LANGUAGES, actor="test", now=NOW)
        return self.form

    # -- the HTTP side ----------------------------------------------------------------

    def serve(self) -> None:
        """uvicorn in a thread, with the clock of the test; a proxy on loopback tells whose request it is."""
        app = create_app(self.shop.settings, self.shop.secrets, self.shop.settings.database, lambda: self.now)
        self._sock = bind("127.0.0.1:0")
        up = threading.Event()
        self._server = make_server(app, up.set, proxies=["127.0.0.1"])
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._sock]}, daemon=True)
        self._thread.start()
        assert up.wait(WAIT_S)

    def restart(self) -> None:
        """What was in memory is gone."""
        self._stop()
        self.serve()

    def close(self) -> None:
        self._stop()
        self.shop.conn.close()

    def _stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._server.should_exit = True
        self._thread.join(WAIT_S)
        self._sock.close()

    def client(self, ip: str = "192.0.2.7", **headers: str) -> httpx.Client:
        """A browser of that address."""
        key = (ip, *headers.items())
        if key not in self._clients:
            url = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
            sent = {"X-Forwarded-For": ip, **headers}
            self._clients[key] = httpx.Client(base_url=url, headers=sent, timeout=20, trust_env=False)
        return self._clients[key]

    # -- asking -----------------------------------------------------------------------

    def fields(self, client: httpx.Client, form: Form | None = None) -> dict[str, str]:
        """The hidden fields of the form's page, which is then old enough."""
        page = client.get(f"/s/{(form or self.form).key}")
        assert page.status_code == 200, page.text
        self.now += 60
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))

    def ask(
        self, address: str, *, client: httpx.Client | None = None, form: Form | None = None, **changes: Any
    ) -> httpx.Response:
        """Fill in the page as a browser does; ``changes`` replace fields (None: leave out)."""
        client, form = client or self.client(), form or self.form
        data: dict[str, Any] = {**self.fields(client, form), "email": address, "remark": ""}
        data |= {"topic": [str(topic.id) for topic in form.topics], **changes}
        sent = {name: value for name, value in data.items() if value is not None}
        return client.post(f"/s/{form.key}", data=sent, follow_redirects=False)

    def letters(self, address: str = "") -> list[EmailMessage]:
        """What was queued, the latest last."""
        rows = self.shop.conn.execute(
            "SELECT template FROM body JOIN recipient r USING (submission_id) WHERE r.address = ? OR ? = ''"
            " ORDER BY submission_id",
            (address, address),
        )
        return [letter(bytes(row[0])) for row in rows]

    def links(self, address: str = "") -> tuple[str, str]:
        """Paths of the latest letter: (confirm, never)."""
        text = plain(self.letters(address)[-1])
        first, second = re.findall(r"https://relay\.example\.com(/confirm/\S+)", text)
        return first, second

    def agree(self, address: str, **more: Any) -> httpx.Response:
        """Ask and confirm."""
        assert self.ask(address, **more).status_code == 200
        return self.client().post(self.links(address)[0], data={"answer": "confirm"})

    # -- what is stored ---------------------------------------------------------------

    def live(self, address: str) -> set[str]:
        """Topics that the person can be mailed on, as the policies see it."""
        found = consents.standing(self.shop.conn, self.shop.tenant_id, parse_address(address).canonical, "")
        stopped = {one.topic for one in found.suppressions}
        return set() if None in stopped else {c.topic for c in found.consents if c.live} - stopped

    def withdraw(self, address: str, topic_id: int = 0) -> None:
        found = consents.standing(self.shop.conn, self.shop.tenant_id, parse_address(address).canonical, "")
        assert found.subscriber_id
        with transaction(self.shop.conn) as conn:
            consents.withdraw(
                conn,
                self.shop.tenant_id,
                found.subscriber_id,
                topic_id=topic_id,
                means="page",
                now=self.now,
                evidence={},
            )


def raw(template: bytes) -> bytes:
    """A letter's octets: it has no slots."""
    decoded = Template.decode(template)
    pieces = [piece for field in decoded.fields for piece in field] + [b"\r\n"] + list(decoded.body)
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


def letter(template: bytes) -> EmailMessage:
    return email.message_from_bytes(raw(template), policy=email.policy.default)


def plain(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def markup(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())
