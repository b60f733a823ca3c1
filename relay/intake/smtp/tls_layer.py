"""TLS between a connection's octets and a session's: records come in, plaintext goes on (RFC 8446, RFC 5246).

OpenSSL works on octets in memory here (``ssl.MemoryBIO``), so a session keeps
its connection and its protocol when TLS begins, on a port that is encrypted
from the start as after STARTTLS, and waits in no task for the handshake.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Final

_RECORD: Final = 16 * 1024
"""Most plaintext in a record (RFC 8446 §5.1)."""


class TlsLayer:
    """The server's side of one connection. Whatever is wrong raises ssl.SSLError; ``outgoing`` then has the alert."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._received, self._to_send, server_side=True)
        self.established = False
        """The handshake is done."""
        self.ended = False
        """The client said that it sends no more (close_notify)."""

    def receive(self, records: bytes) -> bytes:
        """The plaintext that these octets complete."""
        self._received.write(records)
        if not self.established:
            try:
                self._ssl.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.established = True
        return self._plaintext()

    def _plaintext(self) -> bytes:
        parts: list[bytes] = []
        try:
            # Asking once more than there are records costs an exception each time.
            while self._received.pending and not self.ended:
                part = self._ssl.read(_RECORD)
                if part:
                    parts.append(part)
                else:
                    self.ended = True
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        except ssl.SSLZeroReturnError:
            self.ended = True
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def seal(self, plaintext: bytes) -> bytes:
        """Records of it, behind whatever else is to be sent."""
        self._ssl.write(plaintext)
        return self._to_send.read()

    def outgoing(self) -> bytes:
        """What the handshake has to say, or an alert."""
        return self._to_send.read()

    def close(self) -> bytes:
        """The last octets: the client is told that the end is meant (RFC 8446 §6.1)."""
        with contextlib.suppress(ssl.SSLError):  # the client's own end is not waited for
            self._ssl.unwrap()
        return self._to_send.read()
