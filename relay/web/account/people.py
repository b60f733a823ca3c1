"""``/account/people``: who agreed to what, with history and proof; consents by hand, and their end."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import document
from relay.audit.errors import AuditError
from relay.lists import consent_book
from relay.mail.address import Address, AddressError, parse_address
from relay.people import consents, profiles, topics
from relay.people.consent_rules import ConsentRefused
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, number_of, show

LENGTH: Final = 50
MOST_HISTORY: Final = 100


def listing(asked: PageRequest) -> Response:
    """By address, or those of a group, page by page; ``email`` leads to the person."""
    wanted, group, after = asked.query("email"), asked.query("group", 100), asked.query("after")
    if wanted:
        return asked.to(f"/account/people/one?{urlencode({'email': wanted})}")
    with asked.context.storage.read() as conn:
        if group:
            rows = consent_book.people_of_group(conn, asked.tenant_id, group, number_of(after) or 0, LENGTH + 1)
        else:
            rows = consent_book.people(conn, asked.tenant_id, after, LENGTH + 1)
        named = topics.of_tenant(conn, asked.tenant_id)
        groups = profiles.group_names(conn, asked.tenant_id)
    place = {}
    if len(rows) > LENGTH:
        last = rows[LENGTH - 1]
        place = {"group": group, "after": str(last.id)} if group else {"after": last.address}
    values = {
        "rows": rows[:LENGTH],
        "following": urlencode(place),
        "topics": named,
        "groups": groups,
        "group": group,
        "changes": asked.visitor.may(Deed.CHANGE),
    }
    return asked.page("account/people.html", values)


def one(asked: PageRequest) -> Response:
    """Everything known of a person; who isn't known is told so, by the same page."""
    text = asked.query("email")
    try:
        canonical = parse_address(text).canonical
    except AddressError:
        canonical = ""
    with asked.context.storage.read() as conn:
        found = consent_book.person(conn, asked.tenant_id, canonical) if canonical else None
    if found is None:
        return asked.page("account/person_unknown.html", {"email": text}, 404)
    history = found["history"]
    assert isinstance(history, list)
    values = {"person": found, "history": history[::-1][:MOST_HISTORY], "changes": asked.visitor.may(Deed.CHANGE)}
    return asked.page("account/person.html", values)


def proof(asked: PageRequest) -> Response:
    """The signed document that stands alone (docs/PROOF.md), to be kept; a form, since a head of the log is signed."""
    canonical, topic = address_of(asked.field("email", 320)).canonical, asked.field("topic", 63)
    context = asked.context
    with context.storage.read() as conn:
        if consent_book.subscriber_id(conn, asked.tenant_id, canonical) is None:
            raise HTTPException(404)
    try:
        with context.storage.own() as conn:  # it signs in a transaction of its own
            owner = tenants.by_id(conn, asked.tenant_id)
            hostname = context.settings.server.hostname
            found = document.build(conn, context.secrets, owner, canonical, topic, hostname, context.clock)
    except (AuditError, ConsentRefused) as error:
        raise RegistryError(str(error)) from error
    body = json.dumps(found, ensure_ascii=False, indent=1).encode()
    headers = {"Content-Disposition": 'attachment; filename="proof.json"'}
    return Response(body, 200, headers, media_type="application/json")


def give(asked: PageRequest) -> Response:
    """One person's consent, by hand; who ended it can't be added again."""
    address = address_of(asked.field("email", 320))
    with asked.context.storage.write() as conn:
        try:
            consents.give(
                conn,
                asked.context.secrets,
                asked.tenant_id,
                address,
                topic=asked.field("topic", 63),
                source=asked.field("source", 500),
                wording=asked.field("wording", 10_000),
                means="hand",
                given_at=asked.now,
                now=asked.now,
                actor=asked.visitor.shown,
            )
        except ConsentRefused as error:
            raise RegistryError(str(error)) from error
        asked.note(conn, "did", "consent added")
    return asked.to(page_of(address))


def withdraw(asked: PageRequest) -> Response:
    """To a topic, or to everything; it acts at once, also on mail that waits."""
    address, topic = address_of(asked.field("email", 320)), asked.field("topic", 63)
    with asked.context.storage.write() as conn:
        found = consent_book.subscriber_id(conn, asked.tenant_id, address.canonical)
        if found is None:
            raise HTTPException(404)
        try:
            topic_id = topics.known(conn, asked.tenant_id, topic) if topic else consents.EVERYTHING
        except ConsentRefused as error:
            raise RegistryError(str(error)) from error
        told = {"actor": asked.visitor.shown}
        consents.withdraw(conn, asked.tenant_id, found, topic_id=topic_id, means="hand", now=asked.now, evidence=told)
        asked.note(conn, "did", "consent withdrawn")
    return asked.to(page_of(address))


ROUTES = [
    show("/account/people", listing, Deed.SEE),
    show("/account/people/one", one, Deed.SEE),
    act("/account/people/proof", proof, Deed.CHANGE),
    act("/account/people/give", give, Deed.CHANGE),
    act("/account/people/withdraw", withdraw, Deed.CHANGE),
]


def address_of(text: str) -> Address:
    """Raises RegistryError."""
    try:
        return parse_address(text)
    except AddressError as error:
        raise RegistryError(f"the e-mail address: {error}") from error


def page_of(address: Address) -> str:
    """Path of a person's page."""
    return f"/account/people/one?{urlencode({'email': address.canonical})}"
