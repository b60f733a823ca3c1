"""A real relay for tests: its own directory, ports and processes, driven by its commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from relay.store.contract import Connection
from relay.store.database import connect
from tests.support import store
from tests.support.commands import command
from tests.support.handing import handing
from tests.support.ports import free_port

START_S = 60.0


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


class CommandFailed(Exception):
    def __init__(self, result: subprocess.CompletedProcess[str]) -> None:
        super().__init__(f"exit {result.returncode}: {result.stderr.strip()} {result.stdout.strip()}")
        self.status = result.returncode
        self.stderr = result.stderr


FREED = ("--consent", "exempt", "--ground", "contract", "--reason", "test")
"""Of a stream that asks for no consent."""


class Relay:
    """Settings, commands and the service in ``directory``; everything on 127.0.0.1."""

    def __init__(
        self, directory: Path, settings: Mapping[str, Mapping[str, object]] | None = None, *, url: str = ""
    ) -> None:
        """``url``: of an empty database on a server, where the store is to be there."""
        self.directory = directory
        self.hostname = "relay.test"
        self.submission = free_port()
        self.submissions = free_port()
        self.inbound = free_port()
        self.http = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.log: list[str] = []
        self._topics: set[tuple[str, str]] = set()
        self._reader: threading.Thread | None = None
        self.store = url or store.url_of_a_new_one()
        """URL, where the tests run on a server (``make test STORE=postgres``)."""
        on = ["--store", self.store] if self.store else []
        self.cli("init", "--dir", str(directory), "--hostname", self.hostname, "--dev", *on, config=False)
        self.config = directory / "relay.toml"
        self.configure(settings or {})

    def configure(self, changes: Mapping[str, Mapping[str, object]]) -> None:
        """Write the settings anew: defaults for tests, then ``changes`` by table (dots name subtables)."""
        tables: dict[str, dict[str, object]] = {
            "server": {"hostname": self.hostname, "data_dir": "data"},
            "listen": {
                "submission": [f"127.0.0.1:{self.submission}"],
                "submissions": [f"127.0.0.1:{self.submissions}"],
                "inbound": [f"127.0.0.1:{self.inbound}"],
                "http": f"127.0.0.1:{self.http}",
            },
            "tls": {"certificate": "tls/certificate.pem", "key": "tls/key.pem"},
            "auth": {"plaintext_on_loopback": True},
            "links": {"base_url": f"http://127.0.0.1:{self.http}"},
            "dns": {"nameservers": ["127.0.0.1:9"], "timeout": 2},
            "delivery": {"allow_private": True, "stop_grace": 15},
            "webhooks": {"allow_private": True},
        }
        if self.store:
            tables["store"] = {"url": self.store}
        for name, values in changes.items():
            tables.setdefault(name, {}).update(values)
        lines = []
        for name, values in tables.items():
            lines.append(f"[{name}]")
            lines += [f"{json.dumps(k)} = {_toml(v)}" for k, v in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    # -- commands --------------------------------------------------------------

    def run(self, *args: str, config: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run ``relay ARGS`` and return it, whatever its exit status."""
        return command([*(("-c", str(self.config)) if config else ()), *args], self.directory, timeout)

    def cli(self, *args: str, config: bool = True, timeout: float = 60) -> str:
        """Standard output of a command that must succeed."""
        result = self.run(*args, config=config, timeout=timeout)
        if result.returncode:
            raise CommandFailed(result)
        return result.stdout

    def open_store(self) -> Connection:
        """The store beside the running relay, whichever engine it is of; each statement commits by itself."""
        return connect(self.store or self.directory / "data" / "relay.db")

    def json(self, *args: str) -> Any:
        return json.loads(self.cli(*args, "--json"))

    # -- the service -----------------------------------------------------------

    def start(self, env: Mapping[str, str] | None = None, handed: Sequence[tuple[str, socket.socket]] = ()) -> Relay:
        """Start ``relay serve`` and wait until it says READY. ``handed``: names and sockets that a parent opened."""
        command = [sys.executable, "-m", "relay.cli.main", "-c", str(self.config), "serve"]
        self.process = subprocess.Popen(
            handing(handed, command) if handed else command,
            pass_fds=[sock.fileno() for _, sock in handed],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.directory,
            env={**os.environ, **(env or {})},
        )
        ready = threading.Event()
        assert self.process.stderr is not None and self.process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        out = self.process.stdout

        def first_line() -> None:
            if out.readline().strip() == "READY":
                ready.set()

        waiter = threading.Thread(target=first_line, daemon=True)
        waiter.start()
        waiter.join(START_S)
        if not ready.is_set():
            self.kill()
            raise AssertionError("the relay did not start:\n" + "\n".join(self.log[-40:]))
        return self

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.log.append(line.rstrip("\n"))

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._ended()
        return code

    def kill(self) -> None:
        """SIGKILL to the parent; the kernel ends its children."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self._ended()

    def _ended(self) -> None:
        assert self.process is not None
        if self._reader is not None:
            self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process = None

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A connection to the relay's store, whatever its engine."""
        with closing(connect(self.store or self.directory / "data" / "relay.db")) as conn:
            yield conn

    # -- what most tests need --------------------------------------------------

    def tenant(self, name: str = "acme", domain: str = "acme.example", plan: str = "unlimited") -> None:
        """A tenant with a domain that the operator vouches for."""
        self.cli("tenant", "add", name, "--contact", f"post@{domain}", "--plan", plan, "--transactional")
        self.cli("topic", "add", name, "news")
        self._topics.add((name, "news"))
        self.cli("domain", "add", name, domain)
        self.cli("domain", "verify", name, domain, "--vouch", "test")

    def credential(self, tenant: str = "acme", stream: str = "bulk") -> tuple[str, str]:
        made = self.json("credential", "add", tenant, "--stream", stream)
        return made["username"], made["password"]

    def consent(self, email: str, tenant: str = "acme", topic: str = "news") -> None:
        if (tenant, topic) not in self._topics:
            self._topics.add((tenant, topic))
            self.run("topic", "add", tenant, topic)  # refused where a stream has made it
        self.cli(
            "consent", "add", tenant, email, "--topic", topic,
            "--source", "form on acme.example", "--wording", "Yes, send me the news",
        )  # fmt: skip
