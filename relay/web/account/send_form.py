"""``/account/send/new`` and ``…/edit``: what a mailing says and whom it is for; nothing typed is lost by a fault."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.mailings import mailings, writing
from relay.mailings.mailings import Mailing, MailingState
from relay.people import profiles, topics
from relay.store.contract import Tx
from relay.templates import templates
from relay.tenants import domains, streams
from relay.values.errors import RegistryError
from relay.values.facts import Kind
from relay.web.inside.gate import PageRequest, act, show
from relay.web.public import forms

MOST_OCTETS: Final = 1024 * 1024
"""Of a form with a file."""
MOST_LETTERS: Final = 500_000
_LINES: Final = ("name", "topic", "stream", "author", "author_name", "reply_to", "subject", "format", "track")
_EMPTY: Final = dict.fromkeys((*_LINES, "source", "written"), "") | {"format": "html"}


def new(asked: PageRequest) -> Response:
    """Empty, or begun from a template."""
    with asked.context.storage.read() as conn:
        name = asked.query("template", 63)
        kept = templates.find(conn, asked.tenant_id, name) if name else None
        if name and kept is None:
            raise HTTPException(404)
        values = dict(_EMPTY)
        if kept is not None:
            text_alone = not kept.source
            values |= {
                "subject": kept.subject,
                "format": "text" if text_alone else kept.format,
                "source": kept.text if text_alone else kept.source,
                "written": "" if text_alone else templates.own_text(kept),
            }
        return _page(conn, asked, values, ())


def make(asked: PageRequest) -> Response:
    given, groups = _given(asked)
    try:
        with asked.context.storage.write() as conn:
            content = writing.checked(given, groups, _proved(conn, asked))
            made = mailings.add(conn, asked.tenant_id, content, actor=asked.visitor.shown, now=asked.now)
            asked.note(conn, "did", f"mailing {made}: written")
    except RegistryError as error:
        return _again(asked, given, groups, str(error))
    return asked.to(f"/account/send/{made}")


def edit(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
        _draft(row)
        values = {name: getattr(row.content, name) for name in _EMPTY}
        return _page(conn, asked, values, row.content.groups, row)


def change(asked: PageRequest) -> Response:
    given, groups = _given(asked)
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
    _draft(row)
    try:
        with asked.context.storage.write() as conn:
            mailings.change(conn, row, writing.checked(given, groups, _proved(conn, asked)), asked.now)
            asked.note(conn, "did", f"mailing {row.id}: changed")
    except RegistryError as error:
        return _again(asked, given, groups, str(error), row)
    return asked.to(f"/account/send/{row.id}")


ROUTES = [
    show("/account/send/new", new, Deed.CHANGE),
    act("/account/send/new", make, Deed.CHANGE, MOST_OCTETS),
    show("/account/send/{id}/edit", edit, Deed.CHANGE),
    act("/account/send/{id}/edit", change, Deed.CHANGE, MOST_OCTETS),
]


def find(conn: Tx, asked: PageRequest) -> Mailing:
    """The tenant's own; of another's nobody learns that it is there."""
    row = mailings.find(conn, asked.tenant_id, asked.number())
    if row is None:
        raise HTTPException(404)
    return row


def _draft(row: Mailing) -> None:
    if row.state is not MailingState.DRAFT:
        raise RegistryError("it isn't a draft any more; copy it to write another")


def _given(asked: PageRequest) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the form says; a file goes before what was pasted."""
    given = {name: asked.field(name, 1_000) for name in _LINES}
    given["source"] = asked.field("file", MOST_OCTETS) or asked.field("source", MOST_OCTETS)
    given["written"] = asked.field("written", MOST_OCTETS)
    return given, tuple(forms.values(asked.fields, "group"))[: profiles.MAX_GROUPS]


def _proved(conn: Tx, asked: PageRequest) -> list[str]:
    return [one.name for one in domains.listing(conn, asked.tenant_id) if one.verified_at is not None]


def _again(
    asked: PageRequest, given: dict[str, str], groups: tuple[str, ...], fault: str, row: Mailing | None = None
) -> Response:
    with asked.context.storage.read() as conn:
        return _page(conn, asked, given, groups, row, fault)


def _page(
    conn: Tx,
    asked: PageRequest,
    given: dict[str, Any],
    groups: tuple[str, ...],
    row: Mailing | None = None,
    fault: str = "",
) -> Response:
    bulk = [one.name for one in streams.of_tenant(conn, asked.tenant_id) if one.kind is Kind.BULK]
    values = {
        "given": given,
        "chosen": groups,
        "row": row,
        "fault": fault,
        "topics": topics.of_tenant(conn, asked.tenant_id),
        "groups": profiles.groups(conn, asked.tenant_id),
        "attributes": profiles.attribute_names(conn, asked.tenant_id),
        "streams": bulk,
        "domains": _proved(conn, asked),
        "templates": templates.names(conn, asked.tenant_id) if row is None else [],
        "formats": writing.FORMATS,
        "tracks": writing.TRACKS,
        "most": MOST_LETTERS,
    }
    return asked.page("account/send_form.html", values, 422 if fault else 200)
