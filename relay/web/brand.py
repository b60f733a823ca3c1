"""How a tenant's pages look: its logo, its colour made readable in light and dark, its privacy notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx
from relay.tenants import logos

_LIGHT: Final = (244, 244, 241)
_DARK: Final = (30, 33, 39)
"""What links and buttons stand on that is harder to read from, ground or card (``style.css``)."""
_READABLE: Final = 4.5
"""Least contrast of text (WCAG 2.2 §1.4.3)."""
_INKS: Final = ((255, 255, 255), (16, 19, 24))
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Brand:
    """What a page shows of a tenant beside its name; each may be empty."""

    sheet: str = ""
    """Style sheet of its colour."""
    logo: str = ""
    """Path of its picture."""
    privacy: str = ""


PLAIN: Final = Brand()


def find(conn: Tx, tenant_id: int) -> Brand:
    """The tenant's; a plain one if there is none."""
    row = conn.execute("SELECT colour, privacy FROM tenant WHERE id = ?", (tenant_id,)).fetchone()
    if row is None:
        return PLAIN
    digest = logos.digest_of(conn, tenant_id)
    return Brand(sheet(row[0]) if row[0] else "", f"/logo/{digest}" if digest else "", row[1])


def sheet(colour: str) -> str:
    """Accents of ``#rrggbb``, moved as far as it takes to be read on the cards."""
    given = int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
    light, dark = _readable(given, _LIGHT, (0, 0, 0)), _readable(given, _DARK, (255, 255, 255))
    return f":root{{{_rules(light)}}}@media (prefers-color-scheme: dark){{:root{{{_rules(dark)}}}}}"


def _rules(accent: Colour) -> str:
    ink = max(_INKS, key=lambda one: contrast(one, accent))
    hover = _mixed(accent, (0, 0, 0) if ink == _INKS[0] else (255, 255, 255), 0.15)
    return f"--accent:{_text(accent)};--accent-ink:{_text(ink)};--accent-hover:{_text(hover)}"


def _readable(colour: Colour, ground: Colour, towards: Colour) -> Colour:
    for step in range(21):
        moved = _mixed(colour, towards, step / 20)
        if contrast(moved, ground) >= _READABLE:
            return moved
    return towards


def contrast(one: Colour, other: Colour) -> float:
    """From 1 to 21 (WCAG 2.2)."""
    first, second = sorted((_luminance(one), _luminance(other)))
    return (second + 0.05) / (first + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _text(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
