"""Reading `relay.toml`: find it, parse it, check it, and tell every fault at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.faults import Fault, cross_faults, field_faults, merged
from config.places import line_of
from config.settings import Settings

SEARCHED = (Path("relay.toml"), Path("/etc/relay/relay.toml"))
LARGEST_FILE_OCTETS = 1 << 20

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")


class ConfigError(Exception):
    """The settings can't be used; the text lists every fault, one a line, with its dotted path and its line."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source = source
        self.faults = faults
        super().__init__(source, faults)

    def __str__(self) -> str:
        lines = [str(fault) for fault in self.faults]
        if len(lines) == 1:
            return f"{self.source}: {lines[0]}"
        return "\n".join([f"{self.source}: {len(lines)} faults", *(f"  {line}" for line in lines)])


def find(path: Path | str | None = None) -> Path:
    """The settings file: the given one, else the first there is of ``SEARCHED``."""
    if path is not None:
        if not Path(path).is_file():
            raise ConfigError(str(path), [Fault("", "no such settings file; `relay init` makes one")])
        return Path(path)
    for candidate in SEARCHED:
        if candidate.is_file():
            return candidate
    text = "no settings file; make one with `relay init`, or name it with -c FILE"
    raise ConfigError(" and ".join(map(str, SEARCHED)), [Fault("", text)])


def load(path: Path | str | None = None) -> Settings:
    """Read and check the settings file; paths in it are relative to its directory.

    Raises ConfigError.
    """
    file = find(path)
    text = _text(file)
    document = _parsed(text, str(file))
    try:
        return validate(document, base=file.absolute().parent, source=str(file))
    except ConfigError as error:
        found = [fault._replace(line=line_of(text, fault.path)) for fault in error.faults]
        raise ConfigError(error.source, found) from error


def _text(file: Path) -> str:
    source = str(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_FILE_OCTETS + 1)
    except OSError as error:
        raise ConfigError(source, [Fault("", f"can't be read: {error.strerror}")]) from error
    if len(raw) > LARGEST_FILE_OCTETS:
        raise ConfigError(source, [Fault("", f"larger than {LARGEST_FILE_OCTETS} octets: not a settings file")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(source, [Fault(f"line {line}", "not UTF-8")]) from error


def _parsed(text: str, source: str) -> dict[str, Any]:
    """The file's TOML as it stands; syntax errors name line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [_syntax_fault(str(error), text)]) from error
    except ValueError as error:
        raise ConfigError(source, [Fault("", "holds a number of too many digits")]) from error
    except RecursionError as error:
        raise ConfigError(source, [Fault("", "arrays or tables are nested too deep")]) from error


def _syntax_fault(text: str, document: str) -> Fault:
    if match := _POSITION.search(text):
        return Fault(f"line {match[1]}, column {match[2]}", text[: match.start()])
    line = document.rstrip("\n").count("\n") + 1
    return Fault(f"line {line}", text.removesuffix(" (at end of document)") + " at the end of the file")


def validate(document: Mapping[str, Any], *, base: Path = Path(), source: str = "settings") -> Settings:
    """Settings from a plain mapping; relative paths start at ``base``.

    Raises ConfigError with all faults: of single values and of those that contradict each other.
    """
    faults: list[Fault] = []
    settings = None
    try:
        settings = Settings.model_validate(dict(document), context={"base": base})
    except ValidationError as error:
        faults = field_faults(error)
    faults = merged(faults, cross_faults(document))
    if faults or settings is None:
        raise ConfigError(source, faults)
    return settings
