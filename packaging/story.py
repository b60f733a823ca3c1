"""What the package's test has to hand: commands, waiting, sending, and the world outside."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

OUTSIDE = Path("/package-test/outside")
LONGEST_S = 60.0


def say(text: str) -> None:
    print(f"· {text}", flush=True)


def run(*words: str, status: int = 0, user: str = "") -> str:
    """Both outputs of a command that has to end so."""
    call = ["runuser", "-u", user, "--", *words] if user else list(words)
    done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    if done.returncode != status:
        raise SystemExit(f"{' '.join(words)}: status {done.returncode}, not {status}\n{done.stdout}")
    return done.stdout


def relay(*words: str) -> str:
    return run("relay", *words, user="relay")


def active() -> bool:
    return subprocess.run(["systemctl", "is-active", "--quiet", "relay"], check=False).returncode == 0


def wait(what: str, found: Callable[[], object]) -> None:
    until = time.monotonic() + LONGEST_S
    while not found():
        if time.monotonic() > until:
            print(run("journalctl", "-u", "relay", "--no-pager", "-n", "60"), flush=True)
            raise SystemExit(f"in {LONGEST_S:.0f} s this has not come about: {what}")
        time.sleep(0.1)


class Outside:
    """Other servers: they can be away."""

    def __init__(self, python: str = "/opt/relay/bin/python3") -> None:
        self._python = python
        OUTSIDE.mkdir(exist_ok=True)
        OUTSIDE.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        self._process = subprocess.Popen([self._python, "/package-test/sink.py", str(OUTSIDE)])
        wait("the world outside listens", lambda: _listens(10026))

    def close(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(LONGEST_S)

    def expect_signed(self) -> None:
        """The one message that has come is signed and has its unsubscribe."""
        (path,) = OUTSIDE.glob("[!.]*")
        text = path.read_text("utf-8", "replace")
        assert "DKIM-Signature:" in text and "List-Unsubscribe-Post:" in text, text

    def subjects(self) -> list[str]:
        return sorted(
            line.removeprefix("Subject: ")
            for path in OUTSIDE.glob("[!.]*")
            for line in path.read_text("utf-8", "replace").splitlines()
            if line.startswith("Subject: ")
        )


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Application:
    """Sends mail by SMTP, as a customer's application does."""

    def __init__(self, login: str) -> None:
        self._login = json.loads(login)
        self._context = ssl.create_default_context(cafile="/etc/relay/tls/certificate.pem")

    def send(self, subject: str, *people: str) -> dict[str, tuple[int, bytes]]:
        """Whom the relay refused. Raises what smtplib raises."""
        message = f"From: The Shop <news@shop.example>\r\nSubject: {subject}\r\n\r\nCome by!\r\n"
        with smtplib.SMTP("localhost", 587, timeout=LONGEST_S) as smtp:
            smtp.starttls(context=self._context)
            smtp.login(self._login["username"], self._login["password"])
            return smtp.sendmail("news@shop.example", people, message)


class Sender(threading.Thread):
    """Keeps sending one message after the other; what was promised and what went wrong."""

    def __init__(self, application: Application, name: str) -> None:
        super().__init__(daemon=True)
        self._application = application
        self._mark = name
        self.promised: list[str] = []
        self.refused: list[str] = []
        self.cut: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._over.is_set():
            subject = f"{self._mark}-{number:04d}"
            number += 1
            try:
                self._application.send(subject, "ann@people.example")
                self.promised.append(subject)
            except ConnectionRefusedError as error:
                self.refused.append(f"{subject}: {error}")
            except (smtplib.SMTPException, OSError) as error:  # told to come again; nothing was promised
                self.cut.append(f"{subject}: {error!r}")
            self._over.wait(0.02)

    def goes_on(self) -> None:
        known = len(self.promised)
        wait("messages are taken", lambda: len(self.promised) > known + 5)

    def stop(self) -> None:
        self._over.set()
        self.join(LONGEST_S)


def restarted(application: Application, outside: Outside) -> None:
    sender = Sender(application, "restart")
    sender.start()
    for _ in range(3):
        sender.goes_on()
        run("systemctl", "restart", "relay.service")
    sender.goes_on()
    sender.stop()
    arrived(sender, outside, "restarted three times under load")


def arrived(sender: Sender, outside: Outside, what: str, *, kept_open: bool = True) -> None:
    """``kept_open``: the ports were systemd's all the time."""
    assert not kept_open or not sender.refused, (len(sender.refused), sender.refused[:2])
    wait("all that was promised arrives", lambda: set(sender.promised) <= set(outside.subjects()))
    found = outside.subjects()
    twice = sorted({subject for subject in found if found.count(subject) > 1})
    assert not twice, twice
    told = f"{len(sender.promised)} promised and arrived once, {len(sender.refused)} connections refused"
    say(f"{what}: {told}, {len(sender.cut)} told to come again")


def owners(*paths: str) -> dict[str, str]:
    """``user:group mode`` of each."""
    return {path: run("stat", "-c", "%U:%G %a", path).strip() for path in paths}
