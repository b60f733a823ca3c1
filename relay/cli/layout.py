"""How lines fit a terminal: columns, records of several lines, wrapped text.

Pure: text in, lines out, all widths in terminal cells. A table takes the
first of these forms that fits: as it is; with times to the minute; with long
cells cut by an ellipsis, each down to a least width; with the last columns
hung below each row; a block of lines for each record. What names a thing (the
first column, ids) is never cut or wrapped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ELLIPSIS: Final = "…"
GAP: Final = "  "
INDENT: Final = "    "
NOTHING: Final = "-"
MOST_HUNG_LINES: Final = 2
LEAST_ROOM: Final = 20
"""Of a terminal narrower than that nothing can be made."""

_PROSE: Final = frozenset({"reason", "detail", "why", "freeze_reason", "wording", "text", "description", "source"})
_ADDRESS: Final = frozenset({"address", "email", "contact", "recipient", "reverse_path", "from_address"})
_WHOLE: Final = frozenset(
    {"id", "message_id", "queue_id", "leaf", "username", "state", "kind", "root", "previous", "public_key", "signature"}
)
_LEAST: Final = 12
_LEAST_PROSE: Final = 24
_LEAST_ADDRESS: Final = 20
_LEAST_SHOWN: Final = 3
"""Columns that must stay in the row for hanging to read better than blocks."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in JSON, what stands above it, and the cells, in full and with short times."""

    key: str
    heading: str
    cells: Sequence[str]
    brief: Sequence[str]


# --- text ------------------------------------------------------------------------


def width(text: str) -> int:
    """Terminal cells: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def cut(text: str, room: int) -> str:
    """At most ``room`` cells, with an ellipsis for what is left out."""
    if width(text) <= room:
        return text
    return _head(text, room - 1) + ELLIPSIS


def cut_address(text: str, room: int) -> str:
    """An address loses the end of its local part first: the domain tells more."""
    local, at, domain = text.rpartition("@")
    left = room - width(domain) - 2
    if width(text) <= room or not at or left < 3:
        return cut(text, room)
    return f"{_head(local, left)}{ELLIPSIS}@{domain}"


def wrap(text: str, room: int, *, whole: bool = False) -> list[str]:
    """Lines of at most ``room`` cells, broken at blanks. A longer word is cut, but no URL; none if ``whole``."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        shown = word if whole or word.startswith(("https://", "http://")) else cut(word, room)
        if lines or line:
            if width(line) + 1 + width(shown) <= room:
                line = f"{line} {shown}"
                continue
            lines.append(line.rstrip())
        line = shown
    return [*lines, line]


def labelled(pairs: Sequence[tuple[str, str]], room: int | None, whole: frozenset[str] = _WHOLE) -> list[str]:
    """``name  value`` lines with the values under each other; long ones go on in the lines below."""
    if not pairs:
        return []
    edge = max(width(name) for name, _ in pairs) + len(GAP)
    lines = []
    for name, value in pairs:
        left = None if room is None else max(room - edge, LEAST_ROOM // 2)
        parts = [value] if left is None else wrap(value, left, whole=name.replace(" ", "_").replace("-", "_") in whole)
        lines.append(_padded(name, edge) + parts[0])
        lines += [" " * edge + part for part in parts[1:]]
    return [line.rstrip() for line in lines]


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns two spaces apart."""
    if not table:
        return []
    return [line.rstrip() for line in _padded_rows(table)]


def trailing(rows: Sequence[Sequence[str]], room: int | None, *, indent: str = "", whole: bool = False) -> list[str]:
    """Aligned rows whose last cell is text, which goes on below itself where the line ends."""
    if not rows:
        return []
    before = [indent + line for line in _padded_rows([row[:-1] for row in rows])]
    edge = max(map(width, before)) + len(GAP)
    if room is not None and room - edge < _LEAST_PROSE:
        edge = len(indent + INDENT)
        return [
            line.rstrip()
            for row, text in zip(before, rows, strict=True)
            for line in _under(row, text[-1], edge, room, whole)
        ]
    lines = []
    for row, cells in zip(before, rows, strict=True):
        parts = [cells[-1]] if room is None else wrap(cells[-1], room - edge, whole=whole)
        lines.append(_padded(row, edge) + parts[0])
        lines += [" " * edge + part for part in parts[1:]]
    return [line.rstrip() for line in lines]


def _under(row: str, text: str, edge: int, room: int, whole: bool) -> list[str]:
    return [row, *(" " * edge + part for part in wrap(text, room - edge, whole=whole) if part)]


def _padded_rows(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(width(row[i]) for row in table) for i in range(len(table[0]))]
    return [GAP.join(map(_padded, row, widths)) for row in table]


# --- tables ------------------------------------------------------------------------


def listing(columns: Sequence[Column], room: int | None, *, complete: bool = False) -> tuple[list[str], bool]:
    """The lines, and whether the first one is a heading. ``complete``: no text is cut, whatever lines that takes."""
    if not columns:
        return [], False
    full = [list(column.cells) for column in columns]
    if room is None or _needs(columns, _natural(columns, full)) <= room:
        return _rows(columns, full, _natural(columns, full)), True
    brief = [list(column.brief) for column in columns]
    natural = _natural(columns, brief)
    least = natural if complete else [_least(place, one, natural[place]) for place, one in enumerate(columns)]
    for shown in range(len(columns), min(_LEAST_SHOWN, len(columns)) - 1, -1):
        if _needs(columns[:shown], least[:shown]) <= room:
            widths = _shared(natural[:shown], least[:shown], room - len(GAP) * (shown - 1))
            return _hung(columns, brief, widths, room, complete), True
    return _blocks(columns, room), False


def _natural(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width, (c.heading, *own))) for c, own in zip(columns, cells, strict=True)]


def _needs(columns: Sequence[Column], widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(columns) - 1)


def _least(place: int, column: Column, natural: int) -> int:
    """To how many cells a column may be cut: never the first, an id, a time or a number."""
    if place == 0 or column.key in _WHOLE or column.key == "at" or column.key.endswith("_at"):
        return natural
    if column.key in _PROSE:
        return min(natural, _LEAST_PROSE)
    if column.key in _ADDRESS:
        return min(natural, _LEAST_ADDRESS)
    return min(natural, max(_LEAST, width(column.heading)))


def _shared(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit: the widest columns give first, none below its least."""
    widths = list(natural)
    while sum(widths) > room:
        widest = max((w, place) for place, w in enumerate(widths) if w > least[place])
        widths[widest[1]] -= 1
    return widths


def _rows(columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """A heading and a line a record; only the first ``len(widths)`` columns. Numbers stand at the right."""
    numbers = [_is_number(own) for own in cells[: len(widths)]]
    fitted = [
        [column.heading, *(_fit(column.key, cell, room) for cell in own)]
        for column, own, room in zip(columns, cells, widths, strict=False)
    ]
    return [
        GAP.join(map(_placed, line, widths, numbers)).rstrip() for line in zip(*fitted, strict=True)
    ]  # fmt: skip


def _hung(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int], room: int, complete: bool
) -> list[str]:
    """Rows of the first columns; below each, indented, what of the others says anything."""
    heading, *rows = _rows(columns, cells, widths)
    shown, lines = len(widths), [heading]
    for number, row in enumerate(rows):
        lines.append(row)
        rest = [(column, own[number]) for column, own in zip(columns[shown:], cells[shown:], strict=True)]
        parts = [f"{column.heading.lower()} {value}" for column, value in rest if value != NOTHING]
        below = _joined(parts, room - len(INDENT), None if complete else MOST_HUNG_LINES)
        lines += [INDENT + line for line in below]
    return lines


def _joined(parts: Sequence[str], room: int, most: int | None) -> list[str]:
    """Parts side by side while there is room; a long one has lines of its own."""
    lines: list[str] = []
    long = False
    for part in parts:
        if lines and not long and width(lines[-1]) + len(GAP) + width(part) <= room:
            lines[-1] += GAP + part
        else:
            below = _limited(wrap(part, room, whole=most is None), room, most)
            lines, long = [*lines, *below], len(below) > 1
    return lines


def _limited(lines: list[str], room: int, most: int | None) -> list[str]:
    if most is None or len(lines) <= most:
        return lines
    *kept, last = lines[:most]
    return [*kept, f"{_head(last, room - 2).rstrip()} {ELLIPSIS}"]


def _blocks(columns: Sequence[Column], room: int) -> list[str]:
    lines: list[str] = []
    whole = _WHOLE | {columns[0].key}
    for number in range(len(columns[0].cells)):
        lines += [""] if lines else []
        pairs = [(column.heading.lower(), column.cells[number]) for column in columns]
        lines += labelled([pair for pair in pairs if pair[1] != NOTHING], room, whole)
    return lines


def _fit(key: str, text: str, room: int) -> str:
    return cut_address(text, room) if key in _ADDRESS else cut(text, room)


def _is_number(cells: Sequence[str]) -> bool:
    return any(cell != NOTHING for cell in cells) and all(cell == NOTHING or cell.isdecimal() for cell in cells)


def _placed(text: str, room: int, right: bool) -> str:
    return " " * (room - width(text)) + text if right else _padded(text, room)


def _padded(text: str, room: int) -> str:
    return text + " " * (room - width(text))


def _head(text: str, room: int) -> str:
    taken, left = [], room
    for character in text:
        left -= _cells(character)
        if left < 0:
            break
        taken.append(character)
    return "".join(taken)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
