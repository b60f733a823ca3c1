"""What may stand next on the command line: commands, options, choices, and names that the database has.

A press of the tab key must be answered at once and without a word of
complaint: no command is imported (``outline``), the settings file is read for
three keys only, and where the database can't be read there are no names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from relay.cli import outline

SEARCHED: Final = (Path("relay.toml"), Path("/etc/relay/relay.toml"))
MOST: Final = 200
"""Names offered; more help nobody."""


class Offer(NamedTuple):
    """One thing that may stand there; ``kind`` is ``plain`` or ``file``."""

    value: str
    help: str = ""
    kind: str = "plain"


class _Line:
    """The words before the one being typed, understood as far as they go."""

    def __init__(self, words: Sequence[str], root: outline.OutlineNode) -> None:
        self.path: list[str] = []
        self.node = root
        self.arguments: list[str] = []
        self.options: dict[str, str] = {}
        self.waiting: outline.OutlineNode | None = None
        """The option whose value comes next."""
        self.lost = False
        """A word is no command, so nothing is known of what follows."""
        only_arguments = False
        for word in words:
            if self.waiting is not None:
                self.options[self.waiting["name"]] = word
                self.waiting = None
            elif word == "--" and not only_arguments:
                only_arguments = True
            elif word.startswith("-") and len(word) > 1 and not only_arguments:
                self._option(word)
            elif word in self.node.get("commands", ()):
                self.node = self.node["commands"][word]
                self.path.append(word)
            else:
                self.lost = self.lost or "commands" in self.node
                self.arguments.append(word)

    def _option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = next((one for one in self.node["options"] if name in one["names"]), None)
        if option is None or "name" not in option:
            return
        if equals:
            self.options[option["name"]] = value
        else:
            self.waiting = option

    def argument(self) -> outline.OutlineNode | None:
        """The argument that comes next; the last one again if it takes many."""
        there = self.node.get("arguments", [])
        if len(self.arguments) < len(there):
            found: outline.OutlineNode = there[len(self.arguments)]
            return found
        return there[-1] if there and there[-1].get("many") else None

    def tenant(self) -> str | None:
        """The tenant that the line names so far."""
        names = [one["name"] for one in self.node.get("arguments", ())]
        if "tenant" in names and len(self.arguments) > names.index("tenant"):
            return self.arguments[names.index("tenant")]
        if names == ["names"] and self.arguments:  # [TENANT] DOMAIN
            return self.arguments[0]
        return self.options.get("tenant")


def complete(words: Sequence[str], begun: str) -> list[Offer]:
    """What may follow ``words`` (without the program's name), beginning with ``begun``. Never raises."""
    try:
        return _complete(words, begun)
    except Exception:
        return []


def _complete(words: Sequence[str], begun: str) -> list[Offer]:
    line, config = _Line(words, outline.read()), _config(words)
    if line.lost:
        return []
    if line.waiting is not None:
        return _values(line, line.waiting, begun, config)
    if begun.startswith("--") and "=" in begun:
        name, _, value = begun.partition("=")
        option = next((one for one in line.node["options"] if name in one["names"] and "name" in one), None)
        found = [] if option is None else _values(line, option, value, config)
        return [one._replace(value=f"{name}={one.value}") for one in found]
    if begun.startswith("-"):
        options = [(name, one["help"]) for one in line.node["options"] for name in one["names"]]
        return [Offer(name, told) for name, told in [*options, ("--help", "")] if name.startswith(begun)]
    if "commands" in line.node:
        below = line.node["commands"].items()
        return [Offer(name, node["help"]) for name, node in below if name.startswith(begun)]
    argument = line.argument()
    return [] if argument is None else _values(line, argument, begun, config)


def _config(words: Sequence[str]) -> str | None:
    """The file of ``-c FILE`` or ``--config FILE``, wherever it stands before the command."""
    for place, word in enumerate(words):
        if word in ("-c", "--config") and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--config="):
            return word.partition("=")[2]
    return None


def _values(line: _Line, value: outline.OutlineNode, begun: str, config: str | None) -> list[Offer]:
    if "choices" in value:
        return [Offer(choice) for choice in value["choices"] if choice.startswith(begun)]
    if value.get("file"):
        return [Offer(begun, kind="file")]
    kind = _kind(line.path, value["name"], len(line.arguments))
    if not kind:
        return []
    return [Offer(*row) for row in _names(kind, line.tenant(), config) if row[0].startswith(begun)]


def _kind(path: Sequence[str], name: str, before: int) -> str:
    """Which names an argument or an option takes, ``""`` for none that are stored."""
    group, command = path[0] if path else "", path[1] if len(path) > 1 else ""
    if command == "add" and (group, name) in (("tenant", "name"), ("form", "name"), ("domain", "domain")):
        return ""
    if command == "add" and (group, name) in (("stream", "name"), ("topic", "topic"), ("topic", "name")):
        return ""
    if name == "names":  # [TENANT] DOMAIN
        return "domain" if before else "tenant or domain"
    if name == "id_":
        return "campaign" if group == "campaign" else "message"
    special = {
        ("tenant", "name"): "tenant",
        ("credential", "name"): "credential",
        ("credential", "username"): "credential",
        ("form", "name"): "form",
        ("trace", "id_or_message_id"): "message",
        ("queue", "domain"): "recipients' domain",
    }
    return special.get((group, name), name if name in _SQL else "")


_SQL: Final[dict[str, str]] = {
    "tenant": "SELECT name, contact FROM tenant WHERE ?1 = ?1 ORDER BY name LIMIT ?2",
    "domain": "SELECT d.name, t.name FROM domain d JOIN tenant t ON t.id = d.tenant_id"
    " WHERE t.name = ?1 OR ?1 = '' ORDER BY 1 LIMIT ?2",
    "topic": "SELECT p.name, t.name FROM topic p JOIN tenant t ON t.id = p.tenant_id"
    " WHERE (t.name = ?1 OR ?1 = '') AND p.name <> '*' ORDER BY 1 LIMIT ?2",
    "stream": "SELECT s.name, s.kind FROM stream s JOIN tenant t ON t.id = s.tenant_id"
    " WHERE t.name = ?1 OR ?1 = '' ORDER BY 1 LIMIT ?2",
    "form": "SELECT f.name, t.name FROM form f JOIN tenant t ON t.id = f.tenant_id"
    " WHERE t.name = ?1 OR ?1 = '' ORDER BY 1 LIMIT ?2",
    "campaign": "SELECT c.id, c.name FROM campaign c JOIN tenant t ON t.id = c.tenant_id"
    " WHERE t.name = ?1 OR ?1 = '' ORDER BY c.id DESC LIMIT ?2",
    "credential": "SELECT coalesce(c.username, c.ip), t.name FROM credential c JOIN stream s ON s.id = c.stream_id"
    " JOIN tenant t ON t.id = s.tenant_id WHERE c.revoked_at IS NULL AND (t.name = ?1 OR ?1 = '') ORDER BY 1 LIMIT ?2",
    "message": "SELECT id, subject FROM submission WHERE ?1 = ?1 ORDER BY id DESC LIMIT ?2",
    "recipients' domain": "SELECT DISTINCT domain, '' FROM recipient WHERE state = 0 AND ?1 = ?1 LIMIT ?2",
    "group": "SELECT g.name, t.name FROM list_group g JOIN tenant t ON t.id = g.tenant_id"
    " WHERE t.name = ?1 OR ?1 = '' ORDER BY 1 LIMIT ?2",
}


def _names(kind: str, tenant: str | None, config: str | None) -> list[tuple[str, str]]:
    from relay.store.glance import NothingSeen, glance

    shown: Callable[[Any], str] = str
    if kind == "message":
        from relay.values.ids import encode_id

        shown = encode_id
    database = _database(config)
    found: list[tuple[str, str]] = []
    for one in kind.split(" or ") if database is not None else ():
        assert database is not None
        try:
            with glance(database) as conn:
                rows = conn.execute(_SQL[one], (tenant or "", MOST)).fetchall()
        except NothingSeen:
            continue
        found += [(_plain(shown(value)), _plain(str(told))[:60]) for value, told in rows]
    return [row for row in found if row[0]]


def _database(config: str | None) -> Path | str | None:
    """File or URL of what the settings name as the store; None where there are none."""
    files = SEARCHED if config is None else (Path(config).expanduser(),)
    file = next((one for one in files if one.is_file()), None)
    if file is None:
        return None
    settings = tomllib.loads(file.read_text("utf-8"))
    if url := str(settings.get("store", {}).get("url", "")):
        return url
    server = settings.get("server", {})
    return Path(file.absolute().parent, str(server.get("data_dir", "data")), "relay.db")


def _plain(text: str) -> str:
    """What others wrote, fit for a shell's list: one line that steers nothing."""
    return "".join(c if c.isprintable() else " " for c in text)
