"""``/v1/topics`` and ``/v1/forms``: what people can agree to, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from relay.intake.stored import StoredText
from relay.people import topics
from relay.people.consent_rules import ConsentRefused
from relay.people.topics import TopicRow
from relay.signup import figures, forms
from relay.signup.forms import Form, FormWish
from relay.signup.snippet import frame, snippet
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import LANGUAGES
from relay.values.errors import RegistryError
from relay.web.api import cursors, review
from relay.web.api.consent_list import moment
from relay.web.api.models_forms import FormChange, FormIn, FormList, FormOut, TopicChange, TopicIn, TopicList, TopicOut
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, MADE, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, Limit, check_wording
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

_COLUMNS = "id, name, title, description"
topics_router = APIRouter(prefix="/topics", tags=["topics"], responses=errors(*ALWAYS))
forms_router = APIRouter(prefix="/forms", tags=["forms"], responses=errors(*ALWAYS))

TopicId = Annotated[int, Path(ge=1, lt=2**53)]
FormName = Annotated[str, Path(min_length=1, max_length=63, description="The form's name.", examples=["footer"])]

# --- topics ------------------------------------------------------------------------


@topics_router.get("")
def get_topics(request: Request, cursor: Cursor = None, limit: Limit = 100) -> TopicList:
    """The tenant's topics by name."""
    after = "" if cursor is None else str(cursors.read(cursor, str)[0])
    with Context.of(request).storage.read() as conn:
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM topic WHERE tenant_id = ? AND name > ? ORDER BY name LIMIT ?",
            (tenant(request), after, limit + 1),
        ).fetchall()
    found = [_topic(TopicRow(*row)) for row in rows[:limit]]
    return TopicList(topics=found, next=cursors.write(found[-1].name) if len(rows) > limit else None)


@topics_router.post(
    "",
    status_code=201,
    response_model=TopicOut,
    dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)
def make_topic(request: Request, given: TopicIn, key: Key = None) -> Response:
    """Make a topic. Only while there is none, a stream, a form or a consent makes the first one by itself."""
    tenant_id = tenant(request)

    def act(conn: Tx) -> TopicOut:
        with _as_problems():
            row = topics.add(
                conn,
                tenant_id,
                given.name,
                title=given.title,
                description=given.description,
                actor="api",
                now=Context.of(request).clock(),
            )
        return _topic(row)

    return once(request, key, given, act, 201)


@topics_router.get("/{id}", responses=errors(404))
def get_topic(request: Request, id: TopicId) -> TopicOut:
    """One topic."""
    with Context.of(request).storage.read() as conn:
        row = conn.execute(
            f"SELECT {_COLUMNS} FROM topic WHERE id = ? AND tenant_id = ?", (id, tenant(request))
        ).fetchone()
    if row is None:
        raise Problem("not-found", "the tenant has no such topic")
    return _topic(TopicRow(*row))


@topics_router.patch("/{id}", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def change_topic(request: Request, id: TopicId, given: TopicChange) -> TopicOut:
    """Change what people read of a topic."""
    with Context.of(request).storage.write() as conn:
        row = conn.execute("SELECT name FROM topic WHERE id = ? AND tenant_id = ?", (id, tenant(request))).fetchone()
        if row is None:
            raise Problem("not-found", "the tenant has no such topic")
        with _as_problems():
            changed = topics.edit(
                conn,
                tenant(request),
                row[0],
                title=given.title,
                description=given.description,
                actor="api",
                now=Context.of(request).clock(),
            )
    return _topic(changed)


def _topic(row: TopicRow) -> TopicOut:
    return TopicOut(id=row.id, name=row.name, title=row.title, description=row.description)


# --- forms -------------------------------------------------------------------------


@forms_router.get("")
def get_forms(request: Request) -> FormList:
    """The tenant's forms by name."""
    context = Context.of(request)
    with context.storage.read() as conn:
        return FormList(forms=[_out(context, conn, form) for form in forms.of_tenant(conn, tenant(request))])


@forms_router.post(
    "",
    status_code=201,
    response_model=FormOut,
    dependencies=STRICT_JSON,
    responses={201: MADE, **errors(409, *WITH_BODY)},
)
def make_form(request: Request, given: FormIn, key: Key = None) -> Response:
    """Make a form: a page to link to, and HTML to paste into a page of the tenant's own."""
    context, tenant_id = Context.of(request), tenant(request)
    reviewed = review.look(request, StoredText(f"form {given.name}", given.title, given.wording, ""))

    def act(conn: Tx) -> FormOut:
        if forms.named(conn, tenant_id, given.name) is not None:
            raise Problem("exists", "the tenant has a form of that name")
        if len(forms.of_tenant(conn, tenant_id)) >= forms.MOST_FORMS:
            raise Problem("full", f"the tenant has {forms.MOST_FORMS} forms, which is the most; remove one")
        owner = tenants.by_id(conn, tenant_id)
        wish = FormWish(**given.model_dump(exclude={"name"}))
        check_wording(context, wish.wording)
        with _as_problems():
            made = forms.add(conn, owner, given.name, wish, languages=LANGUAGES, actor="api", now=context.clock())
        reviewed.tell(context, conn, owner.name)
        return _out(context, conn, made)

    location = f"{context.views.base_url}/v1/forms/{given.name}"
    return once(request, key, given, act, 201, location)


@forms_router.get("/{name}", responses=errors(404))
def get_form(request: Request, name: FormName) -> FormOut:
    """One form, with its HTML."""
    context = Context.of(request)
    with context.storage.read() as conn:
        return _out(context, conn, _named(conn, tenant(request), name))


@forms_router.patch(
    "/{name}",
    response_model=FormOut,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def change_form(request: Request, name: FormName, given: FormChange, key: Key = None) -> Response:
    """Change what is named; the rest stays. Requests under way keep the wording they were made with."""
    context, tenant_id = Context.of(request), tenant(request)
    reviewed = review.look(request, StoredText(f"form {name}", given.title or "", given.wording or "", ""))

    def act(conn: Tx) -> FormOut:
        wish = replace(FormWish.of(_named(conn, tenant_id, name)), **given.model_dump(exclude_unset=True))
        if "wording" in given.model_fields_set:
            check_wording(context, wish.wording)
        owner = tenants.by_id(conn, tenant_id)
        with _as_problems():
            changed = forms.edit(conn, owner, name, wish, languages=LANGUAGES, actor="api", now=context.clock())
        reviewed.tell(context, conn, owner.name)
        return _out(context, conn, changed)

    return once(request, key, given, act, 200)


@forms_router.delete("/{name}", status_code=204, responses=errors(404))
def remove_form(request: Request, name: FormName) -> None:
    """Remove a form with the requests that wait; consents given by it stay."""
    context, tenant_id = Context.of(request), tenant(request)
    with context.storage.write() as conn:
        _named(conn, tenant_id, name)
        forms.remove(conn, tenants.by_id(conn, tenant_id), name, actor="api", now=context.clock())


def _named(conn: Tx, tenant_id: int, name: str) -> Form:
    form = forms.named(conn, tenant_id, name)
    if form is None:
        raise Problem("not-found", "the tenant has no form of that name")
    return form


def _out(context: Context, conn: Tx, form: Form) -> FormOut:
    base_url = context.views.base_url
    return FormOut(
        name=form.name,
        key=form.key,
        url=f"{base_url}/s/{form.key}",
        title=form.title,
        topics=[topic.name for topic in form.topics],
        wording=form.wording,
        language=form.language,
        ask_age=form.ask_age,
        ask_tracking=form.ask_tracking,
        redirect=form.redirect,
        frames=list(form.frames),
        created_at=moment(form.created_at),
        html=snippet(context.secrets, form, base_url, tenants.by_id(conn, form.tenant_id).shown),
        frame_html=frame(form, base_url),
        **figures.of_form(conn, form.id),
    )


@contextmanager
def _as_problems() -> Iterator[None]:
    """What the registry refuses, as a problem."""
    try:
        yield
    except ConsentRefused as refused:
        raise Problem(refused.word, refused.text) from refused
    except RegistryError as error:
        raise Problem("form", str(error)) from error
