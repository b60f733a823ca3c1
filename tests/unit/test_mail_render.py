"""Rendering joins, and its body hash is that of what it joined."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from relay.mail.canon import relaxed_body
from relay.mail.render import Renderer
from relay.mail.scan import find_bare
from relay.mail.stored import VERSION, Piece, Slot, Template

_LITERALS = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"b=", b"=\r\n", b"  \r\n"]), max_size=6).map(
    b"".join
)
_SLOTS = st.builds(
    Slot, st.sampled_from("xyz"), st.sampled_from(["text", "html"]), st.sampled_from(["ascii", "utf-8"]), st.booleans()
)
_BODIES = st.lists(st.one_of(_LITERALS.filter(bool), _SLOTS), max_size=8)
_VALUES = st.fixed_dictionaries({name: st.text("ab \t\r\nä<-=\0\u2028", max_size=90) for name in "xyz"})


def template(fields: tuple[tuple[Piece, ...], ...], body: tuple[Piece, ...]) -> Template:
    return Template(VERSION, fields, body, False, False, False, ())


@given(_BODIES, _VALUES, _VALUES)
def test_body_hash(body: list[Piece], first: dict[str, str], second: dict[str, str]) -> None:
    renderer = Renderer(template((), tuple(body)))
    for values in (first, second, first):
        copy = renderer.render(values)
        assert copy.body_hash == hashlib.sha256(relaxed_body(copy.body)).digest()


_ODD = st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"\r\n", b"a", b"."]), min_size=1, max_size=4).map(b"".join)


@given(st.lists(st.one_of(_ODD, _SLOTS), max_size=6), st.lists(_ODD, max_size=2), _VALUES)
def test_a_copy_that_is_called_clean_or_without_dots_is_so(
    body: list[Piece], prepended: list[bytes], values: dict[str, str]
) -> None:
    copy = Renderer(template(((b"A: 1\r\n",),), tuple(body))).render(values, prepended)
    found = [find_bare(piece) for piece in [*prepended, *body] if isinstance(piece, bytes)]
    assert copy.clean == (found == [None] * len(found))
    whole = b"".join(copy.fields) + copy.body
    if copy.clean:
        assert find_bare(whole) is None
    if copy.dotless:
        assert not whole.startswith(b".") and b"\r\n." not in whole


def test_a_copy_without_dots_at_line_starts_is_mostly_known_as_such() -> None:
    link = Slot("x", "text", "ascii")
    assert Renderer(template(((b"A: 1\r\n",),), (b"one.\r\n", link, b".\r\n"))).render({"x": "a.b"}).dotless is False
    assert Renderer(template(((b"A: 1\r\n",),), (b"one.\r\n", link, b"\r\n"))).render({"x": "a.b"}).dotless
    assert not Renderer(template((), (b"one\r\n", link, b"\r\n"))).render({"x": ".b"}).dotless
    assert not Renderer(template((), (b"one\r\n..two\r\n",))).render({}).dotless


def test_a_line_that_ends_between_two_pieces_is_not_called_without_dots() -> None:
    copy = Renderer(template(((b"A: 1\r\n",),), ())).render({}, [b"\r", b"\n."])
    assert not copy.clean and not copy.dotless


def test_fields_are_filled_and_prepended() -> None:
    fields: tuple[tuple[Piece, ...], ...] = ((b"A: 1\r\n",), (b"B: <", Slot("x", "header"), b">\r\n"))
    renderer = Renderer(template(fields, (b"same\r\n",)))
    one, two = renderer.render({"x": "1"}, (b"R: r\r\n",)), renderer.render({"x": "2"})
    assert one.fields == (b"R: r\r\n", b"A: 1\r\n", b"B: <1>\r\n")
    assert two.fields == (b"A: 1\r\n", b"B: <2>\r\n")
    assert one.body is two.body
    assert renderer.render({}).fields[1] == b"B: <>\r\n"


def test_same_values_same_octets() -> None:
    pieces: tuple[Piece, ...] = (b"a", Slot("x", "html", "ascii"), Slot("x", "text", "ascii"), b"\r\n")
    assert Renderer(template((), pieces)).render({"x": "<ä>"}).body == b"a&lt;&#228;&gt;<?>\r\n"
