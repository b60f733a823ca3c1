"""``python -m tests.pages.design`` writes docs/DESIGN-SYSTEM.md from the style sheets: tokens, contrast, components.

A test holds the page against the sheets, and each pair of colours against what can be read (WCAG 2.2 §1.4.3, §1.4.11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from relay.announcements.values import Announcement, AnnouncementKind
from relay.texts.language import LANGUAGES, choose

ROOT: Final = Path(__file__).parents[2]
SHEETS: Final = ROOT / "relay" / "web" / "templates"
PAGE: Final = ROOT / "docs" / "DESIGN-SYSTEM.md"
TEXT: Final = 4.5
"""Least contrast of words."""
MARK: Final = 3.0
"""Least contrast of what shows a control or where it stands."""
_TOKEN: Final = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")


@dataclass(frozen=True, slots=True)
class ColourPair:
    """What stands on what, and where."""

    front: str
    ground: str
    least: float
    where: str


PAIRS: Final = (
    ColourPair("ink", "ground", TEXT, "words on the page"),
    ColourPair("ink", "card", TEXT, "words on a card"),
    ColourPair("soft", "ground", TEXT, "notes and labels on the page"),
    ColourPair("soft", "card", TEXT, "notes and labels on a card"),
    ColourPair("accent", "ground", TEXT, "links on the page"),
    ColourPair("accent", "card", TEXT, "links on a card"),
    ColourPair("accent-hover", "card", TEXT, "links under the pointer"),
    ColourPair("accent-ink", "accent", TEXT, "words on a button"),
    ColourPair("accent-ink", "accent-hover", TEXT, "the same under the pointer"),
    ColourPair("good", "good-ground", TEXT, "what went well"),
    ColourPair("bad", "bad-ground", TEXT, "what needs doing"),
    ColourPair("good", "card", TEXT, "the same without a ground"),
    ColourPair("bad", "card", TEXT, "the same without a ground"),
    ColourPair("soft", "ground", MARK, "edges of fields"),
    ColourPair("accent", "ground", MARK, "the ring of what has the focus"),
    ColourPair("accent", "card", MARK, "the same on a card"),
    ColourPair("bad", "ground", MARK, "edges of fields with a fault, bars that are full"),
)
MEANS: Final[Mapping[str, str]] = {
    "ground": "the page", "card": "what belongs together", "ink": "words", "soft": "notes, labels, edges of fields",
    "line": "lines between rows and around cards", "accent": "links, buttons, focus", "accent-ink": "words on buttons",
    "accent-hover": "links and buttons under the pointer", "good": "went well", "good-ground": "ground of that",
    "bad": "needs doing, or went wrong", "bad-ground": "ground of that",
}  # fmt: skip


def tokens() -> tuple[dict[str, str], dict[str, str]]:
    """Name → colour, as the reader's system has it light and dark."""
    sheet = (SHEETS / "style.css").read_text("utf-8")
    light, _, rest = sheet.partition("@media (prefers-color-scheme: dark)")
    dark = rest.partition("\n}\n")[0]
    return dict(_TOKEN.findall(light)), dict(_TOKEN.findall(dark))


def contrast(one: str, other: str) -> float:
    """Of two colours such as ``#1d2129`` (WCAG 2.2, "contrast ratio"): 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def document() -> str:
    """docs/DESIGN-SYSTEM.md."""
    light, dark = tokens()
    colours = [f"| `--{name}` | `{light[name]}` | `{dark[name]}` | {MEANS[name]} |" for name in light]
    pairs = []
    for one in PAIRS:
        figures = [contrast(colour[one.front], colour[one.ground]) for colour in (light, dark)]
        pairs.append(
            f"| {one.where} | `{one.front}` on `{one.ground}` | {figures[0]:.1f} | {figures[1]:.1f} | {one.least:g} |"
        )
    return _TEXT.format(colours="\n".join(colours), pairs="\n".join(pairs))


def components(language_code: str = "en") -> bytes:
    """A document with all components, as the sheets show them."""
    language, now = choose(language_code), 1_796_000_000.0
    loader = FileSystemLoader([SHEETS, Path(__file__).parent])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    sheets = [Markup((SHEETS / name).read_text("utf-8")) for name in ("style.css", "account/inside.css")]
    band = Announcement(
        id=1, kind=AnnouncementKind.WORK, title="What the operator announces", text="", from_at=now,
        until_at=now + 7_200, everybody=True, urgent="", actor="", at=now, told_to=0, told_at=None,
        withdrawn_at=None, withdrawn_why="", recalled_to=0, recalled_at=None,
    )  # fmt: skip
    values: dict[str, object] = {
        "text": language.text, "date": language.date, "moment": language.moment, "number": language.number,
        "language": language.code, "languages": LANGUAGES, "style": sheets[0], "inner_style": sheets[1],
        "me": SimpleNamespace(shown="ann@shop.example"), "pages": [("start", "#"), ("campaigns", "#")],
        "here": "start", "bands": [band], "back": "", "closed": None,
    }  # fmt: skip
    return environment.get_template("components.html").render(values).encode()


_TEXT: Final = """\
# Design system

One look for all pages: readers', customers' and the desk's. Two sheets make it: `relay/web/templates/style.css` for
every page, and `account/inside.css` beside it behind the log-in. No page loads anything else: no fonts, no pictures
of ours, no script that it needs. `python -m tests.pages.design` writes this page, `make pages` takes the pictures.

## Colours

As the reader's system has it, light or dark; a customer's own colour takes the place of `--accent` on readers' pages
where it can be read.

| token | light | dark | for |
|---|---|---|---|
{colours}

What stands on what, with its contrast (WCAG 2.2; a test computes it and holds it against the last column):

| where | pair | light | dark | least |
|---|---|---|---|---|
{pairs}

Colour never says anything alone: states are words, full bars stand beside their figures, faults are sentences.

## Type

The reader's own system font, 17 px with lines of 1.55; `h1` grows from 22 to 28 px with the window, `h2` is 17 px (18
behind the log-in), notes and labels are 15 and 13 px. Figures that stand below each other have digits of one width.
Codes and records are in the system's monospaced font. What strangers wrote stands in `<bdi>`, so that its direction
turns nothing around it.

## Space and shape

Steps of 4 px: 12 within rows, 20 within and between cards, 28 between sections. Corners: 8 px for links in menus, 10
for fields and buttons, 14 for cards, 16 for the one card of a reader's page. What can be pressed is 44 px high at
least, on readers' pages 48. Readers' pages are 34 rem wide, the others 72 beside a menu of 12.5; below 64 rem the
menu is a row that scrolls, below 40 rem tables become lists of rows with their labels.

## Components

Light and dark, from `tests/pages/components.html`:

![Components, light](pages/components.png)

![Components, dark](pages/components-dark.png)

| component | markup | when |
|---|---|---|
| card | `section.card` with an `h2` | what belongs together; one thought each |
| button | `button`, `.second`, `.plain`, `.danger` | the one thing to do; another; a small one; what hurts |
| field | `div.field` with `label`, `input`, `small` | the label above, what it is for below; a fault is `p.problem` |
| choice | `label.check`, `fieldset` with `div.choice` | boxes and either-or, the whole line to press |
| state | `span.word`, `.good`, `.bad` | how something stands, in a word |
| notice | `p.notice`, `p.problem` | what was done; what is wrong |
| band | `aside.band`, `.work` | what the operator announces, above a page, to put away |
| to do | `ul.todo`, `li.bad` | what somebody has to see to, what is urgent filled in |
| tiles | `dl.tiles` | few large figures |
| facts | `dl.facts.side` | name and value, side by side; one below the other on a phone |
| table | `table.wide` with `data-label` | rows; on a phone a list of them |
| bar | `parts.used`, `parts.done` | how much of a whole |
| post | `article.post`, `.staff` | what somebody wrote in a thread |

## Words

All words are in `relay/texts`, in seven languages; sentences say who does what, until when, and what to do. Times on
pages are in UTC and say so.
"""


if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8")
