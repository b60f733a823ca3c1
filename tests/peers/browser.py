"""A headless Chromium for tests, driven by WebDriver over plain HTTP (W3C WebDriver)."""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import httpx

_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=900,700",
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def browser_available() -> bool:
    """Whether chromium and its driver are installed."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    """One browser session; use it as a context manager. Every request has a time limit."""

    def __init__(self, timeout_s: float = 20.0) -> None:
        self._profile = tempfile.mkdtemp(prefix="relay-browser-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}", "--allowed-ips=127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=timeout_s, trust_env=False)
        try:
            self._wait_ready(timeout_s)
            self._session = self._new_session()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, the driver and remove the profile."""
        try:
            if hasattr(self, "_session"):
                self._http.delete(self._session)
        except httpx.HTTPError:
            pass
        self._http.close()
        self._driver.terminate()
        try:
            self._driver.wait(10)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait(10)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _wait_ready(self, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while True:
            try:
                if self._http.get("/status").json()["value"]["ready"]:
                    return
            except httpx.TransportError:
                if time.monotonic() > end or self._driver.poll() is not None:
                    raise
                time.sleep(0.02)

    def _new_session(self) -> str:
        options = {"binary": shutil.which("chromium"), "args": [*_FLAGS, f"--user-data-dir={self._profile}"]}
        capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "pageLoadStrategy": "eager"}}
        reply = self._http.post("/session", json={"capabilities": capabilities})
        return f"/session/{reply.json()['value']['sessionId']}"

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        reply = self._http.post(self._session + path, json=body)
        value = reply.json()["value"]
        if reply.status_code != 200:
            raise RuntimeError(f"{path}: {value.get('error')}: {value.get('message', '')[:300]}")
        return value

    def open(self, url: str) -> None:
        """Go to an address and wait until its document is parsed."""
        self._post("/url", {"url": url})

    def show(self, html: bytes) -> None:
        """Open a document given as octets."""
        path = Path(self._profile) / "document.html"
        path.write_bytes(html)
        self.open(path.as_uri())

    def run(self, script: str, *args: Any) -> Any:
        """The value a script returns."""
        return self._post("/execute/sync", {"script": script, "args": list(args)})

    def find(self, css: str) -> str:
        """The id of the first element that matches."""
        return str(self._post("/element", {"using": "css selector", "value": css})[_ELEMENT])

    def click(self, css: str) -> None:
        """Click on the first element that matches, as a person does."""
        self._post(f"/element/{self.find(css)}/click", {})

    def picture(self, css: str) -> list[tuple[int, int, int]]:
        """The pixels (RGB) an element shows on the screen."""
        reply = self._http.get(f"{self._session}/element/{self.find(css)}/screenshot")
        return _pixels(base64.b64decode(reply.json()["value"]))


def _pixels(png: bytes) -> list[tuple[int, int, int]]:
    """Decode an 8-bit RGB or RGBA PNG without interlacing (ISO/IEC 15948)."""
    position, data, width, channels = 8, b"", 0, 3
    while position < len(png):
        (size,) = struct.unpack_from(">I", png, position)
        kind, chunk = png[position + 4 : position + 8], png[position + 8 : position + 8 + size]
        if kind == b"IHDR":
            width, channels = struct.unpack_from(">I", chunk)[0], {2: 3, 6: 4}[chunk[9]]
        elif kind == b"IDAT":
            data += chunk
        position += 12 + size
    raw, stride = zlib.decompress(data), width * channels
    before = bytearray(stride)
    pixels: list[tuple[int, int, int]] = []
    for start in range(0, len(raw), stride + 1):
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, before, channels)
        pixels += [(line[i], line[i + 1], line[i + 2]) for i in range(0, stride, channels)]
        before = line
    return pixels


def _unfilter(kind: int, line: bytearray, before: bytearray, channels: int) -> None:
    for i in range(len(line)):
        left = line[i - channels] if i >= channels else 0
        above = before[i]
        corner = before[i - channels] if i >= channels else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above
        elif kind == 3:
            guess = (left + above) // 2
        elif kind == 4:
            estimate = left + above - corner
            guess = min((left, above, corner), key=lambda value: abs(estimate - value))
        else:
            guess = 0
        line[i] = (line[i] + guess) & 255
