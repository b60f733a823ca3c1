"""Postfix's own files: ``main.cf``, ``master.cf`` and lookup tables, read as Postfix reads them (postconf(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from relay.takeover.plan import TakeoverError

MOST_OCTETS: Final = 16 << 20
TEXT_TABLES: Final = ("hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash")
"""Made from a text file of the same name by postmap(1)."""
_NAME: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:([?:])((?:[^{}]|\{[^{}]*\})*))?\}|\((\w+)\))", re.ASCII)
_DEEPEST: Final = 10


def read(path: Path, *, below_root: bool = True) -> str:
    """Raises TakeoverError. ``below_root``: --root says where it is; else it was named by itself."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_OCTETS).decode("utf-8", "replace")
    except OSError as error:
        why = f"{path} can't be read: {error.strerror}"
        if below_root:
            why += "; run this as root, or give --root"
        elif isinstance(error, PermissionError):
            why += "; run this as root"
        raise TakeoverError(why) from error


def logical_lines(text: str) -> Iterator[str]:
    """Comments and empty lines are gone; lines that begin with white space go on with the one before."""
    said = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and said:
            said += " " + line.strip()
            continue
        if said:
            yield said
        said = line.strip()
    if said:
        yield said


class MainCf:
    """Parameters of ``main.cf``, or of what ``postconf -n`` printed; the last one of a name counts."""

    def __init__(self, text: str, hostname: str = "") -> None:
        self.given: dict[str, str] = {}
        for line in logical_lines(text):
            name, sign, value = line.partition("=")
            if sign and re.fullmatch(r"[A-Za-z0-9_.-]+", name.strip()):
                self.given[name.strip()] = value.strip()
        host = self.given.get("myhostname", hostname)
        self._usual = {
            "myhostname": host,
            "mydomain": host.partition(".")[2] or host,
            "myorigin": "$myhostname",
            "config_directory": "/etc/postfix",
            "default_database_type": "hash",
            "mail_name": "Postfix",
        }

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def get(self, name: str) -> str:
        """With ``$names`` in place; "" where it isn't set."""
        return self._expanded(self.given.get(name, self._usual.get(name, "")), 0).strip()

    def words(self, name: str) -> list[str]:
        """A list, by white space and commas."""
        return [word for word in re.split(r"[\s,]+", self.get(name)) if word]

    def _expanded(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            return ""

        def one(found: re.Match[str]) -> str:
            name = found[1] or found[2] or found[5]
            if name is None:
                return "$"
            value = self._expanded(self.given.get(name, self._usual.get(name, "")), depth + 1)
            if found[3] is None:
                return value
            first, second = _branches(found[4])
            if found[3] == ":":
                return value or self._expanded(first, depth + 1)
            return self._expanded(first if value else second, depth + 1)

        return _NAME.sub(one, text)


def _branches(text: str) -> tuple[str, str]:
    """Of ``${name?yes}``, ``${name?{yes}:{no}}``."""
    both = re.fullmatch(r"\s*\{(.*?)\}\s*:\s*\{(.*)\}\s*", text, re.DOTALL)
    if both is not None:
        return both[1].strip(), both[2].strip()
    return text.strip().removeprefix("{").removesuffix("}").strip(), ""


class Service(NamedTuple):
    """A port of ``master.cf`` that smtpd listens at."""

    address: str
    port: int
    options: Mapping[str, str]


PORTS: Final = {"smtp": 25, "submission": 587, "smtps": 465, "submissions": 465, "urd": 465}


def services(text: str) -> Iterator[Service]:
    for line in logical_lines(text):
        words = line.split()
        if len(words) < 8 or words[1] != "inet" or words[7] != "smtpd":
            continue
        host, _, name = words[0].rpartition(":")
        port = PORTS.get(name, int(name) if name.isdecimal() else 0)
        options = dict(re.findall(r"-o\s*\{?\s*(\w+)\s*=\s*([^\s}]*)", " ".join(words[8:])))
        if port:
            yield Service(host.strip("[]"), port, options)


class LookupTable(NamedTuple):
    kind: str
    path: str
    rows: list[tuple[str, str]] | None
    """None: it is none that can be read here."""


def tables(value: str, root: Path) -> Iterator[LookupTable]:
    """Each ``type:name`` of a parameter's value, with its rows."""
    inline = re.findall(r"inline:\{(.*)\}", value)
    for text in inline:
        pairs = re.findall(r"\{\s*([^{}=\s]+)\s*=\s*([^{}]*?)\s*\}|([^{}=\s,]+)=([^{}\s,]+)", text)
        yield LookupTable("inline", "", [(one[0] or one[2], one[1] or one[3]) for one in pairs])
    for word in re.split(r"[\s,]+", re.sub(r"inline:\{.*\}", "", value)):
        kind, sign, path = word.removeprefix("proxy:").partition(":")
        if not sign:
            continue
        if kind in TEXT_TABLES:
            file = root / path.lstrip("/")
            yield LookupTable(kind, path, list(rows_of(read(file))) if file.exists() else None)
        elif kind == "static":
            continue
        else:
            yield LookupTable(kind, path, None)


def rows_of(text: str) -> Iterator[tuple[str, str]]:
    for line in logical_lines(text):
        key, _, value = line.partition(" ") if "\t" not in line else line.replace("\t", " ").partition(" ")
        yield key.strip().strip('"'), value.strip()
