"""The one table: reply code, enhanced code and words → kind of answer, and what it says of the address.

``judge`` takes the first row that matches. The enhanced code is read first: where
it names a cause, words only decide against a dead address. A person is never
mailed again after DEAD, so what is unclear isn't, and what no row knows is
neither about the address nor a reason to give up. Sources: RFC 5321 §4.2.1,
§4.5.3.1.10; RFC 3463 §3; RFC 7504, RFC 7505; the IANA registry of enhanced
status codes; what large providers really answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from relay.verdict.phrases import Group as G
from relay.verdict.phrases import found_in
from relay.verdict.values import Address, Judgement, Kind

LOOKED_AT: Final = 2000
"""Characters of an answer that are searched for phrases; the rest is somebody's novel."""

ADDRESS_CODES: Final = frozenset(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"))
"""Subject and detail of codes that are about the address itself."""

BEFORE: Final = ("greeting", "ehlo", "tls", "auth", "mail")
"""Stages at which no recipient was named."""

DEAD, DOUBTED, SUSPECTED, ALIVE = Address.DEAD, Address.DOUBTED, Address.SUSPECTED, Address.ALIVE


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; an empty condition matches everything."""

    codes: str
    """Regular expression for the whole ``subject.detail``, ``-`` where no code tells anything."""
    words: frozenset[G]
    """One of these groups must be there."""
    without: frozenset[G]
    """None of these may be."""
    kind: Kind
    address: Address
    lasting: bool
    replies: str = ""
    """Regular expression for the whole reply code, ``-`` if there is none."""
    stages: tuple[str, ...] = ()
    """After which command it came; ``""``: not known, as in most reports."""
    also: frozenset[G] = frozenset()
    """All of these must be there too."""


def _row(
    codes: str,
    words: str,
    without: str,
    kind: Kind,
    address: Address = ALIVE,
    *,
    again: bool = False,
    replies: str = "",
    stages: tuple[str, ...] = (),
    also: str = "",
) -> Row:
    """``again``: another try may do."""
    return Row(codes, _set(words), _set(without), kind, address, not again, replies, stages, _set(also))


def _set(names: str) -> frozenset[G]:
    return frozenset(G(name) for name in names.split())


_ABOUT: Final = r"1\.(?:1|2|3|6|10)|2\.1"
_SAID: Final = "nobody unknown no-account"
_US: Final = "blocked spam authentication sender relaying policy content filtered"
_NOT_ITS_OWN: Final = "blocked spam authentication sender relaying content filtered"
_AT_RCPT: Final = ("rcpt", "")
_LATER_ON: Final = ("data", "dot")

TABLE: Final[tuple[Row, ...]] = (
    # -- Loops, space, size: never about the address, whatever else is said.
    _row(r"4\.(?:6|14)", "", "", Kind.LOOP),
    _row(r"2\.2|3\.1", "", "", Kind.FULL, again=True),
    _row(r"2\.3|3\.4", "", "", Kind.TOO_LARGE),
    _row(r"4\.7", "", "", Kind.EXPIRED),
    # RFC 3463 §3.5: congestion passes; a smart host says so where the day's share is used up.
    _row(r"4\.5", "", "", Kind.RATE, again=True),
    # -- The code names the address; words about us or of another try speak against it.
    _row(_ABOUT, "sender", "", Kind.SENDER),
    _row(_ABOUT, "full", "", Kind.FULL, again=True),
    _row(_ABOUT, "greylist", "", Kind.GREYLISTED, again=True),
    _row(_ABOUT, "rate", "", Kind.RATE, again=True),
    _row(_ABOUT, "later", "nobody unknown", Kind.TEMPORARY, again=True),
    _row(_ABOUT, "loop", _SAID, Kind.LOOP),
    _row(_ABOUT, "tls", _SAID, Kind.TLS, again=True),
    _row(_ABOUT, "network", f"{_SAID} no-domain", Kind.NETWORK),
    _row(_ABOUT, "system", f"{_SAID} no-domain disabled", Kind.SYSTEM),
    _row(_ABOUT, "blocked", "", Kind.BLOCKED),
    _row(_ABOUT, "authentication", "", Kind.AUTHENTICATION),
    _row(_ABOUT, "relaying", "nobody", Kind.RELAYING),
    _row(_ABOUT, "spam", _SAID, Kind.SPAM),
    _row(_ABOUT, "policy", f"{_SAID} disabled", Kind.POLICY),
    _row(_ABOUT, "content", _SAID, Kind.CONTENT),
    _row(_ABOUT, "large", _SAID, Kind.TOO_LARGE),
    _row(_ABOUT, "filtered", _SAID, Kind.FILTERED),
    _row(_ABOUT, "program", "nobody", Kind.SYSTEM),
    _row(r"1\.(?:2|10)", "no-domain", "nobody", Kind.NO_MAIL_DOMAIN, DOUBTED),
    _row(_ABOUT, "disabled", _SAID, Kind.DISABLED, SUSPECTED),
    _row(r"1\.(?:2|10)", _SAID, "", Kind.UNKNOWN_ADDRESS, DEAD),
    _row(r"1\.(?:2|10)", "", "", Kind.NO_MAIL_DOMAIN, DOUBTED),
    _row(r"1\.[13]", "no-domain", _SAID, Kind.NO_MAIL_DOMAIN, DOUBTED),
    # RFC 3463 §3.3: the mailbox exists. A server that says both means one of them.
    _row(r"2\.1", _SAID, "", Kind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"2\.1", _SAID, "", Kind.UNKNOWN_ADDRESS, SUSPECTED),
    _row(r"2\.1", "", "", Kind.POLICY, replies="521"),
    _row(r"2\.1", "", "", Kind.DISABLED, SUSPECTED),
    _row(r"1\.6", "", "", Kind.MOVED, DEAD),
    # A server that asked another one and got no answer, or found no way to it.
    _row(r"1\.[13]", "loop", "nobody no-account", Kind.LOOP),
    _row(r"1\.[13]", "network", "nobody no-account", Kind.UNKNOWN_ADDRESS, DOUBTED),
    _row(r"1\.[13]", "", "", Kind.UNKNOWN_ADDRESS, DEAD),
    # -- The code names something else.
    # RFC 7505 §4.2 means the sender's domain; sendmail says so of the recipient's.
    _row(r"7\.27", "no-domain", "sender", Kind.NO_MAIL_DOMAIN, DOUBTED, stages=_AT_RCPT),
    _row(r"1\.[789]|7\.27", "", "", Kind.SENDER),
    _row(r"1\.4", "", "", Kind.OTHER),
    # Microsoft passes on what another server answered RCPT.
    _row(r"1\.351", "nameless", "", Kind.FILTERED),
    _row(r"1\.351", _SAID, "full blocked spam sender rate", Kind.UNKNOWN_ADDRESS, DOUBTED),
    # Microsoft's directory says so of unknown mailboxes, and of a whole domain that is set up wrongly.
    _row(r"4\.1", "policy", "relaying blocked spam", Kind.UNKNOWN_ADDRESS, DOUBTED, also="refused"),
    _row(r"4\.1", _SAID, _US, Kind.UNKNOWN_ADDRESS, DOUBTED),
    _row(r"4\.(?:4|310)", "network", "no-domain", Kind.NETWORK),
    _row(r"4\.(?:4|310)", "", "loop", Kind.NO_MAIL_DOMAIN, DOUBTED),
    _row(r"4\.3(?:00|16|17)", "", "", Kind.EXPIRED),
    _row(r"4\.\d+", "loop", "", Kind.LOOP),
    _row(r"4\.\d+", "relaying", "", Kind.RELAYING),
    _row(r"4\.\d+", "", "", Kind.NETWORK),
    _row(
        r"3\.2", "", "blocked spam policy later rate", Kind.NO_MAIL_DOMAIN, DOUBTED, replies="521|556", stages=_AT_RCPT
    ),
    _row(r"3\.[1-9]\d*", "", "", Kind.SYSTEM),
    _row(r"6\.\d+", "", "", Kind.CONTENT),
    _row(r"7\.1[01]", "", "", Kind.TLS, again=True),
    _row(r"7\.13", "", "", Kind.DISABLED, SUSPECTED),
    _row(r"7\.\d+", "greylist", "", Kind.GREYLISTED, again=True),
    _row(r"7\.\d+", "rate", "", Kind.RATE, again=True),
    _row(r"7\.\d+", "later", "", Kind.TEMPORARY, again=True),
    _row(r"7\.\d+", "tls", "", Kind.TLS, again=True),
    _row(r"7\.(?:2[0-9]|30)", "", "", Kind.AUTHENTICATION),
    # Qmail's patches number their refusals freely; the words are clear.
    _row(r"7\.1", "closed", _NOT_ITS_OWN, Kind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row(r"7\.\d+", "nobody", f"{_US} full disabled", Kind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row(r"7\.[019]", _SAID, f"{_US} full disabled", Kind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"7\.[019]", _SAID, f"{_US} full disabled", Kind.UNKNOWN_ADDRESS, SUSPECTED, stages=("",)),
    _row(r"7\.[019]", "disabled", f"{_US} full", Kind.DISABLED, SUSPECTED, stages=_AT_RCPT),
    _row(r"7\.\d+", "full", f"{_US}", Kind.FULL, again=True),
    _row(r"7\.\d+", "blocked", "", Kind.BLOCKED),
    _row(r"7\.\d+", "spam", "", Kind.SPAM),
    _row(r"7\.\d+", "authentication", "", Kind.AUTHENTICATION),
    _row(r"7\.\d+", "sender", "", Kind.SENDER),
    _row(r"7\.\d+", "relaying", "", Kind.RELAYING),
    _row(r"7\.\d+", "content", "", Kind.CONTENT),
    _row(r"7\.\d+", "", "", Kind.POLICY),
    # -- No code tells anything: the words do, first those that speak against a dead address.
    _row("", "sender", "", Kind.SENDER),
    _row("", "loop", "", Kind.LOOP),
    _row("", "full", "", Kind.FULL, again=True),
    _row("", "large", "", Kind.TOO_LARGE),
    _row("", "", _SAID, Kind.FULL, again=True, replies="552|522", stages=_AT_RCPT),
    _row("", "", _SAID, Kind.TOO_LARGE, replies="552"),
    _row("", "greylist", "", Kind.GREYLISTED, again=True),
    _row("", "rate", "", Kind.RATE, again=True),
    _row("", "later", "", Kind.TEMPORARY, again=True),
    _row("", "tls", "", Kind.TLS, again=True),
    _row("", "blocked", "", Kind.BLOCKED),
    _row("", "authentication", "", Kind.AUTHENTICATION),
    _row("", "spam", "nobody", Kind.SPAM),
    _row("", "relaying", "nobody", Kind.RELAYING),
    _row("", "expired", _SAID, Kind.EXPIRED),
    _row("", "disabled", "", Kind.DISABLED, SUSPECTED),
    _row("", "program", "nobody", Kind.SYSTEM),
    _row("", "network", f"{_SAID} no-domain", Kind.NETWORK),
    # The recipient's domain was taken at RCPT; after that it is another one.
    _row("", "no-domain", "nobody unknown", Kind.SENDER, stages=_LATER_ON),
    _row("", "no-domain", "nobody", Kind.NO_MAIL_DOMAIN, DOUBTED),
    # RCPT was taken: what DATA is refused with is about all of them.
    _row("", "nobody unknown", "", Kind.FILTERED, stages=("data",)),
    _row("", "nobody", "spam policy content filtered network system", Kind.UNKNOWN_ADDRESS, DEAD),
    _row("", "nobody", "", Kind.UNKNOWN_ADDRESS, DOUBTED),
    _row("", "no-account", "", Kind.UNKNOWN_ADDRESS, DEAD, replies="5.."),
    _row("", "no-account", "", Kind.UNKNOWN_ADDRESS, SUSPECTED),
    _row("", "closed", _NOT_ITS_OWN, Kind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row("", "content", "", Kind.CONTENT),
    _row("", "filtered", "", Kind.FILTERED),
    _row("", "policy", "", Kind.POLICY),
    _row("", "moved", "", Kind.MOVED, DOUBTED, stages=_AT_RCPT),
    _row(r"2\.0", "unknown", "", Kind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"2\.0", "unknown", "", Kind.FILTERED),
    _row(r"3\.0", "unknown", "", Kind.UNKNOWN_ADDRESS, SUSPECTED, stages=("",)),
    # A server that refused RCPT would have named the address; with none before the colon it was the message.
    _row("", "nameless", "", Kind.FILTERED),
    # After the message was seen a filter's "user unknown" often means its content.
    _row("", "unknown", "", Kind.FILTERED, stages=_LATER_ON),
    _row("", "unknown", "", Kind.UNKNOWN_ADDRESS, DOUBTED, replies="50[0-9]|5[25]2"),
    _row("", "unknown", "", Kind.UNKNOWN_ADDRESS, DEAD, stages=_AT_RCPT),
    _row("", "", "", Kind.RELAYING, replies="551"),
    _row("", "", "", Kind.NO_MAIL_DOMAIN, DOUBTED, replies="521|556"),
    _row("", "system", "", Kind.SYSTEM),
    # 542 is Symantec's own number for an address that it doesn't know.
    _row("", "refused", "", Kind.UNKNOWN_ADDRESS, DOUBTED, replies="542|55[013]", stages=_AT_RCPT),
    _row("", "protocol", "", Kind.PROTOCOL),
    _row("", "", "", Kind.PROTOCOL, replies="50[0-9]"),
    _row("", "", "", Kind.OTHER),
)
"""For answers that are permanent by their number, in order; the first row that matches decides."""

_TEMPORARY: Final[tuple[tuple[G, Kind], ...]] = (
    (G.FULL, Kind.FULL),
    (G.GREYLIST, Kind.GREYLISTED),
    (G.RATE, Kind.RATE),
    (G.DISABLED, Kind.DISABLED),
    (G.TLS, Kind.TLS),
    (G.BLOCKED, Kind.BLOCKED),
    (G.SPAM, Kind.SPAM),
    (G.AUTHENTICATION, Kind.AUTHENTICATION),
    (G.EXPIRED, Kind.EXPIRED),
    (G.NETWORK, Kind.NETWORK),
    (G.NO_DOMAIN, Kind.NETWORK),
    (G.SENDER, Kind.SENDER),
    (G.POLICY, Kind.POLICY),
    (G.SYSTEM, Kind.SYSTEM),
)
"""What a temporary answer was about, by its words, for those who read it; nothing follows from it."""


@lru_cache(maxsize=1024)
def judge(reply: int | None, codes: tuple[str, ...], words: str, stage: str = "") -> Judgement:
    """Judge one answer.

    ``reply``: three digits, if there were any. ``codes``: enhanced codes, ``5.1.1``.
    ``words``: the text after ``own_words``. ``stage``: the command it answered, as
    ``relay.delivery.outcome.Where`` names it, ``""`` if that isn't known.
    """
    found = found_in(words[:LOOKED_AT])
    if _temporary(reply, codes):
        return _for_now(reply, codes, found)
    code = telling(codes)
    for row in TABLE:
        if _matches(row, reply, code, found, stage):
            break
    return _judgement(row, reply, codes, code, found, stage)


def _temporary(reply: int | None, codes: tuple[str, ...]) -> bool:
    """By its number; where reply and enhanced code contradict each other, too."""
    if reply is not None and reply < 500:
        return True
    return bool(codes) and all(code.startswith("4") for code in codes)


def _for_now(reply: int | None, codes: tuple[str, ...], found: Mapping[G, str]) -> Judgement:
    group, kind = next(((g, k) for g, k in _TEMPORARY if g in found), (None, Kind.TEMPORARY))
    number = codes[0] if codes else str(reply or "")
    if kind is Kind.TEMPORARY and any(code.endswith(".4.7") for code in codes):
        kind = Kind.EXPIRED
    why = f"{number} is temporary" + (f", with the words “{found[group]}”" if group else "")
    return Judgement(kind, ALIVE, False, codes[0] if codes else "", reply, why)


def telling(codes: tuple[str, ...]) -> str:
    """``subject.detail`` of the permanent code that tells a cause; one that isn't about the address comes first."""
    causes = [code[2:] for code in codes if code.startswith("5") and not generic(code[2:])]
    others = [code for code in causes if code not in ADDRESS_CODES]
    if others or causes:
        return (others or causes)[0]
    return next((code[2:] for code in codes if code in ("5.2.0", "5.3.0")), "")


def generic(code: str) -> bool:
    """``0.0``, ``1.0``, ``5.0``: says nothing about the cause; subject 7 always tells of a policy."""
    subject, _, detail = code.partition(".")
    return (subject not in "467" and (detail == "0" or subject in ("0", "5"))) or code == "4.0"


def _matches(row: Row, reply: int | None, code: str, found: Mapping[G, str], stage: str) -> bool:
    if row.codes and not re.fullmatch(row.codes, code):
        return False
    if row.replies and not (reply is not None and re.fullmatch(row.replies, str(reply))):
        return False
    if row.stages and stage not in row.stages:
        return False
    if row.words and row.words.isdisjoint(found):
        return False
    return row.without.isdisjoint(found) and row.also <= found.keys()


def _judgement(
    row: Row, reply: int | None, codes: tuple[str, ...], code: str, found: Mapping[G, str], stage: str
) -> Judgement:
    status = _best(codes, code)
    kind, address = row.kind, row.address
    if stage in BEFORE and address is not ALIVE:  # nobody had been named yet
        kind, address = Kind.SENDER, ALIVE
    return Judgement(kind, address, row.lasting, status, reply, _why(row, reply, status, found))


def _best(codes: tuple[str, ...], code: str) -> str:
    if code and f"5.{code}" in codes:
        return f"5.{code}"
    return codes[0] if codes else ""


def _why(row: Row, reply: int | None, status: str, found: Mapping[G, str]) -> str:
    """The code, where the row asks for one, and the words that it asks for."""
    words = [found[group] for group in G if group in found and (group in row.words or group in row.also)]
    said = f"the words “{words[0]}”" if words else ""
    if row.codes:
        return f"the enhanced code {status}" + (f" and {said}" if said else "")
    if said:
        return said
    return f"the reply code {reply}" if row.replies else "no word that is known"
