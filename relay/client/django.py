"""Django's e-mail by the relay: ``EMAIL_BACKEND = "relay.client.django.EmailBackend"``.

``RELAY_URL``, ``RELAY_TOKEN`` and, as wanted, ``RELAY_STREAM`` in Django's settings (the first two also in the
environment). Messages go out as Django writes them: alternatives, attachments, ``Relay-*`` fields in
``EmailMessage(headers=…)`` as by SMTP. Whom the relay refuses is in ``message.relay_refused`` afterwards, its answer in
``message.relay_taken``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage

from relay.client.faults import ClientFault, ProblemAnswer
from relay.client.now import RelayClient

MOST: Final = 100
"""Recipients of one request."""


class EmailBackend(BaseEmailBackend):  # type: ignore[misc]
    """One connection while it is open, as Django has it; opened and closed by itself where nobody does."""

    def __init__(
        self, fail_silently: bool = False, *, url: str = "", token: str = "", stream: str = "", **given: Any
    ) -> None:
        super().__init__(fail_silently=fail_silently, **given)
        self._url = url or getattr(settings, "RELAY_URL", "")
        self._token = token or getattr(settings, "RELAY_TOKEN", "")
        self._stream = stream or getattr(settings, "RELAY_STREAM", "")
        self._timeout = float(getattr(settings, "EMAIL_TIMEOUT", None) or 30.0)
        self._client: RelayClient | None = None
        self._lock = threading.RLock()

    def open(self) -> bool:
        """True if it was not open before."""
        with self._lock:
            if self._client is not None:
                return False
            self._client = RelayClient(self._url, self._token, timeout=self._timeout)
            return True

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were taken for somebody. Raises ClientFault for the first that nobody gets, unless silenced."""
        if not email_messages:
            return 0
        with self._lock:
            opened = self.open()
            try:
                return sum(map(self._sent, email_messages))
            finally:
                if opened:
                    self.close()

    def _sent(self, message: EmailMessage) -> bool:
        recipients = [parseaddr(one)[1] or one for one in message.recipients()]
        if not recipients:
            return False
        assert self._client is not None
        message.relay_taken, message.relay_refused = [], []
        octets = message.message().as_bytes(linesep="\r\n")
        fault: ClientFault | None = None
        for first in range(0, len(recipients), MOST):
            try:
                taken = self._client.send_raw(octets, recipients[first : first + MOST], stream=self._stream)
            except ClientFault as found:
                fault = fault or found
                message.relay_refused += found.refused if isinstance(found, ProblemAnswer) else ()
                continue
            message.relay_taken.append(taken)
            message.relay_refused += taken.refused
        if fault is not None and not self.fail_silently and not message.relay_taken:
            raise fault
        return bool(message.relay_taken)
