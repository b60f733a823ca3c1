"""A real browser for tests: headless Chromium over the plain WebDriver protocol (W3C), no Selenium.

``Browser`` starts chromedriver and one Chromium with a profile of its own and
ends both by their process id. Use it as a context manager.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from tests.support.png import pixels
from tests.support.ports import free_port

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
NAVIGATION_S = 15.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


# Marks the page, so that the next one is known by the missing mark.
_LEAVES = """
  window.__leaving = true;
  return arguments[0].matches('a[href], button:not([type=button]), input[type=submit]');
"""
_ARRIVED = "return !window.__leaving && document.readyState === 'complete'"


class BrowserError(Exception):
    """What WebDriver or the browser answered."""


def available() -> bool:
    return shutil.which("chromedriver") is not None and shutil.which("chromium") is not None


def _start_driver() -> tuple[subprocess.Popen[str], int]:
    """chromedriver and its port. One that it chose itself for IPv6 may be taken for IPv4: then it ends."""
    for _ in range(10):
        driver = subprocess.Popen(
            ["chromedriver", f"--port={free_port()}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert driver.stdout is not None
        for line in driver.stdout:
            if "started successfully on port" in line:
                return driver, int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
        driver.stdout.close()
        driver.wait(10)
    raise BrowserError("chromedriver ends before it listens; run it by hand to see why")


class Browser:
    """One window. Every call waits at most ``timeout_s``."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self._profile = tempfile.mkdtemp(prefix="browser-")
        self._driver, port = _start_driver()
        self._session = ""
        self._pid = 0
        self._size = (1280, 800, False)
        try:
            self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=timeout_s, trust_env=False)
            self._session = self._start()
            self.set_size(*self._size[:2])
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, url: str) -> None:
        """Load a page and wait until it is loaded."""
        self._call("POST", "/url", {"url": url})

    def show(self, html: bytes) -> None:
        """Load a document given as octets."""
        path = Path(self._profile) / "document.html"
        path.write_bytes(html)
        self.open(path.as_uri())

    def click(self, css: str, *, wait: bool = True) -> None:
        """Click the first element that matches, as a mouse does; a link or submit button: wait for the next page.

        ``wait=False`` is for one that stays on its page.
        """
        element = self._find(css)
        leaves = wait and self.script(_LEAVES, {_ELEMENT: element})
        self._call("POST", f"/element/{element}/click", {})
        if leaves:
            self._wait_for_next_page()

    def text(self, css: str = "body") -> str:
        """The text a reader sees in the first element that matches."""
        return str(self._call("GET", f"/element/{self._find(css)}/text"))

    def frame_text(self, name: str) -> str:
        """What stands in the frame of that name; empty while it is loaded."""
        return self.frame_text_of(f"iframe[name={name}]")

    def frame_text_of(self, css: str) -> str:
        """The same of the first frame that matches."""
        element = self._find(css)
        self._call("POST", "/frame", {"id": {_ELEMENT: element}})
        try:
            return self.text()
        except BrowserError:
            return ""
        finally:
            self._call("POST", "/frame", {"id": None})

    def screenshot(self, path: Path | str) -> Path:
        """The whole page as PNG."""
        width, height, phone = self._size
        needed = int(self.script("return document.documentElement.scrollHeight"))
        if needed > height:
            self._resize(width, needed, phone)
        try:
            image = base64.b64decode(self._call("GET", "/screenshot"))
        finally:
            if needed > height:
                self._resize(width, height, phone)
        target = Path(path)
        target.write_bytes(image)
        return target

    def pixels(self, css: str) -> list[tuple[int, int, int]]:
        """What the first element that matches shows on the screen, as RGB."""
        return pixels(base64.b64decode(self._call("GET", f"/element/{self._find(css)}/screenshot")))

    def script(self, js: str, *args: Any) -> Any:
        """Run a function body in the page, with ``arguments``; what it returns (JSON values)."""
        return self._call("POST", "/execute/sync", {"script": js, "args": list(args)})

    def set_size(self, width: int, height: int = 844, *, phone: bool = False) -> None:
        """Size of the page in CSS pixels; ``phone`` also obeys the viewport meta tag and has two pixels for one."""
        self._size = (width, height, phone)
        self._resize(width, height, phone)

    def dark(self, on: bool) -> None:
        """Ask pages for their dark (or light) look."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self._cdp("Emulation.setEmulatedMedia", {"features": [feature]})

    def url(self) -> str:
        return str(self._call("GET", "/url"))

    def press(self, css: str, keys: str, *, leaves: bool = False) -> None:
        """Type keys into an element, e.g. ``\\ue004`` for Tab, ``\\ue007`` for Enter.

        ``leaves=True`` waits for the next page.
        """
        element = self._find(css)
        if leaves:
            self.script("window.__leaving = true")
        self._call("POST", f"/element/{element}/value", {"text": keys})
        if leaves:
            self._wait_for_next_page()

    def keys(self, text: str) -> None:
        """Type as on a keyboard: to whatever has the focus."""
        moves = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": moves}]})

    def scripts(self, on: bool) -> None:
        """Whether pages may run scripts; ``script`` goes on."""
        self._cdp("Emulation.setScriptExecutionDisabled", {"value": not on})

    def console(self) -> list[str]:
        """Errors and warnings the page wrote since the last call, such as blocked resources."""
        return [str(entry["message"]) for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def add_authenticator(self, *, verified: bool = True) -> str:
        """A device for passkeys (WebAuthn §11.3); its id. ``verified``: it asks its owner, who says yes."""
        wanted = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
        }
        return str(self._call("POST", "/webauthn/authenticator", wanted))

    def remove_authenticator(self, device: str) -> None:
        self._call("DELETE", f"/webauthn/authenticator/{device}")

    def credentials(self, device: str) -> list[bytes]:
        """What it calls the passkeys that it has."""
        found = self._call("GET", f"/webauthn/authenticator/{device}/credentials")
        return [base64.urlsafe_b64decode(one["credentialId"] + "==") for one in found]

    def close(self) -> None:
        """End browser and driver; safe to call twice."""
        try:
            if self._session:
                self._call("DELETE", "")
        except (BrowserError, httpx.HTTPError):
            pass
        finally:
            self._session = ""
            if self._driver.poll() is None:
                self._driver.send_signal(signal.SIGTERM)
                try:
                    self._driver.wait(10)
                except subprocess.TimeoutExpired:
                    self._driver.kill()
                    self._driver.wait(10)
            if self._pid:  # a driver that hangs leaves its browser behind
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
                self._pid = 0
            if self._driver.stdout is not None:
                self._driver.stdout.close()
            shutil.rmtree(self._profile, ignore_errors=True)

    def _start(self) -> str:
        options = {"binary": shutil.which("chromium"), "args": [*_FLAGS, f"--user-data-dir={self._profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"pageLoad": 20_000, "script": 20_000, "implicit": 0},
        }
        answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._pid = int(answer["capabilities"].get("goog:processID", 0))
        return str(answer["sessionId"])

    def _wait_for_next_page(self) -> None:
        deadline = time.monotonic() + NAVIGATION_S
        while time.monotonic() < deadline:
            with contextlib.suppress(BrowserError):  # between two pages there is none to ask
                if self.script(_ARRIVED):
                    return
            time.sleep(0.02)
        raise BrowserError(f"the click led to no other page within {NAVIGATION_S} s")

    def _find(self, css: str) -> str:
        return str(self._call("POST", "/element", {"using": "css selector", "value": css})[_ELEMENT])

    def _resize(self, width: int, height: int, phone: bool) -> None:
        values = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self._cdp("Emulation.setDeviceMetricsOverride", values)

    def _cdp(self, command: str, params: dict[str, Any]) -> Any:
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._send(method, f"/session/{self._session}{path}", body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        value = self._http.request(method, path, json=body).json()["value"]
        if isinstance(value, dict) and "error" in value:
            raise BrowserError(f"{value['error']}: {str(value.get('message', '')).splitlines()[0]}")
        return value
