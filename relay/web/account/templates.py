"""``/account/templates``: kept texts with variables, each change a version; looked at, and begun with."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.exemplars import as_read
from relay.intake.stored import StoredText
from relay.store.contract import Tx
from relay.templates import templates
from relay.templates.filling import filler
from relay.templates.liquid_engine import TemplateFault
from relay.templates.templates import KeptTemplate
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web import review
from relay.web.account.send_form import MOST_OCTETS
from relay.web.inside.frame import framed
from relay.web.inside.gate import PageRequest, act, number_of, show
from relay.web.review import ReviewRefused

HERE: Final = "/account/templates"
_FIELDS: Final = ("name", "subject", "format", "source", "text")


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = templates.heads(conn, asked.tenant_id)
    return asked.page("account/templates.html", {"rows": rows, "changes": asked.visitor.may(Deed.CHANGE)})


def one(asked: PageRequest) -> Response:
    """A version with its form, and those before it."""
    with asked.context.storage.read() as conn:
        kept = _find(conn, asked)
        numbers = templates.versions(conn, asked.tenant_id, kept.name)
    given = {name: getattr(kept, name) for name in _FIELDS} | {"text": templates.own_text(kept)}
    return _page(asked, given, kept, numbers)


def preview(asked: PageRequest) -> Response:
    """The document for a frame: variables without a value stand for themselves."""
    with asked.context.storage.read() as conn:
        kept = _find(conn, asked)
    dark = asked.query("look", 5) == "dark"
    try:
        html, missing = filler(kept.html, True).render({})
        values = {name: f"[{name}]" for name in missing if name.isidentifier()}
        text, _ = filler(kept.text, False).render(values)
        html, _ = filler(kept.html, True).render(values)
    except TemplateFault as fault:
        return framed(as_read.notice(str(fault), dark=dark))
    return framed(as_read.page_of(html, dark=dark) if html else as_read.notice(text, dark=dark))


def put(asked: PageRequest) -> Response:
    """A new one, or a new version: checked, shown to the policies, kept."""
    given = {name: asked.field(name, 1_000) for name in ("name", "subject", "format")}
    given["source"] = asked.field("file", MOST_OCTETS) or asked.field("source", MOST_OCTETS)
    given["text"] = asked.field("text", MOST_OCTETS)
    try:
        kept = _put(asked, given)
    except (RegistryError, TemplateFault) as error:
        return _page(asked, given, None, [], str(error))
    return asked.to(f"{HERE}/{kept.name}")


def remove(asked: PageRequest) -> Response:
    """All its versions."""
    with asked.context.storage.write() as conn:
        kept = _find(conn, asked)
        templates.remove(conn, asked.tenant_id, kept.name)
        asked.note(conn, "did", f"template {kept.name}: removed")
    return asked.to(HERE)


def new(asked: PageRequest) -> Response:
    return _page(asked, dict.fromkeys(_FIELDS, "") | {"format": "html"}, None, [])


ROUTES = [
    show(HERE, listing, Deed.SEE),
    act(HERE, put, Deed.CHANGE, MOST_OCTETS),
    show("/account/new-template", new, Deed.CHANGE),
    show(f"{HERE}/{{name}}", one, Deed.SEE),
    show(f"{HERE}/{{name}}/preview", preview, Deed.SEE),
    act(f"{HERE}/{{name}}/remove", remove, Deed.CHANGE),
]


def _put(asked: PageRequest, given: dict[str, str]) -> KeptTemplate:
    """Raises RegistryError, TemplateFault."""
    context = asked.context
    if "\ufffd" in given["source"]:
        raise RegistryError("the file is not in UTF-8; save it in UTF-8 and choose it again")
    html, text = templates.made(given["subject"], given["text"], given["source"], given["format"])
    stored = StoredText(f"template {given['name']}", given["subject"], text, html)
    try:
        reviewed = review.look(context, asked.tenant_id, stored)
    except ReviewRefused as refused:
        raise RegistryError(str(refused)) from None
    with context.storage.write() as conn:
        kept = templates.put(
            conn, asked.tenant_id, given["name"], subject=given["subject"], text=given["text"],
            source=given["source"], format=given["format"], now=asked.now,
        )  # fmt: skip
        reviewed.tell(context, conn, tenants.by_id(conn, asked.tenant_id).name)
        asked.note(conn, "did", f"template {kept.name}: version {kept.version}")
    return kept


def _find(conn: Tx, asked: PageRequest) -> KeptTemplate:
    kept = templates.find(
        conn, asked.tenant_id, asked.request.path_params["name"], number_of(asked.query("version", 9))
    )
    if kept is None:
        raise HTTPException(404)
    return kept


def _page(
    asked: PageRequest,
    given: dict[str, Any],
    kept: KeptTemplate | None,
    numbers: list[tuple[int, float]],
    fault: str = "",
) -> Response:
    values = {
        "given": given,
        "kept": kept,
        "versions": numbers,
        "fault": fault,
        "formats": templates.FORMATS,
        "changes": asked.visitor.may(Deed.CHANGE),
        "dark": asked.query("look", 5) == "dark",
    }
    return asked.page("account/template.html", values, 422 if fault else 200)
