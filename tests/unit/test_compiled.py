"""Which modules run: the sources as they are edited, or the compiled copy (docs/decisions/0012-compiled.md)."""

from __future__ import annotations

import importlib
import os
import runpy
from pathlib import Path

import pytest

BUILD = runpy.run_path(str(Path(__file__).parents[2] / "setup.py"))
COMPILED = [path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".") for path in BUILD["modules"]()]
WANTED = ".so" if os.environ.get("RELAY_TESTED") == "compiled" else ".py"


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_modules_never_hide_the_sources_and_are_there_where_asked_for(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None and Path(file).suffix == WANTED


def test_patterns_with_alternatives() -> None:
    assert BUILD["_alternatives"]("a/{b,c}.py") == ["a/b.py", "a/c.py"]
    assert BUILD["_alternatives"]("a/*.py") == ["a/*.py"]
