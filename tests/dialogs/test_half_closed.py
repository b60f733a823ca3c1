"""A client that sends no more but still reads (RFC 9293 §3.6, RFC 8446 §6.1) gets the replies that it waits for."""

from __future__ import annotations

import contextlib
import socket
import ssl

import pytest

from tests.dialogs.conftest import House
from tests.dialogs.test_end_of_data import rest
from tests.dialogs.test_replies import MAIL, rcpt, starts
from tests.support.smtp import Dialog, mail


def stored(house: House, subject: str) -> int:
    with house.relay.database() as conn:
        return int(conn.execute("SELECT count(*) FROM submission WHERE subject = ?", (subject,)).fetchone()[0])


class Tls(Dialog):
    """Over octets in memory, so that TLS can be ended without ending the connection, and the other way round."""

    def __init__(self, port: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.raw = socket.create_connection(("127.0.0.1", port), 20)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="relay.test")
        self._buffer = b""
        self._until(self._tls.do_handshake)
        self.greeting = self.read()

    def _until(self, step: object) -> bytes:
        while True:
            try:
                done = step()  # type: ignore[operator]
            except ssl.SSLWantReadError:
                self._pass_on()
                got = self.raw.recv(65536)
                if not got:
                    raise EOFError from None
                self._in.write(got)
                continue
            self._pass_on()
            return done or b""

    def _pass_on(self) -> None:
        octets = self._out.read()
        if octets:
            self.raw.sendall(octets)

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._pass_on()

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            try:
                got = self._until(lambda: self._tls.read(65536))
            except ssl.SSLError as error:
                raise EOFError from error
            if not got:
                raise EOFError
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode()

    def notify(self) -> None:
        """Say that no more comes; the server's own end is not waited for."""
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._pass_on()

    def close(self) -> None:
        self.raw.close()

    def __enter__(self) -> Tls:
        return self


def end(dialog: Tls, how: str) -> None:
    if how != "shut":
        dialog.notify()
    if how != "notified":
        dialog.raw.shutdown(socket.SHUT_WR)


HOWS = ["shut", "notified", "notified and shut"]
ENDINGS = ["dot", "dot and QUIT", "BDAT LAST", "BDAT LAST and QUIT", "two BDATs", "large"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_whoever_half_closes_after_the_dot_is_answered(house: House, ending: str, how: str) -> None:
    subject = f"Half closed {how} {ending}"
    body = "Hi.\r\n" + ("y" * 76 + "\r\n") * (1500 if ending == "large" else 0)
    message = mail(subject=subject, body=body).encode()
    with Tls(house.relay.submissions) as dialog:
        dialog.ehlo()
        starts(dialog.login(*house.direct), "235 ")
        envelope = f"{MAIL}\r\n{rcpt('half')}\r\n".encode()
        if ending.startswith("BDAT"):
            sent, replies = b"BDAT %d LAST\r\n%b" % (len(message), message), 2
        elif ending.startswith("two"):
            sent, replies = b"BDAT 9\r\n%bBDAT %d LAST\r\n%b" % (message[:9], len(message) - 9, message[9:]), 3
        else:
            sent, replies = b"DATA\r\n" + message + b".\r\n", 3
        dialog.send(envelope + sent + (b"QUIT\r\n" if ending.endswith("QUIT") else b""))
        end(dialog, how)
        for _ in range(replies):
            assert dialog.read().code in (250, 354)
        final, *more = rest(dialog)
    starts(final, "250 2.0.0 ")
    assert final.endswith("queued")
    assert [reply[:4] for reply in more] == (["221 "] if ending.endswith("QUIT") else [])
    assert stored(house, subject) == 1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("ending", ["\r\n.", "\r\n", ".\r", "BDAT", "BDAT without LAST", "commands"])
def test_whoever_half_closes_before_the_dot_has_sent_nothing(house: House, ending: str, how: str) -> None:
    subject = f"Begun {how} {ending!a}"
    message = mail(subject=subject).encode()
    with Tls(house.relay.submissions) as dialog:
        dialog.ehlo()
        dialog.login(*house.direct)
        sent = f"{MAIL}\r\n{rcpt('half')}\r\n".encode()
        if ending == "BDAT":
            sent += b"BDAT %d LAST\r\n%b" % (len(message) + 1, message)
        elif ending == "BDAT without LAST":
            sent += b"BDAT %d\r\n%b" % (len(message), message)
        elif ending != "commands":
            sent += b"DATA\r\n" + message + ending.encode()
        dialog.send(sent)
        end(dialog, how)
        assert not any("queued" in reply for reply in rest(dialog))
    assert stored(house, subject) == 0


def test_pipelined_commands_are_answered_to_the_last(house: House) -> None:
    with Dialog(house.relay.submission) as s:
        s.send(b"EHLO x\r\n" + b"NOOP\r\n" * 500)
        s.sock.shutdown(socket.SHUT_WR)
        assert [reply[:4] for reply in rest(s)[1:]] == ["250 "] * 500


def test_a_bounce_from_who_half_closes_is_answered(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("halfbounce"))
        starts(s.data(mail(subject="To bounce, half closed")), "250 ")
    path = house.sink.to("halfbounce@rcpt.example").reverse_path
    with Dialog(house.relay.inbound) as s:
        s.send(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n".encode())
        s.sock.shutdown(socket.SHUT_WR)
        assert [reply[:4] for reply in rest(s)[1:]] == ["250 ", "250 ", "354 ", "250 "]
