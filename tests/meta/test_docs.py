"""Documents tell the truth: their commands exist, their links lead somewhere, and the README's walk works."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from config.settings import Settings
from relay.cli import reference
from relay.cli.main import relay
from tests.meta.tree import ROOT, tracked
from tests.support.ports import free_port

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`relay ([^`\n]+)`")
WALK = re.compile(r"<!-- walk: (run|service) -->\n```sh\n(.*?)^```$", re.M | re.S)
START_S = 60


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- commands -------------------------------------------------------------------


def whole_commands() -> Iterator[tuple[str, str]]:
    """(document, command) for every line of a shell block that calls relay."""
    for path in DOCUMENTS:
        for language, block in FENCE.findall(text_of(path)):
            if language == "sh":
                for line in block.replace("\\\n", " ").splitlines():
                    if line.startswith("relay "):
                        yield label(path), line


def mentioned_commands() -> Iterator[tuple[str, str]]:
    """(file, words) for every command in back-ticks, in documents and in the program's own texts."""
    sources = [
        path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ("relay", "config")
    ]
    for path in [*DOCUMENTS, *sources]:
        for words in INLINE.findall(text_of(path)):
            yield label(path), words


def find(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and those after it; raises LookupError."""
    command: click.Command = relay
    ctx = click.Context(relay, info_name="relay")
    rest = list(words)
    while rest and rest[0] in ("-c", "--config"):
        rest = rest[2:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        below = command.get_command(ctx, rest[0])
        if below is None:
            if command.invoke_without_command and command is not relay:
                break
            raise LookupError(rest[0])
        command, rest = below, rest[1:]
        ctx = click.Context(command, info_name=command.name, parent=ctx)
    return command, rest


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts} | {"--help", "-h", "--version"}


def test_every_whole_command_parses() -> None:
    found = list(whole_commands())
    assert len(found) > 30
    wrong = []
    for where, line in found:
        words = shlex.split(line.partition(" > ")[0].partition(" | ")[0], comments=True)
        try:
            command, rest = find(words[1:])
            command.make_context("relay", rest, resilient_parsing=False)
        except (LookupError, click.ClickException) as error:
            wrong.append(f"{where}: {line}: {error}")
    assert wrong == []


def test_every_mentioned_command_is_there() -> None:
    found = list(mentioned_commands())
    assert len(found) > 60
    wrong = []
    for where, text in found:
        words = [word.strip(".,;:()[]") for word in text.split() if not set(word) & set("{}'…")]
        if not words or words[0].startswith("-") or words[0].isupper():
            continue
        try:
            command, rest = find(words)
        except LookupError as error:
            wrong.append(f"{where}: relay {text}: no {error}")
            continue
        unknown = {word.partition("=")[0] for word in rest if word.startswith("--")} - options(command)
        wrong += [f"{where}: relay {text}: no option {name}" for name in sorted(unknown)]
    assert wrong == []


def test_a_wrong_command_would_be_seen() -> None:
    with pytest.raises(LookupError):
        find(["tenant", "promote", "shop"])
    command, rest = find(["tenant", "add", "shop", "--colour", "red"])
    assert "--colour" not in options(command)
    with pytest.raises(click.ClickException):
        command.make_context("relay", rest)


def test_the_command_reference_is_current(tmp_path: Path) -> None:
    assert text_of(ROOT / "docs" / "CLI.md") == reference.reference(), "run `python -m relay.cli.reference`"
    assert reference.main(["--check"], tmp_path) == 1
    (tmp_path / "docs").mkdir()
    (tmp_path / "relay" / "cli").mkdir(parents=True)
    assert reference.main([], tmp_path) == 0
    assert reference.main(["--check"], tmp_path) == 0


# --- settings, links, tables -----------------------------------------------------


def test_every_settings_example_is_valid() -> None:
    blocks = [
        (label(p), block) for p in DOCUMENTS for language, block in FENCE.findall(text_of(p)) if language == "toml"
    ]
    assert len(blocks) >= 2
    for where, block in blocks:
        values = tomllib.loads(block)
        values.setdefault("server", {})["hostname"] = "relay.example.com"
        assert Settings.model_validate(values), where


def anchors(path: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(path)), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text_of(path))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{label(path)}: {target}")
    assert broken == []


def test_the_site_leads_to_every_document() -> None:
    named = set(re.findall(r": ([\w/-]+\.md)$", text_of(ROOT / "docs/site/mkdocs.yml"), re.M))
    assert {name for name in named if not (ROOT / name).exists()} == {"docs/decisions/index.md"}  # made by scripts/docs
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= named


def test_the_table_of_standards_names_what_is_there() -> None:
    missing, rows = [], 0
    for line in text_of(ROOT / "docs" / "RFC.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not re.match(r"\d{4}", cells[0]):
            continue
        rows += 1
        kept, modules, tests = cells[2], re.findall(r"`([^`]+)`", cells[3]), re.findall(r"`([^`]+)`", cells[4])
        assert re.match(r"(yes|partial|no)\b", kept), line
        if not kept.startswith("no"):
            assert modules and tests, line
        tops = ("policies/", "config/")
        files = [name if name.startswith(tops) else f"relay/{name}" for name in modules]
        missing += [name for name in [*files, *(f"tests/{name}" for name in tests)] if not (ROOT / name).is_file()]
    assert rows > 30
    assert missing == []


def test_every_policy_and_its_settings_are_described() -> None:
    """The settings a policy takes are those that it names when it is given one that it doesn't know."""
    from importlib.metadata import entry_points

    text = text_of(ROOT / "docs" / "POLICIES.md")
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", text, re.M | re.S))
    for entry in entry_points(group="relay.policies"):
        if not entry.value.startswith("policies."):
            continue
        described = set(re.findall(r"^\| `(\w+)` \|", sections[entry.name], re.M))
        with pytest.raises(ValueError) as refused:
            entry.load()({"no such key": 1})
        listed = re.search(r"\(there are: (.*)\)", str(refused.value))
        assert listed is not None, entry.name
        assert described == set(listed[1].split(", ")) - {"none"}, entry.name


# --- the README's first message ---------------------------------------------------


class Walk:
    """The README's blocks, run in their order in one directory, on free ports instead of those of ``--dev``."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self._stack = stack
        self._ports = {usual: free_port() for usual in (10587, 10465, 10025, 10088, 10026)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._env = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}

    def _ported(self, text: str) -> str:
        for usual, free in self._ports.items():
            text = re.sub(rf"\b{usual}\b", str(free), text)
        return text

    def run(self, block: str) -> str:
        """A block's standard output; it must succeed."""
        settings = "".join(f"s/:{usual}/:{free}/;" for usual, free in self._ports.items())
        script = re.sub(r"^(relay init .*)$", rf"\1\nsed -i '{settings}' relay.toml", self._ported(block), flags=re.M)
        done = subprocess.run(
            ["bash", "-ec", script], cwd=self.directory, env=self._env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        if "cd trial" in block:
            self.directory /= "trial"
        return done.stdout

    def serve(self, block: str) -> Path:
        """Start what the walk keeps in a terminal of its own; the file with its output."""
        words = shlex.split(self._ported(block))
        log = self.directory / f"{Path(words[0]).name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                words,
                cwd=self.directory,
                env=self._env,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._stack.callback(process.wait, START_S)
        self._stack.callback(process.terminate)
        if words[0] == "relay":
            until(lambda: "READY" in log.read_text(), block)
        else:
            until(lambda: listens(self._ports[10026]), block)
        return log


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def until(met: Callable[[], bool], what: str) -> None:
    """Poll, with an end."""
    pause, end = threading.Event(), time.monotonic() + START_S
    while not met():
        assert time.monotonic() < end, what
        pause.wait(0.1)


def test_the_first_message_of_the_readme(tmp_path: Path) -> None:
    readme = text_of(ROOT / "README.md")
    blocks = WALK.findall(readme)
    assert [kind for kind, _ in blocks] == ["run", "run", "run", "service", "service", "run", "run"]
    logs: list[Path] = []
    printed: list[str] = []
    with ExitStack() as stack:
        walk = Walk(tmp_path, stack)
        for kind, block in blocks:
            if kind == "service":
                logs.append(walk.serve(block))
            else:
                printed.append(walk.run(block))
                if "send.py" in block:
                    until(lambda: "END MESSAGE" in logs[1].read_text(), "the message arrives")
        arrived = logs[1].read_text()
        promised = re.search(r"^    (bob@.*)$", readme, re.M)
        assert promised is not None
        assert printed[3].splitlines() == [promised[1]]
        assert "Come by!" in arrived
        assert arrived.count("DKIM-Signature:") == 2
        link = re.search(r"^Unsubscribe: (http://127\.0\.0\.1:\d+/u/\S+)", arrived, re.M)
        assert link is not None
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(link[1], timeout=20) as page:
            assert b"Unsubscribe" in page.read()
        until(lambda: "delivered" in walk.run(blocks[-1][1]), "the trace says that it was delivered")
