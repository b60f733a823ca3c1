"""Pebble, the authority that Let's Encrypt's own makers test with: a real one, on loopback, which really asks."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path
from types import TracebackType

from relay.certificates.self_signed import self_signed
from tests.support.dns import TinyDNS
from tests.support.peers import need, until
from tests.support.ports import free_port

LIFE_S = 90 * 86_400


class Pebble:
    """``http`` and ``tls``: ports at which it looks for challenges, for every name at 127.0.0.1."""

    def __init__(self, directory: Path, names: list[str], *, refused_nonces: int = 5, life_s: int = LIFE_S) -> None:
        self.directory = directory
        self.http, self.tls = free_port(), free_port()
        self.port, self._management = free_port(), free_port()
        self.dns = TinyDNS([(name, "A", "127.0.0.1") for name in names])
        self._nonces = refused_nonces
        self._life_s = life_s
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(exist_ok=True)
        chain, key = self_signed("localhost", dt.datetime.now(dt.UTC))
        (directory / "ca.pem").write_bytes(chain)
        (directory / "key.pem").write_bytes(key)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/dir"

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    def __enter__(self) -> Pebble:
        self.dns.__enter__()
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self.ca),
            "privateKey": str(self.directory / "key.pem"),
            "httpPort": self.http,
            "tlsPort": self.tls,
            "certificateValidityPeriod": self._life_s,
        }
        path = self.directory / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        with (self.directory / "pebble.log").open("wb") as log:
            self._process = subprocess.Popen(
                [need("pebble"), "-config", str(path), "-strict", "-dnsserver", self.dns.address],
                stdout=log,
                stderr=log,
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(self._nonces)},
            )
        until(self._answers, "Pebble answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.dns.__exit__(kind, error, trace)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def root(self) -> str:
        """By which what it gives is to be verified, PEM; made anew with each Pebble."""
        context = ssl.create_default_context(cafile=str(self.ca))
        url = f"https://localhost:{self._management}/roots/0"
        with urllib.request.urlopen(url, context=context, timeout=10) as said:
            return str(said.read().decode())

    def log(self) -> str:
        return (self.directory / "pebble.log").read_text()
