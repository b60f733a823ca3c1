"""``/why/{token}``: the person's own evidence, and the button that says it is none (R8b).

A GET changes nothing and shows nothing of others. What the page offers depends on the link: that of a real copy
speaks for its person; one that several share, or that came with no message, only shows.
"""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from relay.audit import document
from relay.audit import page as proof_page
from relay.audit.errors import AuditError
from relay.contests import answer, notice, plead, rows, shown
from relay.contests.values import MAX_WORDS, Contest, ContestState, Plea
from relay.feedback import own_link, report_limits
from relay.feedback.own_link import Sender
from relay.feedback.shared import is_shared
from relay.keys.tokens import Mark, read_link
from relay.mail.address import AddressError, parse_address
from relay.tenants import tenants
from relay.tenants.recent import HOUR_S
from relay.web import brand, people
from relay.web.context import Context, evidence
from relay.web.public import forms
from relay.web.views import asked_language, masked, spoken

_PLEAS: Final = {plea.value: plea for plea in Plea}
_WORDS: Final = {"agree": True, "refuse": False}
"""Answers to an answer: whether the person agrees."""
_DOWNLOAD: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


async def why(request: Request) -> Response:
    """``GET|POST /why/{token}``."""
    if request.method != "POST":
        return await run_in_threadpool(_show, request)
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_take, request, fields)


async def proof(request: Request) -> Response:
    """``GET /why/{token}/proof/{topic}``: the proof document of one's own consent, to keep."""
    return await run_in_threadpool(_proof, request)


async def file(request: Request) -> Response:
    """``GET /why/{token}/evidence``: the file that the tenant answered with, to be saved and not shown."""
    return await run_in_threadpool(_file, request)


ROUTES: Final = [
    Route("/why/{token}", why, methods=["GET", "POST"]),
    Route("/why/{token}/proof/{topic:int}", proof, methods=["GET"]),
    Route("/why/{token}/evidence", file, methods=["GET"]),
]


def _show(request: Request, status: int = 200) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return context.views.message(spoken(request.scope), "bad_link", 404)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
        if person is None:
            return context.views.message(spoken(request.scope), "gone")
        claims = shown.claimed(conn, person.subscriber_id, person.topic_id)
        got = shown.got(conn, person.tenant_id, person.subscriber_id, mark.submission_id)
        contest = rows.of_person(conn, person.tenant_id, person.subscriber_id)
        look = brand.find(conn, person.tenant_id)
    token, chosen = request.path_params["token"], asked_language(request.scope)
    query = f"?lang={chosen}" if chosen else ""
    links = {name: f"/{name}/{token}{query}" for name in ("u", "p", "why")}
    links |= {"proof": f"/why/{token}/proof/", "file": f"/why/{token}/evidence"}
    links["form"] = f"/s/{person.form}{query}" if person.form else ""
    values = {
        "person": person,
        "names": {"tenant": person.tenant, "address": masked(person.address)},
        "links": links,
        "claims": claims,
        "got": got,
        "contest": contest,
        "plea": f"why.{contest.plea}" if contest else "",
        "due": context.clock() + context.contests.term,
        "speaks": plead.speaks(mark),
        "most": MAX_WORDS,
    }
    return context.views.page(spoken(request.scope), "why.html", values, status, brand=look)


def _take(request: Request, fields: forms.Fields) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return context.views.message(spoken(request.scope), "bad_link", 404)
    said = next(iter(forms.values(fields, "plea")), "")
    if said == "forwarded" and plead.speaks(mark):
        return _forwarded(request, context, mark)
    if said in _WORDS:
        return _last_word(request, context, mark, agrees=_WORDS[said])
    if said not in _PLEAS or not plead.speaks(mark):
        return context.views.message(spoken(request.scope), "unclear", 400)
    words = next(iter(forms.values(fields, "words")), "")
    now = context.clock()
    with context.storage.write() as conn:
        found = plead.contest(
            conn,
            context.secrets,
            mark,
            _PLEAS[said],
            words,
            term_s=context.contests.term,
            evidence=evidence(request),
            now=now,
        )
        if found is not None and found.new:
            notice.asked(conn, context.office.operator, found.contest, now)
    return _show(request)


def _last_word(request: Request, context: Context, mark: Mark, *, agrees: bool) -> Response:
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        contest = rows.of_person(conn, person.tenant_id, person.subscriber_id) if person else None
        if contest is not None:
            answer.last_word(conn, contest, agrees=agrees, now=context.clock())
    return _show(request)


def _forwarded(request: Request, context: Context, mark: Mark) -> Response:
    """Somebody holds the copy whose it isn't: its person gets a letter with the link, and nothing is changed."""
    office, language, now = context.office, spoken(request.scope), context.clock()
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return context.views.message(language, "gone")
        allowed = report_limits.count(
            conn, context.secrets, context.reports, mark.submission_id, evidence(request)["ip"], now
        )
        if allowed:
            sender = Sender(context.secrets, office.base_url, office.mail_domain, office.hostname)
            try:
                to = parse_address(person.address)
            except AddressError:  # stored by an earlier release with laxer rules: nothing reaches it
                to = None
            if to is not None:
                own_link.put(conn, sender, person.tenant_id, mark, to, language, now, page=own_link.WHY)
    if not allowed:
        response = context.views.message(language, "report.limit", 429)
        response.headers["Retry-After"] = str(int(HOUR_S))
        return response
    return context.views.message(language, "why.forwarded.done", address=masked(person.address))


def _proof(request: Request) -> Response:
    context = Context.of(request)
    mark, language = _mark(request, context), spoken(request.scope)
    if mark is None:
        return context.views.message(language, "bad_link", 404)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
        if person is None:
            return context.views.message(language, "gone")
        topic = conn.execute(
            "SELECT name FROM topic WHERE id = ? AND tenant_id = ?", (request.path_params["topic"], person.tenant_id)
        ).fetchone()
        if topic is None:
            return context.views.message(language, "bad_link", 404)
        tenant = tenants.by_id(conn, person.tenant_id)
        try:
            found = document.as_it_stands(
                conn, context.secrets, tenant, person.address, topic[0], context.office.hostname, context.clock()
            )
        except AuditError:
            return context.views.message(language, "why.unproved", 404)
    if found is None:
        return context.views.message(language, "why.soon", 503)
    headers = {"Content-Disposition": 'attachment; filename="consent-proof.html"', "Content-Security-Policy": _DOWNLOAD}
    return HTMLResponse(proof_page.render(found), 200, headers)


def _file(request: Request) -> Response:
    context = Context.of(request)
    mark, language = _mark(request, context), spoken(request.scope)
    if mark is None:
        return context.views.message(language, "bad_link", 404)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
        contest = rows.of_person(conn, person.tenant_id, person.subscriber_id) if person else None
        found = rows.file(conn, contest.id) if contest is not None and _is_seen(contest) else None
    if found is None:
        return context.views.message(language, "bad_link", 404)
    suffix = found[0].rpartition(".")[2].lower()
    headers = {
        "Content-Disposition": f'attachment; filename="evidence.{suffix}"',
        "Content-Security-Policy": _DOWNLOAD,
    }
    return Response(found[1], 200, headers, "application/octet-stream")


def _is_seen(contest: Contest) -> bool:
    return contest.answered_at is not None and contest.state is not ContestState.CONCEDED


def _mark(request: Request, context: Context) -> Mark | None:
    """Whom the link speaks for; one of a copy that several share speaks for none of them."""
    mark = read_link(context.secrets, request.path_params["token"])
    return None if mark is None or is_shared(mark) else mark
