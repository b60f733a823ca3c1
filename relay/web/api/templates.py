"""``/v1/templates``: kept by name, each change a version; filled in to look at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from relay.intake.stored import StoredText
from relay.store.contract import Tx
from relay.templates import templates
from relay.templates.filling import filler
from relay.templates.liquid_engine import TemplateFault
from relay.templates.templates import KeptTemplate
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.api import review
from relay.web.api.consent_list import moment
from relay.web.api.models_messages import Data, Verbatim
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/templates", tags=["templates"], responses=errors(*ALWAYS))
TemplateBody = Annotated[str, Field(max_length=500_000)]
Version = Annotated[int | None, Query(ge=1, le=2**31, description="Default: the newest.")]


class TemplateIn(Verbatim):
    """A template, or a new version of it. Variables are Liquid's: `{{ name }}`."""

    name: Annotated[str, Field(min_length=1, max_length=63, examples=["welcome"])]
    subject: Annotated[str, Field(max_length=900, examples=["Welcome, {{ name }}"])]
    text: Annotated[TemplateBody, Field(description="Default: made from the HTML.")] = ""
    format: Annotated[Literal["html", "mjml", "markdown"], Field(description="What `source` is written in.")] = "html"
    source: Annotated[TemplateBody, Field(examples=["<p>Hello {{ name }}</p>"])] = ""


class TemplateOut(BaseModel):
    name: str
    version: int
    subject: str
    text: str
    html: str
    format: str
    source: str
    created_at: datetime


class TemplateList(BaseModel):
    templates: list[TemplateOut] = Field(description="The newest version of each, by name.")


class RenderIn(Verbatim):
    data: Data = Field(default={})


class RenderOut(BaseModel):
    subject: str
    text: str
    html: str
    missing: list[str] = Field(description="Variables that are shown and have no value.")


@router.get("")
def get_templates(request: Request) -> TemplateList:
    """The tenant's templates."""
    with Context.of(request).storage.read() as conn:
        return TemplateList(templates=[_out(one) for one in templates.all_of(conn, tenant(request))])


@router.post(
    "", status_code=201, response_model=TemplateOut, dependencies=STRICT_JSON,
    responses={201: REPLAY, **errors(409, *WITH_BODY)},
)  # fmt: skip
def put_template(request: Request, given: TemplateIn, key: Key = None) -> Response:
    """Make a template, or a new version of it; everything in it is checked."""
    context, tenant_id = Context.of(request), tenant(request)
    try:
        html, text = templates.made(given.subject, given.text, given.source, given.format)
    except TemplateFault as error:
        raise Problem("template", str(error)) from None
    reviewed = review.look(request, StoredText(f"template {given.name}", given.subject, text, html))

    def act(conn: Tx) -> TemplateOut:
        try:
            kept = templates.put(
                conn, tenant_id, given.name, subject=given.subject, text=given.text, source=given.source,
                format=given.format, now=context.clock(),
            )  # fmt: skip
        except (RegistryError, TemplateFault) as error:
            raise Problem("template", str(error)) from None
        reviewed.tell(context, conn, tenants.by_id(conn, tenant_id).name)
        return _out(kept)

    return once(request, key, given, act, 201)


@router.get("/{name}", responses=errors(404))
def get_template(request: Request, name: str, version: Version = None) -> TemplateOut:
    """One of them."""
    return _out(_found(Context.of(request), tenant(request), name, version))


@router.delete("/{name}", status_code=204, responses=errors(404))
def remove_template(request: Request, name: str) -> None:
    """Remove it, all its versions; messages that are accepted already keep what they need."""
    with Context.of(request).storage.write() as conn:
        if not templates.remove(conn, tenant(request), name):
            raise Problem("not-found", "the tenant has no template of that name")


@router.post("/{name}/render", dependencies=STRICT_JSON, responses=errors(404, *WITH_BODY))
def render_template(request: Request, name: str, given: RenderIn, version: Version = None) -> RenderOut:
    """What a recipient would get, without footer and links; nothing is sent."""
    kept = _found(Context.of(request), tenant(request), name, version)
    try:
        return rendered(kept, given.data)
    except TemplateFault as fault:
        raise Problem("template", str(fault)) from None


def rendered(kept: KeptTemplate, values: dict[str, Any]) -> RenderOut:
    """Raises TemplateFault."""
    subject, missing = filler(kept.subject, False).render(values)
    text, more = filler(kept.text, False).render(values)
    html, still = filler(kept.html, True).render(values)
    return RenderOut(subject=subject, text=text, html=html, missing=list(dict.fromkeys([*missing, *more, *still])))


def named(context: Context, tenant_id: int, text: str) -> KeptTemplate:
    """``name`` or ``name@version``. Raises Problem."""
    name, at, version = text.partition("@")
    if at and not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Problem("template", "template: after the @ stands a version's number")
    found = _find(context, tenant_id, name, int(version) if at else None)
    if found is None:
        raise Problem("template", "template: the tenant has none of that name and version")
    return found


def _find(context: Context, tenant_id: int, name: str, version: int | None) -> KeptTemplate | None:
    with context.storage.read() as conn:
        return templates.find(conn, tenant_id, name, version)


def _found(context: Context, tenant_id: int, name: str, version: int | None) -> KeptTemplate:
    found = _find(context, tenant_id, name, version)
    if found is None:
        raise Problem("not-found", "the tenant has no template of that name and version")
    return found


def _out(one: KeptTemplate) -> TemplateOut:
    return TemplateOut(
        name=one.name,
        version=one.version,
        subject=one.subject,
        text=one.text,
        html=one.html,
        format=one.format,
        source=one.source,
        created_at=moment(one.created_at),
    )
