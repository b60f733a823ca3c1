"""``/desk/queue``: what waits, site by site, with its last failure; held, let go, tried now or dropped by filter."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.mail.address import AddressError, parse_domain
from relay.queue import admin, sites, told
from relay.queue.admin import QueueAction, Selection
from relay.queue.sites import QueueCount
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.ids import decode_id
from relay.web.inside import kept
from relay.web.inside.gate import PageRequest, act, show
from relay.web.inside.kept import Counted

HERE: Final = "/desk/queue"
LENGTH: Final = 50
EVERY_S: Final = 5
"""Live figures are loaded anew."""
MOST_AT_ONCE: Final = 2
"""Actions, each of which may take as long as there are copies."""


def figures(asked: PageRequest) -> Response:
    """Of all, a tenant or a domain; ``live`` loads itself anew."""
    return _page(asked, asked.query("tenant", 63), asked.query("domain", 255))


def do(asked: PageRequest) -> Response:
    """One of the actions of ``relay queue``, to what the filter names."""
    try:
        action = QueueAction(asked.request.path_params["deed"])
    except ValueError:
        raise HTTPException(404) from None
    tenant, domain = asked.field("tenant", 63), asked.field("domain", 255)
    selection = _selection(asked, asked.field("id", 40), tenant, domain)
    context, place = asked.context, ("queue",)
    if not context.running.take(place, MOST_AT_ONCE):
        raise RegistryError("others are changing the queue at the moment; try again when they are through")
    try:
        with context.storage.own() as conn:  # in many short transactions
            result = admin.act(
                conn, action, selection, actor=asked.visitor.shown, why=asked.field("reason", 500), now=asked.now
            )
    finally:
        context.running.give_back(place)
    if result.nothing:
        raise RegistryError(told.unchanged(action, result))
    with context.storage.write() as conn:
        asked.note(conn, "did", f"queue: {action.value}, {result.changed}")
    return _page(asked, tenant, domain, told.changed(action, result))


ROUTES = [
    show(HERE, figures, Deed.DESK),
    act(f"{HERE}/{{deed}}", do, Deed.OPERATE),
]


def _page(asked: PageRequest, tenant: str, domain: str, done: str = "") -> Response:
    name = _domain(domain)
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, tenant).id if tenant else None
    count = _counted(asked, fresh=bool(done))
    with asked.context.storage.read() as conn:
        values = {
            "sums": sites.sums(count.found),
            "rows": sites.listing(conn, count.found, owner, name, LENGTH),
            "age": round(count.age_s),
            "tenant": tenant,
            "domain": domain,
            "done": done,
            "live": asked.query("live", 3) == "yes" and not done,
            "every": EVERY_S,
            "now": asked.now,
            "actions": [action.value for action in QueueAction],
            "operates": asked.visitor.may(Deed.OPERATE),
        }
    return asked.page("desk/queue.html", values)


def _counted(asked: PageRequest, *, fresh: bool) -> Counted[QueueCount]:
    """All that waits; ``fresh``: nothing from before, after something was done."""
    storage = asked.context.storage

    def count() -> QueueCount:
        with storage.read() as conn:
            return sites.counted(conn)

    return kept.counted(("queue", str(asked.context.settings.stored)), count, fresh=fresh)


def _selection(asked: PageRequest, id_: str, tenant: str, domain: str) -> Selection:
    try:
        number = decode_id(id_) if id_ else None
    except ValueError as error:
        raise RegistryError(f"{id_!r} is no queue id; the 250 reply to DATA carries it") from error
    with asked.context.storage.read() as conn:
        owner = tenants.find(conn, tenant).id if tenant else None
    return Selection(number, owner, _domain(domain) or None)


def _domain(text: str) -> str:
    """A-labels, lower case; empty for none."""
    try:
        return parse_domain(text) if text else ""
    except AddressError as error:
        raise RegistryError(f"the domain: {error}") from error
