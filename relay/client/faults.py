"""What can go wrong for who uses the client.

ClientFault
 ├─ RelayUnreachable   no answer, after all repeats
 ├─ ProblemAnswer      the relay said no: ``status``, ``word``, ``detail``, ``errors``, ``refused``
 │   ├─ TokenRefused   401, 403
 │   └─ TooFast        429 or 503 after all repeats; ``retry_after_s``
 └─ BadWebhook         a request that the relay didn't sign, or signed too long ago
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from relay.client.said import RefusalHeard


class ClientFault(Exception):
    """Whatever the client raises."""


class RelayUnreachable(ClientFault):
    """There was no answer; with its key (``key``) the same request can be made again at any time within 24 hours."""

    def __init__(self, why: str, key: str = "") -> None:
        super().__init__(f"the relay doesn't answer: {why}")
        self.key = key


class ProblemAnswer(ClientFault):
    """An answer of 400 or more, as RFC 9457 has it."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.type = str(members.get("type", "about:blank"))
        self.word = self.type.rpartition("/")[2] if "/v1/problems/" in self.type else ""
        """Such as ``no-consent``; empty for plain HTTP errors."""
        self.title = str(members.get("title", ""))
        self.detail = str(members.get("detail", ""))
        self.errors: Sequence[Mapping[str, str]] = members.get("errors") or ()
        """Each field that is wrong: ``field``, ``error``."""
        self.refused: Sequence[RefusalHeard] = tuple(map(RefusalHeard.read, members.get("refused") or ()))
        """Of a message that nobody gets: each recipient, with why."""
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {self.word or self.title}: {self.detail}".rstrip(": "))


class TokenRefused(ProblemAnswer):
    """The token is missing, wrong or revoked (401), or not for this (403)."""


class TooFast(ProblemAnswer):
    """More than the tenant may ask for (429), or the relay is busy (503); nothing was changed."""


class BadWebhook(ClientFault):
    """Not to be believed."""


def of_answer(status: int, members: object, retry_after_s: float | None) -> ProblemAnswer:
    kind = {401: TokenRefused, 403: TokenRefused, 429: TooFast, 503: TooFast}.get(status, ProblemAnswer)
    return kind(status, members if isinstance(members, Mapping) else {}, retry_after_s)
