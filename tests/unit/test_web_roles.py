"""Every page behind the log-in, every verb, every role; and another tenant's people at all of them: 0 crossings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from relay.accounts import logins
from relay.accounts.roles import MAY, STAFF_ROLES, Deed, LoginRole
from relay.announcements import book as announcements
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import AnnouncementKind
from relay.audit.sequence import sequence
from relay.conduct import enforcement, statements, tenant_notes
from relay.lists import runs
from relay.lists.stopping import suppress
from relay.lists.wishes import ListWishes
from relay.mailings import mailings, writing
from relay.people import wordings
from relay.queue.operator import Operator
from relay.registration import invites
from relay.signup import forms
from relay.signup.forms import FormWish
from relay.store.database import transaction
from relay.support import threads
from relay.templates import templates
from relay.tenants import api_tokens, credentials, domains, streams, tenants
from relay.uploads import book as list_book
from relay.uploads.files import UploadFiles
from relay.uploads.values import JobKind
from relay.values.facts import Reason
from relay.values.ids import encode_id
from relay.web.account import pages as account
from relay.web.desk import pages as desk
from relay.web.inside.gate import OWN_PATH, GuardedRoute
from relay.web.inside.script import KEYS
from relay.webhooks import book
from tests.support.inside import held_campaign, person, signed_in, visitor
from tests.support.store import of_a_file
from tests.support.web import Served, Shop, serving

ROUTES: list[GuardedRoute] = [route for route in (*account.ROUTES, *desk.ROUTES) if not route.path.startswith(OWN_PATH)]
CELLS = [(route.path, method) for route in ROUTES for method in sorted(route.deeds)]
SECRET = "only-of-acme"


class World:
    """Two tenants, everybody signed in, and a thing of ``acme`` behind each path."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.shop = shop = Shop.create(directory, dns={"nameservers": ["127.0.0.1:9"]})
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
        shop, made = self.shop, dict[str, object]({"name": "acme", "deed": "warn"})
        for part, make in MADE.items():
            if part in pattern:
                made |= make(shop)
        self.reader = str(made.get("reader", ""))
        return (pattern + QUERIES.get(pattern, "")).format(**made)


def login_of(shop: Shop) -> dict[str, object]:
    who = person(shop, f"p{time.monotonic_ns()}@people.example", "viewer", shop.tenant_id)
    return {"id": logins.find(shop.conn, who.email).id, "deed": "disable"}


def campaign_of(shop: Shop) -> dict[str, object]:
    return {"id": held_campaign(shop, shop.tenant_id, name=SECRET, subject=SECRET)}


def queue_of(shop: Shop) -> dict[str, object]:
    return {"deed": "hold"}


def message_of(shop: Shop) -> dict[str, object]:
    campaign_of(shop)
    sql = "SELECT max(id) FROM submission WHERE tenant_id = ?"
    return {"id": encode_id(shop.value(sql, shop.tenant_id))}


def domain_of(shop: Shop) -> dict[str, object]:
    name = f"{SECRET}-{time.monotonic_ns()}.example"
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        domains.add(conn, shop.secrets, owner, name, actor="test", now=time.time())
    return {"name": name}


def credential_of(shop: Shop) -> dict[str, object]:
    campaign_of(shop)  # there is a stream then
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        stream = streams.of_tenant(conn, owner.id)[0]
        row, _ = credentials.add_password(conn, shop.secrets, owner, stream, actor="test", now=time.time())
    return {"id": row.id, "deed": "reset"}


def token_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        row, _ = api_tokens.add(conn, shop.secrets, owner, actor="test", now=time.time())
    return {"id": row.id}


def webhook_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        for old in book.of_tenant(conn, shop.tenant_id):
            book.remove(conn, old, actor="test", now=time.time())
        row, _ = book.add(
            conn, shop.secrets, shop.tenant_id, f"https://{SECRET}.example/hook", [], allow_private=False,
            actor="test", now=time.time(),
        )  # fmt: skip
    return {"id": row.id, "deed": "rotate"}


def report_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        (id_,) = conn.execute(
            "INSERT INTO spam_report (at, network, person, address, message, sender, description, confirmed_at,"
            " outcome) VALUES (1, x'', x'', 'r@people.example', 'm', 's@x.example', ?, 2, 'desk') RETURNING id",
            (SECRET,),
        ).fetchone()
    return {"id": id_}


def statement_of(shop: Shop) -> dict[str, object]:
    now = time.time()
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        made = enforcement.warn(conn, Operator("h.example", "H", ()), owner, reason=SECRET, actor="t", now=now)
        statements.answer(conn, made, SECRET, actor="t", now=now)
    return {"id": made.id}


def registration_of(shop: Shop) -> dict[str, object]:
    """One that waits."""
    with transaction(shop.conn) as conn:
        (id_,) = conn.execute(
            "INSERT INTO registration (at, state, email, person, name, phone, country, city, company, about, language,"
            " ip, agent, token_at, confirmed_at, resembles) VALUES (1, 'waiting', ?, x'', 'Ann', '+372 512345', 'EE',"
            " 'X', ?, ?, 'en', '192.0.2.7', 'x', 1, 2, ?) RETURNING id",
            (f"r{time.monotonic_ns()}@people.example", SECRET, SECRET,
             json.dumps([{"tenant": "acme", "what": "phone", "value": SECRET}])),
        ).fetchone()  # fmt: skip
    return {"id": id_}


def invite_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        row, _ = invites.add(conn, None, note=SECRET, actor="t", now=time.time())
    return {"id": row.id}


def thread_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        conn.execute("DELETE FROM support_thread")
        made = threads.open_(
            conn, Operator("h.example", "H", ()), "https://h.example", shop.tenant_id, SECRET, SECRET, actor="t",
            now=time.time(),
        )  # fmt: skip
    return {"id": made.id}


def announcement_of(shop: Shop) -> dict[str, object]:
    """One for acme alone."""
    wish = AnnouncementWish(AnnouncementKind.NOTICE, SECRET, SECRET, time.time(), time.time() + 600, ("acme",))
    with transaction(shop.conn) as conn:
        conn.execute("DELETE FROM announcement")
        made = announcements.add(conn, wish, actor="t", now=time.time())
    return {"id": made.id}


def contest_of(shop: Shop) -> dict[str, object]:
    reader = shop.consent(f"c{time.monotonic_ns()}@people.example", "club")
    with transaction(shop.conn) as conn:
        (id_,) = conn.execute(
            "INSERT INTO contest (tenant_id, subscriber_id, topic_id, plea, words, state, at, due_at, source, counts,"
            " submission_id, number, network) VALUES (?, ?, 0, 'never', ?, 'open', 1, 9e9, ?, 1, 0, 0, x'')"
            " RETURNING id",
            (shop.tenant_id, reader, SECRET, SECRET),
        ).fetchone()
    return {"id": id_}


def person_of(shop: Shop) -> dict[str, object]:
    reader = f"reader{time.monotonic_ns()}@people.example"
    shop.consent(reader, "club")
    return {"reader": reader}


def import_of(shop: Shop) -> dict[str, object]:
    """A list that was taken."""
    now = time.time()
    shop.consent(f"i{time.monotonic_ns()}@people.example", "club")
    with transaction(shop.conn) as conn:
        id_ = runs.begin(
            conn, shop.tenant_id, shop.topic_id("club"), at=now, file=f"{SECRET}.csv", sha256="0" * 64, source=SECRET,
            actor="test",
        )  # fmt: skip
    return {"id": id_, "deed": "freeze"}


def topic_of(shop: Shop) -> dict[str, object]:
    shop.consent(f"t{time.monotonic_ns()}@people.example", "club")
    return {"id": shop.topic_id("club")}


def wording_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        made = wordings.make(conn, shop.tenant_id, f"{SECRET} {time.monotonic_ns()}", time.time())
    return {"id": shop.value("SELECT number FROM wording WHERE id = ?", made)}


def form_of(shop: Shop) -> dict[str, object]:
    topic_of(shop)
    name = f"form-{time.monotonic_ns()}"
    with transaction(shop.conn) as conn:
        owner, wish = tenants.by_id(conn, shop.tenant_id), FormWish(("club",), SECRET, SECRET)
        forms.add(conn, owner, name, wish, languages=("en",), actor="t", now=time.time())
    return {"name": name, "deed": "edit"}


def list_of(shop: Shop) -> dict[str, object]:
    """One that was tried."""
    now, wishes = time.time(), ListWishes("club", SECRET, SECRET)
    files = UploadFiles(shop.settings.server.data_dir)
    with transaction(shop.conn) as conn:
        conn.execute("DELETE FROM list_job")
        id_ = list_book.add(
            conn, shop.tenant_id, JobKind.TRY, file=f"{SECRET}.csv", octets=1, wishes=wishes, actor="t", now=now
        )
        conn.execute("UPDATE list_job SET state = 'done' WHERE id = ?", (id_,))
    files.drop(id_)
    files.settle(files.put(f"{SECRET}.csv", b"email\n"), id_)
    files.report_of(id_).write_text(f"line,text\n1,{SECRET}\n")
    return {"id": id_, "deed": "try"}


def mailing_of(shop: Shop) -> dict[str, object]:
    shop.consent("mailed@people.example", "club")
    given = {"subject": SECRET, "source": f"<p>{SECRET}</p>", "author": "news@shop.example", "topic": "club"}
    with transaction(shop.conn) as conn:
        content = writing.checked(given, (), ["shop.example"])
        return {"id": mailings.add(conn, shop.tenant_id, content, actor="test", now=time.time())}


def template_of(shop: Shop) -> dict[str, object]:
    name = f"t{time.monotonic_ns()}"
    with transaction(shop.conn) as conn:
        templates.put(
            conn, shop.tenant_id, name, subject=SECRET, text="", source=f"<p>{SECRET}</p>", format="html", now=1.0
        )
    return {"name": name}


def entry_of(shop: Shop) -> dict[str, object]:
    """Of the log, when a head is signed."""
    sequence(shop.conn, shop.secrets, time.time)
    return {"id": 0}


def note_of(shop: Shop) -> dict[str, object]:
    with transaction(shop.conn) as conn:
        return {"id": tenant_notes.add(conn, shop.tenant_id, SECRET, actor="t", now=time.time()).id}


MADE: dict[str, Callable[[Shop], dict[str, object]]] = {
    "/send/{id}": mailing_of,
    "/templates/{name}": template_of,
    "/campaigns/{id}": campaign_of,
    "/desk/queue/{deed}": queue_of,
    "/notes/{id}": note_of,
    "/desk/log/{id}": entry_of,
    "/messages/{id}": message_of,
    "/logins/{id}": login_of,
    "/domains/{name}": domain_of,
    "/credentials/{id}": credential_of,
    "/tokens/{id}": token_of,
    "/webhooks/{id}": webhook_of,
    "/account/people/": person_of,
    "/reports/{id}": report_of,
    "/registrations/{id}": registration_of,
    "/support/{id}": thread_of,
    "/announcements/{id}": announcement_of,
    "/invites/{id}": invite_of,
    "/statements/{id}": statement_of,
    "/contests/{id}": contest_of,
    "/imports/{id}": import_of,
    "/lists/{id}": list_of,
    "/list-reports/{id}": list_of,
    "/forms/{name}": form_of,
    "/form-preview/{name}": form_of,
    "/topics/{id}": topic_of,
    "/wordings/{id}": wording_of,
}
"""By a part of the path: makes a thing of acme's, and says what stands in the path."""
QUERIES = {
    "/account/people/one": "?email={reader}",
}


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
            else {Deed.SEE, Deed.CHANGE, Deed.TAKE, Deed.OWN}
        )
        assert {*route.deeds.values()} <= side, route.path
        assert route.methods is not None and route.methods - {"HEAD"} == {*route.deeds}, route.path


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_each_cell_of_pages_and_roles(world: World, pattern: str, method: str) -> None:
    deed = next(route.deeds[method] for route in ROUTES if route.path == pattern and method in route.deeds)
    path = world.path(pattern)
    for role, client in world.clients.items():
        if pattern.endswith("/remove"):  # what somebody before has removed
            path = world.path(pattern)
        status = client.request(method, path, data=given(world, method)).status_code
        if deed in MAY[role]:
            assert status in (200, 303, 422), (role, status)
        else:
            own_side = pattern.startswith("/desk") == (role in STAFF_ROLES)
            assert status == (403 if own_side else 404), (role, status)


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_nobody_and_another_tenants_owner_get_nothing(world: World, pattern: str, method: str) -> None:
    path = world.path(pattern)
    before = shown(world.shop)
    answer = world.stranger.request(method, path, data=given(world, method))
    assert SECRET not in answer.text and "acme" not in answer.text
    if (
        "{" in pattern
        or pattern.startswith("/desk")
        or pattern.endswith(("/one", "/withdraw", "/proof", "/copy", "/correct"))
    ):
        assert answer.status_code == 404
    with visitor(world.served) as nobody:
        closed = nobody.request(method, path)
        assert closed.status_code == 303 and closed.headers["location"].startswith("/login")
    assert shown(world.shop) == before


def given(world: World, method: str) -> dict[str, str] | None:
    """A form that some pages take, and the others don't mind."""
    return {"email": world.reader, "topic": "club"} if method == "POST" and world.reader else None


@pytest.mark.parametrize(("pattern", "method"), CELLS)
def test_other_verbs_do_nothing(world: World, pattern: str, method: str) -> None:
    path = world.path(pattern)
    known = {m for route in ROUTES if route.path == pattern for m in route.deeds} | {"HEAD"}
    before = shown(world.shop)
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"):
        if verb not in known:
            assert world.clients[LoginRole.OPERATOR].request(verb, path).status_code == 405, verb
    assert shown(world.shop) == before


BEHIND = ("login_", "webhook", "follower", "sqlite_", "availability ")
"""Sessions, what was done with a log-in, and what the server does by itself meanwhile."""


def shown(shop: Shop) -> list[str]:
    """All rows but those of BEHIND."""
    return [line for line in shop.dump().splitlines() if not line.startswith(BEHIND)]


OWN_SCRIPT = f'<script src="{KEYS}" defer></script>'
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
COLUMNS = (
    ("campaign", "name", "subject", "why", "reason", "topic", "from_address", "decided_by", "suspicion"),
    (
        "mailing",
        "name",
        "topic",
        "stream",
        "author",
        "author_name",
        "reply_to",
        "subject",
        "source",
        "written",
        "html",
        "text",
        "why",
    ),
    ("submission", "subject", "message_id", "topic", "tag", "client"),
    ("recipient", "address", "status", "remote", "hold_reason"),
    ("consent", "source", "page"),
    ("wording", "text"),
    ("suppression", "detail"),
    ("domain", "token"),
    ("tenant", "title", "postal", "freeze_reason"),
    ("tenant_note", "text", "actor"),
    ("login_session", "agent", "ip"),
    ("login_action", "agent", "ip", "detail"),
    ("webhook", "url", "ended_why"),
    ("statement", "reason", "answer"),
    ("contest", "words", "source", "answer"),
    ("form", "title"),
    ("topic", "title", "description"),
    ("list_job", "file", "actor"),
    ("consent_import", "file", "source", "actor", "reason"),
    (
        "registration",
        "email",
        "name",
        "surname",
        "phone",
        "city",
        "company",
        "postal",
        "website",
        "about",
        "agent",
        "decided_by",
        "reason",
    ),
    ("invite", "email", "note"),
    ("support_thread", "subject"),
    ("announcement", "title", "text", "urgent", "actor", "withdrawn_why"),
    ("support_post", "author", "text"),
    ("spam_report", "address", "message", "sender", "description", "note"),
)
"""What tenants and strangers write, wherever a page shows it."""


@of_a_file("its triggers are taken off meanwhile")
def test_nothing_that_others_wrote_becomes_markup(world: World) -> None:
    paths = {path for path, method in CELLS if method == "GET"} | {OWN_PATH, f"{OWN_PATH}/activity"}
    asked = {path: world.path(path) for path in sorted(paths)}
    conn = world.shop.conn
    with transaction(conn):
        # As if checks at the door had let it in.
        enforcement.warn(conn, Operator("h.example", "H", ()), tenants.by_id(conn, world.shop.tenant_id),
                         reason="r", actor="t", now=time.time())  # fmt: skip
        suppress(conn, world.shop.tenant_id, "x@people.example", Reason.HAND, detail="d", means="hand", now=time.time())
    triggers = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    with transaction(conn):
        for name, _ in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        for table, *columns in COLUMNS:
            for column in columns:
                own = " || id" if table == "wording" else ""  # each is there once
                conn.execute(f"UPDATE {table} SET {column} = ?{own}", (HOSTILE,))
        for _, sql in triggers:
            conn.execute(sql)
    for path, real in asked.items():
        client = world.clients[LoginRole.OPERATOR if path.startswith("/desk") else LoginRole.OWNER]
        answer = client.get(real)
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html") and not path.endswith("/content"):
            assert (
                "<script" not in answer.text.replace(OWN_SCRIPT, "")
                and "<img" not in answer.text
                and "'><" not in answer.text
            ), path
