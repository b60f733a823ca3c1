"""A form was filled in: limits, one row, one letter. Confirming: who reads the mailbox says that it is theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.accounts import logins
from relay.audit import actions
from relay.conduct import admission
from relay.conduct.second_accounts import Match
from relay.mail.address import parse_address
from relay.people.mailboxes import mailbox, mailboxes, network, networks
from relay.queue import operator as calls
from relay.registration import book, invites, letters
from relay.registration.book import LINK_S, TRIED, Registration
from relay.registration.office import RegistrationOffice, hash_of, new_link
from relay.registration.values import FIELDS, RegistrationState
from relay.store.contract import Tx
from relay.tenants import terms
from relay.tenants.recent import DAY_S, HOUR_S
from relay.tenants.terms import TermsText
from relay.texts.language import Language
from relay.values.errors import RegistryError

_INSERT: Final = (
    f"INSERT INTO registration ({', '.join(field.name for field in FIELDS)}, at, state, person, language, terms, ip,"
    f" agent, invite_id, token, token_at) VALUES ({', '.join('?' * (len(FIELDS) + 10))})"
)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Where a form comes from, with what else was agreed to."""

    ip: str
    agent: str
    language: Language
    terms: TermsText | None = None
    invite: invites.Invite | None = None


def take(conn: Tx, office: RegistrationOffice, given: Mapping[str, str], who: Applicant, now: float) -> bool:
    """Keep a checked form (``values.checked``) and write to its address; False where its network sent too many.

    Who is known already gets another letter and no row; the page can't tell.
    """
    secrets, address = office.secrets, parse_address(given["email"])
    if TRIED.reached(
        conn, "network", networks(secrets, who.ip), now - HOUR_S, office.settings.registrations_per_network
    ):
        return False
    people = mailboxes(secrets, address)
    often = TRIED.reached(conn, "person", people, now - DAY_S, office.settings.registrations_per_mailbox)
    conn.execute(
        "INSERT INTO registration_try (at, network, person) VALUES (?, ?, ?)",
        (now, network(secrets, who.ip), people[0]),
    )
    if often:
        return True
    if logins.look_up(conn, given["email"]) is not None:
        letters.known(conn, office, given["email"], who.language, now)
    elif _waiting(conn, people):
        letters.waits(conn, office, given["email"], who.language, now)
    else:
        token = new_link()
        if who.terms is not None:
            terms.keep(conn, who.terms, now)
        conn.execute(
            _INSERT,
            (
                *(given[field.name] for field in FIELDS),
                *(now, RegistrationState.ASKED.value, mailbox(secrets, address), who.language.code),
                *("" if who.terms is None else who.terms.version, who.ip, who.agent),
                *(None if who.invite is None else who.invite.id, hash_of(token), now),
            ),
        )
        letters.ask(conn, office, given["email"], who.language, token, now)
    return True


def _waiting(conn: Tx, people: list[bytes]) -> bool:
    marks = ",".join("?" * len(people))
    sql = f"SELECT 1 FROM registration WHERE person IN ({marks}) AND state = 'waiting' LIMIT 1"
    return conn.execute(sql, people).fetchone() is not None


def asked(conn: Tx, token: str, now: float) -> Registration | None:
    """Whose link that is; None for one that was used, or is too old."""
    hashed = hash_of(token)
    found = None if hashed is None else book.by_token(conn, hashed)
    if found is None or found[0].state is not RegistrationState.ASKED or not 0 <= now - found[1] < LINK_S:
        return None
    return found[0]


def confirm(conn: Tx, office: RegistrationOffice, token: str, *, ip: str, now: float) -> Registration | None:
    """The address is its giver's: now it waits for a word, or is refused; None for a link that doesn't work (any more).

    A customer whose account was terminated is refused (R24), and what a registration has in common with others is kept
    for who decides (R23). RegistryError where its invitation was used meanwhile.
    """
    row = asked(conn, token, now)
    if row is None:
        return None
    if row.invite_id is not None and not invites.use(conn, row.invite_id, now):
        raise RegistryError("the invitation was used meanwhile, or its time is over; ask for another one")
    found = matches(conn, row)
    told = [{"tenant": match.tenant, "what": match.what, "value": match.value} for match in found]
    conn.execute(
        "UPDATE registration SET state = ?, confirmed_at = ?, token = NULL, resembles = ? WHERE id = ?",
        (RegistrationState.WAITING.value, now, json.dumps(told, ensure_ascii=False), row.id),
    )
    conn.execute(
        "DELETE FROM registration WHERE state = 'asked' AND person = (SELECT person FROM registration WHERE id = ?)",
        (row.id,),
    )
    detail = {"registration": row.id, "ip": ip, "resembles": [match.tenant for match in found]}
    actions.record(conn, "registration", "registration-confirmed", None, detail, now)
    try:
        admission.refuse(found)
    except RegistryError as error:
        refuse(conn, office, book.by_id(conn, row.id), str(error), told="", actor="relay", now=now)
    return book.by_id(conn, row.id)


def matches(conn: Tx, row: Registration) -> list[Match]:
    """What other customers have in common with it."""
    domains = [row.website] if row.website else []
    return admission.alike(conn, row.email, domains=domains, postal=row.postal, client=row.ip, phone=row.phone)


def call(conn: Tx, office: RegistrationOffice, row: Registration, now: float) -> None:
    """The operator hears of one that waits."""
    alike = ", ".join(f"the {one['what']} {one['value']} of {one['tenant']}" for one in row.resembles)
    calls.call(
        conn,
        office.operator,
        "registration",
        "somebody registered and waits for your word",
        [
            f"{row.shown} ({row.email}, {row.city}, {row.country}) waits: `relay registration show {row.id}`, or"
            f" {office.base_url}/desk/registrations/{row.id}. There may be others: `relay registration list`.",
            *([f"It may be a second account: it has {alike}."] if alike else []),
        ],
        now=now,
    )


def refuse(
    conn: Tx, office: RegistrationOffice, row: Registration, reason: str, *, told: str, actor: str, now: float
) -> Registration:
    """No account. ``told``: what the applicant reads of the reason; what was given is deleted after a while."""
    if row.state is not RegistrationState.WAITING:
        raise RegistryError(f"registration {row.id} is {row.state}; only one that waits can be refused")
    conn.execute(
        "UPDATE registration SET state = ?, decided_at = ?, decided_by = ?, reason = ? WHERE id = ?",
        (RegistrationState.REFUSED.value, now, actor, reason, row.id),
    )
    actions.record(conn, actor, "registration-refused", None, {"registration": row.id, "reason": reason}, now)
    letters.refused(conn, office, row, told, now)
    return book.by_id(conn, row.id)
