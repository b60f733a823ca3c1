"""A process started again, by a parent that has kept nothing of what it was first forked with but descriptors."""

from __future__ import annotations

import os
import pickle
import socket
import sys
from pathlib import Path
from typing import NamedTuple

from config.settings import Settings
from relay.observe.log import setup
from relay.observe.memory import unnamed
from relay.processes.process import ProcessBody, Tell, live, step_back
from relay.processes.succession import ReloadPlan


class Listening(NamedTuple):
    """The listening sockets' descriptors by role."""

    submission: list[int]
    submissions: list[int]
    inbound: list[int]
    http: int | None
    https: int | None = None
    acme: int | None = None

    def mail(self) -> list[int]:
        return [*self.submission, *self.submissions, *self.inbound]

    def all(self) -> list[int]:
        return [*self.mail(), *self.pages()]

    def pages(self) -> list[int]:
        return [fd for fd in (self.http, self.https, self.acme) if fd is not None]


class Kept(NamedTuple):
    """What each process is made of."""

    settings: Settings
    listening: Listening
    beats: int
    balance: list[int]
    """Empty where there is one mail process."""


def recipe(kept: Kept) -> tuple[int, list[str]]:
    """A file that is to stay open, and the command that needs it; then name and index, and the pipe to tell by."""
    # Not in its arguments, for the settings are nobody else's business; and those on disk may have been changed since.
    fd = unnamed(pickle.dumps(kept))
    return fd, [sys.executable, "-P", "-m", "relay.again", str(fd)]


def reload_plan(written: int, config: Path, data_dir: Path) -> ReloadPlan:
    """How a reload is asked for and answered; ``written`` is the file of ``recipe``."""
    command = [sys.executable, "-P", "-m", "relay.reload", str(written), str(config)]
    return ReloadPlan(command, written, str(data_dir / "reloaded"))


def main() -> None:
    """``python -m relay.again FILE NAME INDEX PIPE``."""
    written, name, index, tell = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    kept: Kept = pickle.loads(os.pread(written, os.fstat(written).st_size, 0))
    setup(kept.settings.log.level, kept.settings.log.format)
    for fd in (written, tell, kept.beats, *kept.balance, *kept.listening.all()):
        os.set_inheritable(fd, False)
    os.close(written)
    live(name, _web(kept) if name == "web" else _mail(kept, index), tell)


def _mail(kept: Kept, index: int) -> ProcessBody:
    def body(tell: Tell) -> None:
        from relay.intake.smtp.balance import Balance  # here, since what goes wrong below is logged
        from relay.intake.smtp.listeners import Ports
        from relay.mail_process.app import run
        from relay.mail_process.share import Share
        from relay.web.server.liveness import Heartbeat

        workers, listening = kept.settings.server.workers, kept.listening
        balance = Balance(workers, kept.balance) if kept.balance else None
        if balance is not None:
            balance.join(index)
        ports = Ports(
            [socket.socket(fileno=fd) for fd in listening.submission],
            [socket.socket(fileno=fd) for fd in listening.submissions],
            [socket.socket(fileno=fd) for fd in listening.inbound],
        )
        for fd in listening.pages():
            os.close(fd)
        heartbeat = Heartbeat(workers, kept.beats)
        run(kept.settings, ports, Share(index, workers, balance), tell, heartbeat.slot(index))

    return body


def _web(kept: Kept) -> ProcessBody:
    def body(tell: Tell) -> None:
        from relay.web.server.liveness import Heartbeat
        from relay.web.server.process import PagePorts, run

        step_back()
        for fd in (*kept.listening.mail(), *kept.balance):
            os.close(fd)
        found = kept.listening
        held = (found.http, found.https, found.acme)
        pages = PagePorts(*(None if fd is None else socket.socket(fileno=fd) for fd in held))
        heart = Heartbeat(kept.settings.server.workers, kept.beats)
        run(kept.settings, tell.ready, pages, heart.alive, heart.troubles, tell.closed, heart.web().beat)

    return body


if __name__ == "__main__":
    from relay import again

    again.main()  # what was pickled is of that module, not of this one
