"""HTML out of MJML and Markdown, and a text out of HTML; what is written between braces goes through untouched."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

import mjml
from markdown_it import MarkdownIt

from relay.templates.liquid_engine import TemplateFault

_BRACES: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
_TOKEN: Final = re.compile(r"LQDx(\d+)xLQD")
_BLOCKS: Final = frozenset(
    (
        *("p", "div", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"),
        *("blockquote", "section", "article", "header", "footer"),
    )
)
_UNSHOWN: Final = frozenset(("head", "style", "script", "title", "template"))


def from_mjml(source: str) -> str:
    """Raises TemplateFault. Nothing is included: files are off."""
    return _around(source, lambda text: str(mjml.mjml2html(text)), "mjml")


def from_markdown(source: str) -> str:
    """A whole HTML document (CommonMark; raw HTML stays)."""
    body = _around(source, MarkdownIt("commonmark").render, "markdown")
    return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n{body}</body></html>\n'


def _around(source: str, make: Callable[[str], str], what: str) -> str:
    kept: list[str] = []

    def aside(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"LQDx{len(kept) - 1}xLQD"

    try:
        made = make(_BRACES.sub(aside, source))
    except Exception as error:
        raise TemplateFault(
            f"{what}: {str(error).splitlines()[0][:200] if str(error) else type(error).__name__}"
        ) from None
    return _TOKEN.sub(lambda found: kept[int(found[1])] if int(found[1]) < len(kept) else found[0], made)


def text_of(markup: str) -> str:
    """What a reader sees, line by line, with the addresses of links."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._unshown = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _UNSHOWN:
            self._unshown += 1
        elif tag == "br":
            self.out.append("\n")
        elif tag == "hr":
            self.out.append("\n---\n")
        elif tag == "li":
            self.out.append("\n- ")
        elif tag in _BLOCKS:
            self.out.append("\n" if tag == "tr" else "\n\n")
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.out)))
        elif tag == "img" and given.get("alt"):
            self.out.append(html.unescape(given["alt"] or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSHOWN:
            self._unshown = max(0, self._unshown - 1)
        elif tag == "a" and self._links:
            href, start = self._links.pop()
            shown = "".join(self.out[start:]).strip()
            if href and not href.startswith("#") and href != shown:
                self.out.append(f" ({href})" if shown else href)
        elif tag in _BLOCKS and tag not in ("tr", "li"):
            self.out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.out.append(re.sub(r"\s+", " ", data))
