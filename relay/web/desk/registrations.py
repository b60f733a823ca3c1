"""``/desk/registrations``: who registered and waits for a word, and invitations, as ``relay registration`` does it."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts import passwords
from relay.accounts.roles import Deed
from relay.mail.address import AddressError, parse_address
from relay.registration import admit, ask, book, correct, invites
from relay.registration.book import Registration
from relay.registration.correct import CORRECTABLE
from relay.registration.office import RegistrationOffice
from relay.registration.values import FIELDS, RegistrationState
from relay.store.contract import Tx
from relay.texts.countries import countries, country
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 50
MOST_INVITES: Final = 20
DAY_S: Final = 86_400


def listing(asked: PageRequest) -> Response:
    """Those that wait, then those that were decided, the newest first."""
    decided = (RegistrationState.ADMITTED, RegistrationState.REFUSED)
    with asked.context.storage.read() as conn:
        rows = book.listing(conn, decided, asked.before(), LENGTH + 1)
        values = {
            "waiting": book.listing(conn, (RegistrationState.WAITING,), limit=LENGTH),
            "rows": rows[:LENGTH],
            "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
            "invites": invites.listing(conn, MOST_INVITES),
            "now": asked.now,
            "operates": asked.visitor.may(Deed.OPERATE),
            "way": asked.context.settings.accounts.registration,
        }
    return asked.page("desk/registrations.html", values)


def one(asked: PageRequest) -> Response:
    """All that was given; that somebody read it is in their log."""
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        asked.note(conn, "looked", f"registration {row.id}")
        values = {
            "row": row,
            "fields": [(field.name, _said(asked, row, field.name)) for field in FIELDS],
            "suggested": admit.free_name(conn, row) if row.state is RegistrationState.WAITING else "",
            "operates": asked.visitor.may(Deed.OPERATE),
            "correctable": CORRECTABLE,
            "countries": countries(asked.language.code),
        }
    return asked.page("desk/registration.html", values)


def _said(asked: PageRequest, row: Registration, name: str) -> str:
    value = str(getattr(row, name))
    return country(asked.language.code, value) if name == "country" else value


def accept(asked: PageRequest) -> Response:
    made = passwords.fresh()
    with asked.context.storage.write() as conn:
        row, by = _find(conn, asked), asked.visitor.shown
        tenant = admit.admit(conn, _office(asked), row, made, name=asked.field("name", 63), actor=by, now=asked.now)
        asked.note(conn, "did", f"registration {row.id}: admitted as {tenant.name}")
    return asked.to(f"/desk/tenants/{tenant.name}")


def put_right(asked: PageRequest) -> Response:
    """What was given, as it should be; fields that a form doesn't have stay as they are."""
    named = {name for name, _ in asked.fields}
    given = {field.name: asked.field(field.name, field.most + 1) for field in CORRECTABLE if field.name in named}
    with asked.context.storage.write() as conn:
        row, names = correct.correct(
            conn, _office(asked), _find(conn, asked), given, actor=asked.visitor.shown, now=asked.now
        )
        asked.note(conn, "did", f"registration {row.id}: {', '.join(names)} put right")
    return asked.to(f"/desk/registrations/{row.id}")


def refuse(asked: PageRequest) -> Response:
    """With the reason, which is kept; the applicant reads it where that was wished."""
    reason = " ".join(asked.field("reason", 500).split())
    if not reason:
        raise RegistryError("say the reason in a few words; nothing was changed")
    told = reason if asked.field("tell", 3) == "yes" else ""
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        ask.refuse(conn, _office(asked), row, reason, told=told, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"registration {row.id}: refused")
    return asked.to("/desk/registrations")


def invite(asked: PageRequest) -> Response:
    """A new one; its link is shown this once, and mailed where it is for an address."""
    given, office = asked.field("email", 320), _office(asked)
    try:
        email = parse_address(given) if given else None
    except AddressError as error:
        raise RegistryError(str(error)) from error
    with asked.context.storage.write() as conn:
        made, code = invites.add(conn, email, note=asked.field("note"), actor=asked.visitor.shown, now=asked.now)
        if email is not None:
            invites.write(conn, office.operator, office.base_url, made, code, asked.language)
        asked.note(conn, "did", f"invitation {made.id}: made")
    return asked.page("desk/invited.html", {"link": invites.link(office.base_url, code), "row": made})


def revoke(asked: PageRequest) -> Response:
    number = asked.number()
    with asked.context.storage.write() as conn:
        invites.revoke(conn, number, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"invitation {number}: revoked")
    return asked.to("/desk/registrations")


ROUTES = [
    show("/desk/registrations", listing, Deed.DESK),
    show("/desk/registrations/{id}", one, Deed.DESK),
    act("/desk/registrations/{id}/admit", accept, Deed.OPERATE),
    act("/desk/registrations/{id}/correct", put_right, Deed.OPERATE),
    act("/desk/registrations/{id}/refuse", refuse, Deed.OPERATE),
    act("/desk/invites", invite, Deed.OPERATE),
    act("/desk/invites/{id}/revoke", revoke, Deed.OPERATE),
]


def _office(asked: PageRequest) -> RegistrationOffice:
    context = asked.context
    return RegistrationOffice(
        context.secrets, context.office.operator, context.views.base_url, context.settings.accounts
    )


def _find(conn: Tx, asked: PageRequest) -> Registration:
    try:
        return book.by_id(conn, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
