"""``/account/send``: mailings, from the draft to the last copy: who would get it, begun, watched, stopped, gone on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from relay.accounts import activity, logins
from relay.accounts.roles import Deed
from relay.campaigns import campaigns
from relay.conduct import account
from relay.conduct.account import CONFIRMED
from relay.ledger import quota
from relay.mail.address import Address, parse_address
from relay.mailings import audience, mailings, trial
from relay.mailings.audience import AudienceFigures
from relay.mailings.mailings import Mailing, MailingState
from relay.people import topics
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.facts import Freeze
from relay.web.account import send_look
from relay.web.account.send_form import find
from relay.web.inside.frame import framed
from relay.web.inside.gate import GuardedPage, PageRequest, act, show
from relay.web.inside.moments import moment_of

LENGTH: Final = 25
TESTED: Final = "tested"
"""Word of the activity."""
MOST_TESTS: Final = 20
"""Of a log-in within an hour."""
REFRESH_S: Final = 5
"""So often the page of a mailing that is being sent is loaded anew."""


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = mailings.page(conn, asked.tenant_id, asked.before(), LENGTH + 1)
    following = rows[LENGTH - 1].id if len(rows) > LENGTH else None
    values = {"rows": rows[:LENGTH], "following": following, "changes": asked.visitor.may(Deed.CHANGE)}
    return asked.page("account/send.html", values)


def one(asked: PageRequest) -> Response:
    """A draft with whom it reaches, or how far it has come."""
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
        topic = topics.shown(conn, asked.tenant_id, row.content.topic)
        values: dict[str, Any] = {"row": row, "topic": topic, "changes": asked.visitor.may(Deed.CHANGE)}
        values |= _beforehand(conn, asked, row) if row.state is MailingState.DRAFT else _progress(conn, row)
    template = "account/mailing_draft.html" if row.state is MailingState.DRAFT else "account/mailing.html"
    return asked.page(template, values)


def preview(asked: PageRequest) -> Response:
    """The document for a frame: as the first of its people would see it."""
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
    found = send_look.look(asked, row.content)
    dark, as_text = asked.query("look", 5) == "dark", asked.query("part", 5) == "text"
    return framed(send_look.document(asked, found, dark=dark, as_text=as_text))


def doing(word: str) -> GuardedPage:
    """One of DEEDS, then the page that it leads to."""

    def do(asked: PageRequest) -> Response:
        with asked.context.storage.write() as conn:
            row = find(conn, asked)
            path = DEEDS[word](conn, asked, row)
            asked.note(conn, "did", f"mailing {row.id}: {word}")
        return asked.to(path)

    return do


def test(asked: PageRequest) -> Response:
    """What the first of its people would get, to one's own confirmed address, marked as a test."""
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
        to = _own_address(conn, asked)
        lately = activity.count(conn, asked.visitor.login_id, TESTED, asked.now - 3600)
    if to is None:
        raise RegistryError("confirm your own address first, under “Your log-in”")
    if lately >= MOST_TESTS:
        raise RegistryError(f"{MOST_TESTS} tests were sent within the hour; wait a little")
    found = send_look.look(asked, row.content)
    if found.looked is None:
        raise RegistryError(found.fault)
    context, looked = asked.context, found.looked
    with context.storage.write() as conn:
        trial.letter(
            conn, asked.tenant_id, (looked.template, looked.slots), to, looked.from_domain,
            base_url=context.views.base_url, hostname=context.settings.server.hostname, now=asked.now,
        )  # fmt: skip
        asked.note(conn, TESTED, f"mailing {row.id}: test to {to}")
    return asked.to(f"/account/send/{row.id}?tested=yes#test")


def _own_address(conn: Tx, asked: PageRequest) -> Address | None:
    """Of who is signed in, if it is confirmed: by link, or as the tenant's contact."""
    row = logins.by_id(conn, asked.visitor.login_id)
    if row is None:
        return None
    to = parse_address(row.shown)
    if row.confirmed_at is not None:
        return to
    contact = account.of(conn, asked.tenant_id)
    same = parse_address(tenants.by_id(conn, asked.tenant_id).contact).canonical == to.canonical
    return to if same and contact.contact_state == CONFIRMED else None


def _start(conn: Tx, asked: PageRequest, row: Mailing) -> str:
    at = _moment(asked.field("at", 40)) if asked.field("when", 10) == "later" else None
    if asked.field("when", 10) == "later" and at is None:
        raise RegistryError("choose the day and hour when it is to begin")
    last_at = _moment(asked.field("last", 40))
    mailings.start(conn, row, at=at, last_at=last_at, actor=asked.visitor.shown, now=asked.now)
    return f"/account/send/{row.id}"


def _stop(conn: Tx, asked: PageRequest, row: Mailing) -> str:
    mailings.stop(conn, row, actor=asked.visitor.shown, now=asked.now)
    return f"/account/send/{row.id}"


def _go_on(conn: Tx, asked: PageRequest, row: Mailing) -> str:
    mailings.go_on(conn, row, actor=asked.visitor.shown, now=asked.now)
    return f"/account/send/{row.id}"


def _copy(conn: Tx, asked: PageRequest, row: Mailing) -> str:
    made = mailings.add(conn, asked.tenant_id, row.content, actor=asked.visitor.shown, now=asked.now)
    return f"/account/send/{made}/edit"


def _remove(conn: Tx, asked: PageRequest, row: Mailing) -> str:
    mailings.remove(conn, row)
    return "/account/send"


DEEDS: Final[dict[str, Callable[[Tx, PageRequest, Mailing], str]]] = {
    "start": _start,
    "stop": _stop,
    "resume": _go_on,
    "copy": _copy,
    "remove": _remove,
}

ROUTES = [
    show("/account/send", listing, Deed.SEE),
    show("/account/send/{id}", one, Deed.SEE),
    show("/account/send/{id}/preview", preview, Deed.SEE),
    act("/account/send/{id}/test", test, Deed.CHANGE),
    *(act(f"/account/send/{{id}}/{word}", doing(word), Deed.CHANGE) for word in DEEDS),
]


def _beforehand(conn: Tx, asked: PageRequest, row: Mailing) -> dict[str, Any]:
    """Who would get it, who not and why, and what of the plan is left."""
    tenant = tenants.by_id(conn, asked.tenant_id)
    fault, found = "", AudienceFigures(0, {}, 0)
    try:
        who = audience.of(conn, asked.tenant_id, row.content.topic, row.content.groups)
        found = audience.figures(conn, who)
    except RegistryError as error:  # a group that is gone meanwhile
        fault = str(error)
    use = quota.report(conn, tenant, asked.context.settings.plans, asked.now)
    limit, used = use["messages_limit"], use["messages_used"]
    assert isinstance(used, int) and (limit is None or isinstance(limit, int))
    left = None if limit is None else max(0, limit - used)
    return {
        "fault": fault,
        "figures": found,
        "use": use,
        "left": left,
        "beyond": 0 if left is None else max(0, found.reachable - left),
        "frozen": tenant.freeze is not Freeze.NONE,
        "dark": asked.query("look", 5) == "dark",
        "as_text": asked.query("part", 5) == "text",
        "test_to": str(_own_address(conn, asked) or ""),
        "tested": asked.query("tested", 3) == "yes",
        "tomorrow": datetime.fromtimestamp(asked.now + 86_400, UTC).strftime("%Y-%m-%dT08:00"),
    }


def _progress(conn: Tx, row: Mailing) -> dict[str, Any]:
    campaign = None
    if row.campaign_id is not None:
        try:
            campaign = campaigns.by_id(conn, row.campaign_id)
        except RegistryError:  # past its time
            campaign = None
    return {
        "campaign": campaign,
        "refusals": mailings.refusals(conn, row.id),
        "waiting": mailings.waiting(conn, row.id),
        "refresh": REFRESH_S if row.state is MailingState.SENDING else 0,
    }


def _moment(text: str) -> float | None:
    """None for nothing."""
    return moment_of(text) if text else None
