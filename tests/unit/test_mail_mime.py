"""Content-Type and its parameters, in the forms found in the wild."""

import time

import pytest

from relay.mail.mime import parse_content_type, parse_token


@pytest.mark.parametrize(
    ("value", "kind", "parameters"),
    [
        (b" text/plain", "text/plain", {}),
        (b" TEXT / HTML ;Charset = utf-8", "text/html", {"charset": "utf-8"}),
        (b' multipart/mixed; boundary="a;b\\"c"; x=y', "multipart/mixed", {"boundary": 'a;b"c', "x": "y"}),
        (b" multipart/mixed;\r\n\tboundary=a=b?c", "multipart/mixed", {"boundary": "a=b?c"}),
        (b' text/plain; name="unclosed', "text/plain", {"name": "unclosed"}),
        (b" text/plain; name=with blanks.txt ; a=b", "text/plain", {"name": "with blanks.txt", "a": "b"}),
        (b" text/html charset=utf-8", "text/html", {"charset": "utf-8"}),
        (b" text/plain (a (nested; x=y) comment); a=b (c)", "text/plain", {"a": "b"}),
        (b' text/plain; a="(no comment)"', "text/plain", {"a": "(no comment)"}),
        (b" text/plain; a=1; a=2", "text/plain", {"a": "1"}),
        (b" a/b; name*0*=utf-8''x%20; name*1=y; name*2*=%C3%A4", "a/b", {"name": "x y\xc3\xa4"}),
        (b" a/b; name*1=y; name*0=x; name*3=lost", "a/b", {"name": "xy"}),
        (b" a/b; boundary*=us-ascii'en'q%2Dr", "a/b", {"boundary": "q-r"}),
        (b" a/b; n*99999999999=x; ;;= ;z", "a/b", {"n": ""}),
    ],
)
def test_parse_content_type(value: bytes, kind: str, parameters: dict[str, str]) -> None:
    parsed = parse_content_type(value)
    assert parsed is not None
    assert parsed.value == kind
    assert {name: text for name, text in parsed.parameters.items() if text} == {
        n: t for n, t in parameters.items() if t
    }


@pytest.mark.parametrize("value", [b"", b" html", b" /", b" text/", b' "text/plain"'])
def test_no_type(value: bytes) -> None:
    assert parse_content_type(value) is None


def test_token() -> None:
    assert parse_token(b" INLINE; filename=x") == ("inline", {"filename": "x"})
    assert parse_token(b" ") == ("", {})


@pytest.mark.parametrize(
    "hostile", [b"(" * 100_000, b'"' * 100_001, b'; a="\\' * 30_000, b";a*0=b" * 40_000, b"; " * 90_000]
)
def test_linear(hostile: bytes) -> None:
    start = time.process_time()
    parse_content_type(b"a/b" + hostile)
    assert time.process_time() - start < 5  # quadratic would take minutes
