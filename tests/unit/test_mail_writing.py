"""Messages written from parts, read back by the standard library."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default

import pytest

from relay.mail.additions import Additions
from relay.mail.address import parse_address
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.stored import Slot, Template
from relay.mail.template import compile_template
from relay.mail.writing import Draft, Enclosure, Mailbox, TextPlace, mailbox, mark_of, unstructured, with_slots, write

LIMITS = ScanLimits(100_000, 100, 100, 10, 10)


def read(octets: bytes) -> EmailMessage:
    made = email.message_from_bytes(octets, policy=default)
    assert isinstance(made, EmailMessage)
    return made


NAMES = [
    "Ann",
    "Ann Lee",
    "O'Hara, Ann",
    'Ann "the boss" Lee',
    "Ann (Sales)",
    "Ann <x@y.example>",
    "Анна Ли",
    "=?utf-8?q?x?=",
    "back\\slash",
    "a.b",
    "x" * 200,
    "é" * 200,
    "@home",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    box = mailbox(Mailbox(parse_address("ann@people.example"), name))
    made = read(write(Draft((("From", "a@b.example"), ("To", box)), ("x",))))
    (found,) = made["To"].addresses
    # The library puts blanks between encoded words of names, which RFC 2047 §6.2 takes out.
    shown = found.display_name.replace(" ", "") if len(name) > 22 else found.display_name
    assert (shown, found.addr_spec) == (name, "ann@people.example")


@pytest.mark.parametrize("text", ["", "x", "a  b", "ü" * 300, "word " * 100, "=?a?b?c?=", "tab\there"])
def test_a_text_in_a_field_is_read_as_it_was_written(text: str) -> None:
    octets = write(Draft((("From", "a@b.example"), ("X-Text", unstructured(text))), ("x",)))
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert " ".join(read(octets)["X-Text"].split()) == " ".join(text.split())


@pytest.mark.parametrize("html", [(), ("<p>hi</p>",), ("<p>é=_</p>",)])
@pytest.mark.parametrize("text", [(), ("hi",), ("é\n--=_abc\n",)])
@pytest.mark.parametrize("inline", [0, 2])
@pytest.mark.parametrize("attached", [0, 2])
def test_every_shape_is_scanned_without_a_fault(
    html: tuple[str, ...], text: tuple[str, ...], inline: int, attached: int
) -> None:
    files = [Enclosure(f"i{n}.png", "image/png", b"x" * n, f"c{n}") for n in range(inline)]
    files += [Enclosure(f"a{n}.bin", "application/x-y", bytes(range(256))) for n in range(attached)]
    octets = write(Draft((("From", "a@b.example"),), text, html, tuple(files)))
    made = read(octets)
    assert not any(part.defects for part in made.walk())
    scanned = scan(octets, LIMITS)
    assert len(scanned.parts) == len(list(made.walk()))
    assert sum(part.get_filename() is not None for part in made.walk()) == inline + attached
    for kind, given in (("plain", text), ("html", html)):
        part = made.get_body((kind,))
        if given:
            assert part is not None and part.get_content().replace("\r\n", "\n").rstrip() == given[0].rstrip()


VALUES = ["Ann", "Анна", "a & b <i>", "--boundary", "=3D", ".", "x" * 500, "", "  two  blanks "]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("footer", [Additions(), Additions("Bye {{unsubscribe_url}}", "<p>Bye</p>")])
def test_places_are_filled_in_each_copy(value: str, footer: Additions) -> None:
    mark = "q0123456789"
    fields = (("From", "a@b.example"), ("To", mark_of(mark, 0)), ("Subject", f"{mark_of(mark, 1)}"))
    draft = Draft(fields, ("Dear ", 2, ",\nyou have ", 2, " é\n"), ("<p title='", 2, "'>é ", 2, "</p>"), (), mark)
    places = [TextPlace("to", "header", True), TextPlace("subject", "header"), TextPlace("name", "text")]
    html = [*places[:2], TextPlace("name", "html")]
    scanned = scan(write(draft), LIMITS)
    template = compile_template(scanned, footer)
    made = Template(
        template.version,
        tuple(with_slots(one, mark, places) for one in template.fields),
        with_slots(template.body, mark, html),
        *(template.needs_8bit, template.needs_smtputf8, template.wrapped, template.placeholders),
    )
    assert {piece.name for piece in made.body if isinstance(piece, Slot)} >= {"name"}
    copy = Renderer(made).render(
        {"to": "jörg@b.example", "subject": value, "name": value, "unsubscribe_url": "https://u"}
    )
    octets = b"".join((*copy.fields, b"\r\n", copy.body))
    assert mark.encode() not in octets
    assert "To: jörg@b.example".encode() in octets
    message = read(octets)
    shown = " ".join(value.split())
    shown = "- -" + shown[2:] if shown.startswith("--") else shown
    assert " ".join(str(message["Subject"]).split()) == shown
    assert max(map(len, copy.body.split(b"\r\n"))) <= 998
