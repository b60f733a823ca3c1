"""What arrives is what was sent, and both its signatures verify with dkimpy and with opendkim-testmsg.

Messages of many MIME shapes go through a running relay, as bulk mail with a
footer and as transactional mail.
"""

from __future__ import annotations

import base64
import email
import email.policy
import html.parser
import quopri
import re
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest

from tests.peers.conftest import Office
from tests.support.dkim import opendkim_testmsg
from tests.support.octets import ADDED_TO_BULK, added_fields, assert_kept, name_of, split, values
from tests.support.peers import Postfix

pytestmark = pytest.mark.peers

TEXT = "Hello you,\r\n\r\n.dot first\r\ntwo blanks at the end  \r\n\r\n-- \r\nAcme\r\n"
UTF8 = "Grüße, ☃!\r\nGrößeres folgt.\r\n"
HTML = (
    "<!DOCTYPE html>\r\n<html><head><title>News</title></head>\r\n<body><p>Hello <b>you</b></p>\r\n</body></html>\r\n"
)
HTML8 = '<html><head><meta charset="utf-8"></head><body><p>Grüße ☃</p></body></html>\r\n'
PNG = bytes(range(256)) * 8


def b64(octets: bytes) -> str:
    return base64.encodebytes(octets).decode().replace("\n", "\r\n")


def qp(text: str) -> str:
    return quopri.encodestring(text.replace("\r\n", "\n").encode()).decode().replace("\n", "\r\n")


def part(kind: str, encoding: str, body: str, more: str = "") -> str:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n{body}"


def multipart(kind: str, boundary: str, *parts: str) -> str:
    inner = "".join(f"--{boundary}\r\n{one}\r\n" for one in parts)
    head = f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="{boundary}"\r\n'
    return f"{head}\r\npreamble\r\n{inner}--{boundary}--\r\nepilogue\r\n"


ALTERNATIVE = multipart(
    "alternative",
    "in=ner",
    part("text/plain; charset=utf-8", "8bit", UTF8),
    part("text/html; charset=utf-8", "quoted-printable", qp(HTML8)),
).removeprefix("MIME-Version: 1.0\r\n")
ATTACHED = part("image/png", "base64", b64(PNG), 'Content-Disposition: attachment; filename="a.png"\r\n')
MIME = "MIME-Version: 1.0\r\n"
SHAPES = {
    "no mime at all": f"\r\n{TEXT}",
    "plain 7bit": MIME + part("text/plain; charset=us-ascii", "7bit", TEXT),
    "plain 8bit": MIME + part("text/plain; charset=utf-8", "8bit", UTF8),
    "plain qp": MIME + part("text/plain; charset=utf-8", "quoted-printable", qp(UTF8)),
    "plain base64": MIME + part("text/plain; charset=utf-8", "base64", b64(UTF8.encode())),
    "plain flowed": MIME + part("text/plain; charset=utf-8; format=flowed; delsp=yes", "8bit", UTF8),
    "plain latin1 qp": MIME + part("text/plain; charset=iso-8859-1", "quoted-printable", "Gr=FC=DFe\r\n"),
    "html 7bit": MIME + part("text/html; charset=us-ascii", "7bit", HTML),
    "html 8bit": MIME + part("text/html; charset=utf-8", "8bit", HTML8),
    "html base64": MIME + part("text/html; charset=utf-8", "base64", b64(HTML8.encode())),
    "alternative": MIME + ALTERNATIVE,
    "mixed": multipart("mixed", "outer", ALTERNATIVE, ATTACHED),
    "attachment only": MIME + ATTACHED,
    "long line": MIME + part("text/plain; charset=utf-8", "8bit", "ü " * 2000 + "\r\n"),
    "folded and odd": f"X-Odd:  two  blanks\t\r\nX-Empty:\r\nSubject2: a\r\n  b\r\n\t c\r\n\r\n{TEXT}",
    "utf-8 in the header": f"X-Name: Größe\r\n\r\n{TEXT}",
    "empty body": "\r\n",
    "no line at the end": MIME + part("text/plain; charset=utf-8", "8bit", UTF8 + "\r\n\r\n\r\n"),
}
NEEDS_SMTPUTF8 = {"utf-8 in the header"}


def local(shape: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", shape)


def message(shape: str, stream: str) -> bytes:
    name = f"{stream}-{local(shape)}"
    return (
        f"From: Acme <news@acme.example>\r\nTo: {name}@rcpt.example\r\nSubject: {stream}: {shape}\r\n"
        f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{name}@acme.example>\r\n{SHAPES[shape]}"
    ).encode()


@pytest.fixture(scope="module")
def arrived(office: Office) -> dict[tuple[str, str], bytes]:
    """All shapes through the relay, as (stream, shape)."""
    office.agree(*(f"bulk-{local(shape)}@rcpt.example" for shape in SHAPES))
    found = {}
    for stream, who in (("bulk", office.bulk), ("direct", office.direct)):
        with office.session(who) as dialog:
            for shape in SHAPES:
                body = " BODY=8BITMIME SMTPUTF8" if shape in NEEDS_SMTPUTF8 else " BODY=8BITMIME"
                assert dialog.say(f"MAIL FROM:<news@acme.example>{body}").code == 250
                assert dialog.say(f"RCPT TO:<{stream}-{local(shape)}@rcpt.example>").code == 250
                reply = dialog.data(message(shape, stream))
                assert reply.code == 250, (shape, reply)
    for stream in ("bulk", "direct"):
        for shape in SHAPES:
            found[stream, shape] = office.sink.to(f"{stream}-{local(shape)}@rcpt.example").data
    return found


BOTH = [(stream, shape) for stream in ("bulk", "direct") for shape in SHAPES]


def alone(octets: bytes, algorithm: str) -> bytes:
    """The message with the signature of that algorithm only: one good signature would excuse a bad one."""
    fields, body = split(octets)
    mark = f"a={algorithm};".encode()
    kept = [field for field in fields if name_of(field) != "dkim-signature" or mark in field]
    assert [name_of(field) for field in kept].count("dkim-signature") == 1
    return b"".join(kept) + b"\r\n" + body


def dkimpy(octets: bytes, records: dict[str, str]) -> bool:
    try:
        return bool(dkim.verify(octets, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")].encode()))
    except (dkim.DKIMException, KeyError):
        return False


@pytest.fixture(scope="module")
def records(office: Office) -> dict[str, str]:
    return {record.name: record.value for record in office.dkim}


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
@pytest.mark.parametrize(("stream", "shape"), BOTH)
def test_dkimpy(
    arrived: dict[tuple[str, str], bytes], records: dict[str, str], stream: str, shape: str, algorithm: str
) -> None:
    octets = alone(arrived[stream, shape], algorithm)
    assert dkimpy(octets, records)
    assert not dkimpy(octets.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1), records)
    assert not dkimpy(octets + b"more\r\n", records)
    signature = values(octets, "DKIM-Signature")[0]
    assert "d=acme.example;" in signature  # aligned with From
    signed = signature.lower().partition("h=")[2].partition(";")[0].replace(" ", "").replace("\t", "").split(":")
    wanted = {"from", "to", "subject", "date", "message-id", "x-sender-contact", "x-report-abuse", "feedback-id"}
    wanted |= {"list-unsubscribe", "list-unsubscribe-post"} if stream == "bulk" else set()
    assert wanted <= set(signed)


def test_opendkim_testmsg(tmp_path: Path, arrived: dict[tuple[str, str], bytes], records: dict[str, str]) -> None:
    messages = {}
    for (stream, shape), octets in arrived.items():
        for algorithm in ("rsa-sha256", "ed25519-sha256"):
            name = f"{stream} {local(shape)} {algorithm}"
            messages[f"{name} good"] = alone(octets, algorithm)
            messages[f"{name} bad"] = alone(octets, algorithm) + b"more\r\n"
    for name, (good, said) in opendkim_testmsg(tmp_path, records, messages).items():
        assert good == name.endswith("good"), (name, said)


def test_signatures_survive_postfix(office: Office, postfix: Postfix, records: dict[str, str]) -> None:
    """What lies in a mailbox behind a real Postfix still verifies."""
    office.agree("signed@postfix.example")
    octets = message("mixed", "bulk").replace(b"bulk: mixed", b"kept by Postfix")
    office.send(office.bulk, octets, "signed@postfix.example")
    stored = postfix.find("signed@postfix.example")
    for algorithm in ("rsa-sha256", "ed25519-sha256"):
        assert dkimpy(alone(stored, algorithm), records)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in ("long line", "utf-8 in the header")])
def test_transactional_mail_is_left_alone(arrived: dict[tuple[str, str], bytes], shape: str) -> None:
    assert_kept(message(shape, "direct"), arrived["direct", shape])


def test_only_the_part_with_a_long_line_is_encoded_anew(arrived: dict[tuple[str, str], bytes]) -> None:
    sent, got = message("long line", "direct"), arrived["direct", "long line"]
    assert max(len(line) for line in got.split(b"\r\n")) <= 998
    assert readable(got)[0].get_content() == readable(sent)[0].get_content()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "utf-8 in the header"])
def test_bulk_header_is_kept(arrived: dict[tuple[str, str], bytes], shape: str) -> None:
    sent, got = message(shape, "bulk"), arrived["bulk", shape]
    entity = frozenset({"content-type", "content-transfer-encoding", "content-disposition", "mime-version"})
    outside = entity if shape in MAY_CHANGE_ENTITY else frozenset()
    extra = set(added_fields(sent, got, outside)) - ADDED_TO_BULK - outside
    assert not extra


MAY_CHANGE_ENTITY = {"no mime at all", "attachment only", "long line", "plain base64", "html base64", "empty body"}
"""Encoded anew or wrapped, so that their Content-* fields say something else."""


def readable(octets: bytes) -> list[EmailMessage]:
    """Text parts in order, as the standard library reads them."""
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return [one for one in parsed.walk() if one.get_content_maintype() == "text"]


class Shown(html.parser.HTMLParser):
    """Text and link targets of HTML."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(markup)
        self.close()

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [value for name, value in attrs if name == "href" and value]


@pytest.mark.parametrize("shape", SHAPES)
def test_footer_in_every_readable_part(arrived: dict[tuple[str, str], bytes], shape: str) -> None:
    got = arrived["bulk", shape]
    url = re.findall(r"<(http[^>]+)>", values(got, "List-Unsubscribe")[0])[0]
    parts = [one for one in readable(got) if not one.is_attachment()]
    assert parts
    for one in parts:
        content = one.get_content()
        shown = "".join(Shown(content).seen) if one.get_content_subtype() == "html" else content
        assert url in shown
        assert 'You receive this because you subscribed to "news" of acme' in " ".join(shown.split())
        assert "post@acme.example" in shown


IN_PLACE = ["no mime at all", "plain 7bit", "plain 8bit", "plain flowed", "html 7bit", "html 8bit"]


@pytest.mark.parametrize("shape", IN_PLACE)
def test_without_its_footer_a_plain_body_is_the_one_sent(arrived: dict[tuple[str, str], bytes], shape: str) -> None:
    """Unencoded parts: the footer is one insertion (HTML: with a prologue, two), all other octets stay."""
    sent, got = split(message(shape, "bulk"))[1], split(arrived["bulk", shape])[1]
    assert in_order(sent, got, 2 if shape.startswith("html") else 1)


def common(one: bytes, other: bytes) -> int:
    """Octets that both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def in_order(sent: bytes, got: bytes, insertions: int) -> bool:
    """Whether ``got`` is ``sent`` with one insertion, or two."""
    start = common(sent, got)
    end = min(common(sent[::-1], got[::-1]), len(sent) - start)
    between = sent[start : len(sent) - end]
    return not between if insertions == 1 else between in got[start : len(got) - end]


@pytest.mark.parametrize("shape", ["plain qp", "plain base64", "plain latin1 qp", "html base64", "long line"])
def test_without_its_footer_an_encoded_part_says_what_was_sent(
    arrived: dict[tuple[str, str], bytes], shape: str
) -> None:
    sent, got = readable(message(shape, "bulk"))[0], readable(arrived["bulk", shape])[0]
    before, after = sent.get_content(), got.get_content()
    if sent.get_content_subtype() == "plain":
        assert after.startswith(before)
    else:
        assert in_order(before.encode(), after.encode(), 2)


def test_an_attachment_is_left_alone(arrived: dict[tuple[str, str], bytes]) -> None:
    for shape in ("mixed", "attachment only"):
        got = arrived["bulk", shape]
        assert ATTACHED.encode() in got
        parsed = email.message_from_bytes(got, policy=email.policy.default)
        assert [one.get_payload(decode=True) for one in parsed.walk() if one.get_content_type() == "image/png"] == [PNG]
