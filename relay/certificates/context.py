"""The server's TLS context, whose certificate can be exchanged while sessions run."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from config.settings import Settings
from relay.certificates.chosen import CertificateFiles, files_in_use

_Seen = tuple[CertificateFiles | None, int, int]


class CertificateError(Exception):
    """The certificate can't be used; the text says what to do."""


class Certificate:
    """One context for all listeners; ``reload`` exchanges what new handshakes show.

    ``find`` says which files they are, each time anew. ``protocols`` are offered by ALPN (RFC 7301).
    """

    def __init__(self, find: Callable[[], CertificateFiles | None], protocols: Sequence[str] = ()) -> None:
        self._find = find
        self._protocols = list(protocols)
        self._seen = self._look()
        self._current = self._load()
        self.context = self._load()
        # Listeners keep their context for good; each handshake is handed on to the one of today.
        self.context.sni_callback = self._hand_on

    @classmethod
    def of(cls, settings: Settings, protocols: Sequence[str] = ()) -> Certificate | None:
        """None: the settings have none. Raises CertificateError."""
        return None if files_in_use(settings) is None else cls(lambda: files_in_use(settings), protocols)

    def _hand_on(self, session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        session.context = self._current

    def _load(self) -> ssl.SSLContext:
        files = self._find()
        if files is None:
            raise CertificateError("the certificate's file is gone: bring it back, or set tls.certificate and tls.key")
        return load_context(files, self._protocols)

    def _look(self) -> _Seen:
        files = self._find()
        try:
            found = None if files is None else files.certificate.stat()
        except OSError:
            found = None
        return (files, found.st_ino, found.st_mtime_ns) if found else (files, 0, 0)

    def reload(self) -> None:
        """Show the files' present content from now on; raises CertificateError and keeps the old one."""
        seen = self._look()
        self._current = self._load()
        self._seen = seen

    def renewed(self) -> bool:
        """Show it from now on if another file is there than at the last look; raises CertificateError as ``reload``."""
        if self._look() == self._seen:
            return False
        self.reload()
        return True


def load_context(files: CertificateFiles, protocols: Sequence[str] = ()) -> ssl.SSLContext:
    """For a server; raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 1  # a client resumes one session at a time; each ticket costs both sides
    if protocols:
        context.set_alpn_protocols(list(protocols))
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        raise CertificateError(
            f"tls.certificate {files.certificate} with tls.key {files.key} can't be used: {reason}"
        ) from error
    return context
