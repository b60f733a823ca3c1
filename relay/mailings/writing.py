"""What somebody wrote for a mailing, checked whole: every fault is told with its field.

A variable without a value is an empty text in a mailing: `default` gives another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.mail.address import AddressError, parse_address
from relay.mailings.audience import AudienceMember
from relay.mailings.mailings import MailingContent
from relay.templates import templates
from relay.templates.filling import filler
from relay.templates.liquid_engine import TemplateFault
from relay.values.errors import RegistryError

FORMATS: Final = (*templates.FORMATS, "text")
TRACKS: Final = ("", "none", "opens", "clicks", "all")
MOST_NAME: Final = 120
MOST_SUBJECT: Final = 900
_WORD: Final = re.compile(r"\W+")
_VARIABLE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_BROKEN: Final = "\ufffd"
"""What stands for octets that are no UTF-8."""


def checked(given: Mapping[str, str], groups: Sequence[str], domains: Sequence[str]) -> MailingContent:
    """From the fields of a form or command. Raises RegistryError.

    ``domains``: those that are proved to be the tenant's.
    """
    subject = _line("subject", given.get("subject", ""), MOST_SUBJECT)
    if not subject:
        raise RegistryError("write a subject")
    format_ = given.get("format", "html")
    if format_ not in FORMATS:
        raise RegistryError(f"there is no format {format_[:20]!r}; use {', '.join(FORMATS)}")
    track = given.get("track", "")
    if track not in TRACKS:
        raise RegistryError(f"there is nothing like {track[:20]!r} to track; use {', '.join(TRACKS[1:])}")
    source, written = given.get("source", "").strip(), given.get("written", "").strip()
    html, text = _content(subject, source, written, format_)
    return MailingContent(
        name=_line("name", given.get("name", ""), MOST_NAME) or _named(subject),
        topic=given.get("topic", ""),
        groups=tuple(dict.fromkeys(groups)),
        stream=given.get("stream", ""),
        author=_author(given.get("author", ""), domains),
        author_name=_line("sender's name", given.get("author_name", ""), MOST_NAME),
        reply_to=_address("reply address", given["reply_to"]) if given.get("reply_to") else "",
        subject=subject,
        format=format_,
        source=source,
        written=written,
        html=html,
        text=text,
        track=track,
    )


def values_of(member: AudienceMember) -> dict[str, Any]:
    """What variables stand for in one person's copy: attributes by name, blanks as ``_`` too, and the address."""
    found: dict[str, Any] = dict(member.attributes)
    found |= {_WORD.sub("_", name): value for name, value in member.attributes.items()}
    return found | {"email": member.address}


def _content(subject: str, source: str, written: str, format_: str) -> tuple[str, str]:
    """(HTML, text) as they are sent."""
    if not source:
        raise RegistryError("there is no content yet; paste it, or choose a file")
    if _BROKEN in source or _BROKEN in written or "\x00" in source or "\x00" in written:
        raise RegistryError("the file is not in UTF-8; save it in UTF-8 and choose it again")
    try:
        if format_ == "text":
            html, text = templates.made(subject, source, "", "html")
        else:
            html, text = templates.made(subject, written, source, format_)
        for field, one, escape in (("subject", subject, False), ("text", text, False), (format_, html, True)):
            if filler(one, escape).pieces is None:
                raise TemplateFault(
                    f"{field}: conditions, loops and assignments can't be used in a mailing;"
                    " use variables, as {{ name | default: 'there' }}"
                )
    except TemplateFault as fault:
        raise RegistryError(str(fault)) from None
    return html, text


def _named(subject: str) -> str:
    """What a mailing without a name is called: its subject without variables."""
    return " ".join(_VARIABLE.sub(" ", subject).split())[:MOST_NAME] or subject[:MOST_NAME]


def _author(text: str, domains: Sequence[str]) -> str:
    address = _address("sender's address", text)
    domain = parse_address(address).domain
    if not any(domain == one or domain.endswith(f".{one}") for one in domains):
        there = f"; there are {', '.join(domains[:8])}" if domains else "; prove one first"
        raise RegistryError(f"{domain} isn't a proved domain of yours{there}")
    return address


def _address(what: str, text: str) -> str:
    try:
        return str(parse_address(text.strip()))
    except AddressError as error:
        raise RegistryError(f"the {what}: {error}") from None


def _line(what: str, text: str, most: int) -> str:
    line = " ".join(text.split())
    if len(line) > most or not line.isprintable():
        raise RegistryError(f"the {what} is one line of printable text of at most {most} characters")
    return line
