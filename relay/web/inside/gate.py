"""The way to every page behind a log-in: where it was made, whose session it is, what their role may do.

A page is a plain function of ``PageRequest``, run in a thread. ``GuardedRoute`` keeps
beside each path and method the deed that it takes, so that a test can walk all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from relay.accounts import activity, sessions
from relay.accounts.roles import ONCE_CLOSED, Deed
from relay.accounts.sessions import Client, Lasting, Visitor
from relay.announcements import book
from relay.announcements.values import Announcement
from relay.conduct import statements
from relay.conduct.statements import Statement
from relay.store.contract import Tx
from relay.texts.language import Language
from relay.values.errors import RegistryError
from relay.web.context import Context, evidence
from relay.web.inside import cookie, origin
from relay.web.public import forms
from relay.web.views import asked_language, spoken

OWN_PATH: Final = "/account/me"
"""Where people see to their own log-in, tenants' and staff."""
SIGN_IN: Final = "/login"
ACCOUNT_PAGES: Final = (
    ("start", "/account/", Deed.SEE),
    ("send", "/account/send", Deed.SEE),
    ("templates", "/account/templates", Deed.SEE),
    ("campaigns", "/account/campaigns", Deed.SEE),
    ("messages", "/account/messages", Deed.SEE),
    ("people", "/account/people", Deed.SEE),
    ("suppressions", "/account/suppressions", Deed.SEE),
    ("contests", "/account/contests", Deed.SEE),
    ("domains", "/account/domains", Deed.SEE),
    ("support", "/account/support", Deed.SEE),
    ("announcements", "/account/announcements", Deed.SEE),
    ("plan", "/account/plan", Deed.SEE),
    ("keys", "/account/keys", Deed.OWN),
    ("logins", "/account/logins", Deed.OWN),
)
DESK_PAGES: Final = (
    ("desk", "/desk/", Deed.DESK),
    ("tenants", "/desk/tenants", Deed.DESK),
    ("registrations", "/desk/registrations", Deed.DESK),
    ("helping", "/desk/support", Deed.DESK),
    ("announcements", "/desk/announcements", Deed.DESK),
    ("reports", "/desk/reports", Deed.DESK),
    ("asking", "/desk/people", Deed.DESK),
    ("queue", "/desk/queue", Deed.DESK),
    ("health", "/desk/health", Deed.OPERATE),
    ("logins", "/desk/logins", Deed.OPERATE),
    ("log", "/desk/log", Deed.OPERATE),
)
"""Key of the text, address and deed, as the pages' head lists them for who may."""
MOST_BANDS: Final = 3
"""Announcements above a page; the others stand in their list."""
_LANGUAGE: Final = "language"
"""Cookie of the language that somebody chose on such a page; it names nobody."""
_YEAR_S: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class ClosedAccount:
    """An account that was terminated (R24)."""

    at: float
    """Seconds UTC."""
    statement: Statement | None
    """Why."""
    contact: str
    """Whom to write to."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request of somebody who is signed in; ``now`` in seconds UTC."""

    request: Request
    context: Context
    visitor: Visitor
    fields: forms.Fields
    language: Language
    now: float
    body: bytes = b""
    bands: list[Announcement] = field(default_factory=list)
    """What the operator announces to who is signed in, above every page."""
    closed: ClosedAccount | None = None
    """Told above every page, too."""

    @property
    def client(self) -> Client:
        return client_of(self.request)

    @property
    def tenant_id(self) -> int:
        """Of a tenant's user; staff have none, and no such page."""
        if self.visitor.tenant_id is None:
            raise HTTPException(404)
        return self.visitor.tenant_id

    def field(self, name: str, most: int = 500) -> str:
        """What a form says, without blanks around it; empty where it says nothing."""
        return next(iter(forms.values(self.fields, name)), "").strip()[:most]

    def query(self, name: str, most: int = 320) -> str:
        return self.request.query_params.get(name, "").strip()[:most]

    def number(self, name: str = "id") -> int:
        """A number in the path; 404 for what is none."""
        found = number_of(str(self.request.path_params[name]))
        if found is None:
            raise HTTPException(404)
        return found

    def before(self) -> int | None:
        """The place where a page of a list begins."""
        return number_of(self.query("before", 20))

    def note(self, conn: Tx, action: str, what: str) -> None:
        """Into what was done with the log-in, in the caller's transaction."""
        activity.note(conn, self.visitor.login_id, action, self.client, self.now, what)

    def page(self, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        listed = DESK_PAGES if self.visitor.tenant_id is None else ACCOUNT_PAGES
        pages = [(key, href) for key, href, deed in listed if self.visitor.may(deed)]
        back = self.request.url.path if self.request.method in origin.SAFE else ""
        shown = {"me": self.visitor, "pages": pages, "bands": self.bands, "back": back, "closed": self.closed, **values}
        return self.context.views.inside(self.language, template, shown, status)

    def to(self, path: str) -> Response:
        """After a form: the page it led to, so that loading it again repeats nothing."""
        return RedirectResponse(path, 303)


GuardedPage = Callable[[PageRequest], Response]


def number_of(text: str) -> int | None:
    """A number as a link or form of ours has it; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def own_page(wanted: str, starts: tuple[str, ...]) -> str:
    """A page behind the log-in that a link or form names, where it begins so; else empty: nothing else is led to."""
    plain = wanted.isascii() and wanted.isprintable() and not set(wanted) & set("\\?#%\"'<> ")
    return wanted if plain and wanted.startswith(starts) and "//" not in wanted and len(wanted) <= 200 else ""


class GuardedRoute(Route):
    """``deeds``: by method; ``most_octets``: of a form."""

    def __init__(
        self, path: str, page: GuardedPage, deeds: Mapping[str, Deed], most_octets: int = forms.MAX_FORM_OCTETS
    ) -> None:
        async def endpoint(request: Request) -> Response:
            return await _answer(request, page, deeds, most_octets)

        self.deeds = deeds
        super().__init__(path, endpoint, methods=list(deeds), name=path)


def show(path: str, page: GuardedPage, deed: Deed) -> GuardedRoute:
    """A page that only shows."""
    return GuardedRoute(path, page, {"GET": deed})


def act(path: str, page: GuardedPage, deed: Deed, most_octets: int = forms.MAX_FORM_OCTETS) -> GuardedRoute:
    """A form's way: POST alone."""
    return GuardedRoute(path, page, {"POST": deed}, most_octets)


def lasting(context: Context) -> Lasting:
    return Lasting(context.settings.accounts.idle, context.settings.accounts.session)


def client_of(request: Request) -> Client:
    told = evidence(request)
    return Client(told["ip"], told["agent"])


def visitor(request: Request) -> Visitor | None:
    """Who is signed in, or half; call it in a thread."""
    context = Context.of(request)
    token = cookie.read(request)
    if not token:
        return None
    now = context.clock()
    with context.storage.read() as conn:
        found = sessions.find(conn, token, lasting(context), now)
    if found is not None and now - found.seen_at > sessions.SEEN_EVERY_S:
        with context.storage.write() as conn:
            sessions.seen(conn, found.session_id, now)
    return found


def may(request: Request, deed: Deed) -> bool:
    """Whether somebody is signed in who may do it; call it in a thread."""
    who = visitor(request)
    return who is not None and not who.half and who.may(deed)


def home(who: Visitor) -> str:
    return "/desk/" if who.tenant_id is None else "/account/"


async def _answer(request: Request, page: GuardedPage, deeds: Mapping[str, Deed], most_octets: int) -> Response:
    if origin.foreign(request):
        return private(refused(request, "foreign", 403))
    body = b"" if request.method in origin.SAFE else await request.body()
    return private(await run_in_threadpool(_in_thread, request, page, deeds, body, most_octets))


def _in_thread(
    request: Request, page: GuardedPage, deeds: Mapping[str, Deed], body: bytes, most_octets: int
) -> Response:
    who = visitor(request)
    if who is None:
        wanted = f"?next={quote(request.url.path, safe='/')}" if request.method in origin.SAFE else ""
        return RedirectResponse(SIGN_IN + wanted, 303)
    if who.half:
        return RedirectResponse(f"{SIGN_IN}/second", 303)
    context, path = Context.of(request), request.url.path
    if not path.startswith(OWN_PATH) and _lacks_second(context, who):
        return RedirectResponse(OWN_PATH, 303)
    method = "GET" if request.method == "HEAD" else request.method
    if not who.may(deeds[method]):
        other = path.startswith("/desk") != (who.tenant_id is None) and not path.startswith(OWN_PATH)
        return context.views.error(request.scope, 404) if other else _refused_to(request, context, who, deeds[method])
    language = spoken(request.scope, request.cookies.get(_LANGUAGE, ""))
    fields = forms.read_form(request.headers.get("content-type", ""), body, most_octets) if body else []
    now = context.clock()
    closed = _closed(context, who)
    asked = PageRequest(request, context, who, fields, language, now, body, _bands(context, who, now), closed)
    try:
        response = page(asked)
    except RegistryError as error:
        response = asked.page("account/refused.html", {"why": str(error)}, 422)
    if chosen := asked_language(request.scope):
        response.set_cookie(_LANGUAGE, chosen, max_age=_YEAR_S, path="/", httponly=True, samesite="lax")
    return response


def _bands(context: Context, who: Visitor, now: float) -> list[Announcement]:
    """Of a tenant's people; staff have the desk's list."""
    if who.tenant_id is None:
        return []
    with context.storage.read() as conn:
        return book.bands(conn, who.tenant_id, who.login_id, now, MOST_BANDS)


def _closed(context: Context, who: Visitor) -> ClosedAccount | None:
    if who.closed_at is None or who.tenant_id is None:
        return None
    with context.storage.read() as conn:
        return ClosedAccount(who.closed_at, statements.in_force(conn, who.tenant_id, "terminated"), reached_at(context))


def _refused_to(request: Request, context: Context, who: Visitor, deed: Deed) -> Response:
    """Why they may not: the account was closed, or the role is another's."""
    if who.closed_at is not None and deed not in ONCE_CLOSED:
        return refused(request, "closed", 403, contact=reached_at(context))
    return refused(request, "role", 403)


def reached_at(context: Context) -> str:
    """The operator's address."""
    operator = context.office.operator
    return operator.contact or f"postmaster@{operator.hostname}"


def _lacks_second(context: Context, who: Visitor) -> bool:
    wanted = context.settings.accounts.second_factor
    return not who.second_factor and (wanted == "all" or (wanted == "staff" and who.tenant_id is None))


def refused(request: Request, word: str, status: int, **names: str) -> Response:
    return Context.of(request).views.message(spoken(request.scope), f"gate.{word}", status, **names)


def private(response: Response) -> Response:
    """Forms need their ``Origin``, which browsers leave out where no referrer may be told at all."""
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response
