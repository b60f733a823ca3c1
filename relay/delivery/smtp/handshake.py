"""The beginning of a session, spoken by aiosmtplib: greeting, EHLO, STARTTLS, AUTH."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiosmtplib

from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.smtp.classify import decide, lost
from relay.delivery.smtp.envelope import Features
from relay.delivery.smtp.reply import Reply, one_line
from relay.delivery.smtp.route import Login
from relay.delivery.smtp.tls_policy import Mode
from relay.mail.status import temporary


class Unreachable(Exception):
    """No session; ``outcome`` is that of the copies that wait for one."""

    def __init__(self, outcome: Retry | Bounced) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one host."""

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == 25 else f":{self.port}"
        return f"{self.host} [{self.address}]{port}"


class TlsFailed(Exception):
    """TLS was tried and failed, or is required and not there."""


class Opening:
    """Greeting, EHLO, STARTTLS, AUTH with aiosmtplib, its errors turned into ours."""

    def __init__(self, client: aiosmtplib.SMTP, target: Target, mode: Mode, context: ssl.SSLContext | None) -> None:
        self.where = Where.GREETING
        self._client = client
        self._target = target
        self._mode = mode
        self._context = context

    async def run(self, implicit: bool) -> None:
        """Raises Unreachable or TlsFailed."""
        try:
            await self._client.connect()
            self.where = Where.EHLO
            await self._hello()
            if not implicit and self._mode is not Mode.NONE:
                await self._secure()
        except TlsFailed:
            raise
        except ssl.SSLError as error:
            raise TlsFailed(text_of(error)) from error
        except aiosmtplib.SMTPException as error:
            raise Unreachable(self._outcome(error)) from error
        except (OSError, ValueError, UnicodeError) as error:
            raise Unreachable(lost(self.where, text_of(error), str(self._target), Reach.SITE)) from error

    async def _hello(self) -> None:
        """EHLO, and HELO where it is refused (RFC 5321 §3.2)."""
        try:
            await self._client.ehlo()
        except aiosmtplib.SMTPHeloError as error:
            if error.code == 421 or not self._client.is_connected:
                raise
            await self._client.helo()

    async def _secure(self) -> None:
        """STARTTLS and EHLO again; plaintext that came after the 220 is dropped (RFC 3207 §4.2)."""
        if not self._client.supports_extension("starttls"):
            if self._mode is Mode.REQUIRED:
                raise TlsFailed("STARTTLS is not offered")
            return
        self.where = Where.TLS
        try:
            await self._client.starttls(server_hostname=self._target.host, tls_context=self._context)
        except aiosmtplib.SMTPResponseException as error:
            # Who says 421 hangs up (RFC 5321 §3.8), even if that isn't seen yet.
            if self._mode is Mode.REQUIRED or error.code == 421 or not self._client.is_connected:
                raise TlsFailed(f"STARTTLS was answered {error.code} {one_line(error.message)}") from error
            return
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise TlsFailed(text_of(error)) from error
        try:
            await self._hello()
        except aiosmtplib.SMTPServerDisconnected as error:
            # TLS 1.3: the remote's complaint about the handshake comes only now.
            raise TlsFailed(text_of(error)) from error

    async def log_in(self, login: Login) -> None:
        """AUTH at the smart host; never in plaintext, but on the loopback."""
        self.where = Where.AUTH
        secure = self._client.get_transport_info("cipher") is not None
        if not secure and not ipaddress.ip_address(self._target.address).is_loopback:
            text = f"{self._target} offers no TLS, so the password was not sent"
            raise Unreachable(Retry(temporary(54, 7, 0, text), str(self._target), Reach.SITE))
        try:
            await self._client.login(login.user, login.password)
        except aiosmtplib.SMTPException as error:
            raise Unreachable(self._outcome(error)) from error
        except OSError as error:
            raise Unreachable(lost(self.where, text_of(error), str(self._target), Reach.SITE)) from error

    def _outcome(self, error: aiosmtplib.SMTPException) -> Retry | Bounced:
        if isinstance(error, aiosmtplib.SMTPResponseException) and 200 <= error.code < 600:
            return decide(self.where, Reply(error.code, error.message), str(self._target))
        return lost(self.where, _in_words(error), str(self._target), Reach.SITE)


def features(offered: Mapping[str, str]) -> Features:
    size = offered.get("size", "")
    return Features(
        pipelining="pipelining" in offered,
        eight_bit="8bitmime" in offered,
        smtputf8="smtputf8" in offered,
        dsn="dsn" in offered,
        size="size" in offered,
        largest_octets=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0,
    )


def _in_words(error: aiosmtplib.SMTPException) -> str:
    """What happened, as ``Session`` says it."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        what = error.message.partition("line: ")[2].rstrip()
        return f"the remote sent no reply: {what[:60]!a}" if what else "the remote sent a reply that is too long"
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return "no answer in time"
    closed = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError)
    return "connection lost" if isinstance(error, closed) else text_of(error)


def text_of(error: Exception) -> str:
    return one_line(str(error) or type(error).__name__)
