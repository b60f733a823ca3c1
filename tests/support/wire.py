"""The network between a relay and its database server, cut without a word and mended."""

from __future__ import annotations

import socket
import threading
from pathlib import Path


class Wire:
    """A port on 127.0.0.1 that leads to a server's socket; what is sent while it is cut arrives once it is mended."""

    def __init__(self, to: Path) -> None:
        """``to``: the server's socket."""
        self._to = to
        self._whole = threading.Event()
        self._whole.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._joined, args=(near,), daemon=True).start()

    def _joined(self, near: socket.socket) -> None:
        self._whole.wait()
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self._to))
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while octets := one.recv(65536):
                self._whole.wait()
                other.sendall(octets)
            self._whole.wait()
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self._whole.set()
        self._listening.close()
