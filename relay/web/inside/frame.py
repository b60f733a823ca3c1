"""Strangers' HTML, shown without any means: no network, no script, no form, no way out of its frame.

Three fences, each enough by itself: what could load or lead on is taken out of
the markup; the answer's policy allows inline styles and pictures within the
text alone; and it is a sandbox of an origin of its own.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import Final

from starlette.responses import Response

_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
_DROPPED: Final = frozenset(
    ("script", "noscript", "iframe", "frame", "frameset", "object", "embed", "applet", "link", "meta", "base", "form",
     "input", "button", "select", "textarea", "audio", "video", "source", "track", "portal", "template", "svg", "math",
     "title", "head")
)  # fmt: skip
_HOLLOW: Final = frozenset(
    ("script", "noscript", "iframe", "object", "applet", "audio", "video", "template", "svg", "math", "title")
)
"""Of these what is inside goes too."""
_KEPT: Final = frozenset(
    ("align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "colspan", "dir", "face",
     "hidden", "height", "id", "lang", "name", "nowrap", "rowspan", "size", "style", "title", "type", "valign", "width")
)  # fmt: skip
_VOID: Final = frozenset(("br", "hr", "img", "col", "wbr", "area"))


def framed(markup: str) -> Response:
    """The document for an ``iframe sandbox`` of a page of ours."""
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "X-DNS-Prefetch-Control": "off",
        "Referrer-Policy": "no-referrer",
    }
    head = '<head><meta charset="utf-8"><title>-</title></head>'
    body = f"<!doctype html>\n<html>{head}<body>{tame(markup)}</body></html>"
    return Response(body.encode("utf-8", "replace"), 200, headers, media_type="text/html; charset=utf-8")


def tame(markup: str) -> str:
    """The markup without what loads, leads on, or acts; links show where they would have led."""
    reader = _Tamer()
    reader.feed(markup)
    reader.close()
    return "".join(reader.out)


class _Tamer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._inside: list[str] = []
        """Elements whose content is left out."""
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.append(tag)
            return
        if tag in _HOLLOW:
            self._inside.append(tag)
            return
        if tag in _DROPPED or not _named(tag):
            return
        self._style = tag == "style"
        self.out.append(f"<{tag}{_attributes(tag, attrs)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HOLLOW:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.pop()
            return
        self._style = False
        if tag not in _DROPPED and tag not in _VOID and _named(tag):
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._inside:
            return
        # The policy keeps styles from loading anything; "<" would end the element early.
        self.out.append(data.replace("<", "") if self._style else escape(data, quote=False))


def _named(tag: str) -> bool:
    return tag.isascii() and tag.replace("-", "").isalnum()


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    found = []
    for name, value in attrs:
        value = value or ""
        if name == "src" and tag == "img" and value.strip().lower().startswith("data:image/"):
            found.append(("src", value))
        elif name == "href" and tag == "a":
            found.append(("title", value))
        elif name in _KEPT and not (name == "title" and tag == "a"):
            found.append((name, value))
    return "".join(f' {name}="{escape(value)}"' for name, value in found)
