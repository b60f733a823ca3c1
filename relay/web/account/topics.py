"""``/account/topics`` and ``/account/wordings``: what people can agree to, and in which words."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.people import topics, wording_check, wordings
from relay.people.consent_rules import ConsentRefused
from relay.people.wording_check import Gap
from relay.texts.language import LANGUAGES
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

HERE: Final = "/account/topics"
LENGTH: Final = 50
MOST_WORDING: Final = 20_000


def listing(asked: PageRequest) -> Response:
    """In the order they were made: mail that names none goes under the first."""
    with asked.context.storage.read() as conn:
        rows = topics.of_tenant(conn, asked.tenant_id)
    return asked.page("account/topics.html", {"rows": rows, "changes": asked.visitor.may(Deed.CHANGE)})


def add(asked: PageRequest) -> Response:
    with asked.context.storage.write() as conn:
        try:
            row = topics.add(
                conn,
                asked.tenant_id,
                asked.field("name", 63),
                title=asked.field("title", topics.MAX_TITLE + 1),
                description=asked.field("description", topics.MAX_DESCRIPTION + 1),
                actor=asked.visitor.shown,
                now=asked.now,
            )
        except ConsentRefused as error:
            raise RegistryError(str(error)) from error
        asked.note(conn, "did", f"topic {row.name}: added")
    return asked.to(HERE)


def edit(asked: PageRequest) -> Response:
    """What people read of it; its name stays, consents are to it."""
    with asked.context.storage.write() as conn:
        number = asked.number()
        row = next((one for one in topics.of_tenant(conn, asked.tenant_id) if one.id == number), None)
        if row is None:
            raise HTTPException(404)
        try:
            topics.edit(
                conn,
                asked.tenant_id,
                row.name,
                title=asked.field("title", topics.MAX_TITLE + 1),
                description=asked.field("description", topics.MAX_DESCRIPTION + 1),
                actor=asked.visitor.shown,
                now=asked.now,
            )
        except ConsentRefused as error:
            raise RegistryError(str(error)) from error
        asked.note(conn, "did", f"topic {row.name}: changed")
    return asked.to(HERE)


def all_wordings(asked: PageRequest) -> Response:
    """Every version; none is ever changed or deleted."""
    return _wordings(asked, {"checked": None, "text_given": "", "chosen": ""})


def _wordings(asked: PageRequest, values: dict[str, object]) -> Response:
    """The newest first, page by page; of many consents it is said that they are many."""
    with asked.context.storage.read() as conn:
        rows = wordings.newest(conn, asked.tenant_id, asked.before(), LENGTH + 1)
    listed = {
        "rows": rows[:LENGTH],
        "following": rows[LENGTH - 1].number if len(rows) > LENGTH else None,
        "most": wordings.MOST_COUNTED,
        "form_languages": LANGUAGES,
    }
    return asked.page("account/wordings.html", listed | values)


def one_wording(asked: PageRequest) -> Response:
    """One version, and what it says and leaves out."""
    with asked.context.storage.read() as conn:
        try:
            row = wordings.find(conn, asked.tenant_id, asked.number())
        except RegistryError:
            raise HTTPException(404) from None
    return asked.page("account/wording.html", {"row": row, "checked": _checked(asked, row.text, row.language)})


def check(asked: PageRequest) -> Response:
    """Of a text that isn't stored: what must be in it, and is or isn't."""
    text, language = asked.field("wording", MOST_WORDING), asked.field("language", 5)
    if not text:
        raise RegistryError("enter the text that people are to agree to")
    chosen = language if language in LANGUAGES else ""
    return _wordings(asked, {"checked": _checked(asked, text, chosen), "text_given": text, "chosen": chosen})


ROUTES = [
    show(HERE, listing, Deed.SEE),
    act(HERE, add, Deed.CHANGE),
    act(f"{HERE}/{{id}}", edit, Deed.CHANGE),
    show("/account/wordings", all_wordings, Deed.SEE),
    act("/account/wording-check", check, Deed.SEE),
    show("/account/wordings/{id}", one_wording, Deed.SEE),
]


def _checked(asked: PageRequest, text: str, language: str) -> list[tuple[Gap, bool]]:
    """All that a wording must say here, each with whether it does."""
    abroad = asked.context.consent.transfer_abroad
    missing = wording_check.gaps(text, language, abroad=abroad)
    return [(gap, gap not in missing) for gap in Gap if abroad or gap is not Gap.TRANSFER]
