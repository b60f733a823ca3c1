"""A spreadsheet as JSON lines: ``python -m relay.lists.sheet_reader FILE OCTETS``, in a process of its own.

calamine makes a dense array of a sheet, as large as its outermost cells say,
and a failed allocation ends the process (tafia/calamine#693). So ``list_sheet``
runs this with limits on memory, time and output; nothing here trusts the file.
The first line is ``{"sheet": NAME, "others": N}``, then ``[row, [cells]]``, cells ``null``
where they are too long; or one line ``{"error": TEXT}`` and exit status 3.
"""

from __future__ import annotations

import resource
import sys
from datetime import date, datetime
from typing import Final

import msgspec

from relay.lists.list_rows import MAX_COLUMNS, MAX_LINE

CPU_S: Final = 120
OUTPUT_OCTETS: Final = 2 << 30
MAX_CELLS: Final = 40_000_000
_REFUSED: Final = 3


def main() -> int:
    path, octets = sys.argv[1], int(sys.argv[2])
    _limit(octets)
    try:
        _copy(path)
    except Exception as error:
        return _fail(str(error) or type(error).__name__)
    except BaseException as error:  # a panic of the Rust side is no Exception
        return _fail(f"unexpected {type(error).__name__}")
    return 0


def _limit(octets: int) -> None:
    for what, value in (
        (resource.RLIMIT_AS, octets),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, OUTPUT_OCTETS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def _fail(text: str) -> int:
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode({"error": text[:300]}) + b"\n")
    sys.stdout.buffer.flush()
    return _REFUSED


def _copy(path: str) -> None:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    book = CalamineWorkbook.from_path(path)
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    write = sys.stdout.buffer.write
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if not sheet.width or not sheet.height:
            continue
        if sheet.width > MAX_COLUMNS or sheet.width * sheet.height > MAX_CELLS:
            raise ValueError(f"the sheet has more than {MAX_COLUMNS} columns or {MAX_CELLS} cells")
        write(msgspec.json.encode({"sheet": name, "others": len(names) - 1}) + b"\n")
        encode = msgspec.json.Encoder().encode
        for number, row in enumerate(sheet.iter_rows(), 1):
            cells = [cell if isinstance(cell, str) else _text(cell) for cell in row]
            fits = sum(map(len, cells)) < MAX_LINE
            write(encode((number, cells if fits else None)))
            write(b"\n")
        sys.stdout.buffer.flush()
        return
    raise ValueError("no sheet of it has cells")


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(main())
