"""Relaxed canonical forms are those of dkimpy."""

from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.canon import relaxed_body, relaxed_field

_LINES = st.lists(st.text("ab \t=-\x0b\xe4", max_size=12).map(lambda text: text.encode("latin-1")), max_size=12)


@given(_LINES, st.booleans())
def test_body_as_in_dkimpy(lines: list[bytes], ended: bool) -> None:
    body = b"\r\n".join(lines) + (b"\r\n" if ended else b"")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"  # dkimpy leaves the last line as it is; RFC 6376 §3.4.4 adds the CRLF
    expected = Relaxed.canonicalize_body(body)
    assert relaxed_body(body) == (b"" if expected == b"\r\n" else expected)


def test_body_edges() -> None:
    assert relaxed_body(b"") == b""
    assert relaxed_body(b"\r\n\r\n") == b""
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"  # RFC 6376 §3.4.5
    assert relaxed_body(b"no line end") == b"no line end\r\n"
    assert relaxed_body(b" \t\r\n \r\n") == b""


@given(st.lists(st.text("aB \t:;", max_size=10), min_size=1, max_size=5), st.sampled_from(["Subject", "X-a", "tO"]))
def test_field_as_in_dkimpy(lines: list[str], name: str) -> None:
    value = "\r\n ".join(lines)
    field = f"{name}:{value}\r\n".encode()
    [(got_name, got_value)] = Relaxed.canonicalize_headers([(name.encode(), value.encode() + b"\r\n")])
    assert relaxed_field(field) == got_name + b":" + got_value


def test_field_with_blanks_before_the_colon() -> None:
    assert relaxed_field(b"SUBJect \t:  a\r\n\t b  \r\n") == b"subject:a b\r\n"


def test_only_space_and_tab_are_blanks() -> None:
    assert relaxed_field(b"A: \x0bx\x0cy  z\x0b \r\n") == b"a:\x0bx\x0cy z\x0b\r\n"
