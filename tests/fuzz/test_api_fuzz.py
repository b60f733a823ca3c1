"""A short run of the API's fuzzer; `make fuzz-api` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.support.api_fuzz import fuzz, stocked
from tests.support.web import serving


def test_the_api_keeps_what_its_description_says(tmp_path: Path) -> None:
    shop = stocked(tmp_path)
    with serving(shop) as served:
        done = fuzz(served, shop.token, "--max-examples", "4", "--seed", "7")
    assert done.returncode == 0, done.stdout
    assert "Tested: 20" in done.stdout, done.stdout
