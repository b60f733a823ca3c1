"""Ports that the service manager opened: taken over by name or by address, and never closed by a restart."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from relay.intake.smtp.handed import open_all, take_handed
from relay.intake.smtp.listeners import ListenError, Ports
from tests.support.peers import until
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.smtp import Dialog

NOTHING: dict[str, Sequence[str]] = {"submission": (), "submissions": (), "inbound": (), "http": ()}


def listening(host: str = "127.0.0.1", port: int = 0, **how: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in host:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, how.get("only", 1))
    sock.bind((host, port))
    sock.listen(64)
    return sock


@pytest.fixture
def opened() -> Iterator[Callable[..., tuple[str, int, int]]]:
    """Opens one; its address, its port, and a descriptor that may be given away."""
    with ExitStack() as stack:

        def make(host: str = "127.0.0.1", **how: int) -> tuple[str, int, int]:
            sock = stack.enter_context(closing(listening(host, **how)))
            port = sock.getsockname()[1]
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}", port, os.dup(sock.fileno())

        yield make


def ports_of(ports: Ports) -> dict[str, list[int]]:
    roles = {"submission": ports.submission, "submissions": ports.submissions, "inbound": ports.inbound}
    found = {role: sorted(sock.getsockname()[1] for sock in sockets) for role, sockets in roles.items()}
    return found | {"http": [ports.http.getsockname()[1]] if ports.http is not None else []}


# --- the protocol ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "taken"),
    [
        ({}, []),
        ({"LISTEN_PID": "OWN", "LISTEN_FDS": "2"}, [("", 3), ("", 4)]),
        ({"LISTEN_PID": "OWN", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "inbound:http"}, [("inbound", 3), ("http", 4)]),
        ({"LISTEN_PID": "OWN", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "inbound"}, [("inbound", 3), ("", 4)]),
        ({"LISTEN_PID": "OWN", "LISTEN_FDS": "0"}, []),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "2"}, []),
        ({"LISTEN_FDS": "2"}, []),
        ({"LISTEN_PID": "OWN"}, []),
    ],
)
def test_what_is_meant_for_this_process(environment: dict[str, str], taken: list[tuple[str, int]]) -> None:
    found = {name: value.replace("OWN", str(os.getpid())) for name, value in environment.items()}
    assert take_handed(found) == taken
    assert found == {}, "a child would take them for its own"


@pytest.mark.parametrize("count", ["two", "-1", "1.5", "²"])
def test_no_number_of_sockets(count: str) -> None:
    with pytest.raises(ListenError, match="no number"):
        take_handed({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count})


# --- which is which ----------------------------------------------------------------------


def test_by_address(opened: Callable[..., tuple[str, int, int]]) -> None:
    """One relay.socket for all: each has the same name."""
    made = [opened() for _ in range(4)]
    listen = dict(zip(NOTHING, [(address,) for address, _, _ in made], strict=True))
    ports = open_all(listen, [("relay.socket", fd) for _, _, fd in reversed(made)])
    with closing(ports):
        assert ports_of(ports) == {role: [port] for role, (_, port, _) in zip(NOTHING, made, strict=True)}


def test_by_name_whatever_the_settings_say(opened: Callable[..., tuple[str, int, int]]) -> None:
    made = [opened() for _ in range(4)]
    listen = {role: (f"127.0.0.1:{port + 1}",) for role, (_, port, _) in zip(NOTHING, made, strict=True)}
    with closing(open_all(listen, [(role, fd) for role, (_, _, fd) in zip(NOTHING, made, strict=True)])) as ports:
        assert ports_of(ports) == {role: [port] for role, (_, port, _) in zip(NOTHING, made, strict=True)}


def test_what_isnt_handed_over_is_opened(opened: Callable[..., tuple[str, int, int]]) -> None:
    address, port, fd = opened()
    free = free_port()
    listen = NOTHING | {"submission": (address, f"127.0.0.1:{free}"), "inbound": ("127.0.0.1:0",)}
    with closing(open_all(listen, [("relay.socket", fd)])) as ports:
        assert ports_of(ports)["submission"] == sorted([port, free])
        assert len(ports.inbound) == 1
        assert all(not os.get_inheritable(sock.fileno()) and not sock.getblocking() for sock in ports.all())


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("setting", ["*:{}", "[::]:{}"])
def test_ipv6_alone(opened: Callable[..., tuple[str, int, int]], setting: str) -> None:
    _, port, fd = opened("::", only=1)
    with closing(open_all(NOTHING | {"inbound": (setting.format(port),)}, [("", fd)])) as ports:
        assert ports_of(ports)["inbound"] == [port]


def _unix() -> socket.socket:
    return socket.socketpair()[0]


def _datagram() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


def _deaf() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def _both() -> socket.socket:
    return listening("::", only=0)


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (_unix, "inbound", "no listening TCP socket"),
        (_datagram, "inbound", "no listening TCP socket"),
        (_deaf, "inbound", "no listening TCP socket"),
        (listening, "relay.socket", "no [listen] setting names 127.0.0.1:"),
        (listening, "smtp", "no [listen] setting names 127.0.0.1:"),
        pytest.param(
            _both,
            "submission",
            "BindIPv6Only=ipv6-only",
            marks=pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6"),
        ),
    ],
)
def test_what_wont_do_is_named(make: Callable[[], socket.socket], name: str, said: str) -> None:
    with closing(make()) as sock, pytest.raises(ListenError) as told:
        open_all(NOTHING, [(name, os.dup(sock.fileno()))])
    assert said in str(told.value)


def test_a_file_is_no_socket(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    with pytest.raises(ListenError, match="is no socket"):
        open_all(NOTHING, [("inbound", fd)])
    os.close(fd)


def test_each_fault_is_told_at_once() -> None:
    with closing(listening()) as one, closing(_deaf()) as other, pytest.raises(ListenError) as told:
        open_all(NOTHING, [("a", os.dup(one.fileno())), ("b", os.dup(other.fileno()))])
    assert len(str(told.value).splitlines()) == 2


# --- a restart ------------------------------------------------------------------------------


class Callers(threading.Thread):
    """Connect one after the other and wait for the greeting; the first trouble ends them."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._over = threading.Event()
        self.greeted = 0
        self.refused: list[str] = []

    def run(self) -> None:
        while not self._over.is_set() and not self.refused:
            try:
                dialog = Dialog(self._port)
                dialog.sock.close()
                self.greeted += 1
            except EOFError:  # the kernel had it accepted by the one that was ending: told to come again
                continue
            except OSError as error:
                if not isinstance(error, ConnectionResetError):
                    self.refused.append(repr(error))

    def stop(self) -> None:
        self._over.set()
        self.join(60)


def test_a_restart_refuses_no_connection(tmp_path: Path) -> None:
    """The parent keeps the ports, as systemd does: whoever calls meanwhile waits. By names, then by addresses alone."""
    relay = Relay(tmp_path)
    numbers = {
        "submission": relay.submission,
        "submissions": relay.submissions,
        "inbound": relay.inbound,
        "http": relay.http,
    }
    with ExitStack() as stack:
        sockets = [(role, stack.enter_context(closing(listening(port=port)))) for role, port in numbers.items()]
        relay.start(handed=sockets)
        callers = Callers(relay.submission)
        callers.start()
        until(lambda: callers.greeted > 3 or callers.refused, "callers are greeted")
        assert relay.stop() == 0
        waiting = socket.create_connection(("127.0.0.1", relay.inbound), 10)  # while none runs
        relay.start(handed=[("relay.socket", sock) for _, sock in sockets])
        known = callers.greeted
        until(lambda: callers.greeted > known + 3 or callers.refused, "callers are greeted again")
        callers.stop()
        assert callers.refused == []
        with closing(waiting):
            waiting.settimeout(60)
            assert waiting.recv(100).startswith(b"220 ")
        assert relay.stop() == 0


def test_settings_that_dont_name_the_port_end_the_start(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    with closing(listening()) as foreign, pytest.raises(AssertionError, match=r"no \[listen\] setting names"):
        relay.start(handed=[("relay.socket", foreign)])


# --- keep-alives ------------------------------------------------------------------------------


def test_systemd_is_told_as_long_as_the_mail_process_goes_on(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(60)
        told: list[bytes] = []

        def hear(what: bytes) -> None:
            while True:
                told.append(ear.recv(256))
                if what in told[-1]:
                    return

        directory = tmp_path / "relay"
        directory.mkdir()
        relay = Relay(directory)
        relay.start(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"})
        hear(b"READY=1")
        hear(b"WATCHDOG=1")
        hear(b"WATCHDOG=1")
        mail = next(pid for pid in children(relay) if mail_process(pid))
        os.kill(mail, signal.SIGSTOP)
        until(lambda: any("systemd is told no more" in line for line in relay.log), "it is noticed")
        ear.setblocking(False)
        while True:  # what was told before
            try:
                ear.recv(256)
            except BlockingIOError:
                break
        ear.settimeout(60)
        os.kill(mail, signal.SIGCONT)
        hear(b"WATCHDOG=1")
        relay.stop()


def children(relay: Relay) -> list[int]:
    assert relay.process is not None
    return [
        int(pid) for pid in Path(f"/proc/{relay.process.pid}/task/{relay.process.pid}/children").read_text().split()
    ]


def mail_process(pid: int) -> bool:
    """The one that listens for mail: the HTTP process has closed those ports."""
    names = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return sum(name.startswith("socket:") for name in names) > 3
