"""The relay's own picture and links for openings and clicks: places that each copy fills or leaves as it was (R33).

Who didn't agree gets the octets that the sender wrote, and no picture, so the
places are slots with two values: the address as written, and the tracked one.
What may be tracked is decided here: http and https links of the message
itself, but none that a person uses to leave, to complain or to be left alone,
and none that the sender has left out (``LEFT_OUT``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from relay.mail.apply import Change, Text
from relay.mail.content_links import address_of
from relay.mail.html_links import find_links, resolved
from relay.mail.html_tokens import Token, attribute_span, attributes
from relay.mail.stored import Slot, TrackedLink

MAX_PART_OCTETS: Final = 512 * 1024
"""A longer part is left as it is: mail programs cut it off anyway."""
MOST_LINKS: Final = 500
"""Tracked in one message; further ones are left as they are."""
LONGEST_URL: Final = 2000
PIXEL_SLOT: Final = "tracking:pixel"
DECOY_SLOT: Final = "tracking:decoy"
LINK_SLOT: Final = "tracking:link/"
SLOTS: Final = "tracking:"
"""Names of policies' slots have no colon."""
PIXEL_OCTETS: Final = 300
"""Room reckoned for the picture's tag, and for the decoy's."""
LEFT_OUT: Final = {
    "data-relay-track": frozenset(("none", "off", "false", "no", "0")),
    "clicktracking": frozenset(("off", "false", "no", "0")),
    "disable-tracking": frozenset(("", "true", "yes", "on", "1")),
    "data-pm-no-track": frozenset(("", "true", "yes", "on", "1")),
    "ses:no-track": frozenset(("", "true", "yes", "on", "1")),
    "data-msys-clicktrack": frozenset(("0", "false", "off", "no")),
    "mc:disable-tracking": frozenset(("", "true", "yes", "on", "1")),
}
"""Attributes of a link, with the values, that leave it as it is: the relay's own, and those that senders know."""
_LEAVES: Final = re.compile(
    r"(?<![a-z])(?:un-?_?subscri\w*|opt-?_?(?:out|in)|list-?_?unsubscribe|sign-?_?off|desinscri\w*|abmeld\w*|abbestell\w*"
    r"|austrag\w*|afmeld\w*|preferences?|preferencias|einstellungen|email-?_?settings|manage-?_?(?:subscription|email)\w*"
    r"|report-?_?(?:abuse|spam)|abuse|otpis\w*|tellimus\w*)(?![a-z])"
)
"""In a link's path or query: it is how a person leaves, and stays as it is."""
_IN_TEXT: Final = re.compile(r"(?<![A-Za-z0-9@.=/])(?:https?://)[!#-;=?-Z_a-z~%\[\]]{4,2000}", re.IGNORECASE)
_AFTER: Final = ".,;:!?'*_~)]"
_UNSAFE: Final = "".join(map(chr, [*range(33), 127]))
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"
_WITH_PIXEL: Final = frozenset(("text/html", "application/xhtml+xml"))


class TrackWish(NamedTuple):
    """What a message's sender wants to know; whether a person agreed is asked when its copy is made."""

    opens: bool = False
    clicks: bool = False
    decoy: bool = False
    """A link that only machines find."""
    text: bool = False
    """Links in plain text too."""
    own: tuple[str, ...] = ()
    """Beginnings of addresses of the relay's own pages, in lower case."""

    @property
    def any(self) -> bool:
        return self.opens or self.clicks


class Tracker:
    """Finds the places in one message's parts, in the order in which they stand."""

    def __init__(self, wish: TrackWish) -> None:
        self.wish = wish
        self.links: list[TrackedLink] = []
        self.pixel = False
        self._numbers: dict[TrackedLink, int] = {}

    def reset(self) -> None:
        self.links, self.pixel, self._numbers = [], False, {}

    def in_html(self, text: Text, content_type: str) -> list[Change]:
        """Changes of one HTML part's decoded octets; ``text/x-amp-html`` takes links and no picture."""
        if len(text.octets) > MAX_PART_OCTETS:
            return []
        markup = text.octets.decode("latin-1")
        found: list[Change] = []
        links = find_links(markup, text.charset)
        if self.wish.clicks:
            for token, base in links.anchors:
                self._link(markup, token, text.charset, base, found)
        place = links.end
        if content_type in _WITH_PIXEL and not self.pixel and place is not None:
            slots = [PIXEL_SLOT] if self.wish.opens else []
            slots += [DECOY_SLOT] if self.wish.decoy and self.wish.clicks else []
            if slots:
                self.pixel = True
                found.append(Change(place, place, [Slot(name, "raw", "latin-1") for name in slots]))
        return found

    def in_text(self, text: Text) -> list[Change]:
        """The same of plain text, where the setting wants it."""
        if not (self.wish.text and self.wish.clicks) or len(text.octets) > MAX_PART_OCTETS:
            return []
        written = text.octets.decode("latin-1")
        found: list[Change] = []
        for match in _IN_TEXT.finditer(written):
            raw = match.group().rstrip(_AFTER)
            url = sendable(address_of(raw))
            if url and self._may(url):
                self._place(found, match.start(), TrackedLink(raw, url))
        return found

    def _link(self, markup: str, token: Token, charset: str, base: str, found: list[Change]) -> None:
        span = attribute_span(markup, token, "href")
        if span is None or _left_out(markup, token):
            return
        raw = markup[span[0] : span[1]]
        start = span[0] + len(raw) - len(raw.lstrip(_UNSAFE))
        raw = raw.strip(_UNSAFE)
        if not raw or raw[0] in "#-" or not _steady(raw):
            return
        value = resolved(raw, charset)
        if value[:1] == "#":
            return
        url = sendable(address_of(value, base))
        if url and self._may(url):
            self._place(found, start, TrackedLink(raw, url, _forward(markup, token)))

    def _place(self, found: list[Change], start: int, link: TrackedLink) -> None:
        number = self._numbers.get(link)
        if number is None:
            if len(self.links) >= MOST_LINKS:
                return
            number = self._numbers[link] = len(self.links)
            self.links.append(link)
        found.append(Change(start, start + len(link.raw), [Slot(f"{LINK_SLOT}{number}", "raw", "latin-1")]))

    def _may(self, url: str) -> bool:
        """Whether this address may be tracked at all."""
        lower = url.lower()
        if "{{" in lower or "%7b%7b" in lower or lower.startswith(self.wish.own):
            return False
        rest = lower.partition("://")[2].partition("/")[2]
        return _LEAVES.search(rest) is None


def apart(changes: Sequence[Change], more: Sequence[Change]) -> list[Change]:
    """Both in order; of two that meet, those of ``changes`` stand, and what is put within a link takes it out."""
    out = list(changes)
    for one in more:
        if not any(
            (other.start < one.end and one.start < other.end) or one.start < other.start < one.end for other in out
        ):
            out.append(one)
    return sorted(out, key=lambda one: (one.start, one.end))


def sendable(url: str) -> str:
    """An address as a redirect's Location can carry it (RFC 3986), or ``""`` for what must be left as it is."""
    if not url.startswith(("http://", "https://")) or len(url) > LONGEST_URL:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host or "@" in parts.netloc or "\\" in parts.netloc or "%" in parts.netloc:
        return ""  # whoever reads the address is to see whose it is
    if not host.isascii():
        try:
            import idna

            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return ""
    elif not re.fullmatch(r"[a-z0-9_.:-]+", host):
        return ""
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port is not None else ""
    path, query, fragment = (quote(one, safe=_KEPT) for one in (parts.path, parts.query, parts.fragment))
    made = urlunsplit((parts.scheme, netloc, path or "/", query, fragment))
    return made if len(made) <= LONGEST_URL else ""


def _left_out(markup: str, token: Token) -> bool:
    found = attributes(markup, token)
    return any(name in found and found[name].strip().lower() in values for name, values in LEFT_OUT.items())


def _forward(markup: str, token: Token) -> bool:
    return attributes(markup, token).get("data-relay-track", "").strip().lower() == "forward"


def _steady(raw: str) -> bool:
    """Whether it can stand in a slot as it is: in one line, no two blanks in a row."""
    return len(raw) <= 2 * LONGEST_URL and "  " not in raw and not any(letter in raw for letter in "\r\n\t\0\x0b\x0c")
