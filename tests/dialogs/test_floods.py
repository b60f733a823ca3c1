"""Commands in masses, lines without an end, other protocols: answered up to a bound, and nobody else notices."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from relay.intake.smtp.session import MOST_IDLE, MOST_REFUSED
from tests.attacks.conftest import Ground
from tests.dialogs.test_replies import starts
from tests.support.smtp import Dialog, mail

CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]")
MOST = MOST_IDLE + 100


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground(tmp_path_factory.mktemp("floods"), limits={"sessions": 60, "sessions_per_address": 50})
    yield made
    made.close()


def poured(dialog: Dialog, octets: bytes) -> bytes:
    """All that is said to this, until the session ends."""
    said: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):
            while got := dialog.sock.recv(65536):
                said.append(got)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with contextlib.suppress(OSError):
        dialog.sock.sendall(octets)
        dialog.sock.shutdown(socket.SHUT_WR)
    reader.join(60)
    assert not reader.is_alive()
    return b"".join(said)


def honest(ground: Ground, name: str = "") -> None:
    reply = ground.send(mail(subject=f"Honest {name}"), "honest@people.example", stream="transactional")
    assert reply.code == 250, reply


IDLE = [b"NOOP\r\n", b"RSET\r\n", b"HELP\r\n", b"VRFY a\r\n", b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<>\r\nRSET\r\n"]
STRANGE = [
    b"X\r\n",
    b"\r\n",
    b"NOOP\n",
    b"\n",
    b"NOOP a\rb\r\n",
    b"NOOP \0\r\n",
    b"\x1b[2J\r\n",
    b"\xff\xfe\r\n",
    b"=\r\n",
]
REFUSED = [
    *(b"RCPT TO:<a@b.example>\r\n", b"DATA\r\n", b"BDAT 0\r\n", b"BDAT 1\r\nx", b"BDAT 4 LAST\r\nQUIT", b"EXPN a\r\n"),
    *(b"AUTH PLAIN =\r\n", b"AUTH LOGIN\r\n*\r\n", b"MAIL FROM:<x>\r\n", b"EHLO\r\n", b"STARTTLS x\r\n"),
]


@pytest.mark.parametrize("unit", IDLE, ids=ascii)
@pytest.mark.parametrize("who", ["tenant", "stranger", "stranger at the inbound port"])
def test_commands_that_need_no_mail_have_an_end(calm: Ground, unit: bytes, who: str) -> None:
    dialog = calm.session("transactional") if who == "tenant" else _stranger(calm, who)
    with dialog:
        said = poured(dialog, unit * 20_000)
    assert said.count(b"\r\n250 ") + said.count(b"\r\n214 ") + said.count(b"\r\n252 ") < 2 * MOST
    assert b"\r\n421 4.7.0 " in said
    honest(calm)


@pytest.mark.parametrize("unit", [*STRANGE, *REFUSED], ids=ascii)
@pytest.mark.parametrize("who", ["stranger", "stranger at the inbound port"])
def test_a_stranger_is_refused_so_many_times(calm: Ground, unit: bytes, who: str) -> None:
    with _stranger(calm, who) as dialog:
        said = poured(dialog, unit * 20_000)
    assert said.count(b"\r\n") < 2 * MOST_REFUSED + 150
    assert b"421 4.7.0 " in said or b"535 5.7.8" in said
    assert not CONTROL.search(said)
    honest(calm)


def _stranger(ground: Ground, who: str) -> Dialog:
    dialog = Dialog(ground.relay.inbound if who.endswith("port") else ground.relay.submission)
    dialog.ehlo()
    return dialog


@pytest.mark.parametrize("begin", ["", "MAIL FROM:<", "RCPT TO:<", "EHLO ", "AUTH PLAIN ", "BDAT ", "AUTH LOGIN\r\n"])
@pytest.mark.parametrize("who", ["tenant", "stranger", "stranger at the inbound port"])
def test_a_line_without_an_end_ends_the_session(calm: Ground, begin: str, who: str) -> None:
    with calm.session("transactional") if who == "tenant" else _stranger(calm, who) as dialog:
        said = poured(dialog, begin.encode() + b"1" * 500_000)
    assert b"500 5.5.6 line longer than 4096 octets" in said


@pytest.mark.parametrize("who", ["tenant", "stranger", "stranger at the inbound port"])
@pytest.mark.parametrize("octets, taken", [(4096, True), (4097, False), (40_000, False)])
def test_a_long_line_is_none_though_its_end_is_there(calm: Ground, who: str, octets: int, taken: bool) -> None:
    with calm.session("transactional") if who == "tenant" else _stranger(calm, who) as dialog:
        said = poured(dialog, b"NOOP " + b"1" * (octets - 7) + b"\r\n")
    assert said.startswith(b"250 2.0.0" if taken else b"500 5.5.6 line longer than 4096 octets")


@pytest.mark.parametrize("port, most", [("submission", 1000), ("inbound", 100)])
def test_ehlo_says_how_many_recipients_there_may_be(calm: Ground, port: str, most: int) -> None:
    with Dialog(getattr(calm.relay, port)) as dialog:
        assert f"LIMITS RCPTMAX={most}" in "\n".join(dialog.ehlo().lines)


def test_strangers_dont_fill_the_log(calm: Ground) -> None:
    before = len(calm.relay.log)
    for _ in range(2):
        with _stranger(calm, "stranger at the inbound port") as dialog:
            dialog.say("MAIL FROM:<>")
            poured(dialog, b"RCPT TO:<victim@other.example>\r\n" * 90)
    for _ in range(80):
        with Dialog(calm.relay.submission) as dialog:
            dialog.ehlo()
            assert dialog.say("STARTTLS").code == 220
            poured(dialog, b"no TLS at all\r\n")
    honest(calm, "behind them")  # its lines come later than theirs
    lines = calm.relay.log[before:]
    assert 0 < sum("inbound rcpt refused" in line for line in lines) <= 60
    assert 0 < sum("TLS failed" in line for line in lines) <= 60


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PRI"])
@pytest.mark.parametrize("port", ["submission", "inbound"])
def test_what_a_browser_can_be_made_to_send_is_no_mail(calm: Ground, verb: str, port: str) -> None:
    body = "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<victim@people.example>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
    request = f"{verb} / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n{body}"
    with Dialog(getattr(calm.relay, port)) as dialog:
        said = poured(dialog, request.encode())
    assert said == b"500 5.5.1 this port speaks SMTP, closing connection\r\n"


PARAMETERS = ["\x1bA=1 \x1bA=2", "\u202eB", "A\x7f=1", "SIZE=\x9b", "BODY=\x1b[2J", "ENVID=\x07", "\u2028=1 \u2028=1"]
PATHS = ["<a\x1b[2J@b.example>", "<a@b\x7f.example>", "<\u202ea@b.example>", "<a@\x9b.example>", '<"\x1b"@b.example>']


@pytest.mark.parametrize("argument", [*(f"<news@acme.example> {one}" for one in PARAMETERS), *PATHS], ids=ascii)
def test_no_reply_says_control_characters_again(calm: Ground, argument: str) -> None:
    for verb in ("MAIL FROM:", "RCPT TO:", "EHLO ", "VRFY ", "AUTH ", "BDAT "):
        with calm.session("transactional") as dialog:
            if verb.startswith("RCPT"):
                dialog.say("MAIL FROM:<news@acme.example>")
            said = poured(dialog, f"{verb}{argument}\r\nQUIT\r\n".encode())
        assert not CONTROL.search(said), said
        assert said.startswith(b"5") or verb == "VRFY ", said


def test_a_transaction_has_so_many_recipients_taken_or_not(calm: Ground) -> None:
    with calm.session("news") as dialog:
        dialog.say("MAIL FROM:<news@acme.example>")
        said = poured(dialog, b"".join(b"RCPT TO:<n%d@people.example>\r\n" % number for number in range(1200)))
    assert said.count(b"550 5.7.1 no-consent") == 1000
    assert said.count(b"452 4.5.3 ") == 200


@pytest.mark.parametrize("port", ["submission", "submissions", "inbound"])
def test_many_connections_from_one_address_keep_nobody_out(calm: Ground, port: str) -> None:
    """Neither silent ones, nor such as never begin the handshake: they count from the first octet on."""
    with contextlib.ExitStack() as held:
        for _ in range(80):
            sock = socket.create_connection(("127.0.0.1", getattr(calm.relay, port)), 20, ("127.0.0.5", 0))
            held.callback(sock.close)
        honest(calm, port)
        with Dialog(calm.relay.inbound) as dialog:
            assert str(dialog.greeting).startswith("220 ")
        with Dialog(calm.relay.submissions, tls=True) as dialog:
            assert str(dialog.greeting).startswith("220 ")


def _greeted(port: int, source: str) -> bool:
    with socket.create_connection(("127.0.0.1", port), 20, (source, 0)) as sock:
        return sock.recv(4096).startswith(b"220 ")


@pytest.mark.parametrize("port", ["submission", "inbound"])
def test_strangers_of_many_networks_keep_nobody_out_by_small_talk(calm: Ground, port: str) -> None:
    number = getattr(calm.relay, port)
    with contextlib.ExitStack() as held:
        strangers = []
        for network in range(1, 61):
            sock = socket.create_connection(("127.0.0.1", number), 20, (f"127.1.{network}.1", 0))
            held.callback(sock.close)
            strangers.append(sock)
        assert not _greeted(number, "127.2.0.1"), "all places are taken"
        until, pause = time.monotonic() + 30, threading.Event()
        while not _greeted(number, "127.2.0.1"):
            assert time.monotonic() < until
            for sock in strangers:
                with contextlib.suppress(OSError):
                    sock.sendall(b"NOOP\r\n")
            pause.wait(0.2)


def test_no_recipient_comes_between_chunks(calm: Ground) -> None:
    with calm.session("transactional") as dialog:
        dialog.say("MAIL FROM:<news@acme.example>")
        dialog.say("RCPT TO:<one@people.example>")
        dialog.send(b"BDAT 3\r\nabc")
        assert dialog.read().code == 250
        for command in ("RCPT TO:<two@people.example>", "MAIL FROM:<news@acme.example>", "DATA"):
            assert str(dialog.say(command)).startswith("503 5.5.1")


def test_letters_outside_ascii_are_said_first(calm: Ground) -> None:
    """In a local part: a domain's are carried as A-labels, which every server takes."""
    path = "<b\u00fccher@people.example>"
    assert calm.rcpt(path, "transactional").startswith("553 5.6.7")
    assert calm.rcpt(path, "transactional", " SMTPUTF8").startswith("250 ")
    assert calm.rcpt("<a@b\u00fccher.example>", "transactional").startswith("250 ")


def test_letters_outside_ascii_are_said_first_at_the_inbound_port_too(calm: Ground) -> None:
    """RFC 6531 §3.5; a header with such letters is taken without, as old programs write a person's letter so."""
    with Dialog(calm.relay.inbound) as dialog:
        dialog.ehlo()
        starts(dialog.say("MAIL FROM:<\u0438\u043c\u044f@people.example>"), "550 5.6.7")
        starts(dialog.say("MAIL FROM:<ann@b\u00fccher.example>"), "250 ")
        starts(dialog.say("RCPT TO:<\u0438\u043c\u044f@relay.example>"), "553 5.6.7")
        dialog.say("RSET")
        starts(dialog.say("MAIL FROM:<\u0438\u043c\u044f@people.example> SMTPUTF8"), "250 ")
        assert str(dialog.say("RCPT TO:<\u0438\u043c\u044f@relay.example>"))[4:9] != "5.6.7"
        dialog.say("RSET")
        starts(dialog.say("MAIL FROM:<ann@people.example>"), "250 ")
        starts(dialog.say("RCPT TO:<\u0438\u043c\u044f@relay.example>"), "553 5.6.7")
        starts(dialog.say("RCPT TO:<postmaster>"), "250 ")
        starts(dialog.data("Subject: \u043e\u0442\u043f\u0438\u0441\u043a\u0430\r\n\r\nx\r\n"), "250 ")


@pytest.mark.parametrize(
    "field",
    [
        "Sender: ceo@bank.example",
        "Sender: nonsense",
        "Resent-From: ceo@bank.example\r\nResent-To: a@people.example\r\nResent-Date: Mon, 23 Nov 2026 10:00:00 +0000",
        "Resent-Sender: ceo@bank.example",
    ],
)
def test_nobody_else_is_named_as_the_sender(calm: Ground, field: str) -> None:
    got = calm.deliver(mail(extra=f"{field}\r\n", subject=field[:20]), "sender@people.example", "transactional")
    assert not re.search(rb"(?mi)^(sender|resent-[a-z]+):", got.head)
    own = calm.deliver(mail(extra="Sender: boss@acme.example\r\n", subject="x"), "own@people.example", "transactional")
    assert own.field("Sender") == "boss@acme.example"
