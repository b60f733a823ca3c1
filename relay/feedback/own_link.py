"""The letter with a person's own link, where somebody typed an address on the page of a shared copy (R25).

Only who reads the mailbox gets it, so only that person can report. Nothing of
what was typed or sent stands in it.
"""

from __future__ import annotations

import html
import secrets as random
from dataclasses import dataclass
from typing import Final

from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark, link_token
from relay.mail.address import Address, AddressError, parse_address
from relay.mail.letter import Letter, build, phrase
from relay.queue import letters
from relay.signup.forms import verified_domains
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import Language
from relay.values.facts import Freeze
from relay.values.ids import encode_id, new_submission_id
from relay.values.tenant import TenantRow

EXPIRE_S: Final = 2 * 86_400.0


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page that a letter leads to: its path, the key of its button's text, and how the letter's own keys begin."""

    path: str
    button: str
    texts: str


REPORT: Final = OwnPage("report", "report.button", "own")
WHY: Final = OwnPage("why", "why.title_short", "own.why")


@dataclass(frozen=True, slots=True)
class Sender:
    """As whom, and where the pages are."""

    secrets: Secrets
    base_url: str
    mail_domain: str
    hostname: str


def put(
    conn: Tx,
    sender: Sender,
    tenant_id: int,
    mark: Mark,
    to: Address,
    language: Language,
    now: float,
    *,
    page: OwnPage = REPORT,
) -> None:
    """Queue it, in the caller's transaction; a tenant that is frozen whole sends none."""
    tenant = tenants.by_id(conn, tenant_id)
    if tenant.freeze is Freeze.ALL:
        return
    id_ = new_submission_id(now, random.randbits)
    message_id = f"<{encode_id(id_)}@{sender.hostname}>"
    author, reply_to = _author(tenant, verified_domains(conn, tenant_id), sender.mail_domain)
    subject = language.plain(f"{page.texts}.subject", tenant=tenant.shown)
    link = f"{sender.base_url}/{page.path}/{link_token(sender.secrets, mark)}"
    raw = build(
        Letter(
            author=tenant.shown,
            from_address=author,
            to=to,
            subject=subject,
            date=now,
            message_id=message_id,
            language=language.code,
            text=_text(tenant, language, page, link, now),
            html=_html(tenant, language, page, subject, link, now),
            reply_to=reply_to,
            fields=(
                ("X-Sender-Contact", f"{phrase(tenant.shown)} <{tenant.contact}>"),
                ("X-Report-Abuse", f"<{sender.base_url}/report/{link_token(sender.secrets, mark)}>"),
                ("Feedback-ID", f"report:{tenant.name}:transactional:relay"),
            ),
        )
    )
    letter = letters.ready(
        raw, id=id_, tenant_id=tenant_id, to=to, from_domain=author.domain, subject=subject, message_id=message_id,
        now=now, expires_at=now + EXPIRE_S,
    )  # fmt: skip
    letters.put(conn, letter, subscriber_id=mark.subscriber_id, note=f"own link to {page.path}")


def _author(tenant: TenantRow, domains: frozenset[str], mail_domain: str) -> tuple[Address, Address | None]:
    """(From, Reply-To): the tenant's contact where its domain is proved to be the tenant's, else the relay's own."""
    try:
        contact = parse_address(tenant.contact)
    except AddressError:  # stored by an earlier release with laxer rules
        return Address("noreply", mail_domain), None
    return (contact, None) if contact.domain in domains else (Address("noreply", mail_domain), contact)


def _text(tenant: TenantRow, language: Language, page: OwnPage, link: str, now: float) -> str:
    say = language.plain
    lines = [
        say("mail.hello"),
        "",
        say(f"{page.texts}.asked", date=language.date(now), tenant=tenant.shown),
        "",
        say(f"{page.texts}.please", tenant=tenant.shown),
        link,
        "",
        say(f"{page.texts}.not_you"),
        "",
        "-- ",
        say("mail.sender", tenant=tenant.shown, contact=tenant.contact),
        *([tenant.postal] if tenant.postal else []),
    ]
    return "\n".join(lines) + "\n"


def _html(tenant: TenantRow, language: Language, page: OwnPage, subject: str, link: str, now: float) -> str:
    say = language.plain
    paragraphs = [
        html.escape(say("mail.hello")),
        html.escape(say(f"{page.texts}.asked", date=language.date(now), tenant=tenant.shown)),
        html.escape(say(f"{page.texts}.please", tenant=tenant.shown)),
        f'<a href="{html.escape(link)}">{html.escape(say(page.button))}</a>',
        html.escape(say(f"{page.texts}.not_you")),
        html.escape(say("mail.sender", tenant=tenant.shown, contact=tenant.contact)),
        *([html.escape(tenant.postal)] if tenant.postal else []),
    ]
    body = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    return (
        f'<!doctype html>\n<html lang="{language.code}"><head><meta charset="utf-8">'
        f"<title>{html.escape(subject)}</title></head>\n<body>\n{body}</body></html>\n"
    )
