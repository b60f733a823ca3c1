"""The ports: free, taken by this relay, or taken by another program, and which."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from config.names import EVERY, Endpoint, split_listen
from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok, warn

PROC = Path("/proc")
_LISTENING = "0A"
_DEEPEST_FAMILY = 16


def check_ports(settings: Settings) -> Iterator[CheckResult]:
    """One row for each address to listen on."""
    listen = settings.listen
    running = relay_process(settings.server.data_dir)
    if running is not None:
        yield ok("relay", f"running (process {running})" if running else "running")
    wanted: list[tuple[str, str]] = []
    for name, texts in listen.addresses().items():
        wanted += [(name, text) for text in texts]
    if not wanted:
        yield warn("ports", "none: nothing can be handed in", "set listen.submission")
    for name, text in wanted:
        yield _port(name, text, running)


def relay_process(data_dir: Path) -> int | None:
    """The relay that holds this data_dir's lock: its process id, 0 if unknown; None if none runs."""
    try:
        fd = os.open(data_dir / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdecimal() else 0
    finally:
        os.close(fd)
    return None


def _port(name: str, text: str, running: int | None) -> CheckResult:
    what, endpoint = f"listen.{name}", split_listen(text)
    try:
        _try(endpoint)
    except socket.gaierror:
        return bad(what, f"{text}: the name has no address", f"correct {what}")
    except OSError as error:
        return _refused(what, text, endpoint, error, running)
    return ok(what, f"{text} is free")


def _refused(what: str, text: str, endpoint: Endpoint, error: OSError, running: int | None) -> CheckResult:
    if error.errno in (errno.EACCES, errno.EPERM):
        return warn(what, f"{text} may not be opened by this user", "start through systemd or as root; or a high port")
    if error.errno == errno.EADDRNOTAVAIL:
        return bad(what, f"{text} is no address of this machine", f"correct {what}")
    if error.errno != errno.EADDRINUSE:
        return bad(what, f"{text} can't be opened: {error.strerror}", f"correct {what}")
    holders = listeners(endpoint)
    if running == 0 or (running and (not holders or any(_descends(pid, running) for pid in holders))):
        return ok(what, f"{text} in use by the relay itself")
    if holders:
        names = ", ".join(f"{_program(pid)} (process {pid})" for pid in holders[:3])
        return bad(what, f"{text} in use by {names}", f"stop it, or change {what}")
    return bad(what, f"{text} in use by another program", f"stop it (`ss -ltnp` as root names it), or change {what}")


def _try(endpoint: Endpoint) -> None:
    """Open the port and close it again, nothing is taken from it."""
    if endpoint.host == EVERY:
        _try(Endpoint("0.0.0.0", endpoint.port))
        try:
            _try(Endpoint("::", endpoint.port))
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a machine without IPv6
                raise
        return
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(tuple(endpoint))
        probe.listen(1)


# --- who listens (Linux; elsewhere nobody is found) --------------------------------


def listeners(endpoint: Endpoint) -> list[int]:
    """Processes that listen on the port at a clashing address, as far as this user may see them."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(endpoint)}
    return sorted(pid for pid in _pids() if sockets and _holds(pid, sockets))


def _inodes(endpoint: Endpoint) -> Iterator[str]:
    """Fields of /proc/net/tcp: 1 local address:port in hex, 3 state, 9 inode (proc(5))."""
    for table in ("tcp", "tcp6"):
        for line in _lines(PROC / "net" / table)[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == endpoint.port:
                yield fields[9]


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except OSError:
        return ()


def _pids() -> list[int]:
    try:
        return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def _holds(pid: int, sockets: set[str]) -> bool:
    try:
        with os.scandir(PROC / str(pid) / "fd") as entries:
            return any(_target(entry.path) in sockets for entry in entries)
    except OSError:
        return False


def _target(link: str) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - it isn't a path
    except OSError:
        return ""


def _program(pid: int) -> str:
    return next(iter(_lines(PROC / str(pid) / "comm")), "a program")


def _descends(pid: int, ancestor: int) -> bool:
    for _ in range(_DEEPEST_FAMILY):
        if pid == ancestor:
            return True
        parents = [line.split()[1] for line in _lines(PROC / str(pid) / "status") if line.startswith("PPid:")]
        if not parents or parents[0] == "0":
            return False
        pid = int(parents[0])
    return False
