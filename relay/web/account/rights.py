"""What a person may ask of their data, done from their page: a copy of all of it, putting right, erasing (R26)."""

from __future__ import annotations

import json
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import actions
from relay.audit.errors import AuditError
from relay.lists import consent_book
from relay.people import profiles, suppressions
from relay.rights import erasure
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.tracking import consents as track
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from relay.web.account.people import address_of, page_of
from relay.web.inside.gate import PageRequest, act, number_of

MOST_VALUE: Final = profiles.MAX_VALUE
MOST_GROUPS: Final = 5_000


def copy(asked: PageRequest) -> Response:
    """Everything held of one person, as ``relay consent show --json`` has it."""
    address = address_of(asked.field("email", 320)).canonical
    with asked.context.storage.write() as conn:
        person = _known(conn, asked, address)
        found = consent_book.person(conn, asked.tenant_id, address)
        assert found is not None
        told = {"tenant": tenants.by_id(conn, asked.tenant_id).name} | found | {"tracking": track.shown(conn, person)}
        actions.record(conn, asked.visitor.shown, "person-copied", asked.tenant_id, {"address": address}, asked.now)
        asked.note(conn, "did", "person's data: copied")
    body = json.dumps(told, ensure_ascii=False, indent=1).encode()
    headers = {"Content-Disposition": 'attachment; filename="person.json"'}
    return Response(body, 200, headers, media_type="application/json")


def correct(asked: PageRequest) -> Response:
    """Attributes and groups, as the form has them; an empty value removes an attribute."""
    address = address_of(asked.field("email", 320))
    values = {}
    for name, text in asked.fields:
        number = number_of(name.removeprefix("name-"))
        if name.startswith("name-") and number is not None and text.strip():
            values[text.strip()] = asked.field(f"value-{number}", MOST_VALUE + 1)
    wanted = {one.strip() for one in asked.field("groups", MOST_GROUPS).split(",") if one.strip()}
    child = ""
    with asked.context.storage.write() as conn:
        person = _known(conn, asked, address.canonical)
        before = set(profiles.of(conn, person).groups)
        try:
            profiles.change(
                conn, asked.tenant_id, person, attributes=values, join=sorted(wanted - before),
                leave=sorted(before - wanted), now=asked.now,
            )  # fmt: skip
        except profiles.UnderAge as error:  # found before anything is changed
            suppressions.add(conn, person, Reason.HAND, detail=profiles.CHILD, now=asked.now)
            child = f"{error}, and nothing more goes there; erase the person to keep nothing"
        told = {"address": address.canonical}
        actions.record(conn, asked.visitor.shown, "person-corrected", asked.tenant_id, told, asked.now)
        asked.note(conn, "did", "person's data: put right")
    if child:
        raise RegistryError(child)
    return asked.to(page_of(address))


def erase(asked: PageRequest) -> Response:
    """All that names the person; who they are stays known as a keyed hash, so that no list brings them back."""
    address, context = address_of(asked.field("email", 320)).canonical, asked.context
    if asked.field("sure", 320).casefold() != address.casefold():
        raise RegistryError(f"type {address} to erase the person; nothing was changed")
    place = ("erase", asked.tenant_id)
    if not context.running.take(place):
        raise RegistryError("somebody is being erased already; wait a moment")
    try:
        with context.storage.read() as conn:
            _known(conn, asked, address)
        with context.storage.own() as conn:  # it looks through the queue before its transaction
            found = erasure.erase(
                conn, context.secrets, asked.tenant_id, address, actor=asked.visitor.shown, now=asked.now
            )
        with context.storage.write() as conn:
            asked.note(conn, "did", "person: erased")
    except AuditError as error:
        raise RegistryError(str(error)) from error
    finally:
        context.running.give_back(place)
    return asked.page("account/erased.html", {"found": found})


ROUTES = [
    act("/account/people/copy", copy, Deed.CHANGE),
    act("/account/people/correct", correct, Deed.CHANGE),
    act("/account/people/erase", erase, Deed.CHANGE),
]


def _known(conn: Tx, asked: PageRequest, canonical: str) -> int:
    found = consent_book.subscriber_id(conn, asked.tenant_id, canonical)
    if found is None:
        raise HTTPException(404)
    return found
