"""The three packages import one way (folders of relay/: test_house.py); tests neither sleep nor trust the clock."""

from __future__ import annotations

import ast

import pytest

from tests.meta.tree import imports, python_files

FOR_POLICIES = ("relay.pipeline.contract", "relay.mail", "relay.texts", "relay.values")
IMPURE = (
    "asyncio",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "urllib.request",
    "http",
    "dns",
    "aiosmtplib",
)


def below(name: str, *roots: str) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def offending(top: str, *forbidden: str, allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path}:{line} imports {name}"
        for path, tree in python_files(top)
        for line, name in imports(path, tree)
        if below(name, *forbidden) and not below(name, *allowed)
    ]


def test_the_walk_finds_files_and_imports() -> None:
    found = dict(python_files("relay", "config", "policies", "tests"))
    assert len(found) > 50
    tree = ast.parse("from . import a\nfrom ..b import c\nimport d.e\ndef f():\n    from relay.mail import g\n")
    assert [name for _, name in imports("relay/x/y.py", tree)] == ["relay.x.a", "relay.b.c", "d.e", "relay.mail.g"]


@pytest.mark.parametrize(
    ("top", "forbidden", "allowed"),
    [
        ("config", ("relay", "policies", "tests"), ()),
        ("relay", ("policies", "tests"), ()),
        ("policies", ("relay", "config", "tests"), FOR_POLICIES),
    ],
)
def test_imports_point_one_way(top: str, forbidden: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    assert offending(top, *forbidden, allowed=allowed) == []


@pytest.mark.parametrize("top", ["relay/mail", "relay/verdict"])
def test_values_do_no_io(top: str) -> None:
    assert offending(top, *IMPURE) == []


def test_no_test_sleeps() -> None:
    """A wait in a test is a poll with an end, on an event or a condition."""
    sleeping = [
        f"{path}:{node.lineno}"
        for path, tree in python_files("tests/unit", "tests/contract", "tests/golden", "tests/dialogs", "tests/meta")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("time", "asyncio", "anyio")
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]
    assert sleeping == []


def test_every_file_says_what_it_is() -> None:
    silent = [
        path
        for path, tree in python_files("relay", "policies", "config", "tests")
        if tree.body and ast.get_docstring(tree) is None
    ]
    assert silent == []
