"""Files that the service manager hands over instead of the disk (systemd's LoadCredential=): ``credential:NAME``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

PREFIX: Final = "credential:"
HANDED: Final = Path("/run/credentials")
SERVICE: Final = "relay.service"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")


def credential(value: str) -> Path:
    """Where the credential is: this process's own, else the running service's, which its user may read too.

    Raises ValueError.
    """
    name = value.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        raise ValueError(f'"{value}" names no credential: letters, digits, dots, dashes and underscores')
    own = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if own and Path(own, name).exists():
        return Path(own, name)
    return HANDED / SERVICE / name


def is_credential(path: Path) -> bool:
    """Kept by the service manager in memory, for its user alone by an access list, whatever its mode says."""
    own = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return path.is_relative_to(HANDED) or bool(own and path.is_relative_to(own))
