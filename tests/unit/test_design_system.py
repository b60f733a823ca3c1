"""The design system: each pair of colours can be read, light and dark, and its page says what the sheets have."""

from __future__ import annotations

import re

import pytest

from tests.pages import design
from tests.pages.design import PAIRS, ColourPair


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.front}-on-{pair.ground}-{pair.least}")
@pytest.mark.parametrize("look", [0, 1], ids=["light", "dark"])
def test_it_can_be_read(pair: ColourPair, look: int) -> None:
    colours = design.tokens()[look]
    assert design.contrast(colours[pair.front], colours[pair.ground]) >= pair.least


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_contrast_is_computed_as_the_standard_says(one: str, other: str, told: float) -> None:
    assert round(design.contrast(one, other), 2) == round(design.contrast(other, one), 2) == told


def test_light_and_dark_have_the_same_tokens_and_the_page_has_all() -> None:
    light, dark = design.tokens()
    assert light.keys() == dark.keys() == design.MEANS.keys()
    assert {one.front for one in PAIRS} | {one.ground for one in PAIRS} | {"line"} == light.keys()
    assert design.PAGE.read_text("utf-8") == design.document(), "run `python -m tests.pages.design`"


def test_the_page_of_components_is_made_of_todays_frame() -> None:
    shown = design.components().decode()
    assert shown.count("<h1>") == 1 and "</html>" in shown


def test_no_sheet_has_a_colour_of_its_own() -> None:
    for name in ("style.css", "account/inside.css"):
        sheet = (design.SHEETS / name).read_text("utf-8")
        outside = [line for line in sheet.splitlines() if not re.match(r"\s*--", line)]
        # A letter's ground is white whatever the reader's system has: its own words were written for that.
        found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", "\n".join(outside))) - {"#ffffff"}
        assert found == set(), name
