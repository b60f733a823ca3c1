"""Whether a contact may stand in a message at all: nearly always it can't, and that is seen at a fraction of the cost.

Nothing that ``places`` shows is missing here. Where a text holds letters that
are seldom used, its words are remembered in their plain form, as most of most
mail are the same few thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from policies.contacts.alphabet import plain_octets
from policies.contacts.codings import has_percent_signs, runs_in, unescaped, unquoted, without_tags
from policies.contacts.needles import Needle
from policies.contacts.numbers import is_spoken
from policies.contacts.places import (
    FLOWS,
    MOST_FILES,
    MOST_SOURCE,
    TURNED,
    css_texts,
    heads,
    in_file,
    joined,
    lowered,
    otherwise_read,
    resolved_of,
)
from policies.contacts.plain import digits_in, folded, letters_in, shown_digits
from relay.mail.content import ContentText
from relay.pipeline.contract import Message

MOST_KEPT: Final = 50_000
LONGEST_KEPT: Final = 40


class _Letters(dict[str, bytes]):
    """Word → its letters and digits in plain form, as far as they have one."""

    def __missing__(self, word: str) -> bytes:
        return _kept(self, word, letters_in(folded(word)).translate(None, BEYOND_ASCII))


class _Digits(dict[str, bytes]):
    """Word → its digits, of whatever alphabet."""

    def __missing__(self, word: str) -> bytes:
        return _kept(self, word, digits_in(shown_digits(word)))


def _kept(forms: dict[str, bytes], word: str, form: bytes) -> bytes:
    if len(word) <= LONGEST_KEPT:
        if len(forms) >= MOST_KEPT:
            forms.clear()
        forms[word] = form
    return form


BEYOND_ASCII: Final = bytes(range(128, 256))
_letters: Final = _Letters()
_digits: Final = _Digits()


def letters_and_digits(text: str) -> tuple[bytes, bytes]:
    """``letters_in(folded(text))`` without what has no plain form, and ``digits_in(shown_digits(text))``.

    No form of a letter depends on what stands beyond a blank.
    """
    found = plain_octets(text)
    if found is not None:
        return found
    words = text.split()
    return b"".join(map(_letters.__getitem__, words)), b"".join(map(_digits.__getitem__, words))


def may_hold(msg: Message, wanted: Sequence[Needle]) -> bool:
    """False only where none of them stands in any place of the message."""
    hints = {one.hint.translate(None, BEYOND_ASCII) for one in wanted if one.hint}
    hints |= {hint[::-1] for hint in hints}  # some write backwards
    forms = frozenset(form for one in wanted for form in one.numbers)
    pairs = [one.both for one in wanted if one.both is not None]
    pairs += [(word[::-1], code[::-1]) for word, code in pairs]
    for text in (msg.subject, *(part.text for part in msg.content.texts)):
        letters, digits = letters_and_digits(text)
        if any(hint in letters for hint in hints) or any(form in digits for form in forms):
            return True
        if any(code in digits and word in letters for word, code in pairs):
            return True
        if forms and is_spoken(letters, forms):
            return True
    for text in _glimpses(msg):
        letters, digits = letters_and_digits(text)
        if any(hint in letters for hint in hints) or any(form in digits for form in forms):
            return True
        if any(code in digits and word in letters for word, code in pairs):
            return True
    return False


def _glimpses(msg: Message) -> Iterator[str]:
    """All but the texts as they are shown."""
    content = msg.content
    yield "\n".join([*(one.text for one in heads(msg)), *{link.url: None for link in content.links}])
    seen: set[bytes] = set()
    for part in content.texts:
        yield from (one.text for one in otherwise_read(part.text))
        if part.hidden:
            yield part.hidden
        yield from _of_source(part, seen)
    for attachment in content.attachments[:MOST_FILES]:
        yield from (one.text for one in in_file(attachment))


def _of_source(part: ContentText, seen: set[bytes]) -> Iterator[str]:
    source = part.source[:MOST_SOURCE]
    lower = lowered(source)
    turned = any(word in lower for word in TURNED)
    resolved = source
    if part.content_type == "text/plain":
        if turned:
            yield source[::-1]
    else:
        resolved = resolved_of(source)
        yield from _of_markup(resolved, lower)
        if turned:
            yield part.text[::-1]
            yield without_tags(resolved)[::-1]
    plain = resolved
    if has_percent_signs(resolved):
        for plain in unquoted(" ".join(word for word in resolved.split() if "%" in word)):
            yield plain
        # What is encoded may stand beside the words with percent signs as well as in them.
        plain = f"{resolved} {plain}"
    yield from (one.text for one in runs_in(plain, resolved, seen))


def _of_markup(resolved: str, lower: bytes) -> Iterator[str]:
    yield unescaped(joined(resolved))
    if any(word in lower for word in FLOWS):
        yield without_tags(resolved)
    if b"content" in lower:
        yield css_texts(resolved)
