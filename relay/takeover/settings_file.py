"""Settings that are added to ``relay.toml`` as it stands, with its comments; what stands there already stays."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from config.load import ConfigError, validate
from relay.takeover.plan import Fate, SettingValue, TakeoverError, TakeoverFinding

SettingsWanted = dict[tuple[str, str], tuple[SettingValue, str]]


def held_against(text: str, wanted: SettingsWanted, base: Path) -> tuple[str, list[TakeoverFinding]]:
    """The file with what is missing in it, and what became of each. Raises TakeoverError if that wouldn't do."""
    document: dict[str, Any] = tomllib.loads(text)
    findings, added = [], []
    for (table, key), (value, source) in wanted.items():
        name, there = f"[{table}] {key}", _there(document, table).get(key)
        if there is None:
            findings.append(TakeoverFinding(Fate.CARRIED, source, f"{name} = {_toml(value)}"))
            added.append((table, key, value))
        elif there == value:
            findings.append(TakeoverFinding(Fate.THERE, source, f"{name} = {_toml(value)}"))
        else:
            said = f"{name} stays {_toml(there)}; there it was {_toml(value)}"
            findings.append(TakeoverFinding(Fate.LOOK, source, said))
    for table, key, value in added:
        text = _with(text, table, key, value)
    try:
        validate(tomllib.loads(text), base=base, source="relay.toml")
    except ConfigError as error:
        raise TakeoverError(f"these settings together can't be: {error}; mend relay.toml and say it again") from error
    return text, findings


def _there(document: dict[str, Any], table: str) -> dict[str, Any]:
    found: Any = document
    for part in table.split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _with(text: str, table: str, key: str, value: SettingValue) -> str:
    line = f"{key if re.fullmatch(r'[A-Za-z0-9_-]+', key) else json.dumps(key)} = {_toml(value)}"
    header = re.compile(rf"^[ \t]*\[[ \t]*{re.escape(table)}[ \t]*\][ \t]*(?:#[^\n]*)?$", re.MULTILINE)
    found = header.search(text)
    if found is None:
        return f"{text.rstrip()}\n\n[{table}]\n{line}\n"
    return f"{text[: found.end()]}\n{line}{text[found.end() :]}"


def _toml(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
