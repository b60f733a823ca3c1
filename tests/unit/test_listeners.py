"""``*`` in ``[listen]``: every address of the machine, IPv4 and IPv6."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from config.names import Endpoint
from relay.checks import ports as checks
from relay.intake.smtp import listeners
from relay.intake.smtp.listeners import ListenError, Ports, bind_all
from relay.web.server import process

SIX = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def opened() -> Iterator[Ports]:
    ports = bind_all(["*:0"], ["*:0"], ["127.0.0.1:0"], "*:0")
    yield ports
    ports.close()


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


@SIX
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_every_address_answers(opened: Ports, host: str) -> None:
    for listening in (opened.submission, opened.submissions, [opened.http]):
        assert listening[0] is not None
        assert _answers(host, listening[0].getsockname()[1])
    assert _answers(host, opened.inbound[0].getsockname()[1]) == (host == "127.0.0.1")


@SIX
def test_mail_has_a_socket_for_each_family(opened: Ports) -> None:
    """So that IPv4 clients keep their addresses, by which credentials and limits know them."""
    assert [sock.family for sock in opened.submission] == [socket.AF_INET, socket.AF_INET6]
    assert len({sock.getsockname()[1] for sock in opened.submission}) == 1
    with closing(socket.create_connection(("127.0.0.1", opened.submission[0].getsockname()[1]), timeout=5)):
        opened.submission[0].setblocking(True)
        accepted, peer = opened.submission[0].accept()
        accepted.close()
    assert peer[0] == "127.0.0.1"


@SIX
@pytest.mark.parametrize("taken", ["0.0.0.0", "::"])
def test_a_port_that_one_family_has_taken_is_a_fault(taken: str) -> None:
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as other:
        if family == socket.AF_INET6:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind((taken, 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=r"listen\.submission: .* is in use"):
            bind_all([f"*:{port}"], [], [], "")
        with pytest.raises(OSError):
            checks._try(Endpoint("*", port))


class _NoSix(socket.socket):
    def __init__(self, family: int = -1, *more: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *more)


class _Disabled(socket.socket):
    """IPv6 switched off by ``net.ipv6.conf.all.disable_ipv6``."""

    def bind(self, address: Any) -> None:
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        super().bind(address)


@pytest.mark.parametrize("kind", [_NoSix, _Disabled])
def test_a_machine_without_ipv6_listens_on_ipv4(kind: type[socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", kind)
    ports = bind_all(["*:0"], [], [], "*:0")
    try:
        assert [sock.family for sock in ports.submission] == [socket.AF_INET]
        assert ports.http is not None and ports.http.family == socket.AF_INET
        checks._try(Endpoint("*", 0))
        with pytest.raises(ListenError):
            bind_all(["[::1]:0"], [], [], "")
    finally:
        ports.close()


def test_other_faults_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(socket.socket):
        def __init__(self, *words: Any) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", Full)
    with pytest.raises(ListenError, match="Too many open files"):
        listeners.bind("127.0.0.1:0", "listen.submission")


@SIX
def test_the_http_process_binds_so_too() -> None:
    with closing(process.bind("*:0")) as sock:
        port = sock.getsockname()[1]
        assert _answers("127.0.0.1", port) and _answers("::1", port)
