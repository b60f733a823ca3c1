"""TLS, from the first octet or after STARTTLS: however the records are cut, and whatever comes instead of them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from tests.dialogs.conftest import House
from tests.dialogs.test_replies import starts
from tests.support.smtp import Dialog, mail


def context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = made.maximum_version = version
    return made


class Records:
    """A client whose octets go out as the test wants: ``cut`` makes pieces of them, each sent by itself."""

    def __init__(
        self, port: int, cut: Callable[[bytes], list[bytes]], version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cut = cut
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(version).wrap_bio(self._in, self._out)

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def shake(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self.more()
            else:
                self.flush()
                return

    def more(self) -> None:
        octets = self.sock.recv(65536)
        assert octets, "the relay closed the connection"
        self._in.write(octets)

    def flush(self) -> None:
        for piece in self.cut(self._out.read()):
            self.sock.sendall(piece)

    def say(self, *commands: bytes) -> None:
        """Each in a record of its own, all handed to ``cut`` together."""
        for one in commands:
            self.tls.write(one)
        self.flush()

    def line(self) -> bytes:
        found = b""
        while not found.endswith(b"\r\n"):
            try:
                found += self.tls.read(1)
            except ssl.SSLWantReadError:
                self.more()
        return found


def single(octets: bytes) -> list[bytes]:
    return [octets[at : at + 1] for at in range(len(octets))]


def whole(octets: bytes) -> list[bytes]:
    return [octets] if octets else []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("cut", [single, whole])
def test_records_may_arrive_in_any_pieces(
    house: House, cut: Callable[[bytes], list[bytes]], version: ssl.TLSVersion
) -> None:
    with Records(house.relay.submissions, cut, version) as client:
        client.shake()
        assert client.line().startswith(b"220 ")
        client.say(b"EH", b"LO client.test\r", b"\nNOOP\r\nNO", b"OP\r\n")
        while (line := client.line())[3:4] == b"-":
            pass
        assert line.startswith(b"250 ")
        assert client.line().startswith(b"250 2.0.0")
        assert client.line().startswith(b"250 2.0.0")


def test_a_greeting_is_not_said_before_the_handshake(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.relay.submissions), 20) as sock:
        sock.sendall(b"EHLO client.test\r\n")
        answer = sock.recv(4096)
    assert answer[:1] in (b"", b"\x15")  # nothing, or a TLS alert
    assert b"220" not in answer
    assert b"ESMTP" not in answer


@pytest.mark.parametrize(
    "octets", [b"MAIL FROM:<a@b.example>\r\n", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\0\x05hello"]
)
def test_what_is_no_tls_after_starttls_ends_the_session(house: House, octets: bytes) -> None:
    with Dialog(house.relay.submission) as s:
        s.ehlo()
        assert s.say("STARTTLS").code == 220
        s.send(octets)
        s.sock.shutdown(socket.SHUT_WR)
        rest = b""
        while octets := s.sock.recv(4096):
            rest += octets
    assert rest[:1] in (b"", b"\x15")
    with house.session() as again:
        starts(again.say("NOOP"), "250 ")


def test_an_altered_record_ends_the_session(house: House) -> None:
    def altered(octets: bytes) -> list[bytes]:
        return [octets[:-1] + bytes([octets[-1] ^ 1])]

    with Records(house.relay.submissions, whole) as client:
        client.shake()
        assert client.line().startswith(b"220 ")
        client.cut = altered
        client.say(b"EHLO client.test\r\n")
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.line()


def test_the_end_is_told_in_tls(house: House) -> None:
    """A truncated stream would be an SSLEOFError (RFC 8446 §6.1)."""
    sock = socket.create_connection(("127.0.0.1", house.relay.submissions), 20)
    with context().wrap_socket(sock, suppress_ragged_eofs=False) as tls:
        assert tls.recv(4096).startswith(b"220 ")
        tls.sendall(b"QUIT\r\n")
        assert tls.recv(4096).startswith(b"221 ")
        assert tls.recv(4096) == b""


def test_a_client_that_ends_tls_is_let_go(house: House) -> None:
    with Dialog(house.relay.submissions, tls=True) as s:
        assert isinstance(s.sock, ssl.SSLSocket)
        starts(s.say("NOOP"), "250 ")
        plain = s.sock.unwrap()
        assert plain.recv(4096) == b""


@pytest.mark.parametrize("start", [False, True])
def test_a_large_message_over_tls(house: House, start: bool) -> None:
    to = f"large-{start}@rcpt.example".lower()
    body = "".join(f"line {number:06} of a message of many records\r\n" for number in range(3_500))
    with Dialog(house.relay.submission if start else house.relay.submissions, tls=not start) as s:
        if start:
            s.ehlo()
            s.starttls()
        s.ehlo()
        assert s.login(*house.direct).code == 235
        starts(s.say("MAIL FROM:<news@acme.example>"), "250 ")
        starts(s.say(f"RCPT TO:<{to}>"), "250 ")
        starts(s.data(mail(to=to, body=body)), "250 ")
    assert body.encode() in house.sink.to(to).data
