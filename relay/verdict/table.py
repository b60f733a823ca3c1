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

from relay.verdict.phrases import PhraseGroup as G
from relay.verdict.phrases import found_in
from relay.verdict.values import AddressSays, AnswerKind, Judgement

LOOKED_AT: Final = 2000
"""Characters of an answer that are searched for phrases; the rest is somebody's novel."""

ADDRESS_CODES: Final = frozenset(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"))
"""Subject and detail of codes that are about the address itself."""

BEFORE: Final = ("greeting", "ehlo", "tls", "auth", "mail")
"""Stages at which no recipient was named."""

DEAD, DOUBTED, SUSPECTED, ALIVE = AddressSays.DEAD, AddressSays.DOUBTED, AddressSays.SUSPECTED, AddressSays.ALIVE


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One line of the table; an empty condition matches everything."""

    codes: str
    """Regular expression for the whole ``subject.detail``, ``-`` where no code tells anything."""
    words: frozenset[G]
    """One of these groups must be there."""
    without: frozenset[G]
    """None of these may be."""
    kind: AnswerKind
    address: AddressSays
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
    kind: AnswerKind,
    address: AddressSays = ALIVE,
    *,
    again: bool = False,
    replies: str = "",
    stages: tuple[str, ...] = (),
    also: str = "",
) -> AnswerRow:
    """``again``: another try may do."""
    return AnswerRow(codes, _set(words), _set(without), kind, address, not again, replies, stages, _set(also))


def _set(names: str) -> frozenset[G]:
    return frozenset(G(name) for name in names.split())


_ABOUT: Final = r"1\.(?:1|2|3|6|10)|2\.1"
_SAID: Final = "nobody unknown no-account"
_US: Final = "blocked spam authentication sender relaying policy content filtered"
_NOT_ITS_OWN: Final = "blocked spam authentication sender relaying content filtered"
_AT_RCPT: Final = ("rcpt", "")
_LATER_ON: Final = ("data", "dot")

TABLE: Final[tuple[AnswerRow, ...]] = (
    # -- Loops, space, size: never about the address, whatever else is said.
    _row(r"4\.(?:6|14)", "", "", AnswerKind.LOOP),
    _row(r"2\.2|3\.1", "", "", AnswerKind.FULL, again=True),
    _row(r"2\.3|3\.4", "", "", AnswerKind.TOO_LARGE),
    _row(r"4\.7", "", "", AnswerKind.EXPIRED),
    # RFC 3463 §3.5: congestion passes; a smart host says so where the day's share is used up.
    _row(r"4\.5", "", "", AnswerKind.RATE, again=True),
    # -- The code names the address; words about us or of another try speak against it.
    _row(_ABOUT, "sender", "", AnswerKind.SENDER),
    _row(_ABOUT, "full", "", AnswerKind.FULL, again=True),
    _row(_ABOUT, "greylist", "", AnswerKind.GREYLISTED, again=True),
    _row(_ABOUT, "rate", "", AnswerKind.RATE, again=True),
    _row(_ABOUT, "later", "nobody unknown", AnswerKind.TEMPORARY, again=True),
    _row(_ABOUT, "loop", _SAID, AnswerKind.LOOP),
    _row(_ABOUT, "tls", _SAID, AnswerKind.TLS, again=True),
    _row(_ABOUT, "network", f"{_SAID} no-domain", AnswerKind.NETWORK),
    _row(_ABOUT, "system", f"{_SAID} no-domain disabled", AnswerKind.SYSTEM),
    _row(_ABOUT, "blocked", "", AnswerKind.BLOCKED),
    _row(_ABOUT, "authentication", "", AnswerKind.AUTHENTICATION),
    _row(_ABOUT, "relaying", "nobody", AnswerKind.RELAYING),
    _row(_ABOUT, "spam", _SAID, AnswerKind.SPAM),
    _row(_ABOUT, "policy", f"{_SAID} disabled", AnswerKind.POLICY),
    _row(_ABOUT, "content", _SAID, AnswerKind.CONTENT),
    _row(_ABOUT, "large", _SAID, AnswerKind.TOO_LARGE),
    _row(_ABOUT, "filtered", _SAID, AnswerKind.FILTERED),
    _row(_ABOUT, "program", "nobody", AnswerKind.SYSTEM),
    _row(r"1\.(?:2|10)", "no-domain", "nobody", AnswerKind.NO_MAIL_DOMAIN, DOUBTED),
    _row(_ABOUT, "disabled", _SAID, AnswerKind.DISABLED, SUSPECTED),
    _row(r"1\.(?:2|10)", _SAID, "", AnswerKind.UNKNOWN_ADDRESS, DEAD),
    _row(r"1\.(?:2|10)", "", "", AnswerKind.NO_MAIL_DOMAIN, DOUBTED),
    _row(r"1\.[13]", "no-domain", _SAID, AnswerKind.NO_MAIL_DOMAIN, DOUBTED),
    # RFC 3463 §3.3: the mailbox exists. A server that says both means one of them.
    _row(r"2\.1", _SAID, "", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"2\.1", _SAID, "", AnswerKind.UNKNOWN_ADDRESS, SUSPECTED),
    _row(r"2\.1", "", "", AnswerKind.POLICY, replies="521"),
    _row(r"2\.1", "", "", AnswerKind.DISABLED, SUSPECTED),
    _row(r"1\.6", "", "", AnswerKind.MOVED, DEAD),
    # A server that asked another one and got no answer, or found no way to it.
    _row(r"1\.[13]", "loop", "nobody no-account", AnswerKind.LOOP),
    _row(r"1\.[13]", "network", "nobody no-account", AnswerKind.UNKNOWN_ADDRESS, DOUBTED),
    _row(r"1\.[13]", "", "", AnswerKind.UNKNOWN_ADDRESS, DEAD),
    # -- The code names something else.
    # RFC 7505 §4.2 means the sender's domain; sendmail says so of the recipient's.
    _row(r"7\.27", "no-domain", "sender", AnswerKind.NO_MAIL_DOMAIN, DOUBTED, stages=_AT_RCPT),
    _row(r"1\.[789]|7\.27", "", "", AnswerKind.SENDER),
    _row(r"1\.4", "", "", AnswerKind.OTHER),
    # Microsoft passes on what another server answered RCPT.
    _row(r"1\.351", "nameless", "", AnswerKind.FILTERED),
    _row(r"1\.351", _SAID, "full blocked spam sender rate", AnswerKind.UNKNOWN_ADDRESS, DOUBTED),
    # Microsoft's directory says so of unknown mailboxes, and of a whole domain that is set up wrongly.
    _row(r"4\.1", "policy", "relaying blocked spam", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, also="refused"),
    _row(r"4\.1", _SAID, _US, AnswerKind.UNKNOWN_ADDRESS, DOUBTED),
    _row(r"4\.(?:4|310)", "network", "no-domain", AnswerKind.NETWORK),
    _row(r"4\.(?:4|310)", "", "loop", AnswerKind.NO_MAIL_DOMAIN, DOUBTED),
    _row(r"4\.3(?:00|16|17)", "", "", AnswerKind.EXPIRED),
    _row(r"4\.\d+", "loop", "", AnswerKind.LOOP),
    _row(r"4\.\d+", "relaying", "", AnswerKind.RELAYING),
    _row(r"4\.\d+", "", "", AnswerKind.NETWORK),
    _row(
        r"3\.2",
        "",
        "blocked spam policy later rate",
        AnswerKind.NO_MAIL_DOMAIN,
        DOUBTED,
        replies="521|556",
        stages=_AT_RCPT,
    ),
    _row(r"3\.[1-9]\d*", "", "", AnswerKind.SYSTEM),
    _row(r"6\.\d+", "", "", AnswerKind.CONTENT),
    _row(r"7\.1[01]", "", "", AnswerKind.TLS, again=True),
    _row(r"7\.13", "", "", AnswerKind.DISABLED, SUSPECTED),
    _row(r"7\.\d+", "greylist", "", AnswerKind.GREYLISTED, again=True),
    _row(r"7\.\d+", "rate", "", AnswerKind.RATE, again=True),
    _row(r"7\.\d+", "later", "", AnswerKind.TEMPORARY, again=True),
    _row(r"7\.\d+", "tls", "", AnswerKind.TLS, again=True),
    _row(r"7\.(?:2[0-9]|30)", "", "", AnswerKind.AUTHENTICATION),
    # Qmail's patches number their refusals freely; the words are clear.
    _row(r"7\.1", "closed", _NOT_ITS_OWN, AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row(r"7\.\d+", "nobody", f"{_US} full disabled", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row(r"7\.[019]", _SAID, f"{_US} full disabled", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"7\.[019]", _SAID, f"{_US} full disabled", AnswerKind.UNKNOWN_ADDRESS, SUSPECTED, stages=("",)),
    _row(r"7\.[019]", "disabled", f"{_US} full", AnswerKind.DISABLED, SUSPECTED, stages=_AT_RCPT),
    _row(r"7\.\d+", "full", f"{_US}", AnswerKind.FULL, again=True),
    _row(r"7\.\d+", "blocked", "", AnswerKind.BLOCKED),
    _row(r"7\.\d+", "spam", "", AnswerKind.SPAM),
    _row(r"7\.\d+", "authentication", "", AnswerKind.AUTHENTICATION),
    _row(r"7\.\d+", "sender", "", AnswerKind.SENDER),
    _row(r"7\.\d+", "relaying", "", AnswerKind.RELAYING),
    _row(r"7\.\d+", "content", "", AnswerKind.CONTENT),
    _row(r"7\.\d+", "", "", AnswerKind.POLICY),
    # -- No code tells anything: the words do, first those that speak against a dead address.
    _row("", "sender", "", AnswerKind.SENDER),
    _row("", "loop", "", AnswerKind.LOOP),
    _row("", "full", "", AnswerKind.FULL, again=True),
    _row("", "large", "", AnswerKind.TOO_LARGE),
    _row("", "", _SAID, AnswerKind.FULL, again=True, replies="552|522", stages=_AT_RCPT),
    _row("", "", _SAID, AnswerKind.TOO_LARGE, replies="552"),
    _row("", "greylist", "", AnswerKind.GREYLISTED, again=True),
    _row("", "rate", "", AnswerKind.RATE, again=True),
    _row("", "later", "", AnswerKind.TEMPORARY, again=True),
    _row("", "tls", "", AnswerKind.TLS, again=True),
    _row("", "blocked", "", AnswerKind.BLOCKED),
    _row("", "authentication", "", AnswerKind.AUTHENTICATION),
    _row("", "spam", "nobody", AnswerKind.SPAM),
    _row("", "relaying", "nobody", AnswerKind.RELAYING),
    _row("", "expired", _SAID, AnswerKind.EXPIRED),
    _row("", "disabled", "", AnswerKind.DISABLED, SUSPECTED),
    _row("", "program", "nobody", AnswerKind.SYSTEM),
    _row("", "network", f"{_SAID} no-domain", AnswerKind.NETWORK),
    # The recipient's domain was taken at RCPT; after that it is another one.
    _row("", "no-domain", "nobody unknown", AnswerKind.SENDER, stages=_LATER_ON),
    _row("", "no-domain", "nobody", AnswerKind.NO_MAIL_DOMAIN, DOUBTED),
    # RCPT was taken: what DATA is refused with is about all of them.
    _row("", "nobody unknown", "", AnswerKind.FILTERED, stages=("data",)),
    _row("", "nobody", "spam policy content filtered network system", AnswerKind.UNKNOWN_ADDRESS, DEAD),
    _row("", "nobody", "", AnswerKind.UNKNOWN_ADDRESS, DOUBTED),
    _row("", "no-account", "", AnswerKind.UNKNOWN_ADDRESS, DEAD, replies="5.."),
    _row("", "no-account", "", AnswerKind.UNKNOWN_ADDRESS, SUSPECTED),
    _row("", "closed", _NOT_ITS_OWN, AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=_AT_RCPT),
    _row("", "content", "", AnswerKind.CONTENT),
    _row("", "filtered", "", AnswerKind.FILTERED),
    _row("", "policy", "", AnswerKind.POLICY),
    _row("", "moved", "", AnswerKind.MOVED, DOUBTED, stages=_AT_RCPT),
    _row(r"2\.0", "unknown", "", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, stages=("rcpt",)),
    _row(r"2\.0", "unknown", "", AnswerKind.FILTERED),
    _row(r"3\.0", "unknown", "", AnswerKind.UNKNOWN_ADDRESS, SUSPECTED, stages=("",)),
    # A server that refused RCPT would have named the address; with none before the colon it was the message.
    _row("", "nameless", "", AnswerKind.FILTERED),
    # After the message was seen a filter's "user unknown" often means its content.
    _row("", "unknown", "", AnswerKind.FILTERED, stages=_LATER_ON),
    _row("", "unknown", "", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, replies="50[0-9]|5[25]2"),
    _row("", "unknown", "", AnswerKind.UNKNOWN_ADDRESS, DEAD, stages=_AT_RCPT),
    _row("", "", "", AnswerKind.RELAYING, replies="551"),
    _row("", "", "", AnswerKind.NO_MAIL_DOMAIN, DOUBTED, replies="521|556"),
    _row("", "system", "", AnswerKind.SYSTEM),
    # 542 is Symantec's own number for an address that it doesn't know.
    _row("", "refused", "", AnswerKind.UNKNOWN_ADDRESS, DOUBTED, replies="542|55[013]", stages=_AT_RCPT),
    _row("", "protocol", "", AnswerKind.PROTOCOL),
    _row("", "", "", AnswerKind.PROTOCOL, replies="50[0-9]"),
    _row("", "", "", AnswerKind.OTHER),
)
"""For answers that are permanent by their number, in order; the first row that matches decides."""

_TEMPORARY: Final[tuple[tuple[G, AnswerKind], ...]] = (
    (G.FULL, AnswerKind.FULL),
    (G.GREYLIST, AnswerKind.GREYLISTED),
    (G.RATE, AnswerKind.RATE),
    (G.DISABLED, AnswerKind.DISABLED),
    (G.TLS, AnswerKind.TLS),
    (G.BLOCKED, AnswerKind.BLOCKED),
    (G.SPAM, AnswerKind.SPAM),
    (G.AUTHENTICATION, AnswerKind.AUTHENTICATION),
    (G.EXPIRED, AnswerKind.EXPIRED),
    (G.NETWORK, AnswerKind.NETWORK),
    (G.NO_DOMAIN, AnswerKind.NETWORK),
    (G.SENDER, AnswerKind.SENDER),
    (G.POLICY, AnswerKind.POLICY),
    (G.SYSTEM, AnswerKind.SYSTEM),
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
    group, kind = next(((g, k) for g, k in _TEMPORARY if g in found), (None, AnswerKind.TEMPORARY))
    number = codes[0] if codes else str(reply or "")
    if kind is AnswerKind.TEMPORARY and any(code.endswith(".4.7") for code in codes):
        kind = AnswerKind.EXPIRED
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


def _matches(row: AnswerRow, reply: int | None, code: str, found: Mapping[G, str], stage: str) -> bool:
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
    row: AnswerRow, reply: int | None, codes: tuple[str, ...], code: str, found: Mapping[G, str], stage: str
) -> Judgement:
    status = _best(codes, code)
    kind, address = row.kind, row.address
    if stage in BEFORE and address is not ALIVE:  # nobody had been named yet
        kind, address = AnswerKind.SENDER, ALIVE
    return Judgement(kind, address, row.lasting, status, reply, _why(row, reply, status, found))


def _best(codes: tuple[str, ...], code: str) -> str:
    if code and f"5.{code}" in codes:
        return f"5.{code}"
    return codes[0] if codes else ""


def _why(row: AnswerRow, reply: int | None, status: str, found: Mapping[G, str]) -> str:
    """The code, where the row asks for one, and the words that it asks for."""
    words = [found[group] for group in G if group in found and (group in row.words or group in row.also)]
    said = f"the words “{words[0]}”" if words else ""
    if row.codes:
        return f"the enhanced code {status}" + (f" and {said}" if said else "")
    if said:
        return said
    return f"the reply code {reply}" if row.replies else "no word that is known"
