"""The parent while the relay runs: what it has let go of, and that it still does all it is there for."""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config.load import load
from relay.again import Kept, Listening, recipe
from tests.support.peers import listening, until
from tests.support.relay import Relay

WORKERS = 2
PORTS = 4
WAIT_S = 30
MODULE = "aiosmtpd"
"""One that ``relay.mail_process`` imports, and the parent does not."""
LIBRARIES = ("/uvloop/", "/cryptography/")
"""Such ones that can be seen from outside."""

LOADING = f"""
import sys
with open({{fifo!r}}) as fifo:
    fifo.read()
sys.path.remove({{here!r}})
del sys.modules[{MODULE!r}]
import {MODULE}
"""

SLIMS = """
import os, signal
execute = os.execv
def execv(path, words):
    {first}
    execute(path, words)
os.execv = execv
"""
SIGNALLED = SLIMS.format(
    first=r"""
    if not os.fork():
        while b"\0-S\0" not in open(f"/proc/{os.getppid()}/cmdline", "rb").read():
            pass
        os.kill(os.getppid(), signal.SIGTERM)
        os._exit(0)
"""
)
"""A stop in the moment in which another program runs already, and Python has not begun."""
REFUSED = SLIMS.format(first="raise OSError(2, 'no such file')")


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def loaded(pid: int) -> set[str]:
    text = Path(f"/proc/{pid}/maps").read_text()
    return {library for library in LIBRARIES if library in text}


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def pipes(pid: int, mode: int) -> set[str]:
    """Those that a process has open to write (``os.O_WRONLY``) or to read."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(fd.readlink())
            flags = int(Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text().split("flags:")[1].split()[0], 8)
            if target.startswith("pipe:") and flags & os.O_ACCMODE == mode:
                found.add(target)
    return found


def kinds(pid: int) -> list[str]:
    """What is open, without which pipe or socket it is."""
    return sorted(str(fd.readlink()).partition("[")[0] for fd in Path(f"/proc/{pid}/fd").iterdir())


def answers(port: int) -> int:
    """Status of ``/readyz``, which asks for the mail processes' heart-beat too."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status


class Served:
    """``relay serve``, of which some module may be exchanged, and all that comes of it."""

    def __init__(self, relay: Relay, directory: Path, module: str, prelude: str) -> None:
        self.fifo = directory / "fifo"
        os.mkfifo(self.fifo)
        self.log = directory / "log"
        path = os.environ.get("PYTHONPATH", "")
        if module:
            here = directory / "modules"
            here.mkdir()
            (here / f"{MODULE}.py").write_text(module.format(fifo=str(self.fifo), here=str(here)))
            path = f"{here}{os.pathsep}{path}"
        program = f"{prelude}\nfrom relay.cli.main import relay; relay()"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, "-c", str(relay.config), "serve"],
                stdout=log,
                stderr=log,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": path},
            )
        self.pid = self.process.pid
        self.handles: list[int] = []

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def ready(self) -> list[int]:
        """Its children, once it serves."""
        until(lambda: self.says("READY") or self.process.poll() is not None, "it serves", WAIT_S)
        assert self.process.poll() is None, self.log.read_text()
        return self.watch(children(self.pid))

    def gate(self) -> int:
        """The FIFO's end, once somebody waits at the other."""

        def opened() -> list[int]:
            with suppress(OSError):
                return [os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)]
            return []

        return until(opened, "the exchanged module waits", WAIT_S)[0]

    def another(self, web: int) -> int:
        """The process that is started when that one is killed."""
        known = children(self.pid)
        os.kill(web, signal.SIGKILL)
        return until(lambda: self.watch([pid for pid in children(self.pid) if pid not in known]), "another")[0]

    def watch(self, pids: list[int]) -> list[int]:
        self.handles += [os.pidfd_open(pid) for pid in pids]
        return pids

    def gone(self) -> None:
        """None of those that were watched is there any more."""
        for handle in self.handles:
            assert select.select([handle], [], [], WAIT_S)[0], "a process is left"

    def close(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)
        for handle in self.handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Relay:
    return Relay(tmp_path_factory.mktemp("parent"), {"server": {"workers": WORKERS}})


class Starts:
    def __init__(self, relay: Relay, directory: Path, stack: ExitStack) -> None:
        self.relay = relay
        self._directory = directory
        self._stack = stack

    def __call__(self, module: str = "", prelude: str = "") -> Served:
        served = Served(self.relay, self._directory, module, prelude)
        self._stack.callback(served.close)
        return served


@pytest.fixture
def starts(made: Relay, tmp_path: Path) -> Iterator[Starts]:
    with ExitStack() as stack:
        yield Starts(made, tmp_path, stack)


def test_the_parent_keeps_its_children_and_not_their_modules(starts: Starts) -> None:
    served = starts()
    *mail, web = served.ready()
    assert len(mail) == WORKERS
    assert [loaded(pid) for pid in mail] == [set(LIBRARIES)] * WORKERS
    assert not loaded(served.pid)
    assert {parent_of(pid) for pid in (*mail, web)} == {served.pid}
    served.process.terminate()
    assert served.process.wait(WAIT_S) == 0
    served.gone()


def test_nobody_holds_what_is_of_no_use_to_it(starts: Starts) -> None:
    """Nor the pipe by which another tells that it serves: else the end of that one would not be seen by end of file."""
    served = starts()
    processes = served.ready()
    parents = pipes(served.pid, os.O_WRONLY)
    own = [(pipes(pid, os.O_WRONLY) - parents) & pipes(served.pid, os.O_RDONLY) for pid in processes]
    assert [len(each) for each in own] == [1] * (WORKERS + 1)
    assert len(set.union(*own)) == WORKERS + 1
    assert kinds(served.pid).count("socket:") == PORTS + 2 * WORKERS  # for those that are started again


@pytest.mark.parametrize("prelude", ["", REFUSED], ids=["slim", "as it was"])
def test_all_end_with_a_parent_that_is_killed(starts: Starts, prelude: str) -> None:
    served = starts(prelude=prelude)
    assert len(served.ready()) == WORKERS + 1
    served.process.kill()
    served.gone()
    assert not listening(starts.relay.submission)


def test_a_process_that_can_not_be_executed_anew_serves_as_it_is(starts: Starts) -> None:
    served = starts(prelude=REFUSED)
    served.ready()
    assert served.says("the parent stays as large as it is")
    assert loaded(served.pid) == set(LIBRARIES)
    assert kinds(served.pid).count("socket:") == PORTS + 2 * WORKERS
    served.process.terminate()
    assert served.process.wait(WAIT_S) == 0
    served.gone()


def test_a_signal_on_its_way_is_obeyed_afterwards(starts: Starts) -> None:
    served = starts(prelude=SIGNALLED)
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()
    assert served.says("READY")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_the_modules_are_loaded_is_obeyed(starts: Starts, number: signal.Signals) -> None:
    served = starts(LOADING)
    gate = served.gate()
    served.process.send_signal(number)
    os.close(gate)
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()


def test_the_http_process_is_started_again_and_again(starts: Starts) -> None:
    """With the settings, the socket and the mail processes' heart-beat of the first one."""
    served = starts()
    *_, web = served.ready()
    for _ in range(2):
        web = served.another(web)
        assert parent_of(web) == served.pid
        assert answers(starts.relay.http) == 200
        assert served.says("the web process ended (-9) and is started again at once")
    served.process.kill()
    served.gone()
    assert not listening(starts.relay.http)


def test_a_stop_reaches_an_http_process_that_was_started_again(starts: Starts) -> None:
    served = starts()
    *_, web = served.ready()
    served.another(web)
    assert answers(starts.relay.http) == 200
    served.process.terminate()
    assert served.process.wait(WAIT_S) == 0
    served.gone()


def test_settings_come_to_it_as_they_are(made: Relay) -> None:
    kept = Kept(load(made.config), Listening([3], [4], [5], 7), 8, [])
    fd, command = recipe(kept)
    try:
        assert command[-1] == str(fd)
        assert pickle.loads(os.pread(fd, os.fstat(fd).st_size, 0)) == kept
    finally:
        os.close(fd)
