"""``/v1/consents``: recording, asking by double opt-in, withdrawing, listing, exporting."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from relay.people import consents, topics
from relay.people.consent_rules import DOUBLE_OPT_IN, ConsentRefused, terms
from relay.signup import forms
from relay.signup.ask import Asked, Wish, ask, closed
from relay.signup.forms import Form
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import LANGUAGES, choose
from relay.web import export, problems
from relay.web.api import consent_export, tracking
from relay.web.api.consent_list import list_consents, moment, one_consent
from relay.web.api.history import history
from relay.web.api.models import (
    BatchIn,
    BatchItem,
    BatchOut,
    ConsentIn,
    ConsentList,
    ConsentOut,
    HistoryOut,
    OptInIn,
    OptInOut,
    ProblemOut,
    TopicField,
    WithdrawIn,
    Withdrawn,
)
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, EXPORTED, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, EmailQuery, Limit, TopicQuery, address_of, check_wording
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context, evidence
from relay.web.people import EVERYTHING
from relay.web.problems import TYPES, Problem

router = APIRouter(prefix="/consents", tags=["consents"], responses=errors(*ALWAYS))
router.include_router(tracking.router)

_REFUSALS = {
    Asked.FROZEN: ("frozen", "the tenant is frozen"),
    Asked.SUPPRESSED: ("suppressed", "nothing may go to the address"),
    Asked.NEVER: ("never-ask", "the person asked never to be asked again"),
    Asked.LEFT: ("unsubscribed", "the person unsubscribed, and the operator lets nobody come back"),
    Asked.FULL: ("full", "too many requests of the tenant wait for their confirmation"),
    Asked.TENANT: ("limit", "the tenant's confirmation letters of this hour are used up; ask again when it is over"),
    Asked.FORM: ("limit", "the form's confirmation letters of this hour are used up; ask again when it is over"),
}


@router.post(
    "",
    status_code=201,
    response_model=ConsentOut,
    dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)
def give_consent(request: Request, given: ConsentIn, key: Key = None) -> Response:
    """Record that a person agreed to a topic. Who unsubscribed can't be added again."""
    context, tenant_id = Context.of(request), tenant(request)
    return once(request, key, given, lambda conn: _give(context, conn, tenant_id, given), 201)


@router.post(
    "/batch", response_model=BatchOut, dependencies=STRICT_JSON, responses={200: REPLAY, **errors(409, *WITH_BODY)}
)
def give_consents(request: Request, given: BatchIn, key: Key = None) -> Response:
    """Record many consents, each with a result of its own. One that is not well-formed refuses the whole request."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> BatchOut:
        results = [_item(context, conn, tenant_id, one) for one in given.consents]
        recorded = sum(result.consent is not None for result in results)
        return BatchOut(recorded=recorded, refused=len(results) - recorded, results=results)

    return once(request, key, given, act, 200)


@router.post(
    "/opt-in",
    status_code=202,
    response_model=OptInOut,
    dependencies=STRICT_JSON,
    responses={202: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def ask_for_consent(request: Request, given: OptInIn, key: Key = None) -> Response:
    """Send a person a confirmation mail (double opt-in) in the words of a form; only their click subscribes."""
    context, tenant_id = Context.of(request), tenant(request)
    return once(request, key, given, lambda conn: _ask(context, conn, tenant_id, given), 202)


@router.get("")
def get_consents(
    request: Request,
    email: Annotated[str | None, Query(min_length=3, max_length=320)] = None,
    topic: TopicQuery = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> ConsentList:
    """The tenant's consents, withdrawn ones too, by address and topic."""
    address = None if email is None else address_of(email).canonical
    with Context.of(request).storage.read() as conn:
        _known(conn, tenant(request), topic)
        return list_consents(conn, tenant(request), address=address, topic=topic, cursor=cursor, limit=limit)


@router.get("/history", responses=errors(404))
def get_history(request: Request, email: EmailQuery, cursor: Cursor = None, limit: Limit = 100) -> HistoryOut:
    """Everything one person gave and withdrew, with the evidence, and what is suppressed."""
    with Context.of(request).storage.read() as conn:
        return history(conn, tenant(request), address_of(email).canonical, cursor, limit)


@router.get("/export", response_class=Response, responses={200: EXPORTED, **errors(429)})
def export_consents(request: Request, format: Literal["jsonl", "csv"] = "jsonl", topic: TopicQuery = None) -> Response:
    """All consents as a stream, withdrawn ones too: JSON lines, or CSV with the columns of an import."""
    context, tenant_id = Context.of(request), tenant(request)
    with context.storage.read() as conn:
        _known(conn, tenant_id, topic)
    place = ("export", tenant_id)
    if not context.running.take(place, export.MOST):
        raise Problem("limit", f"{export.MOST} exports are running; one has to end first")
    lines = consent_export.lines(context.storage, tenant_id, format, topic)
    return export.Export(lines, format, lambda: context.running.give_back(place))


@router.delete("", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def withdraw_consent(
    request: Request,
    email: Annotated[str | None, Query(min_length=3, max_length=320)] = None,
    topic: Annotated[TopicField | None, Query(description="Without it all topics end.")] = None,
    body: Annotated[WithdrawIn | None, Body()] = None,
) -> Withdrawn:
    """End a person's consent, by query or by JSON body; it acts at once, also on queued mail."""
    if body is not None:
        if email is not None or topic is not None:
            raise Problem("invalid", "name the person either in the query or in the body, not in both")
        email, topic = body.email, body.topic
    if email is None:
        raise Problem("invalid", "email is missing")
    context, tenant_id, address = Context.of(request), tenant(request), address_of(email)
    with context.storage.write() as conn:
        subscriber_id = _person(conn, tenant_id, address.canonical)
        topic_id = EVERYTHING if topic is None else _known(conn, tenant_id, topic, "not-found")
        changed = consents.withdraw(
            conn,
            tenant_id,
            subscriber_id,
            topic_id=topic_id,
            means="api",
            now=context.clock(),
            evidence=evidence(request),
        )
    return Withdrawn(email=address.canonical, topic=topic, changed=changed)


# --- the work ----------------------------------------------------------------------


def _give(context: Context, conn: Tx, tenant_id: int, given: ConsentIn) -> ConsentOut:
    address, now = address_of(given.email), context.clock()
    check_wording(context, given.wording)
    if closed(conn, context.secrets, tenant_id, address):
        raise Problem(
            "suppressed", f"nothing may go to {address.canonical}: a hard bounce, a complaint or the operator"
        )
    try:
        consents.give(
            conn,
            context.secrets,
            tenant_id,
            address,
            topic=given.topic,
            source=given.source,
            wording=given.wording,
            means="api",
            given_at=now if given.at is None else given.at.timestamp(),
            now=now,
            ip=given.ip or "",
            page=given.page,
            actor="api",
        )
    except consents.ConsentRefused as refused:
        raise Problem(refused.word, refused.text) from refused
    return one_consent(conn, tenant_id, address.canonical, given.topic)


def _item(context: Context, conn: Tx, tenant_id: int, given: ConsentIn) -> BatchItem:
    """A refused one changed nothing, so the others go on."""
    try:
        return BatchItem(status=201, consent=_give(context, conn, tenant_id, given))
    except Problem as problem:
        status = TYPES[problem.word][0]
        members = problems.document(status, base_url=context.views.base_url, word=problem.word, detail=problem.detail)
        return BatchItem(status=status, problem=ProblemOut.model_validate(members))


def _ask(context: Context, conn: Tx, tenant_id: int, given: OptInIn) -> OptInOut:
    form = forms.named(conn, tenant_id, given.form)
    if form is None:
        raise Problem("not-found", "the tenant has no form of that name")
    wish = _wish(form, given, tenants.by_id(conn, tenant_id).shown)
    now = context.clock()
    outcome = ask(conn, context.office, form, wish, now)
    if outcome in _REFUSALS:
        raise Problem(*_REFUSALS[outcome])
    if outcome is not Asked.SENT:  # which limit would tell of other tenants' requests
        raise Problem("limit", "no more confirmation letters to this mailbox for now; ask again tomorrow")
    return OptInOut(
        email=wish.address.canonical,
        form=form.name,
        topics=[topic.name for topic in wish.topics],
        expires_at=moment(now + context.office.limits.link_lifetime),
    )


def _wish(form: Form, given: OptInIn, shown: str) -> Wish:
    """``shown`` is the tenant's name as people know it."""
    address = address_of(given.email)
    if "." not in address.domain or address.domain.startswith("["):
        raise Problem("address", "email: the domain must be a public one")
    if form.ask_age and not given.old_enough:
        raise Problem("age", "the form asks whether the person is 16 or older; say so with old_enough")
    if given.language and given.language not in LANGUAGES:
        raise Problem("invalid", f"language: there are {', '.join(LANGUAGES)}")
    known = {topic.name: topic for topic in form.topics}
    if missing := next((name for name in given.topics if name not in known), None):
        raise Problem("topic", f"the form has no topic {missing[:60]!r}; it has {', '.join(known)}")
    try:
        agreed = terms(
            topic=given.topics[0],
            source=forms.source(form.name),
            wording=form.wording,
            means=DOUBLE_OPT_IN,
            page=given.page,
        )
    except consents.ConsentRefused as refused:
        raise Problem(refused.word, refused.text) from refused
    language = choose(given.language, form.language)
    if given.tracking and not form.ask_tracking:
        raise Problem("invalid", "tracking: the form doesn't ask for it; `relay form edit --ask-tracking` lets it")
    return Wish(
        address,
        tuple(dict.fromkeys(known[name] for name in given.topics)),
        language,
        ip=given.ip or "",
        page=agreed.page,
        old_enough=form.ask_age,
        tracking=language.plain("track.wording", tenant=shown) if given.tracking else "",
        by="api",
    )


def _person(conn: Tx, tenant_id: int, canonical: str) -> int:
    row = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchone()
    if row is None:
        raise Problem("not-found", "the tenant has no such address")
    return int(row[0])


def _known(conn: Tx, tenant_id: int, topic: str | None, word: str = "topic") -> int:
    """The id of a topic that is there, 0 for none; a list of what nobody made would only look empty."""
    try:
        return 0 if topic is None else topics.known(conn, tenant_id, topic)
    except ConsentRefused as refused:
        raise Problem(word, refused.text) from None
