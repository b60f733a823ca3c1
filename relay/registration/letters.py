"""Letters to who registers, in their language. Nothing that was typed stands in those to unconfirmed addresses."""

from __future__ import annotations

from typing import Final

from relay.queue import to_tenant
from relay.registration.book import LINK_S, Registration
from relay.registration.office import RegistrationOffice
from relay.store.contract import Tx
from relay.texts.language import Language, choose

PASSWORD_S: Final = 14 * 86_400.0
"""So long the link to the first password works."""
NOTE: Final = "about a registration"


def ask(conn: Tx, office: RegistrationOffice, email: str, language: Language, token: str, now: float) -> None:
    """Is that your address?"""
    say = language.plain
    _send(conn, office, email, language, "register.mail", now, [
        say("register.mail.asked", operator=office.operator.name),
        f"{say('register.mail.please')}\n{office.base_url}/register/confirm/{token}",
        say("register.mail.until", date=language.date(now + LINK_S)),
        say("reset.mail.not_you"),
    ])  # fmt: skip


def known(conn: Tx, office: RegistrationOffice, email: str, language: Language, now: float) -> None:
    """There is a log-in already: to its mailbox alone this is said."""
    say = language.plain
    _send(conn, office, email, language, "register.mail", now, [
        say("register.mail.asked", operator=office.operator.name),
        f"{say('register.mail.known')}\n{office.base_url}/login\n{office.base_url}/login/reset",
        say("reset.mail.not_you"),
    ])  # fmt: skip


def waits(conn: Tx, office: RegistrationOffice, email: str, language: Language, now: float) -> None:
    """It came already, and a person looks at it."""
    say = language.plain
    _send(conn, office, email, language, "register.waits", now, [say("register.waits.mail"), say("reset.mail.not_you")])


def admitted(conn: Tx, office: RegistrationOffice, row: Registration, token: str, now: float) -> None:
    """The account is there. ``token``: of the link to its first password; empty where that was shown."""
    language = choose(row.language)
    say = language.plain
    paragraphs = [say("register.admitted.lead", tenant=row.shown, operator=office.operator.name)]
    if token:
        paragraphs += [
            f"{say('register.admitted.password')}\n{office.base_url}/register/password/{token}",
            say("register.admitted.until", date=language.date(now + PASSWORD_S)),
        ]
    else:
        paragraphs.append(f"{say('login.title')}:\n{office.base_url}/login")
    paragraphs.append(say("register.admitted.next"))
    _send(conn, office, row.email, language, "register.admitted", now, paragraphs)


def refused(conn: Tx, office: RegistrationOffice, row: Registration, reason: str, now: float) -> None:
    """``reason`` is the operator's own words; empty: none are told."""
    language = choose(row.language)
    say = language.plain
    paragraphs = [say("register.refused.lead", operator=office.operator.name, date=language.date(row.at))]
    paragraphs += [say("conduct.reason", reason=reason)] if reason else []
    paragraphs.append(say("register.refused.next"))
    _send(conn, office, row.email, language, "register.refused", now, paragraphs)


def _send(
    conn: Tx, office: RegistrationOffice, email: str, language: Language, key: str, now: float, paragraphs: list[str]
) -> None:
    subject = language.plain(f"{key}.subject", operator=office.operator.name)
    whole = [language.plain("mail.hello"), *paragraphs]
    to_tenant.tell(conn, office.operator, email, language.code, subject, whole, now=now, note=NOTE)
