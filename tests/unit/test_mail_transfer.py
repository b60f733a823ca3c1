"""Transfer encodings, and the map from decoded octets to encoded ones."""

import binascii
import quopri

from hypothesis import given
from hypothesis import strategies as st

from relay.mail.slots import quoted_printable
from relay.mail.stored import Slot
from relay.mail.transfer import decode, encode_base64, encode_qp, encode_qp_value, qp_offsets, softened, with_crlf

_GOOD = [b"=3D", b"=\r\n", b"\r\n", b"a", b"bc ", b"=C3=A4", b"x" * 70, b"\t"]
_BROKEN = [b"==", b"=zz", b"= \r\n", b"=", b"=4"]


def scraps(choice: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(choice), max_size=80).map(b"".join)


def lines_fit(encoded: bytes) -> bool:
    return all(len(line) <= 76 for line in encoded.split(b"\r\n"))


def splits(body: bytes, wanted: list[int]) -> bool:
    """Whether the offsets cut the body where the text is cut; False if there are none."""
    text = binascii.a2b_qp(body)
    offsets = qp_offsets(body, wanted, len(text))
    for one, offset in zip(wanted, offsets or (), strict=False):
        assert binascii.a2b_qp(body[:offset]) == text[:one]
        assert binascii.a2b_qp(body[offset:]) == text[one:]
        assert binascii.a2b_qp(body[:offset] + b"41=\r\n" + body[offset:]) == text[:one] + b"41" + text[one:]
    return offsets is not None


def some_offsets(body: bytes, data: st.DataObject) -> list[int]:
    return sorted(data.draw(st.lists(st.integers(0, len(binascii.a2b_qp(body))), min_size=1, max_size=5)))


@given(scraps(_GOOD), st.data())
def test_qp_offsets_split_the_body_where_the_text_splits(body: bytes, data: st.DataObject) -> None:
    assert splits(body, some_offsets(body, data))


@given(scraps(_GOOD + _BROKEN), st.data())
def test_qp_offsets_in_broken_bodies(body: bytes, data: st.DataObject) -> None:
    splits(body, some_offsets(body, data))


def test_qp_offsets_in_a_long_body() -> None:
    body = b"".join(b"line %d =3D=C3=A4 and=\r\n on\r\n" % number for number in range(5000))
    text = binascii.a2b_qp(body)
    wanted = [text.index(b"line 7 "), text.index(b"line 3333 "), len(text)]
    assert qp_offsets(body, wanted, len(text)) == [body.index(b"line 7 "), body.index(b"line 3333 "), len(body)]


@given(st.lists(st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), max_size=5))
def test_encode_qp(lines: list[bytes]) -> None:
    text = b"\r\n".join(lines)
    encoded = encode_qp(text)
    assert quopri.decodestring(encoded) == text
    assert lines_fit(encoded)
    if encoded and not encoded.endswith(b"\r\n"):
        assert lines_fit(softened(encoded))
        assert quopri.decodestring(softened(encoded)) == text


@given(st.binary(min_size=1, max_size=300).map(lambda b: b"x" + b.replace(b"\r", b"").replace(b"\n", b"") + b"x"))
def test_encode_qp_value(octets: bytes) -> None:
    encoded = encode_qp_value(octets) + b"=\r\n"
    assert binascii.a2b_qp(encoded) == octets
    assert lines_fit(encoded)


def test_quoted_printable_pieces_stand_alone() -> None:
    pieces = quoted_printable([b"a " + b"b" * 74, Slot("x", "text", "utf-8"), b"\r\nend"], line_start=False)
    out = b"".join(b"V" if isinstance(piece, Slot) else piece for piece in pieces)
    assert out.startswith(b"=\r\n")
    assert out.endswith(b"=\r\n")
    assert lines_fit(out)
    assert binascii.a2b_qp(out) == b"a " + b"b" * 74 + b"V\r\nend"


def test_decode() -> None:
    assert decode(b"a=3D", "7bit") == b"a=3D"
    assert decode(b"a=3D", "quoted-printable") == b"a="
    assert decode(b"YQ==\r\n", "base64") == b"a"
    assert decode(b"Y Q!", "base64") == b"a"
    assert decode(b"YWJjZ", "base64") == b"abc"
    assert decode(b"begin 644 x", "x-uuencode") is None


def test_base64_and_crlf() -> None:
    octets = bytes(range(256))
    assert binascii.a2b_base64(encode_base64(octets)) == octets
    assert lines_fit(encode_base64(octets))
    assert with_crlf(b"a\nb\rc\r\nd") == b"a\r\nb\r\nc\r\nd"
