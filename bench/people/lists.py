"""Lists to import: real ones with a million lines, and those that mean harm."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.people.fill import address

_MEBIBYTE = 1 << 20
_TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Override PartName="/xl/workbook.xml"'
    b' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = b"http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ROOT = (
    b'<?xml version="1.0"?><Relationships xmlns="%b"><Relationship Id="r1" Type="%b/officeDocument"'
    b' Target="xl/workbook.xml"/></Relationships>' % (_PACKAGE, _OFFICE)
)
_BEGIN = b'<?xml version="1.0"?><worksheet xmlns="%b"><sheetData>' % _MAIN
_END = b"</sheetData></worksheet>"


def write_txt(path: Path, first: int, lines: int) -> None:
    """One address a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{address(number)}\n" for number in range(first, first + lines))


def write_csv(path: Path, first: int, lines: int) -> None:
    """Four columns: two become attributes, one names a group."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,city,groups\n")
        file.writelines(
            f'{address(number)},Ann Smith {number},"Tallinn, Old",g{number % 7}\n'
            for number in range(first, first + lines)
        )


def write_xlsx(path: Path, first: int, lines: int) -> None:
    """Two columns; a sheet holds 1,048,576 rows."""

    def rows() -> Iterator[bytes]:
        yield _row(1, "email", "name")
        for place, number in enumerate(range(first, first + lines), 2):
            yield _row(place, address(number), f"Ann Smith {number}")

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        _book(book, 1)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(_BEGIN)
            sheet.writelines(rows())
            sheet.write(_END)


def _row(number: int, *cells: str) -> bytes:
    text = "".join(
        f'<c r="{column}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for column, cell in zip("AB", cells, strict=True)
    )
    return f'<row r="{number}">{text}</row>'.encode()


def _book(book: zipfile.ZipFile, sheets: int) -> None:
    """All parts of a workbook but its sheets."""
    names = b"".join(b'<sheet name="s%d" sheetId="%d" r:id="r%d"/>' % (n, n, n) for n in range(1, sheets + 1))
    places = b"".join(
        b'<Relationship Id="r%d" Type="%b/worksheet" Target="worksheets/sheet%d.xml"/>' % (n, _OFFICE, n)
        for n in range(1, sheets + 1)
    )
    book.writestr("[Content_Types].xml", _TYPES)
    book.writestr("_rels/.rels", _ROOT)
    book.writestr(
        "xl/workbook.xml", b'<workbook xmlns="%b" xmlns:r="%b"><sheets>%b</sheets></workbook>' % (_MAIN, _OFFICE, names)
    )
    book.writestr("xl/_rels/workbook.xml.rels", b'<Relationships xmlns="%b">%b</Relationships>' % (_PACKAGE, places))


# --- bombs -------------------------------------------------------------------------------


def _inflating(path: Path) -> None:
    """A sheet of 1 GiB that was packed to a thousandth."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        _book(book, 1)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(_BEGIN)
            for _ in range(1024):
                sheet.write(b" " * _MEBIBYTE)
            sheet.write(_END)


def _many_inflating(path: Path) -> None:
    """A hundred sheets of 3 MiB, each below what is looked at closely, 300 MiB together."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        _book(book, 100)
        for number in range(1, 101):
            book.writestr(f"xl/worksheets/sheet{number}.xml", _BEGIN + b" " * 3 * _MEBIBYTE + _END)


def _nested(path: Path) -> None:
    """A bomb in a ZIP in a ZIP, in place of the sheet."""
    inner = b"\0" * 64 * _MEBIBYTE
    for _ in range(2):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as layer:
            layer.writestr("xl/worksheets/sheet1.xml", inner)
        inner = packed.getvalue()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        _book(book, 1)
        book.writestr("xl/worksheets/sheet1.xml", inner)


def _many_sheets(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as book:
        _book(book, 10_000)
        for number in range(1, 10_001):
            book.writestr(f"xl/worksheets/sheet{number}.xml", _BEGIN + _END)


def _far_cell(path: Path) -> None:
    """Two cells, the second in the last row and column: 17 thousand million, were all made."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        _book(book, 1)
        far = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        book.writestr("xl/worksheets/sheet1.xml", _BEGIN + far + _END)


def _entities(path: Path) -> None:
    """Ten entities, each ten of the one before."""
    names = b"".join(b'<!ENTITY e%d "%b">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 11))
    sheet = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">%b]>' % names
    sheet += _BEGIN.partition(b"?>")[2] + b'<row r="1"><c r="A1" t="inlineStr"><is><t>&e10;</t></is></c></row>' + _END
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        _book(book, 1)
        book.writestr("xl/worksheets/sheet1.xml", sheet)


def _endless(path: Path, begin: bytes, block: bytes) -> None:
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(100):
            file.write(block)


_CARD = b"BEGIN:VCARD\r\nVERSION:4.0\r\n"
BOMBS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "workbook, 1 GiB packed to a thousandth": ("a.xlsx", _inflating),
    "workbook, 100 sheets of 3 MiB of blanks": ("b.xlsx", _many_inflating),
    "workbook with a ZIP in a ZIP": ("c.xlsx", _nested),
    "workbook of 10,000 sheets": ("d.xlsx", _many_sheets),
    "workbook with a cell in the last row and column": ("e.xlsx", _far_cell),
    "workbook with entities of entities": ("f.xlsx", _entities),
    "vCard, one line of 100 MiB": ("g.vcf", lambda path: _endless(path, _CARD + b"EMAIL:", b"a" * _MEBIBYTE)),
    "vCard, 100 MiB of folded lines": (
        "h.vcf",
        lambda path: _endless(path, _CARD + b"EMAIL:", b"a\r\n " * (_MEBIBYTE // 4)),
    ),
    "CSV, one line of 100 MiB": ("i.csv", lambda path: _endless(path, b"email,name\n", b"a" * _MEBIBYTE)),
    "CSV, 100 MiB of quotes that never close": (
        "j.csv",
        lambda path: _endless(path, b"email,name\n", b'"a,\n' * (_MEBIBYTE // 4)),
    ),
}
"""What it is → its file's name, and who writes it. None of them holds an address."""
