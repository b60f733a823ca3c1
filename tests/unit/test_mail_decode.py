"""Encoded words and addresses."""

import pytest

from relay.mail.address import AddressError
from relay.mail.decode import addresses_of, decode_field


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain ", "plain"),
        (b"=?utf-8?Q?J=C3=BCri_x?= y", "Jüri x y"),
        (b"=?utf-8?B?SsO8?= =?utf-8?B?cmk=?=", "Jüri"),
        (b"=?utf-8?B?SsM=?=\r\n =?UTF-8?B?vHJp?=", "Jüri"),
        (b"=?iso-8859-1*et?q?=FC?= =?koi8-r?q?=C1?=", "üа"),
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?zlib?B?eJwDAAAAAAE=?=", None),
        (b"=?idna?Q?" + b"a" * 60_000 + b"?=", None),
        (b"=?utf-8?B?!!!?= rest", None),
        (b"J\xc3\xbcri", "Jüri"),
        (b"J\xfcri", "Jüri"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"=?utf-8?Q?a=00b?=", "a b"),
    ],
)
def test_decode_field(value: bytes, text: str | None) -> None:
    decoded = decode_field(value)
    assert not set(decoded) & set("\r\n\0")
    if text is not None:
        assert decoded == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b.example", [("", "a@b.example")]),
        (b" News of A. <A.B@Example.COM>", [("News of A.", "a.b@example.com")]),
        (b'"A, \\"B\\"" <a@b.example>, c@d.example', [('A, "B"', "a@b.example"), ("", "c@d.example")]),
        (b"=?utf-8?q?J=C3=BCri?= <a@b.example>", [("Jüri", "a@b.example")]),
        (b'"=?utf-8?q?J=C3=BCri?=" <a@b.example>', [("Jüri", "a@b.example")]),
        (b"a@b.example (comment (nested) \\) )", [("comment (nested) \\)", "a@b.example")]),
        (b"x (c) <a(d)@b.example>, (e) f@g.example", [("x c d", "a@b.example"), ("e", "f@g.example")]),
        (
            b"Group: a@b.example, X <c@d.example>; , e@f.example",
            [("", "a@b.example"), ("X", "c@d.example"), ("", "e@f.example")],
        ),
        (b"nobody:;", []),
        (b"sales@shop.example <noreply@shop.example>", [("sales@shop.example", "noreply@shop.example")]),
        (b"<@r.example,@s.example:a@b.example>", [("", "a@b.example")]),
        (b"a . b @ c . example", [("", "a.b@c.example")]),
        (b'"a b"@c.example', [("", '"a b"@c.example')]),
        ("Jüri <a@bücher.example>".encode(), [("Jüri", "a@xn--bcher-kva.example")]),
        (b"x <a@[192.0.2.1]>", [("x", "a@[192.0.2.1]")]),
        (b"", []),
        (b",,", []),
        (b"alice@example.org)bob@example.com", None),
        (b"alice@example.org, <bob@example.com", None),
        (b"<a@b.example> <c@d.example>", None),
        (b"<a@b.example> trailing", None),
        (b"a b@c.example", None),
        (b"a@b@c.example", None),
        (b"<a@b.example<c@d.example>>", None),
        (b"(unclosed a@b.example", None),
        (b'"unclosed <a@b.example>', None),
        (b"A: B: c@d.example;", None),
        (b"a@b.example;", None),
        (b"A: c@d.example", None),
        (b"<>", None),
        (b"a@b.example\0", None),
    ],
)
def test_addresses(value: bytes, expected: list[tuple[str, str]] | None) -> None:
    if expected is None:
        with pytest.raises(AddressError):
            addresses_of(value)
    else:
        assert addresses_of(value) == expected
