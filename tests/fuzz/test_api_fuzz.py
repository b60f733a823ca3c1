"""A short run of the API's fuzzer; `make fuzz-api` is the long one."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.api_fuzz import fuzz, stocked


def test_the_api_keeps_what_its_description_says(tmp_path: Path) -> None:
    with stocked(tmp_path) as served:
        done = fuzz(served, "--max-examples", "4", "--seed", "7")
    assert done.returncode == 0, done.stdout
    selected = re.search(r"Selected: (\d+)/\1", done.stdout)
    assert selected and f"Tested: {selected[1]}" in done.stdout and int(selected[1]) >= 26, done.stdout
