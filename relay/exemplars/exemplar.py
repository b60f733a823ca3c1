"""An exemplar made of a campaign's copies: what all say, and what each says by itself. Bounded; never raises."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import idna

from relay.exemplars.compare import Compared, blanked, compare
from relay.exemplars.values import Exemplar, ExemplarFile, ExemplarLink, ExemplarText, Varying
from relay.mail.content import Attachment, Content, ContentText, Link

MOST_TEXT: Final = 64 * 1024
"""Characters of one part that are shown and compared."""
MOST_HIDDEN: Final = 4 * 1024
MOST_LINKS: Final = 300
MOST_FILES: Final = 100
MOST_MARKS: Final = 200
EXAMPLES: Final = 5
LONGEST: Final = 200
"""Characters of an example or a link's words."""
LONGEST_FIELD: Final = 2_000
_OF_ONE: Final = frozenset(
    [
        "to",
        "cc",
        "bcc",
        "date",
        "message-id",
        "received",
        "return-path",
        "dkim-signature",
        "feedback-id",
        "x-sender-contact",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "x-report-abuse",
        "from",
        "subject",
        "reply-to",
        "relay-permission",
        "references",
        "in-reply-to",
    ]
)
"""Fields that are told by themselves, that name one copy, or that the relay writes."""
_HOST_IN_WORDS: Final = re.compile(
    r"\b(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24})(?=[/\s:?#]|$)", re.IGNORECASE
)


def made(campaign_id: int, contents: Sequence[Content], now: float) -> Exemplar | None:
    """Of the copies that ``relay.exemplars.sample`` gives; None without any."""
    if not contents:
        return None
    return _Maker(campaign_id, contents, now).exemplar()


class _Maker:
    def __init__(self, campaign_id: int, contents: Sequence[Content], now: float) -> None:
        self._campaign_id = campaign_id
        self._contents = contents
        self._first = contents[0]
        self._now = now
        self._varies: list[Varying] = []
        self._common = self._words = 0
        self._complete = all(one.complete for one in contents)

    def exemplar(self) -> Exemplar:
        heads = [dict(one.fields) for one in self._contents]
        from_, reply_to, subject = (self._field(heads, name) for name in ("from", "reply-to", "subject"))
        names = [name for name in heads[0] if name not in _OF_ONE]
        headers = tuple([(name, self._field(heads, name)) for name in names[:MOST_FILES]])
        self._common = self._words = 0  # how alike they are is told of what is read
        texts = tuple([self._text(place, one) for place, one in enumerate(self._first.texts)])
        links = tuple(self._links())
        files = tuple(self._files())
        return Exemplar(
            campaign_id=self._campaign_id,
            from_=from_,
            reply_to=reply_to,
            subject=subject,
            headers=headers,
            texts=texts,
            links=links,
            attachments=files,
            varies=tuple(self._varies[:MOST_MARKS]),
            compared=len(self._contents),
            alike=round(self._common / self._words, 4) if self._words else 1.0,
            complete=self._complete and len(self._varies) <= MOST_MARKS,
            sealed=self._first.sealed,
            made_at=self._now,
        )

    def _compared(self, where: str, texts: Sequence[str]) -> str:
        found = compare(texts, self._next_mark())
        self._count(where, found)
        return found.text

    def _next_mark(self) -> int:
        return len(self._varies) + 1

    def _count(self, where: str, found: Compared) -> None:
        self._common += found.common
        self._words += found.words
        for mark, examples in found.marks:
            shown = tuple([_cut(one, LONGEST) for one in examples if one][:EXAMPLES])
            self._varies.append(Varying(where, mark, shown))

    def _field(self, heads: Sequence[dict[str, str]], name: str) -> str:
        values = [_cut(head.get(name, ""), LONGEST_FIELD) for head in heads]
        return self._compared(name, values) if values[0] else ""

    def _text(self, place: int, one: ContentText) -> ExemplarText:
        texts = [one.text, *self._others(place, one.content_type)]
        if any(len(text) > MOST_TEXT for text in texts):
            self._complete = False
        text = self._compared(f"text {place + 1}", [text[:MOST_TEXT].rstrip() for text in texts])
        hidden = blanked_words([one.hidden, *self._others(place, one.content_type, hidden=True)])
        return ExemplarText(one.content_type, text, _cut(hidden, MOST_HIDDEN))

    def _others(self, place: int, content_type: str, *, hidden: bool = False) -> Iterator[str]:
        """The same part of the other copies, those that have it."""
        for content in self._contents[1:]:
            if place < len(content.texts) and content.texts[place].content_type == content_type:
                yield content.texts[place].hidden if hidden else content.texts[place].text

    def _links(self) -> Iterator[ExemplarLink]:
        """By where they lead and what they say, as often as they stand there."""
        found: dict[tuple[str, str, bool, bool], int] = {}
        alike = [one.links for one in self._contents if len(one.links) == len(self._first.links)]
        if len(alike) < len(self._contents):
            self._varies.append(Varying("link", "", (f"{len(self._first.links)} links, not as many in all copies",)))
        for place, link in enumerate(self._first.links):
            url = blanked([link.url, *(one[place].url for one in alike[1:])])
            words = blanked_words([_cut(link.words, LONGEST), *(_cut(one[place].words, LONGEST) for one in alike[1:])])
            key = (_cut(url, LONGEST_FIELD), words, link.hidden, link.form)
            found[key] = found.get(key, 0) + 1
        if len(found) > MOST_LINKS:
            self._complete = False
        for (url, words, hidden, form), places in list(found.items())[:MOST_LINKS]:
            yield _link(Link(url, words, hidden, form), places)

    def _files(self) -> Iterator[ExemplarFile]:
        others = [one.attachments for one in self._contents[1:]]
        if len(self._first.attachments) > MOST_FILES:
            self._complete = False
        for place, one in enumerate(self._first.attachments[:MOST_FILES]):
            digest = _digest(one)
            differs = any(place >= len(files) or _digest(files[place]) != digest for files in others)
            name = blanked_words([one.name, *(files[place].name for files in others if place < len(files))])
            yield ExemplarFile(_cut(name, LONGEST), one.content_type, one.size_octets, digest, one.inline, differs)


def blanked_words(texts: Sequence[str]) -> str:
    """The first text with gaps where others differ."""
    return compare(texts, mark="«…»").text


def host_of(url: str) -> str:
    """In lower case, as it stands; ``""`` where there is none."""
    if url.startswith("mailto:"):
        return url.partition("?")[0].rpartition("@")[2].lower()
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _link(link: Link, places: int) -> ExemplarLink:
    said = host_of(link.url)
    host, reads = _both(said)
    return ExemplarLink(
        link.url, host, reads if reads != host else "", link.words, places, link.hidden, link.form,
        _claims(link.words, host),
    )  # fmt: skip


def _both(host: str) -> tuple[str, str]:
    """A host in A-labels, and as it is read."""
    try:
        ascii_ = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
        return ascii_, idna.decode(ascii_) if "xn--" in ascii_ else ascii_
    except (idna.IDNAError, UnicodeError):
        return host, host


def _claims(words: str, host: str) -> str:
    """A host that a link's words name and that it doesn't lead to."""
    found = _HOST_IN_WORDS.search(words.strip())
    if found is None or not host:
        return ""
    named = found[1].lower()
    same = host == named or host.endswith(f".{named}") or named.endswith(f".{host}")
    same = same or host.removeprefix("www.") == named.removeprefix("www.")
    return "" if same else named


def _digest(one: Attachment) -> str:
    return hashlib.sha256(one.octets(one.size_octets)).hexdigest()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
