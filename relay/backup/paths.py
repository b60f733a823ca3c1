"""Settings whose paths lead somewhere else on another machine: set anew, to what lies in the relay's own directory."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

from relay.backup import archive
from relay.backup.sealing import BackupError

_OWN: Final = {
    ("server", "data_dir"): "data",
    ("tls", "certificate"): archive.CERTIFICATE,
    ("tls", "key"): archive.TLS_KEY,
    ("delivery", "smart_host_password_file"): archive.PASSWORD,
    ("oidc", "client_secret_file"): archive.CLIENT_SECRET,
    ("tls", "acme_key_file"): archive.ACME_KEY,
}
_HEAD: Final = re.compile(r"\s*\[\s*([A-Za-z_.\"'-]+)\s*\]\s*(?:#.*)?$")
_LINE: Final = re.compile(
    r"(?P<before>\s*[\"']?(?P<name>[a-z_]+)[\"']?\s*=\s*)(?:\"[^\"\\]+\"|'[^']+')(?P<after>\s*(?:#.*)?)$"
)


def own_paths(text: str, name: str) -> str:
    """The settings with these paths, and nothing else, changed. Raises BackupError where they stand in another form."""
    table, lines = "", []
    for line in text.splitlines():
        if head := _HEAD.match(line):
            table = head[1].strip("\"'")
        elif (found := _LINE.match(line)) and (own := _OWN.get((table, found["name"]))):
            line = f"{found['before']}{json.dumps(own)}{found['after']}"
        lines.append(line)
    changed = "\n".join(lines) + "\n"
    try:
        fits = tomllib.loads(changed) == _wanted(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BackupError(f"the settings in {name} can't be read: {error}") from error
    if not fits:
        raise BackupError(
            f"the paths in the settings of {name} can't be set anew: write a relay.toml with data_dir in place, and"
            " restore without --dir"
        )
    return changed


def _wanted(document: dict[str, Any]) -> dict[str, Any]:
    changed = {name: dict(table) if isinstance(table, dict) else table for name, table in document.items()}
    for (table, name), own in _OWN.items():
        if isinstance(changed.get(table), dict) and changed[table].get(name):
            changed[table][name] = own
    return changed
