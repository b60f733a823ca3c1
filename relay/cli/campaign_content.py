"""``relay campaign show --content``: what a campaign says, for whoever decides about it (R15)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from relay.campaigns import campaigns
from relay.cli import layout
from relay.cli.common import Store, fail, iso, pairs, print_json, room, say
from relay.exemplars import keep, look
from relay.exemplars.values import Exemplar, ExemplarLink
from relay.observe.escape import escaped

NO_CONTENT: Final = (
    "nothing of campaign {id} can be shown: its content is there while copies of it are held, and kept for campaigns"
    " that were staged with two or more held copies (`[retention] exemplars`)"
)


def show(store: Store, campaign_id: int, as_json: bool) -> None:
    """Print it; fails where there is nothing."""
    campaign = campaigns.by_id(store.conn, campaign_id)
    found = keep.of_campaign(store.conn, campaign.id, store.settings.links.base_url, time.time())
    if found is None:
        fail(NO_CONTENT.format(id=campaign.id))
    if as_json:
        print_json(fields(found))
        return
    _print(found)


def write_page(store: Store, campaign_id: int, file: Path) -> None:
    """A held copy as a harmless page into a new file."""
    page = look.page_of(store.conn, campaigns.by_id(store.conn, campaign_id).id, store.settings.links.base_url)
    if page is None:
        fail(f"no copy of campaign {campaign_id} is held any more, so there is no page of it; see --content")
    try:
        with file.open("x", encoding="utf-8", errors="replace") as out:
            out.write(page)
    except FileExistsError:
        fail(f"{file} is there already: name another file")
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    say(f"written to {file}: nothing in it loads, runs or leads anywhere")


def fields(found: Exemplar) -> dict[str, object]:
    """For programs; times as text."""
    made: dict[str, object] = msgspec.to_builtins(found)
    made["headers"] = [{"name": name, "value": value} for name, value in found.headers]
    made["made_at"] = iso(found.made_at, timespec="milliseconds")
    return made


def _print(found: Exemplar) -> None:
    head = {
        "campaign": str(found.campaign_id),
        "from": found.from_,
        "reply-to": found.reply_to,
        "subject": found.subject,
        "compared": _compared(found),
    }
    pairs((name, value) for name, value in head.items() if value)
    for number, one in enumerate(found.texts, 1):
        _heading(f"text {number} of {len(found.texts)} ({one.content_type})")
        _lines(one.text or "(empty)")
        if one.hidden:
            _heading("in it, and not shown to readers")
            _lines(one.hidden)
    if found.links:
        _heading("links")
        for line in _links(found.links):
            say(line)
    if found.attachments:
        _heading("attachments and pictures in the message")
        for file in found.attachments:
            marks = ", ".join(
                word
                for word, said in (("within the text", file.inline), ("differs between copies", file.differs))
                if said
            )
            name = escaped(file.name) or "(no name)"
            say(f"  {name}  {escaped(file.content_type)}, {file.size_octets} octets" + (f", {marks}" if marks else ""))
            say(f"    sha256 {file.sha256}")
    if found.varies:
        _heading("what differs between copies")
        for vary in found.varies:
            examples = " | ".join(escaped(" ".join(one.split())) for one in vary.examples) or "(not kept)"
            say(f"  {escaped(vary.where)} {vary.mark}  {examples}")
    if found.headers:
        _heading("other header fields")
        for name, value in found.headers:
            say(f"  {escaped(name)}: {escaped(value)}")
    for text in _warnings(found):
        say(f"\n{text}")


def _compared(found: Exemplar) -> str:
    if found.compared < 2:
        return "one copy alone: what is personal in it can't be told"
    kept = ", kept when they were held" if found.kept else ""
    return f"{found.compared} copies{kept}; {found.alike:.1%} of the words are in all of them"


def _links(links: tuple[ExemplarLink, ...]) -> Iterator[str]:
    for one in links:
        host = one.host or "(no host)"
        reads = f", reads {one.reads}" if one.reads else ""
        times = f"  {one.places} times" if one.places > 1 else ""
        marks = "".join([" [hidden]" if one.hidden else "", " [a form is sent there]" if one.form else ""])
        claims = f" [its words name {one.claims}]" if one.claims else ""
        yield f"  {escaped(host + reads)}{times}{marks}{escaped(claims)}"
        yield f"    {escaped(one.url)}"
        if one.words and one.words != one.url:
            yield f"    “{escaped(one.words)}”"


def _warnings(found: Exemplar) -> Iterator[str]:
    if not found.complete:
        yield "not all of it is shown: a limit cut it off"
    if found.sealed:
        yield "something in it is encrypted: only its readers know what it says"


def _heading(text: str) -> None:
    say(f"\n{text}:")


def _lines(text: str) -> None:
    """Wrapped to the terminal; tabs as blanks, all else that steers a terminal escaped."""
    columns = room()
    for line in text.expandtabs(4).split("\n"):
        line = escaped(line)
        for part in [line] if columns is None else layout.wrap(line, columns - 2):
            say(f"  {part}")
