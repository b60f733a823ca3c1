"""The tenant's application and the recipients' programs: smtplib and urllib, as anyone would use them."""

from __future__ import annotations

import email.policy
import smtplib
import ssl
import urllib.error
import urllib.parse
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Final

LIMIT_S: Final = 15.0


class Application:
    """One SMTP session with STARTTLS and AUTH; keeps what was said for the screen."""

    def __init__(self, port: int, certificate: Path, username: str, password: str) -> None:
        self.said: list[tuple[str, str]] = []
        self._smtp = smtplib.SMTP("127.0.0.1", port, timeout=LIMIT_S)
        try:
            self._note("STARTTLS", self._smtp.starttls(context=ssl.create_default_context(cafile=str(certificate))))
            self._note("AUTH PLAIN ...", self._smtp.login(username, password))
        except BaseException:
            self._smtp.close()
            raise

    def __enter__(self) -> Application:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._smtp.close()

    def begin(self, reverse_path: str) -> str:
        return self._note(f"MAIL FROM:<{reverse_path}>", self._smtp.mail(reverse_path))

    def ask(self, address: str, *, shown: bool = True) -> str:
        """One RCPT; its reply."""
        reply = self._smtp.rcpt(address)
        return self._note(f"RCPT TO:<{address}>", reply) if shown else _text(reply)

    def data(self, message: EmailMessage) -> str:
        return self._note("DATA", self._smtp.data(message.as_bytes(policy=email.policy.SMTP)))

    def reset(self) -> None:
        self._smtp.rset()

    def take_said(self) -> list[tuple[str, str]]:
        """What was said since the last call."""
        said, self.said = self.said, []
        return said

    def _note(self, command: str, reply: tuple[int, bytes]) -> str:
        text = _text(reply)
        self.said.append((command, text))
        return text


def _text(reply: tuple[int, bytes]) -> str:
    return f"{reply[0]} {' '.join(reply[1].decode('utf-8', 'replace').split())}"


def queue_id(reply: str) -> str:
    """The id in ``250 2.0.0 <id> queued``; empty if there is none."""
    words = reply.split()
    return words[2] if len(words) > 2 and words[0] == "250" else ""


def opens(url: str, form: dict[str, str]) -> str:
    """The page that a log-in leads to, as a browser goes there with its cookies; empty where it isn't let in."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    try:
        with opener.open(url, data=urllib.parse.urlencode(form).encode(), timeout=LIMIT_S) as answer:
            path = urllib.parse.urlsplit(answer.url).path
            return path if answer.status == 200 and not path.startswith("/login") else ""
    except urllib.error.HTTPError as error:
        error.close()
        return ""


def http(url: str, form: bytes | None = None) -> tuple[int, str]:
    """GET, or POST of a form: status and body. No proxy is used: the pages are on this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=form), timeout=LIMIT_S) as answer:
            return answer.status, answer.read(1 << 20).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(1 << 20).decode("utf-8", "replace")
