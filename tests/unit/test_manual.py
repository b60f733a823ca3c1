"""Manual pages: each command and each setting is in one, and man(1) can read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from config.example import described, tables
from relay.cli.main import COMMANDS, relay
from relay.cli.manual import main, pages, roff

PAGES = pages("1.2.3")


def plain(text: str) -> str:
    """What a reader sees of a page, near enough."""
    text = re.sub(r"\\f[BIR]|\\&", "", text)
    for sign, shown in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ha", "^"), (r"\(ti", "~"), (r"\e", "\\")):
        text = text.replace(sign, shown)
    return text


def test_each_command_has_its_page() -> None:
    assert PAGES.keys() == {"man1/relay.1", "man5/relay.toml.5", *(f"man1/relay-{name}.1" for name in COMMANDS)}
    for name, summary in COMMANDS.items():
        assert f"relay-{name}(1)" in plain(PAGES["man1/relay.1"])
        assert summary.split(":")[0].rstrip(".") in plain(PAGES[f"man1/relay-{name}.1"])


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_option_and_each_command_below_is_there(name: str) -> None:
    text = plain(PAGES[f"man1/relay-{name}.1"])
    root = click.Context(relay, info_name="relay")
    command = relay.get_command(root, name)
    assert command is not None
    below = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for each in below:
        if each is not command and not isinstance(each, click.Group):
            assert f".SS relay {name} {each.name}" in text
        for option in each.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[0] in text


def test_each_setting_is_there() -> None:
    text = plain(PAGES["man5/relay.toml.5"])
    for name, model in tables():
        assert f".SH [{name}]" in text
        for key in model.model_fields:
            assert f"{key} (" in text
    assert sum(len(keys) for _, _, keys in described()) > 100


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (".TH is text", r"\&.TH is text"),
        ("it's -c", r"it\(aqs \-c"),
        ("a\\nb", r"a\enb"),
        ("say `relay -c FILE`.", r"say \fBrelay \-c FILE\fR."),
        ("two\n  lines", "two lines"),
        ("~/x ^", r"\(ti/x \(ha"),
    ],
)
def test_nothing_in_a_text_is_a_request(text: str, line: str) -> None:
    assert roff(text) == line


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff isn't there")
def test_groff_has_nothing_to_say(tmp_path: Path) -> None:
    assert main([str(tmp_path), "1.2.3"]) == 0
    files = sorted(str(path) for path in tmp_path.rglob("*.[15]"))
    command = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
