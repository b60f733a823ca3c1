"""The scanner finds fields and parts by offset, within its limits."""

from __future__ import annotations

import pytest

from relay.mail.scan import Malformed, ScanLimits, Scanned, find_bare, find_long_line, scan

FROM = b"From: a@example.com\r\n"


def scanned(*pieces: bytes, limits: ScanLimits | None = None) -> Scanned:
    return scan(b"".join(pieces), limits or ScanLimits())


def refused(*pieces: bytes, limits: ScanLimits | None = None) -> str:
    with pytest.raises(Malformed) as caught:
        scanned(*pieces, limits=limits)
    return caught.value.status.reply


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"a\r\nb\r\n", None),
        (b"", None),
        (b"a\nb\r\n", ("LF", 1)),
        (b"\na", ("LF", 0)),
        (b"a\r\n\rb", ("CR", 3)),
        (b"a\r", ("CR", 1)),
        (b"a\r\r\n", ("CR", 1)),
        (b"a\r\nb\0", ("NUL", 4)),
        (b"a\n\r", ("LF", 1)),
        (b"x\ny\rz", ("LF", 1)),
    ],
)
def test_find_bare(message: bytes, expected: tuple[str, int] | None) -> None:
    assert find_bare(message) == expected


@pytest.mark.parametrize(
    ("message", "offset"),
    [
        (b"x" * 998 + b"\r\n", -1),
        (b"x" * 999 + b"\r\n", 0),
        (b"ab\r\n" + b"x" * 999 + b"\r\n", 4),
        (b"x" * 998 + b"\r\n" + b"y" * 998 + b"\r\n", -1),
        (b"x" * 998 + b"\r\n" + b"y" * 999, 1000),
        (b"a\r\n" * 1000 + b"x" * 1000, 3000),
        (b"a\r\n" * 1000, -1),
    ],
)
def test_find_long_line(message: bytes, offset: int) -> None:
    assert find_long_line(message, 0, len(message)) == offset


def test_fields_and_body() -> None:
    message = scanned(b"From: a@b.example\r\nX-One : 1\r\n\t two\r\n \r\nx-one:3\r\n\r\nbody\r\n")
    assert [one.name for one in message.fields] == [b"from", b"x-one", b"x-one"]
    assert message.values(b"x-one") == [b"1\r\n\t two", b"3"]
    assert message.first(b"nothing") is None
    assert message.message[message.body_start :] == b"body\r\n"
    assert (
        b"".join(message.message[one.start : one.end] for one in message.fields)
        == message.message[: message.header_end]
    )


def test_header_only_and_missing_last_crlf() -> None:
    message = scanned(b"From: a@b.example\r\nSubject: x")
    assert message.text(b"subject") == "x"
    assert message.body_start == len(message.message)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (b"\r\nbody\r\n", "554 5.6.0 there is no From field"),
        (b"Subject: x\r\n\r\n", "554 5.6.0 there is no From field"),
        (FROM + FROM + b"\r\n", "554 5.6.0 there are 2 From fields"),
        (b"From a@b Mon\r\n" + FROM + b"\r\n", "554 5.6.0 line 1 (offset 0) of the header is no header field"),
        (FROM + b"no colon\r\n\r\n", "554 5.6.0 line 2 (offset 21) of the header is no header field"),
        (FROM + b": nameless\r\n\r\n", "line 2"),
        (b" folded\r\n" + FROM + b"\r\n", "line 1"),
        (FROM + b"S\xc3\xa4: x\r\n\r\n", "line 2"),
        (FROM + b"Received: x\r\n" * 51 + b"\r\n", "554 5.4.6 51 Received fields, 50 are allowed"),
    ],
)
def test_malformed_headers(message: bytes, told: str) -> None:
    assert told in refused(message)


def test_limits() -> None:
    assert "header has" in refused(FROM, b"X: y\r\n" * 20, b"\r\n", limits=ScanLimits(header_octets=100))
    assert "more than 10 fields" in refused(FROM, b"X: y\r\n" * 10, b"\r\n", limits=ScanLimits(header_fields=10))
    many = b"--b\r\n\r\nx\r\n" * 1000
    assert "more than 1000 MIME parts" in refused(FROM, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", many)
    big = b"--b\r\n" + b"X: y\r\n" * 100
    top = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    assert "part header" in refused(FROM, top, big, b"\r\n", limits=ScanLimits(header_octets=200))


def test_deep_nesting_is_refused_at_once() -> None:
    levels = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(10_000)
    )
    assert "nested more than 50 deep" in refused(FROM, levels)


def outline(message: Scanned) -> list[tuple[int, str, bytes]]:
    return [
        (part.depth, part.content_type, b"" if part.is_multipart else message.message[part.body_start : part.body_end])
        for part in message.parts
    ]


def test_tree_in_document_order() -> None:
    message = scanned(
        FROM,
        b'Content-Type: multipart/mixed; boundary="out er"\r\n\r\npreamble\r\n--out er  \r\n',
        b"Content-Type: multipart/alternative; boundary=in:ner\r\n\r\n--in:ner\r\n\r\none\r\n",
        b"--in:ner\r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--in:ner--\r\nepilogue\r\n",
        b"--out er\r\nContent-Type: message/rfc822\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n--z--\r\n",
        b"--out er--\r\nend\r\n--out er\r\nnot a part\r\n",
    )
    inner = b"Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n--z--"
    assert outline(message) == [
        (0, "multipart/mixed", b""),
        (1, "multipart/alternative", b""),
        (2, "text/plain", b"one"),
        (2, "text/html", b"two\r\n"),
        (1, "message/rfc822", inner),
    ]
    alternative = message.parts[1]
    assert message.message[alternative.body_start : alternative.body_end].endswith(b"--in:ner--\r\nepilogue")


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: multipart/mixed\r\n",
        b"Content-Type: multipart/mixed; boundary=other\r\n",
        b'Content-Type: multipart/mixed; boundary=""\r\n',
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n",
    ],
)
def test_multipart_that_cannot_be_cut_is_a_leaf(header: bytes) -> None:
    message = scanned(FROM, header, b"\r\n--b\r\n\r\nx\r\n--b--\r\n")
    assert len(message.parts) == 1
    assert not message.parts[0].is_multipart


def test_inner_boundary_like_the_outer_one() -> None:
    """The outer one wins, as in readers that cut from the outside."""
    inner = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    message = scanned(FROM, inner, b"--b\r\n", inner, b"--b\r\n\r\nx\r\n--b--\r\n")
    assert [(part.parent, part.is_multipart) for part in message.parts] == [(-1, True), (0, False), (0, False)]


def test_digest_default_and_hollow_part() -> None:
    message = scanned(FROM, b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n--b\r\nX: y\r\n--b--\r\n")
    assert [part.content_type for part in message.parts[1:]] == ["message/rfc822"] * 2
    assert [part.hollow for part in message.parts[1:]] == [True, True]
    assert all(part.body_start == part.body_end for part in message.parts[1:])


def test_delimiters_that_are_none() -> None:
    message = scanned(
        FROM, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--bb\r\n --b\r\n--b-\r\n--b--\r\n"
    )
    assert outline(message)[1:] == [(1, "text/plain", b"x\r\n--bb\r\n --b\r\n--b-")]


def test_part_fields() -> None:
    message = scanned(
        FROM,
        b"Content-Type: text/plain; CharSet=UTF-8 (c; d); format=flowed\r\n",
        b"Content-Transfer-Encoding: Quoted-Printable (x)\r\n",
        b"Content-Disposition: attachment;\r\n filename*=utf-8''a%20b\r\n\r\n",
    )
    part = message.parts[0]
    assert (part.charset, part.encoding, part.disposition, part.filename) == (
        "utf-8",
        "quoted-printable",
        "attachment",
        True,
    )


def test_many_lines_like_delimiters_are_refused() -> None:
    top = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
    assert "begin like a MIME boundary" in refused(FROM, top, b"--b-\r\n" * 20_000)
    assert len(scanned(FROM, top, b"--x\r\n" * 20_000).parts) == 2
