"""Overload and time limits: early, cheap, temporary replies."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.dialogs.test_replies import starts
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, mail
from tests.support.store import of_a_file

MAIL = "MAIL FROM:<news@acme.example>"
RCPT = "RCPT TO:<a@rcpt.example>"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    made = Relay(tmp_path_factory.mktemp("limits"))
    made.tenant()
    made.cli("credential", "add", "acme", "--stream", "transactional", "--ip", "127.0.0.1/32")
    yield made
    made.kill()


def configured(relay: Relay, **tables: dict[str, object]) -> Relay:
    relay.stop()
    relay.configure({"delivery": {"enabled": False}, **{k.replace("__", "."): v for k, v in tables.items()}})
    return relay.start()


def test_rate_sessions_and_transactions(relay: Relay) -> None:
    configured(
        relay,
        policy__rate={"per_second": 0.001, "burst": 2},
        limits={"sessions_per_address": 2, "transactions_per_session": 1},
    )
    with Dialog(relay.submission) as one, Dialog(relay.submission):
        with Dialog(relay.submission) as three:
            starts(three.greeting, "421 4.7.0")
        one.ehlo()
        starts(one.say(MAIL), "250 ")  # known by address, no AUTH
        starts(one.say(RCPT), "250 ")
        starts(one.say("RCPT TO:<b@rcpt.example>"), "250 ")
        starts(one.say("RCPT TO:<c@rcpt.example>"), "450 4.7.1 rate:")
        starts(one.data(mail()), "250 2.0.0")
        starts(one.say(MAIL), "250 ")
        one.say("RSET")
    with Dialog(relay.submission) as again:
        starts(again.greeting, "220 ")


@of_a_file("a server's disk isn't seen from here")
def test_a_full_disk_is_said_before_it_is_full(relay: Relay) -> None:
    configured(relay, limits={"free_disk_octets": 2**50})
    with Dialog(relay.submission) as s:
        s.ehlo()
        starts(s.say(MAIL), "452 4.3.1")


def test_memory_of_all_sessions_has_a_bound(relay: Relay) -> None:
    configured(relay, limits={"memory_octets": 20_000, "message_octets": 20_000, "header_octets": 10_000})
    lines = "y" * 70 + "\r\n"
    with Dialog(relay.submission) as slow, Dialog(relay.submission) as other:
        for s in (slow, other):
            s.ehlo()
            s.say(MAIL)
            s.say(RCPT)
        assert slow.say("DATA").code == 354
        slow.send((mail(body=lines * 200)).encode())
        starts(other.data(mail(body=lines * 150)), "452 4.3.1")
        slow.send(b".\r\n")
        starts(slow.read(), "250 2.0.0")
        other.say(MAIL)
        other.say(RCPT)
        starts(other.data(mail(body=lines * 150)), "250 2.0.0")  # what was taken was given back


def test_a_silent_client_is_sent_away(relay: Relay) -> None:
    configured(relay, limits={"command_timeout": 1.5, "data_timeout": 0.3})
    before = relay.json("queue", "list")
    with Dialog(relay.submission) as s:
        starts(s.read(), "421 4.4.2")
    with Dialog(relay.submission) as s:
        s.send(b"EHLO x\r\n" + MAIL.encode() + b"\r\n" + RCPT.encode() + b"\r\nDATA\r\nSubject: never ends\r\n")
        codes = [s.read().code for _ in range(4)]
        assert codes == [250, 250, 250, 354]
        starts(s.read(), "421 4.4.2")
    assert relay.json("queue", "list") == before


def test_a_client_that_does_not_read_is_not_read_either(relay: Relay) -> None:
    configured(relay, limits={"command_timeout": 2})
    with Dialog(relay.submission) as deaf:
        deaf.ehlo()
        deaf.say(MAIL)
        deaf.sock.settimeout(0.5)
        sent, chunk = 0, b"MAIL\r\n" * 10_000
        with contextlib.suppress(TimeoutError):
            while sent < 100_000_000:
                sent += deaf.sock.send(chunk)
        assert sent < 40_000_000  # what the kernel's buffers take, and no more
        with Dialog(relay.submission) as other:
            assert other.ehlo().code == 250
        ended = select.poll()
        ended.register(deaf.sock, 0)  # POLLERR and POLLHUP, without reading
        assert ended.poll(60_000)  # sent away in spite of its full buffers
    with Dialog(relay.submission) as again:
        starts(again.greeting, "220 ")


def test_a_handshake_that_does_not_come_is_not_waited_for(relay: Relay) -> None:
    configured(relay, limits={"command_timeout": "1s"})
    with socket.create_connection(("127.0.0.1", relay.submissions), 20) as silent:
        assert silent.recv(4096) == b""  # nothing is said in plaintext
    with Dialog(relay.submission) as begun:
        begun.ehlo()
        assert begun.say("STARTTLS").code == 220
        assert begun.sock.recv(4096) == b""


def test_a_certificate_of_another_kind_is_shown_after_sighup(relay: Relay) -> None:
    configured(relay)
    before = _certificate(relay)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay.test"),
            *("-keyout", relay.directory / "tls/key.pem", "-out", relay.directory / "tls/certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )
    assert relay.process is not None
    relay.process.send_signal(signal.SIGHUP)
    until(lambda: _certificate(relay) != before, "the new certificate")
    want = ssl.PEM_cert_to_DER_cert((relay.directory / "tls/certificate.pem").read_text())
    assert _certificate(relay) == want
    with Dialog(relay.submission) as s:
        s.ehlo()
        s.starttls()
        assert isinstance(s.sock, ssl.SSLSocket)
        assert s.sock.getpeercert(True) == want


def _certificate(relay: Relay) -> bytes:
    with Dialog(relay.submissions, tls=True) as s:
        assert isinstance(s.sock, ssl.SSLSocket)
        return s.sock.getpeercert(True) or b""
