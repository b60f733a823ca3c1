"""A tenant's own message as its readers will see it: style sheets, widths and colours kept, and still harmless.

``harmless`` shows what could deceive, for who decides about others' mail. Here
the author looks at the layout: links look like links, pictures are boxes of
their size. Nothing loads and nothing leads anywhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from relay.exemplars.harmless import HEAD, MOST_LETTERS, TAIL, HarmlessWriter
from relay.mail.content import Content
from relay.mail.html_tokens import Token

_LOOKS: Final = {False: "color-scheme:light;background:#fff", True: "color-scheme:dark;background:#121212"}
_SCHEME: Final = re.compile(r"prefers-color-scheme\s*:\s*(light|dark)", re.IGNORECASE)
_ALWAYS: Final = "min-width:0"
_NEVER: Final = "max-width:0"
_FETCHES: Final = re.compile(r"@import[^;]*;?|url\s*\([^)]*\)?|image-set\s*\(|<|expression\s*\(|\\", re.IGNORECASE)
_NAMES: Final = re.compile(r"[\w -]{1,200}\Z")
_SIZE: Final = re.compile(r"(\d{1,4})(%|px)?\s*\Z")


def page(content: Content | None, *, dark: bool = False, as_text: bool = False) -> str:
    """A whole document of a message, as a program shows it that asks for light or dark. Linear; never raises.

    ``as_text``: as a program shows it that knows no HTML.
    """
    parts = () if content is None else content.texts
    shown = []
    for place, one in enumerate(parts):
        if one.content_type != "text/plain":
            if not as_text:
                shown.append("".join(_LayoutWriter(one.source[:MOST_LETTERS], dark=dark).run()))
        # A text before a page is what stands for it where there is no HTML; a footer may stand apart.
        elif as_text or parts[place + 1 : place + 2] == () or parts[place + 1].content_type == "text/plain":
            shown.append(_text(one.source))
    return _document("".join(shown), dark)


def page_of(markup: str, *, dark: bool = False) -> str:
    """The same of HTML that is no message yet."""
    return _document("".join(_LayoutWriter(markup[:MOST_LETTERS], dark=dark).run()), dark)


def notice(words: str, *, dark: bool = False) -> str:
    """A document that says why there is none."""
    return _document(_text(words), dark)


def _text(text: str) -> str:
    return f"<pre>{html.escape(text[:MOST_LETTERS])}</pre>"


def _document(body: str, dark: bool) -> str:
    style = f"<style>:root{{{_LOOKS[dark]}}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}</style>"
    return HEAD.format(title="") + style + body + TAIL


class _LayoutWriter(HarmlessWriter):
    def __init__(self, markup: str, *, dark: bool) -> None:
        super().__init__(markup)
        self._dark = dark

    def raw(self, token: Token) -> Iterator[str]:
        """Style sheets, without what fetches."""
        if token.name == "style":
            yield f"<style>{self._sheet(self._markup[token.start : token.end])}</style>"
        else:
            yield from super().raw(token)

    def kept_attributes(self, found: dict[str, str]) -> str:
        names = "".join(
            f' {name}="{html.escape(value)}"'
            for name in ("class", "id")
            if (value := html.unescape(found.get(name, ""))) and _NAMES.match(value)
        )
        hidden = " hidden" if "hidden" in found else ""
        return hidden + names + super().kept_attributes(found)

    def link(self, target: str) -> tuple[str, str]:
        return ('a href="#"', "") if target else ("span", "")

    def box(self, name: str, found: dict[str, str]) -> Iterator[str]:
        if name != "img":
            yield from super().box(name, found)
            return
        words = html.unescape(found.get("alt", ""))[:200]
        size = "".join(
            f";{side}:{hit[1]}{hit[2] or 'px'}"
            for side in ("width", "height")
            if (hit := _SIZE.match(html.unescape(found.get(side, "")).strip()))
        )
        look = "display:inline-block;max-width:100%;box-sizing:border-box;overflow:hidden;border:1px dashed #888"
        yield f'<span style="{look}{size}"{self.kept_attributes({"class": found.get("class", "")})}>'
        yield f"{html.escape(words)}</span>"

    def _sheet(self, css: str) -> str:
        wanted = "dark" if self._dark else "light"
        shown = _SCHEME.sub(lambda hit: _ALWAYS if hit[1].lower() == wanted else _NEVER, css)
        return _FETCHES.sub("", shown)
