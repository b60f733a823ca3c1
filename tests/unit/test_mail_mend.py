"""A header that can be sent to anybody: what applications write, and what of it leaves."""

from __future__ import annotations

import email
import email.policy

import pytest

from relay.mail.mend import check_replies, mended
from relay.mail.scan import Malformed, ScanLimits, scan

LIMITS = ScanLimits()
FROM = b"From: Acme <news@acme.example>\r\n"
LONG_ID = [f"<{'x' * 80}.{number}@mail.acme.example>" for number in range(13)]


def header(field: bytes, extra: bytes = b"", *, smtputf8: bool = False) -> bytes:
    """The header without From, mended."""
    head = b"" if field.lower().startswith(b"from") else FROM
    message = head + field + b"\r\n" + extra + b"\r\nHello\r\n"
    made = mended(scan(message, LIMITS), LIMITS, smtputf8=smtputf8)
    assert made.message.endswith(b"\r\n\r\nHello\r\n")
    return made.message[len(head) : made.header_end].removesuffix(extra)


def read(octets: bytes) -> str:
    """What a reader shows of the field."""
    assert octets.isascii() and max(map(len, octets.split(b"\r\n"))) <= 998
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    (value,) = parsed.values()
    return str(value)


PLAIN = {
    "ordinary": b"Subject: Hello there",
    "folded": b"Subject: Hello\r\n there",
    "encoded": b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
    "a line of 998": b"Subject: " + b"x" * 989,
    "two of what may stand twice": b"Comments: a\r\nComments: b",
    "odd but harmless": b"X-Empty:\r\nX-Tab:\ta\r\nX-Trail: a  ",
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_needs_nothing_stays_as_it_came(name: str) -> None:
    scanned = scan(FROM + PLAIN[name] + b"\r\n\r\nHello\r\n", LIMITS)
    assert mended(scanned, LIMITS, smtputf8=False) is scanned


ENCODED = [
    ("Subject: Grüße", "Grüße"),
    ("Subject: Ihre  Bestellung für März ist da", "Ihre  Bestellung für März ist da"),
    ("Subject: 🎉 Sale 50% off 🎉", "🎉 Sale 50% off 🎉"),
    ("Subject: Новости недели и ещё кое-что, довольно длинная тема письма для проверки", None),
    ("Subject: 今月のお知らせ", "今月のお知らせ"),
    ("Subject: مرحبا بكم", "مرحبا بكم"),
    ("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= Jürgen", "Grüße Jürgen"),
    ("Subject: Jürgen =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Jürgen Grüße"),
    ("Subject: Grüße\r\n aus Köln", "Grüße aus Köln"),
    ("Subject: =?utf-8?Q?a?= =?utf-8?Q?b?= c Köln", "ab c Köln"),
    ("Subject: =?koi8-r?B?7s/Xz9PUyQ==?= Köln =?x-odd?Q?a?=", "Новости Köln a"),
    ("From: =?utf-8?Q?J=C3=B6rg?= Müller <news@acme.example>", "Jörg Müller <news@acme.example>"),
    ('From: "Jörg" =?utf-8?Q?M=2E?= "Groß, GmbH" <n@acme.example>', '"Jörg M. Groß, GmbH" <n@acme.example>'),
    ("X-Company: Müller", "Müller"),
    ("From: Müller <news@acme.example>", "Müller <news@acme.example>"),
    ('From: "Müller, GmbH" <news@acme.example>', '"Müller, GmbH" <news@acme.example>'),
    ('From: "Café \\"Zum Ü\\"" <news@acme.example>', None),
    ("To: Jürgen Groß <j@x.example>, Ann <a@x.example>", "Jürgen Groß <j@x.example>, Ann <a@x.example>"),
    ("To: j@x.example (Jürgen)", None),
    ("To: j@köln.example", "j@xn--kln-sna.example"),
    ("To: Jürgen <j@köln.example>", "Jürgen <j@xn--kln-sna.example>"),
    ("Cc: Freunde für immer: a@x.example, Jürgen <b@x.example>;", None),
    ("Reply-To: Kundenservice für Sie <s@acme.example>", "Kundenservice für Sie <s@acme.example>"),
]


@pytest.mark.parametrize(("field", "shown"), ENCODED)
def test_raw_utf8_is_encoded(field: str, shown: str | None) -> None:
    octets = header(field.encode())
    assert read(octets) == (shown or str(email.message_from_string(field, policy=email.policy.default).values()[0]))


@pytest.mark.parametrize(
    ("field", "left"),
    [
        ("List-Unsubscribe: <https://acme.example/ö>, <mailto:a@b>", b"<https://acme.example/%C3%B6>, <mailto:a@b>"),
        ('Content-Type: text/plain; name="Grüße.txt"', b"text/plain; name*=utf-8''Gr%C3%BC%C3%9Fe.txt"),
        ("Content-Disposition: attachment; filename=Grüße.txt", b"attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt"),
        ("References: <a@b> <ü@b> <c@d>", b"<a@b> <c@d>"),
        ("List-Id: Grüße <news.acme.example>", b"=?utf-8?B?R3LDvMOfZQ==?= <news.acme.example>"),
    ],
)
def test_each_place_has_its_own_form(field: str, left: bytes) -> None:
    assert header(field.encode()).partition(b": ")[2].rstrip() == left


@pytest.mark.parametrize("field", ["Message-ID: <ü@b>", "In-Reply-To: <ü@b>", "Date: sáb, 28 nov 2026 10:00:00"])
def test_what_nothing_can_stand_for_counts_as_missing(field: str) -> None:
    assert header(field.encode()) == b""


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("windows-1251", "Новости"), ("koi8-r", "Новости"), ("iso-8859-1", "Grüße"), ("iso-8859-1", "10 € heute"),
        ("shift_jis", "今月のお知らせ"), ("gb2312", "你好朋友"),
        ("big5", "你好朋友"), ("euc-kr", "안녕하세요"), ("windows-1255", "שלום"),
    ],
)  # fmt: skip
def test_octets_of_the_declared_charset_are_read_as_that(charset: str, text: str) -> None:
    codec = {"iso-8859-1": "cp1252", "gb2312": "gb18030"}.get(charset, charset)
    extra = f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n".encode()
    assert read(header(b"Subject: " + text.encode(codec), extra)) == text


def test_raw_iso_2022_jp_is_known_by_its_escapes() -> None:
    assert read(header(b"Subject: " + "今月".encode("iso2022_jp") + b" \x1b$B-!\x1b(B")) == "今月 ①"


@pytest.mark.parametrize("charset", ["", "utf-8", "us-ascii"])
def test_octets_of_no_known_charset_are_refused(charset: str) -> None:
    extra = f"Content-Type: text/plain; charset={charset}\r\n".encode() if charset else b""
    with pytest.raises(Malformed, match=r"554 5\.6\.0 line 2 \(offset 32\): the field X-Company holds octets"):
        header("X-Company: Müller".encode("latin-1"), extra)


def test_two_declared_charsets_make_none_certain() -> None:
    part = "--b\r\nContent-Type: text/plain; charset={}\r\n\r\nx\r\n"
    body = part.format("koi8-r") + part.format("windows-1251") + "--b--\r\n"
    head = FROM + b"Content-Type: multipart/mixed; boundary=b\r\nSubject: " + "Новости".encode("koi8-r")
    with pytest.raises(Malformed, match="Subject"):
        mended(scan(head + b"\r\n\r\n" + body.encode(), LIMITS), LIMITS, smtputf8=False)


def test_an_address_beyond_ascii_keeps_the_header_where_smtputf8_is_declared() -> None:
    field = "To: Jürgen <jürgen@x.example>\r\nSubject: Grüße".encode()
    assert header(field, smtputf8=True) == field + b"\r\n"
    with pytest.raises(Malformed, match=r"554 5\.6\.7 line 2 .*the field To has letters outside ASCII"):
        header(field)
    assert header(b"Subject: " + "Grüße".encode(), smtputf8=True).isascii()
    with pytest.raises(Malformed, match="the field Subject holds octets"):
        header("To: jürgen@x.example\r\n".encode() + b"Subject: \xe4", smtputf8=True)


def test_long_fields_are_folded() -> None:
    references = header(b"References: " + " ".join(LONG_ID).encode())
    assert references.split() == [b"References:", *(one.encode() for one in LONG_ID)]
    assert max(map(len, references.split(b"\r\n"))) < 120
    close = header(b"References: " + "".join(LONG_ID).encode())
    assert close.split()[1:] == [one.encode() for one in LONG_ID]
    to = ",".join(f"person{number}@people.example" for number in range(60))
    assert read(header(b"To: " + to.encode())).replace(" ", "") == to
    named = ",".join(f'"Person, {number}"<person{number}@people.example>' for number in range(40))
    assert read(header(b"Cc: " + named.encode())).count("@") == 40
    json = '{"to": [' + ", ".join(f'"a{number}@b.example"' for number in range(80)) + "]}"
    assert read(header(b"X-SMTPAPI: " + json.encode())) == json
    assert read(header(b"Subject: " + b"word " * 250)) == ("word " * 250).strip()


@pytest.mark.parametrize(
    "field", [b"X-Long: " + b"y" * 1200, b"Subject: a " + b"y" * 998, b"DKIM-Signature: b=" + b"y" * 1200]
)
def test_what_cant_be_folded_is_refused(field: bytes) -> None:
    with pytest.raises(
        Malformed, match=r"line 2 \(offset 32\) of the header has more than 998 octets, and .* can't be"
    ):
        header(field)


def test_a_blank_before_the_colon_is_dropped() -> None:
    assert header(b"Subject : spaced\r\nX-Tab\t:1") == b"Subject: spaced\r\nX-Tab:1\r\n"


@pytest.mark.parametrize("name", ["Subject", "To", "Date", "Message-ID", "Cc", "Sender", "References"])
def test_a_second_field_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(Malformed, match=rf"554 5\.6\.0 line 3 \(offset \d+\): a second {name.title()} field"):
        header(f"{name}: <a@b.example>\r\n{name.lower()}: <c@d.example>".encode())


def test_a_second_reply_to_is_refused_once_policies_have_seen_it() -> None:
    scanned = scan(FROM + b"Reply-To: a@b.example\r\nReply-To: c@d.example\r\n\r\n", LIMITS)
    assert mended(scanned, LIMITS, smtputf8=False) is scanned
    with pytest.raises(Malformed, match=r"line 3 .*: a second Reply-To field"):
        check_replies(scanned)


def test_a_field_beyond_64_kib_is_refused() -> None:
    with pytest.raises(Malformed, match=r"line 3 \(offset 38\): the field X-Big has 6\d{4} octets, 65536 are allowed"):
        header(b"X: y\r\nX-Big: a" + b"\r\n " * 10 + b"b\r\n c" * 13_200)
    raw = header(b"X-Big:" + (" ü" * 900 + "\r\n ").encode() + b"z")
    assert raw.isascii()
    with pytest.raises(Malformed, match="the field X-Big has"):
        header(b"X-Big:" + ("\r\n " + "ü" * 450).encode() * 70)


def test_where_the_body_is_told_of_is_in_the_clients_message() -> None:
    message = (
        FROM
        + "Subject: Grüße, die länger sind und gefaltet werden, weil sie nicht passen".encode()
        + b"\r\n\r\na\r\nb\r\n"
    )
    made = mended(scan(message, LIMITS), LIMITS, smtputf8=False)
    at = made.message.index(b"b\r\n", made.body_start)
    line = message[: message.rindex(b"b\r\n")].count(b"\n") + 1
    assert made.where(at) == f"line {line} (offset {message.rindex(b'b')})"
