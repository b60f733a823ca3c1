"""Failures told in words: which addresses a notice says failed, and what it says of each.

No form of any one mail system is known here, only what they have in common: an
address stands in a line, its reason in the same line or below it; addresses to
write to for help, senders and our own are none of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

MAX_ADDRESSES: Final = 50
MAX_LINES: Final = 400
MAX_REASON_LINES: Final = 14

_MAIL: Final = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|[^\s<>@,;:()\"'\[\]|=/\\\uff00-\uff60\u3000-\u303f]{1,64}(?:[=/][^\s<>@,;:()\"'\[\]"
    r"|]{1,64})?)@(?:[\w-]{1,63}\.){0,8}[\w-]{2,63}"
)
_NOT_FAILED: Final = re.compile(
    r"\b(?:contact|assist|help ?desk|questions?|for (?:more |further )?(?:help|info)|write to|call|phone"
    r"|report (?:this|it)|"
    r"(?:mail|message|e-?mail|sent|received|submitted|posted) (?:from|by)|from|sender|return[- ]path|reply[- ]to"
    r"|message[- ]id|in-reply-to|references|"
    r"envelope-from|hello|dear|please (?:try|use|send)|new (?:e-?mail )?address|(?:moved|changed) to|"
    r"subject|your (?:address|account)|subscri|unsubscri|abuse|x-\w[\w-]*|cc|list-\w+|report to"
    r"|reporting[- ]mta|helo|ehlo|id|by way of|administrator|received|for <)\b[^@]{0,60}$",
    re.I,
)
_LETTERS_BEFORE: Final = re.compile(r"^[\u3040-\u9fff\uac00-\ud7af]+(?=[A-Za-z0-9])")
_LETTERS_BEHIND: Final = re.compile(r"(?<=[A-Za-z])[\u3040-\u9fff\uac00-\ud7af]+$")
_AFTER_ALL: Final = re.compile(
    r"(?:generated|forwarded|expanded|aliased|redirected) from:? ?<?$|failed[^@]{0,40}$", re.I
)
_ADDRESSED: Final = re.compile(r"^[ \t>|]{0,8}(?:to|cc|bcc|an|à|para|do|кому)[ \t]*:", re.I)
_DAEMON: Final = re.compile(
    r"(?:mailer-?daemon|postmaster|post_?master|abuse|no-?reply|do-?not-?reply|support|help ?desk|bounces?)\b", re.I
)
_LISTED: Final = re.compile(r"^<[^<>\s]{3,320}>(?: \(expanded from [^)]{0,320}\))?: ")
"""A line that begins with who failed, as Postfix and qmail write it: a person may be called ``support@``."""
_BEGINS: Final = re.compile(
    r"[ \t]{0,12}(?:<[^<>\s]{3,320}>|[^\s<>@,;:()\"']{1,64}@[\w.-]{1,255})(?: \([^)]{0,320}\))?[ \t]*(?::|$)"
)
"""A line that is an address, or one and a colon."""
_QUOTE: Final = re.compile(r"^(?:[ \t]{0,4}[>|])+ ?")
_RULE: Final = re.compile(r"^[-=*_# \t]{4,}$")


def unquoted(text: str) -> str:
    """A forwarded notice without its quote marks."""
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    if sum(line.lstrip().startswith(">") and not line.startswith(">>>") for line in lines) * 2 <= len(lines):
        return text
    return "\n".join(_QUOTE.sub("", line) for line in lines)


def failed(note: str, not_these: Collection[str]) -> dict[str, str]:
    """Address → the lines about it, in the order of the text; ``not_these``: lower-case, known not to have failed."""
    lines = note.split("\n", MAX_LINES)[:MAX_LINES]
    named = _only_listed(lines, [_named(line, not_these) for line in lines])
    if any(addresses and not _ADDRESSED.match(line) for line, addresses in zip(lines, named, strict=True)):
        # A line "To:" only says which message it was, where others say who failed.
        named = [[] if _ADDRESSED.match(line) else addresses for line, addresses in zip(lines, named, strict=True)]
    found: dict[str, list[str]] = {}
    for at, addresses in enumerate(named):
        for address in addresses:
            key = _key(found, address)
            if key in found or len(found) < MAX_ADDRESSES:
                found.setdefault(key, []).append(_reason(lines, named, at, key))
    return {address: "\n".join(reasons) for address, reasons in found.items()}


def _only_listed(lines: list[str], named: list[list[str]]) -> list[list[str]]:
    """Without the addresses in the reason of a line that begins with who failed: it goes on in lines further in."""
    kept: list[list[str]] = []
    depth: int | None = None
    for line, addresses in zip(lines, named, strict=True):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or (depth is not None and indent <= depth):
            depth = None
        if depth is not None:
            addresses = []
        elif addresses and _BEGINS.match(line):
            depth = indent
            addresses = addresses[:1]
        kept.append(addresses)
    return kept


def _key(found: dict[str, list[str]], address: str) -> str:
    return next((key for key in found if key.lower() == address.lower()), address)


def _named(line: str, not_these: Collection[str]) -> list[str]:
    """The failed addresses in a line."""
    if "@" not in line:
        return []
    addresses: list[str] = []
    for match in _MAIL.finditer(line[:1000]):
        address = _trimmed(match[0].strip(".'*_"))
        if address[:5].lower() == "smtp=":
            address = address[5:]
        before = line[: match.start()]
        if address.lower() in not_these or (_DAEMON.match(address) and not (_LISTED.match(line) and not addresses)):
            continue
        if _NOT_FAILED.search(before) and not _AFTER_ALL.search(before):
            continue
        addresses.append(address)
    return addresses


def _trimmed(address: str) -> str:
    """Without the words that stand close to it in writing that has no spaces: ``致ann@b.example的邮件``."""
    local, _, domain = address.rpartition("@")
    return f"{_LETTERS_BEFORE.sub('', local)}@{_LETTERS_BEHIND.sub('', domain)}"


def _reason(lines: list[str], named: list[list[str]], at: int, key: str) -> str:
    """The line itself and those below it, until another address, a rule, or a blank line behind a reason."""
    kept = [lines[at]]
    words = len(_MAIL.sub("", lines[at]).split())
    for place in range(at + 1, min(len(lines), at + MAX_REASON_LINES)):
        line = lines[place]
        other = [address for address in named[place] if address.lower() != key.lower()]
        if other or _RULE.match(line):
            break
        if not line.strip():
            if words > 2:
                break
            continue
        kept.append(line)
        words += len(line.split())
    return "\n".join(kept)
