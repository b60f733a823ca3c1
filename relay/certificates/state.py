"""What is known of the last try to get a certificate, for the next one and for people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from relay.certificates.place import CertificatePlace

FIRST_WAIT_S: Final = 600.0
LAST_WAIT_S: Final = 43_200.0
"""Between tries that fail: doubling. Authorities count failures (Let's Encrypt: five an hour of one name)."""


@dataclass(frozen=True, slots=True)
class CertificateState:
    """Times in seconds UTC; 0: never."""

    tried_at: float = 0.0
    obtained_at: float = 0.0
    failures: int = 0
    """Tries in a row that failed."""
    error: str = ""
    next_try_at: float = 0.0
    renew_at: float = 0.0
    """When the authority itself asks for a renewal (RFC 9773); 0: it doesn't say."""
    ask_at: float = 0.0
    """When it is to be asked again."""

    def failed(self, error: str, now: float, not_before: float) -> CertificateState:
        """``not_before``: until when the authority takes nothing; 0: it doesn't say."""
        wait_s = min(FIRST_WAIT_S * 2**self.failures, LAST_WAIT_S)
        return replace(
            self,
            tried_at=now,
            failures=self.failures + 1,
            error=error[:500],
            next_try_at=max(now + wait_s, not_before),
        )


def read_state(place: CertificatePlace) -> CertificateState:
    """What can't be read is as if nothing had been tried."""
    found: dict[str, Any]
    try:
        found = json.loads(Path(place.state).read_text("utf-8"))
    except (OSError, ValueError):
        return CertificateState()
    usual = asdict(CertificateState())
    right = {name: value for name, value in found.items() if name in usual and _fits(value, usual[name])}
    return CertificateState(**right)


def _fits(value: object, usual: object) -> bool:
    return isinstance(value, str) if isinstance(usual, str) else isinstance(value, int | float)


def write_state(place: CertificatePlace, state: CertificateState) -> None:
    place.write(place.state, json.dumps(asdict(state), indent=1).encode())
