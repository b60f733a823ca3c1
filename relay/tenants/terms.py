"""Terms of the service: the version in force is a file of the operator's, and who accepted which is kept (R32).

The version of a text is its SHA-256; each that somebody accepted is stored whole, so
that what was agreed to can be read however the file changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.audit import actions
from relay.store.contract import Tx
from relay.values.errors import RegistryError

MOST_OCTETS: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class TermsText:
    """What applicants read; ``version`` in hexadecimal."""

    version: str
    text: str


@dataclass(frozen=True, slots=True)
class TermsAcceptance:
    """Times in seconds UTC."""

    version: str
    at: float
    accepted_by: str
    ip: str


def in_force(path: Path | None) -> TermsText | None:
    """Those of the file; None where the operator has none. RegistryError for a file that can't be shown."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_OCTETS + 1)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except OSError as error:
        raise RegistryError(f"the terms in {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"the terms in {path} are no text in UTF-8; store the file anew") from error
    if not text or len(raw) > MOST_OCTETS or "\0" in text:
        raise RegistryError(f"the terms in {path} should be a text of 1 to {MOST_OCTETS} octets")
    return TermsText(hashlib.sha256(text.encode()).hexdigest(), text)


def keep(conn: Tx, terms: TermsText, now: float) -> None:
    """The text of a version that somebody accepts."""
    conn.execute(
        "INSERT INTO terms (version, text, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (terms.version, terms.text, now),
    )


def accepted(conn: Tx, tenant_id: int, version: str, *, by: str, at: float, ip: str, agent: str, now: float) -> None:
    """A tenant is bound by a version since ``at``."""
    conn.execute(
        "INSERT INTO terms_acceptance (tenant_id, version, at, accepted_by, ip, agent) VALUES (?, ?, ?, ?, ?, ?)",
        (tenant_id, version, at, by, ip, agent),
    )
    actions.record(conn, by, "terms-accepted", tenant_id, {"version": version, "at": at, "ip": ip}, now)


def of_tenant(conn: Tx, tenant_id: int) -> list[TermsAcceptance]:
    """The newest first."""
    rows = conn.execute(
        "SELECT version, at, accepted_by, ip FROM terms_acceptance WHERE tenant_id = ? ORDER BY id DESC LIMIT 100",
        (tenant_id,),
    )
    return [TermsAcceptance(*row) for row in rows]
