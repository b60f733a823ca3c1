"""Whether a certificate is to be got now, and why: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from relay.certificates.state import CertificateState

PART: Final = 2 / 3
"""Of its life that is over when it is renewed."""
JITTER: Final = 1 / 30
"""So much of its life sooner at most, the same each time it is asked: not all of an authority's customers at once."""
_WORDS: Final = 1 << 32


def renews_at(leaf: x509.Certificate, state: CertificateState) -> float:
    """Seconds UTC: what the authority asks for, else a time shortly before two thirds of its life."""
    if state.renew_at:
        return state.renew_at
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    drawn = (leaf.serial_number % _WORDS) / _WORDS
    return begins + (ends - begins) * (PART - JITTER * drawn)


def reason(leaf: x509.Certificate | None, wanted: Sequence[str], state: CertificateState, now: float) -> str:
    """Why one is to be got now; empty: it isn't. What failed waits until its time has come."""
    if now < state.next_try_at and state.failures and state.tried_at <= now:
        return ""
    if leaf is None:
        return "there is none as yet"
    missing = [name for name in wanted if name not in names_of(leaf)]
    if missing:
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in it"
    return "it is time to renew it" if now >= renews_at(leaf, state) else ""


def names_of(leaf: x509.Certificate) -> list[str]:
    """Names of DNS that it is for, as they stand there."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def ends_soon(leaf: x509.Certificate | None, now: float) -> bool:
    """So soon that people have to know: 14 days, of a short life a third."""
    if leaf is None:
        return True
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    return ends - now < min(SOON_S, (ends - begins) / 3)


SOON_S: Final = 14 * 86_400.0
