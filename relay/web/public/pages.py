"""The pages that a mailing's links lead to: unsubscribe, preferences, spam report.

The signed link is the only authority: no cookie, no session, no script. A GET
reads; only a POST withdraws (RFC 8058 §3.1, §5), and repeating it is harmless.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.feedback.shared import is_shared
from relay.keys.tokens import Mark, read_link
from relay.people import consents, service
from relay.store.contract import Tx
from relay.tracking import consents as track
from relay.web import brand, people
from relay.web.context import Context, evidence
from relay.web.people import EVERYTHING, Person
from relay.web.public import forms, shared, tracking_choice
from relay.web.views import asked_language, masked, spoken


async def unsubscribe(request: Request) -> Response:
    """``GET|POST /u/{token}``."""
    if request.method != "POST":
        return await run_in_threadpool(_ask, request)
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_unsubscribe, request, fields)


async def preferences(request: Request) -> Response:
    """``GET|POST /p/{token}``."""
    if request.method != "POST":
        return await run_in_threadpool(_show, request)
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_save, request, fields)


async def report(request: Request) -> Response:
    """``GET|POST /report/{token}``, where ``X-Report-Abuse`` points (R25)."""
    mark = read_link(Context.of(request).secrets, request.path_params["token"])
    if mark is not None and is_shared(mark):
        return await shared.report(request, mark)
    if request.method != "POST":
        return await run_in_threadpool(_ask_report, request)
    fields = forms.read_form(request.headers.get("content-type", ""), await request.body())
    return await run_in_threadpool(_report, request, fields)


ROUTES = [
    Route("/report/{token}", report, methods=["GET", "POST"]),
    Route("/u/{token}", unsubscribe, methods=["GET", "POST"]),
    Route("/p/{token}", preferences, methods=["GET", "POST"]),
]


def _ask(request: Request) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
        ended_at = people.ended_at(conn, person.subscriber_id, person.topic_id) if person else None
    if person is None:
        return _gone(request)
    if ended_at is not None:
        return _page(request, "already.html", person, ended_at=ended_at)
    return _page(request, "ask.html", person)


def _unsubscribe(request: Request, fields: forms.Fields) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    scopes = forms.values(fields, "scope")
    one_click = forms.is_one_click(fields)
    if not one_click and not {"topic", "all"}.intersection(scopes):
        return context.views.message(spoken(request.scope), "unclear", 400)
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        topic_id = EVERYTHING if "all" in scopes else person.topic_id
        means = "one-click" if one_click else "page"
        _withdraw(conn, request, mark, person, topic_id, means)
    return _page(request, "done.html", person, everything=topic_id == EVERYTHING)


def _show(request: Request, notice: str = "") -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        topics = people.topics(conn, person.subscriber_id)
        services = service.of_person(conn, person.tenant_id, person.subscriber_id)
        all_ended_at = people.ended_at(conn, person.subscriber_id, EVERYTHING)
        tracking = track.of(conn, person.subscriber_id)
    live = [topic for topic in topics if topic.ended_at is None]
    ended = [topic for topic in topics if topic.ended_at is not None]
    shown = {"live": live, "ended": ended, "services": services, "all_ended_at": all_ended_at, "notice": notice}
    shown |= tracking_choice.shown(context.tracking.consent, tracking)
    return _page(request, "preferences.html", person, **shown)


def _save(request: Request, fields: forms.Fields) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    if "all" in forms.values(fields, "scope"):
        return _unsubscribe(request, [("scope", "all")])
    if stream := "".join(forms.values(fields, "stream")[:1]):
        return _end_service(request, mark, stream, sure="yes" in forms.values(fields, "sure"))
    if wanted := forms.values(fields, "tracking"):
        return _track(request, mark, wanted[0], agreed="yes" in forms.values(fields, "agree"))
    # Only what the page showed is ended: a topic agreed to since then stays.
    unticked = set(forms.values(fields, "shown")) - set(forms.values(fields, "keep"))
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        live = [topic for topic in people.topics(conn, person.subscriber_id) if topic.ended_at is None]
        ending = [topic for topic in live if str(topic.topic_id) in unticked]
        for topic in ending:
            _withdraw(conn, request, mark, person, topic.topic_id, "preferences")
    if not ending:
        return _show(request, "prefs.unchanged")
    return _show(request, "prefs.saved" if len(live) > len(ending) else "prefs.saved_none")


def _end_service(request: Request, mark: Mark, stream: str, *, sure: bool) -> Response:
    """One stream of service mail; an essential one only by who has read what is lost."""
    context = Context.of(request)
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        found = service.of_person(conn, person.tenant_id, person.subscriber_id)
        wanted = next((one for one in found if str(one.stream_id) == stream), None)
        if wanted is None:
            return context.views.message(spoken(request.scope), "unclear", 400)
        if wanted.essential and wanted.ended_at is None and not sure:
            return _page(request, "essential.html", person, service=wanted)
        service.end(
            conn,
            person.tenant_id,
            person.subscriber_id,
            wanted,
            means="preferences",
            now=context.clock(),
            evidence=evidence(request),
            submission_id=mark.submission_id or None,
            number=mark.number if mark.submission_id else None,
        )
    return _show(request, "service.stopped")


def _track(request: Request, mark: Mark, wanted: str, *, agreed: bool) -> Response:
    context = Context.of(request)
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        notice = tracking_choice.choose(conn, request, person, wanted, agreed=agreed)
    return _show(request, notice)


def _ask_report(request: Request) -> Response:
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    with context.storage.read() as conn:
        person = people.find(conn, mark)
    return _gone(request) if person is None else _page(request, "report.html", person)


def _report(request: Request, fields: forms.Fields) -> Response:
    """A complaint counts the same as one from a feedback loop."""
    context = Context.of(request)
    mark = _mark(request, context)
    if mark is None:
        return _bad_link(request)
    if "abuse" not in forms.values(fields, "report"):
        return context.views.message(spoken(request.scope), "unclear", 400)
    finding = Finding(FeedbackKind.COMPLAINT, type="abuse", source="page")
    with context.storage.write() as conn:
        person = people.find(conn, mark)
        if person is None:
            return _gone(request)
        record(conn, Item(mark, finding), context.clock(), context.office.operator)
    return _page(request, "reported.html", person)


def _withdraw(conn: Tx, request: Request, mark: Mark, person: Person, topic_id: int, means: str) -> None:
    consents.withdraw(
        conn,
        person.tenant_id,
        person.subscriber_id,
        topic_id=topic_id,
        means=means,
        now=Context.of(request).clock(),
        evidence=evidence(request),
        submission_id=mark.submission_id or None,
        number=mark.number if mark.submission_id else None,
    )


def _mark(request: Request, context: Context) -> Mark | None:
    """Whom the link speaks for; one of a copy that several share speaks for none of them."""
    mark = read_link(context.secrets, request.path_params["token"])
    return None if mark is None or is_shared(mark) else mark


def _page(request: Request, template: str, person: Person, **values: object) -> Response:
    token, chosen = request.path_params["token"], asked_language(request.scope)
    query = f"?lang={chosen}" if chosen else ""
    names = {"tenant": person.tenant, "topic": person.topic or "", "address": masked(person.address)}
    names["contact"] = person.contact
    links = {"u": f"/u/{token}{query}", "p": f"/p/{token}{query}", "report": f"/report/{token}{query}"}
    links["form"] = f"/s/{person.form}{query}" if person.form else ""
    with Context.of(request).storage.read() as conn:
        look = brand.find(conn, person.tenant_id)
    values = {"person": person, "names": names, "links": links, **values}
    return Context.of(request).views.page(spoken(request.scope), template, values, brand=look)


def _bad_link(request: Request) -> Response:
    return Context.of(request).views.message(spoken(request.scope), "bad_link", 404)


def _gone(request: Request) -> Response:
    return Context.of(request).views.message(spoken(request.scope), "gone")
