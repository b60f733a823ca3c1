"""What a consent must say to be recorded (R2): pure checks, shared by every way in."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from relay.people import source_check

MAX_TOPIC: Final = 100
MAX_SOURCE: Final = 500
MAX_WORDING: Final = 20_000
MAX_PAGE: Final = 2_000
CLOCK_TOLERANCE_S: Final = 60.0
"""How far ahead another machine's clock may be."""

DOUBLE_OPT_IN: Final = "double-opt-in"
PREFERENCES: Final = "preferences"
"""On the page that only the person's own link opens."""
MEANS: Final = frozenset({"hand", "import", "api", "form", DOUBLE_OPT_IN, PREFERENCES})
NEVER_ASK: Final = (
    "wants no more mail and no more questions; only its own double opt-in after `relay form ask-again` helps"
)

UNDATED: Final = "date not stated"
"""In the evidence of a consent whose time nobody stated."""
ROLE: Final = (
    "this is the address of a role, read by whoever has it: only its own double opt-in through a form proves a consent"
)


class ConsentRefused(Exception):
    """A consent that may not be recorded.

    ``word`` names the cause (``unsubscribed``, ``never-ask``, ``topic``, ``source``,
    ``wording``, ``time``, ``means``, ``ip``, ``page``); ``text`` is one line
    that says what to do.
    """

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word
        self.text = text


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What was agreed to and how, checked; ``terms`` is the only maker."""

    topic: str
    source: str
    wording: str
    means: str
    page: str


def terms(*, topic: str, source: str, wording: str, means: str, page: str = "") -> ConsentTerms:
    """Check what does not depend on the person; raises Refused."""
    topic, source, wording, page = topic.strip(), " ".join(source.split()), wording.strip(), page.strip()
    check_topic(topic)
    _check_source(source)
    if not wording:
        raise ConsentRefused("wording", "the wording is empty; give the exact text that the person agreed to")
    if len(wording) > MAX_WORDING or not _storable(wording):
        raise ConsentRefused("wording", f"the wording must be text of at most {MAX_WORDING} characters")
    if means not in MEANS:
        raise ConsentRefused("means", f"the means must be one of {', '.join(sorted(MEANS))}")
    if len(page) > MAX_PAGE or not page.isprintable():
        raise ConsentRefused("page", f"the page must be printable text of at most {MAX_PAGE} characters")
    return ConsentTerms(topic, source, wording, means, page)


def check_time(given_at: float, now: float) -> float:
    """A consent can't be younger than now; NaN and times before 1970 are refused too."""
    if not 0 <= given_at <= now + CLOCK_TOLERANCE_S:
        raise ConsentRefused("time", "the time of the consent is in the future or before 1970; give the true one")
    return given_at


def check_ip(text: str) -> str:
    """An IP address in its normal form, without a zone, which only its own machine knows; empty stays empty."""
    if not text:
        return ""
    try:
        found = ipaddress.ip_address(text.strip())
        if "%" in text:  # a zone (RFC 4007) means something on one machine only, and may be any text
            raise ValueError
        return str(found)
    except ValueError:
        raise ConsentRefused("ip", f"{text[:60]!r} is no IP address; leave it out if it is not known") from None


def known_ip(text: str) -> str:
    """A client's address without its zone; empty if it is none."""
    try:
        return check_ip(text.partition("%")[0])
    except ConsentRefused:
        return ""


def check_topic(topic: str) -> None:
    """Raises Refused for what names no topic."""
    if not topic or topic == "*":
        raise ConsentRefused("topic", "a consent is for one named topic; name it")
    if len(topic) > MAX_TOPIC or not topic.isprintable():
        raise ConsentRefused("topic", f"a topic is printable text of at most {MAX_TOPIC} characters")


def _check_source(source: str) -> None:
    if not re.search(r"\w", source):
        raise ConsentRefused(
            "source", "the source is empty; say where the person agreed, e.g. 'sign-up form on shop.example'"
        )
    if source_check.vague(source):
        raise ConsentRefused("source", f"the source {source[:40]!r} is vague; say where the person agreed")
    found = source_check.bought(source)
    if found:
        raise ConsentRefused(
            "source", f"the source says {found!r}: bought, rented or harvested addresses may not be mailed"
        )
    if len(source) > MAX_SOURCE or not source.isprintable():
        raise ConsentRefused("source", f"a source is printable text of at most {MAX_SOURCE} characters")


def _storable(text: str) -> bool:
    """Text with line breaks and tabs, without other control characters and lone surrogates."""
    return not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", text)
