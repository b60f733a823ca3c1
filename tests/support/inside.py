"""People who log in, for tests: log-ins in a ``Shop``'s store, and browsers' worth of client signed in with them."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from relay.accounts import logins, passwords
from relay.accounts.roles import LoginRole
from relay.events import write as events
from relay.mail.additions import Additions
from relay.mail.address import parse_address
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.queue.holds import CAMPAIGN
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.values.ids import new_submission_id
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


HTML = b"""<html><head><title>x</title><link rel=stylesheet href="https://evil.example/a.css">
<meta http-equiv=refresh content="0;url=https://evil.example/"><base href="https://evil.example/">
<style>p{color:#222;background:url(https://evil.example/bg.png)}</style><script>document.title='owned'</script></head>
<body onload="alert(1)"><h1 style="font-size:24px">Autumn offer</h1>
<p>Twenty percent off. <a href="https://shop.example/sale" onclick="alert(2)">To the sale</a>
<img src="https://evil.example/pixel.gif" onerror="alert(3)"><iframe src="https://evil.example/"></iframe>
<form action="https://evil.example/"><input name=q><button>go</button></form>
<svg onload="alert(4)"><script>alert(5)</script></svg><p hidden>hidden words</p></body></html>"""


def held_campaign(
    shop: Shop, tenant_id: int, *, name: str = "autumn", subject: str = "Autumn offer", html: bytes = HTML,
    state: str = "undecided", copies: int = 30,
) -> int:  # fmt: skip
    """A campaign that waits for a decision, with copies that are held; its id."""
    now, conn = time.time(), shop.conn
    with transaction(conn):
        owner = tenants.by_id(conn, tenant_id)
        if not streams.of_tenant(conn, tenant_id):
            streams.add_defaults(conn, owner, actor="test", now=now)
        stream_id = conn.execute("SELECT id FROM stream WHERE tenant_id = ?", (tenant_id,)).fetchone()[0]
        (campaign_id,) = conn.execute(
            "INSERT INTO campaign (tenant_id, stream_id, name, topic, from_address, subject, state, created_at,"
            " recipients, passed, delivered, bounced, unsubscribed, complained, why, reason, asked_at, last_at)"
            " VALUES (?, ?, ?, 'news', 'hello@shop.example', ?, ?, ?, ?, 200, 180, 18, 3, 1, ?, ?, ?, ?) RETURNING id",
            (tenant_id, stream_id, name, subject, state, now - 7200, 200 + copies,
             "dead addresses 18 of 198 (9.09 %, between 5.5 and 14 %)", "a list that is new here", now - 600, now),
        ).fetchone()  # fmt: skip
        raw = (
            b"From: Shop <hello@shop.example>\r\nSubject: " + subject.encode() + b"\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.replace(b"\n", b"\r\n") + b"\r\n"
        )
        template = compile_template(scan(raw, ScanLimits()), Additions()).encode()
        id_ = new_submission_id(now, random.randbits)
        conn.execute(
            "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, subject,"
            " size_octets, accepted_at, expires_at, open_recipients, campaign_id, topic)"
            " VALUES (?, ?, ?, '', ?, 'shop.example', ?, ?, ?, ?, ?, ?, 'news')",
            (id_, tenant_id, stream_id, f"<{id_}@shop.example>", subject, len(raw), now, now + 86_400, copies,
             campaign_id),
        )  # fmt: skip
        conn.execute("INSERT INTO body (submission_id, template) VALUES (?, ?)", (id_, template))
        conn.executemany(
            "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
            " notify, changed_at, campaign_id, held_by) VALUES (?, ?, ?, 0, ?, 'people.example', 1, ?, '', ?, ?, ?)",
            [(id_, n, tenant_id, f"p{n}@people.example", now, now, campaign_id, CAMPAIGN) for n in range(copies)],
        )
        events.accepted(conn, tenant_id, id_, campaign_id, copies, {}, now)
    return int(campaign_id)
