"""The server's TLS context, whose certificate can be exchanged while sessions run."""

from __future__ import annotations

import ssl
from pathlib import Path


class CertificateError(Exception):
    """The certificate can't be used; the text says what to do."""


class Certificate:
    """One context for all listeners; ``reload`` exchanges what new handshakes show."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._current = self._load()
        self.context = self._load()
        # Listeners keep their context for good; each handshake is handed on to the one of today.
        self.context.sni_callback = self._hand_on

    def _hand_on(self, session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        session.context = self._current

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 1  # a client resumes one session at a time; each ticket costs both sides
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
            raise CertificateError(
                f"tls.certificate {self._certificate} with tls.key {self._key} can't be used: {reason}"
            ) from error
        return context

    def reload(self) -> None:
        """Show the files' present content from now on; raises CertificateError and keeps the old one."""
        self._current = self._load()
