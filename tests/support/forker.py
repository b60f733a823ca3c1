"""A process that has imported the whole program, and forks itself for each ``relay`` command it is asked to run.

Started by ``tests.support.commands``, as a file: this directory must not come first on ``sys.path``.
Standard input is the socket that the commands come by.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import socket
import sys

MOST_OCTETS = 1 << 20
"""Of one command with its environment."""


def load() -> None:
    """All that a command may import."""
    for top in ("relay", "policies", "config"):
        package = importlib.import_module(top)
        for module in pkgutil.walk_packages(package.__path__, f"{top}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.freeze()


def serve(control: socket.socket) -> None:
    """One child for each command; it waits for the command, a child of its own, and tells the status."""
    while True:
        asked, fds, _, _ = socket.recv_fds(control, MOST_OCTETS, 3)
        if not asked:
            return
        watcher = os.fork()
        if watcher == 0:
            control.close()
            watch(json.loads(asked), *fds)
            return
        for fd in fds:
            os.close(fd)
        os.waitpid(watcher, 0)


def watch(asked: dict[str, object], out: int, err: int, told: int) -> None:
    """Write the command's process id and, at its end, its exit status to ``told``."""
    if os.fork():
        os._exit(0)  # nobody waits for a watcher, so that commands run beside each other
    command = os.fork()
    if command == 0:
        os.close(told)
        become(asked, out, err)
        return
    os.write(told, b"%d\n" % command)
    _, status = os.waitpid(command, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(asked: dict[str, object], out: int, err: int) -> None:
    """Run the command, as the installed ``relay`` does; it ends this process."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    environment, words = asked["environment"], asked["words"]
    assert isinstance(environment, dict) and isinstance(words, list)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(asked["directory"]))
    sys.argv = ["relay", *words]
    importlib.import_module("relay.cli.main").relay()


if __name__ == "__main__":
    load()
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    serve(control)
