"""Reading posted forms: both encodings, bounds, and damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.web.public.forms import MAX_FORM_OCTETS, is_one_click, read_form

URLENCODED = "application/x-www-form-urlencoded"


def multipart(*sections: bytes, boundary: bytes = b"xYz") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + section + b"\r\n" for section in sections) + b"--" + boundary + b"--"


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        (URLENCODED, b"List-Unsubscribe=One-Click", [("List-Unsubscribe", "One-Click")]),
        (URLENCODED + "; charset=utf-8", b"a=1&a=2&b=", [("a", "1"), ("a", "2"), ("b", "")]),
        ("", b"a=%C3%A9", [("a", "é")]),
        ("text/plain", b"a=1", []),
        ("application/json", b'{"a":1}', []),
        (
            "multipart/form-data; boundary=xYz",
            multipart(
                b'Content-Disposition: form-data; name="a"\r\n\r\n1',
                b"Content-Disposition: form-data; name=b\r\n\r\n2\r\n3",
            ),
            [("a", "1"), ("b", "2\r\n3")],
        ),
        (
            'multipart/form-data; boundary="x Yz"',
            multipart(
                b'content-type: text/plain\r\ncontent-disposition: form-data; name="a"\r\n\r\n1', boundary=b"x Yz"
            ),
            [("a", "1")],
        ),
        ("multipart/form-data", multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n1'), []),
        ("multipart/form-data; boundary=xYz", multipart(b"no header"), []),
        (URLENCODED, b"a=" + b"x" * MAX_FORM_OCTETS, []),
        (URLENCODED, b"a&" * 10_000, []),
    ],
)
def test_read_form(kind: str, body: bytes, fields: list[tuple[str, str]]) -> None:
    assert read_form(kind, body) == fields


@given(st.sampled_from([URLENCODED, "multipart/form-data; boundary=x", ""]), st.binary(max_size=2_000))
def test_any_body_is_read_without_error(kind: str, body: bytes) -> None:
    read_form(kind, body)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("List-Unsubscribe", "One-Click")], True),
        ([("list-unsubscribe", " one-click\r\n")], True),
        ([("x", "1"), ("List-Unsubscribe", "One-Click")], True),
        ([("List-Unsubscribe", "")], False),
        ([("One-Click", "List-Unsubscribe")], False),
        ([], False),
    ],
)
def test_is_one_click(fields: list[tuple[str, str]], expected: bool) -> None:
    assert is_one_click(fields) is expected
