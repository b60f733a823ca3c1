"""A form with one file (RFC 7578): its short fields, and the file as it lies in the body, without a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

from relay.web.public.forms import BOUNDARY, MAX_FORM_OCTETS, Fields, disposition

FORM_ROOM: Final = MAX_FORM_OCTETS
"""Octets of all else that stands in the body."""
_HEAD: Final = 4096
_MOST_PARTS: Final = 200


class UploadedForm(NamedTuple):
    fields: Fields
    name: str
    """Of the file, as the browser says it; empty: none was chosen."""
    file: memoryview


def read_upload(content_type: str, body: bytes) -> UploadedForm:
    """What can't be read gives nothing."""
    fields: Fields = []
    name, file, room = "", memoryview(b""), FORM_ROOM
    for part, begin, end in _parts(content_type, body):
        key, given = disposition(part)
        if given:
            name, file = unquote(given) if "%" in given else given, memoryview(body)[begin:end]
        elif key and (room := room - (end - begin)) >= 0:
            fields.append((key, body[begin:end].decode("utf-8", "replace")))
    return UploadedForm(fields, name, file)


def _parts(content_type: str, body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Head of each part, and from where to where its content goes."""
    found = BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith("multipart/form-data"):
        return
    dashes = b"--" + (found.group(1) or found.group(2)).encode("utf-8", "replace")
    if not body.startswith(dashes):
        return
    place = len(dashes)
    for _ in range(_MOST_PARTS):
        end = body.find(b"\r\n" + dashes, place)
        begin = body.find(b"\r\n\r\n", place, place + _HEAD)
        if end < 0 or body[place : place + 2] == b"--":
            return
        if 0 <= begin < end:
            yield body[place:begin], begin + 4, end
        place = end + 2 + len(dashes)
