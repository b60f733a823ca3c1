"""Pictures of what terminals show are of the text that came, and ask nobody for anything."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.meta.tree import ROOT
from tests.pages import terminals


def test_what_came_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "OUT", tmp_path)
    many = "\n".join(f"line {number}" for number in range(100))
    path = terminals.draw("shown", "relay shown", f"\x1b[31mFAIL\x1b[0m  port <25> & more\n{many}\n")
    text = "".join(ElementTree.fromstring(path.read_text()).itertext()).replace("\xa0", " ")
    assert "$ relay shown" in text and "FAIL" in text and "port <25> & more" in text
    assert "line 24" in text and "line 25" not in text and "\x1b" not in text


@pytest.mark.parametrize("name", ["top", "doctor"])
def test_the_pictures_load_nothing(name: str) -> None:
    text = (ROOT / "docs" / "pages" / f"{name}.svg").read_text()
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "@font-face" not in text and "url(http" not in text
    assert len(text) < 40_000
