"""An unsubscribe nobody can remove (R6), the reason and the sender's true address (R7).

Bulk mail gets a footer in every readable part and the header fields of
RFC 2369 and RFC 8058; service mail a short one with the sender and the way to
the preferences. Both speak the language in which the person agreed, else the
tenant's, and name the tenant and the topic as people know them. Where the
recipients of one message speak different ones, its words are slots too.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec import structs

from policies.settings import PolicyTable
from relay.mail.additions import Additions
from relay.mail.letter import phrase
from relay.pipeline.contract import BasePolicy, Continue, Message, MessageVerdict, Transaction, Verdict
from relay.texts.language import DEFAULT, LANGUAGES, language
from relay.values.facts import Consent, Kind, Recipient, Stream, Tenant

DAY_S = 86400.0
FULL, SHORT, HEADERS = "full", "short", "headers"
SHARED: Final = "shared"
"""The short one of a message for several people."""
MAX_LINK: Final = 500
_MIXED: Final = ""
"""In place of a language's code: the words differ by recipient."""
_RULE: Final = "--------------------------------------------------"


def shown(tenant: Tenant) -> str:
    """The tenant's name as people know it."""
    return tenant.title or tenant.name


def spoken(tenant: Tenant, consent: Consent | None) -> str:
    """Code of the language in which the person agreed, else the tenant's, else English."""
    code = (consent.language if consent is not None else "") or tenant.language
    return code if code in LANGUAGES else DEFAULT


def reason(tenant: Tenant, topic: str, consent: Consent | None, ground: str = "") -> str:
    """Why this person gets this message, from the consent on record, in the person's language.

    ``ground``: what frees the stream from consent.
    """
    code = spoken(tenant, consent)
    if consent is None or not consent.live:
        if ground:
            return language(code).plain(f"ground.{ground}", tenant=shown(tenant))
        return language(code).plain("footer.dealings", tenant=shown(tenant))
    named = tenant.titles.get(topic, topic)
    date = _day(code, int(consent.given_at // DAY_S))
    words = {"topic": named, "tenant": shown(tenant), "date": date, "source": consent.source}
    if consent.dated:
        return language(code).plain("footer.reason", **words)
    if consent.since:
        return language(code).plain("footer.since", since=consent.since, **words)
    return language(code).plain("footer.undated", **words)


@lru_cache(maxsize=4096)
def _day(code: str, number: int) -> str:
    """Of a day since 1970, in UTC, as the language writes it. Kept, since it is asked for each recipient."""
    return language(code).date(number * DAY_S)


def _page(consent: Consent | None) -> str:
    """Where the consent was given, if that can be a link."""
    return _link(consent.page) if consent is not None and consent.live and consent.page else ""


@lru_cache(maxsize=1024)
def _link(page: str) -> str:
    """The page itself, if it can be a link in a footer; few forms' pages are asked about for many recipients."""
    good = page.startswith(("https://", "http://")) and len(page) <= MAX_LINK and page.isprintable()
    return page if good and not any(c in page for c in " \"'<>\\") else ""


class Policy(BasePolicy):
    name = "unsubscribe_footer"
    protects = "people can't leave by the mail they get"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._transactional = table.flag("transactional", False)
        """Put the full footer and unsubscribe fields on transactional streams too."""
        self._amp = table.flag("amp", True)
        """Whether AMP parts get a footer that their format allows; else they don't leave."""
        self._permission = table.flag("permission", False)
        """A field of the consent's place in the audit log (docs/PERMISSION.md)."""
        table.done()

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        tenant, stream = txn.tenant, txn.stream
        kind = self._footer(stream)
        given = [(rcpt, rcpt.standing.consent(msg.topic) if msg.topic else None) for rcpt in txn.recipients]
        codes = {spoken(tenant, consent) for _, consent in given}
        code = next(iter(codes)) if len(codes) == 1 else _MIXED
        shared = kind == SHORT and len(given) > 1
        if shared:  # one copy goes to all of them: its words are the tenant's, and no link in it speaks for anybody
            kind, code = SHARED, spoken(tenant, None)
        paged = kind == FULL and any(_page(consent) for _, consent in given)
        who = (shown(tenant), tenant.name, tenant.contact, tenant.postal)
        proved = self._permission and kind == FULL
        additions = _additions(who, stream, msg.campaign, kind, code, paged, proved)
        if not self._amp:
            additions = structs.replace(additions, amp=False)
        if kind != FULL and code != _MIXED:
            return Continue(additions=additions)
        verdicts: dict[Recipient, Verdict] = {}
        for rcpt, consent in given:
            slots = {"reason": reason(tenant, msg.topic, consent, stream.ground)} if kind == FULL else {}
            if paged:
                slots["consent_page"] = _page(consent)
            if code == _MIXED:
                slots |= _words(spoken(tenant, consent), who[0], who[2], stream.ground)
            verdicts[rcpt] = Continue(slots, additions=additions)
        return verdicts

    def _footer(self, stream: Stream) -> str:
        if stream.essential:  # one click, or a mail program's own button, must not end what people log in with
            return HEADERS if stream.footer == HEADERS else SHORT
        if stream.kind is Kind.BULK or self._transactional:
            return FULL
        return stream.footer if stream.footer in (FULL, HEADERS) else SHORT


@lru_cache(maxsize=1024)
def _words(code: str, title: str, contact: str, ground: str) -> dict[str, str]:
    say = language(code).plain
    freed = {"footer_ground": say(f"ground.{ground}", tenant=title)} if ground else {}
    return freed | {
        "footer_unsubscribe": say("footer.unsubscribe"),
        "footer_preferences": say("footer.preferences"),
        "footer_why": say("footer.why"),
        "footer_sender": say("footer.sender", tenant=title, contact=contact),
    }


_WORDED: Final = ("footer_unsubscribe", "footer_preferences", "footer_why", "footer_sender", "footer_ground")
_SLOTS: Final = {name: f"{{{{{name}}}}}" for name in _WORDED}


@lru_cache(maxsize=1024)
def _additions(
    who: tuple[str, str, str, str],
    stream: Stream,
    campaign: str,
    footer: str,
    code: str,
    paged: bool,
    proved: bool,
) -> Additions:
    """The same for all messages of a campaign; ``who``: title, name, contact and postal address of the tenant."""
    title, name, contact, postal = who
    kind = stream.kind
    digest = hashlib.sha256(f"{stream.id}/{campaign}".encode()).hexdigest()[:12]
    headers = [
        ("X-Sender-Contact", f"{_literal(phrase(title))} <{contact}>"),
        ("X-Report-Abuse", "<{{report_url}}>"),
        ("Feedback-ID", f"{digest}:{name}:{kind}:relay"),
    ]
    if footer == HEADERS:
        return Additions(headers=tuple(headers))
    if footer == FULL:
        headers += [
            ("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    if proved:
        headers.append(("Permission", "{{permission}}"))
    said = _words(code or DEFAULT, title, contact, stream.ground)
    words = {key: _SLOTS[key] if code == _MIXED else _literal(text) for key, text in said.items()}
    make = (_text, _html)
    text, markup = (one(words, contact, _literal(postal), kind=footer, paged=paged) for one in make)
    # A receipt or an invitation that is signed or has no text isn't put into another message: the fields have to do.
    return Additions(text, markup, tuple(headers), wrap=kind is Kind.BULK)


def _literal(text: str) -> str:
    """A name or address that stands as it is, whatever braces are in it."""
    return text.replace("{{", "{ {")


def _text(words: Mapping[str, str], contact: str, postal: str, *, kind: str, paged: bool) -> str:
    lines = [_RULE] if kind == FULL else ["-- "]
    if kind == FULL:
        lines += ["{{reason}}", *(["{{consent_page}}"] if paged else [])]
        lines.append(f"{words['footer_why']}: {{{{why_url}}}}")
        lines.append(f"{words['footer_unsubscribe']}: {{{{unsubscribe_url}}}}")
    elif "footer_ground" in words:
        lines.append(words["footer_ground"])
    if kind != SHARED:
        lines.append(f"{words['footer_preferences']}: {{{{preferences_url}}}}")
    lines += [words["footer_sender"], *([postal] if postal else [])]
    return "\n".join(lines) + "\n"


def _html(words: Mapping[str, str], contact: str, postal: str, *, kind: str, paged: bool) -> str:
    said = {key: text if text in _SLOTS.values() else html.escape(text) for key, text in words.items()}
    preferences = f'<a href="{{{{preferences_url}}}}">{said["footer_preferences"]}</a>'
    parts = []
    if kind == FULL:
        page = ' <a href="{{consent_page}}">{{consent_page}}</a>' if paged else ""
        leave = f'<a href="{{{{unsubscribe_url}}}}">{said["footer_unsubscribe"]}</a>'
        why = f'<a href="{{{{why_url}}}}">{said["footer_why"]}</a>'
        parts += [f"{{{{reason}}}}{page} {why}", f"{leave} &middot; {preferences}"]
    elif "footer_ground" in said:
        parts.append(said["footer_ground"])
    if kind == SHORT:
        parts.append(preferences)
    address = html.escape(contact)
    link = f'<a href="mailto:{address}">{address}</a>'
    parts.append(
        said["footer_sender"].replace(address, link) if address in said["footer_sender"] else said["footer_sender"]
    )
    return "<br>".join(parts + ([html.escape(postal)] if postal else []))
