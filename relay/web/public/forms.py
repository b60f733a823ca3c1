"""Reading a small posted form: urlencoded or multipart (RFC 7578), both bounded.

RFC 8058 §3.2 lets a mail provider post ``List-Unsubscribe=One-Click`` either
way, so both are read here. Only short text fields are expected; what can't be
read gives no fields, and the page then says what to do.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

MAX_FORM_OCTETS = 64 * 1024
MAX_FIELDS = 2_000

Fields = list[tuple[str, str]]

BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.I)
_FILE = re.compile(rb'^content-disposition:[^\r\n]*?[;\s]filename="([^"\r\n]{0,1000})"', re.I | re.M)
_NAME = re.compile(rb'^content-disposition:[^\r\n]*?[;\s]name=(?:"([^"\r\n]{0,200})"|([^\s;"]{1,200}))', re.I | re.M)


def read_form(content_type: str, body: bytes, most: int = MAX_FORM_OCTETS) -> Fields:
    """(name, value) pairs in order; empty if the body is no form or larger than ``most`` octets."""
    if len(body) > most:
        return []
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    if kind in ("application/x-www-form-urlencoded", ""):
        return _urlencoded(body)
    return []


def _urlencoded(body: bytes) -> Fields:
    try:
        text = body.decode("utf-8", "replace")
        return parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return []


def _multipart(content_type: str, body: bytes) -> Fields:
    found = BOUNDARY.search(content_type)
    if found is None:
        return []
    delimiter = b"\r\n--" + (found.group(1) or found.group(2)).encode("utf-8", "replace")
    sections = (b"\r\n" + body).split(delimiter)
    if len(sections) > MAX_FIELDS:
        return []
    fields: Fields = []
    for section in sections[1:]:
        if section.startswith(b"--"):
            break
        head, blank, value = section.partition(b"\r\n\r\n")
        name, _ = disposition(head)
        if blank and name is not None:
            fields.append((name, value.decode("utf-8", "replace")))
    return fields


def disposition(head: bytes) -> tuple[str | None, str]:
    """A part's name, None for one without, and the name of the file that it is; of none it is empty."""
    name, file = _NAME.search(head), _FILE.search(head)
    key = None if name is None else name.group(1) if name.group(1) is not None else name.group(2)
    return None if key is None else key.decode("utf-8", "replace"), file[1].decode("utf-8", "replace") if file else ""


def is_one_click(fields: Fields) -> bool:
    """``List-Unsubscribe=One-Click`` (RFC 8058 §3.1); case and blanks are forgiven."""
    return any(
        name.strip().lower() == "list-unsubscribe" and value.strip().lower() == "one-click" for name, value in fields
    )


def values(fields: Fields, name: str) -> list[str]:
    return [value for key, value in fields if key == name]
