"""The confirmation mail: in the person's language, from the tenant, without a word of advertising.

Of what the tenant can write only the topics' short names and its addresses
stand in it, and of these nothing that advertises (``registry.short_name``), so
that a form is no way to send people texts they didn't ask for.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from relay.mail.address import Address, AddressError, parse_address
from relay.mail.letter import Letter, build, phrase
from relay.texts.language import Language, language
from relay.values.short_name import LEFT_OUT, in_letter

MAX_LISTED: Final = 10
"""Topics that a letter names."""
MAX_POSTAL: Final = 200
_WORDS: Final = ("subject", "hello", "asked", "please", "until", "not_you", "never", "sender")
_FILLED: Final = ("tenant", "date", "contact")


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What the letter says; times in seconds UTC."""

    tenant: str
    """As people know it."""
    name: str
    contact: str
    postal: str
    domains: frozenset[str]
    """The tenant's verified domains."""
    mail_domain: str
    """The relay's own, for a tenant whose contact is in none of these."""
    to: Address
    topics: Sequence[str]
    language: Language
    confirm_url: str
    never_url: str
    message_id: str
    now: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    raw: bytes
    subject: str
    from_domain: str


def write(facts: LetterFacts) -> WrittenLetter:
    """The whole mail object."""
    facts = replace(facts, topics=_listed(facts.topics), postal=in_letter(facts.postal, MAX_POSTAL, phones=True))
    say = facts.language.plain
    subject = say("mail.subject", tenant=facts.tenant)
    author, reply_to = _author(facts)
    raw = build(
        Letter(
            author=facts.tenant,
            from_address=author,
            to=facts.to,
            subject=subject,
            date=facts.now,
            message_id=facts.message_id,
            language=facts.language.code,
            text=_text(facts),
            html=_html(facts, subject),
            reply_to=reply_to,
            fields=(
                ("X-Sender-Contact", f"{phrase(facts.tenant)} <{facts.contact}>"),
                ("X-Report-Abuse", f"<{facts.never_url}>"),
                ("Feedback-ID", f"confirm:{facts.name}:transactional:relay"),
            ),
        )
    )
    return WrittenLetter(raw, subject, author.domain)


@functools.cache
def version(code: str) -> str:
    """Which text the letter has in a language, for the evidence: the language, and a digest of all its words."""
    words = [language(code).plain(f"mail.{key}", **dict.fromkeys(_FILLED, "…")) for key in _WORDS]
    return f"{code}/{hashlib.sha256(chr(10).join(words).encode()).hexdigest()[:16]}"


def _listed(topics: Sequence[str]) -> list[str]:
    """Short names of the first MAX_LISTED, and how many more there are; the page that the link leads to shows all."""
    shown = [in_letter(topic) for topic in topics[:MAX_LISTED]]
    return shown + ([f"{LEFT_OUT} +{len(topics) - MAX_LISTED}"] if len(topics) > MAX_LISTED else [])


def _author(facts: LetterFacts) -> tuple[Address, Address | None]:
    """(From, Reply-To): the tenant's contact where its domain is proved to be the tenant's, else the relay's own."""
    try:
        contact = parse_address(facts.contact)
    except AddressError:  # stored by an earlier release with laxer rules
        return Address("noreply", facts.mail_domain), None
    if contact.domain in facts.domains:
        return contact, None
    return Address("noreply", facts.mail_domain), contact


def _text(facts: LetterFacts) -> str:
    say, date = facts.language.plain, facts.language.date
    lines = [
        say("mail.hello"),
        "",
        say("mail.asked", date=date(facts.now), tenant=facts.tenant),
        "",
        *(f"  * {topic}" for topic in facts.topics),
        "",
        say("mail.please"),
        facts.confirm_url,
        "",
        say("mail.until", date=date(facts.expires_at)),
        "",
        say("mail.not_you"),
        say("mail.never", tenant=facts.tenant),
        facts.never_url,
        "",
        "-- ",
        say("mail.sender", tenant=facts.tenant, contact=facts.contact),
        *([facts.postal] if facts.postal else []),
    ]
    return "\n".join(lines) + "\n"


def _html(facts: LetterFacts, subject: str) -> str:
    date = facts.language.date
    return _template().render(
        language=facts.language,
        say=facts.language.plain,  # plain texts: the template escapes
        subject=subject,
        tenant=facts.tenant,
        contact=facts.contact,
        postal=facts.postal,
        topics=facts.topics,
        date=date(facts.now),
        until=date(facts.expires_at),
        confirm=facts.confirm_url,
        never=facts.never_url,
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("relay.signup"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("confirm.html")
