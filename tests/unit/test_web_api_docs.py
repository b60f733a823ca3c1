"""The examples of docs/HTTP.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from relay.web.problems import TYPES
from tests.meta.tree import ROOT
from tests.support.api_fuzz import stocked
from tests.support.web import Shop, serving

DOCUMENT = (ROOT / "docs" / "HTTP.md").read_text("utf-8")
EXAMPLE = re.compile(r"<!-- api: run -->\n```sh\n(.*?)^```$", re.M | re.S)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_work(tmp_path: Path) -> None:
    examples = EXAMPLE.findall(DOCUMENT)
    assert len(examples) == 4
    with stocked(tmp_path) as served:
        env = {**os.environ, "TOKEN": served.token, "RELAY": served.url, "no_proxy": "*"}
        said = []
        for example in examples:
            for command in re.split(r"\n(?=curl )", example.strip()):
                done = subprocess.run(
                    ["sh", "-c", command.replace("curl -s ", "curl -s --fail-with-body ", 1)],
                    env=env,
                    text=True,
                    capture_output=True,
                    timeout=30,
                )
                assert done.returncode == 0, command + done.stdout + done.stderr
                said.append(done.stdout)
    assert len(said) == 12
    assert '"accepted":["delivered@sandbox.invalid"]' in said[1]
    assert '"recorded":1,"refused":1' in said[2]
    assert "shop account" in said[3] and "shop account" in said[4]
    assert '"changed":true' in said[5]
    assert '"topics":["offers"]' in said[9]


def test_every_problem_is_documented() -> None:
    table = DOCUMENT.partition("### Errors")[2].partition("## Health")[0]
    missing = [word for word in TYPES if f"`{word}`" not in table and word != "refused"]
    assert missing == []


def test_every_operation_is_documented(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    with serving(shop) as served:
        paths = served.client.get("/v1/openapi.json").json()["paths"]
    operations = [f"{method.upper()} /v1{path}" for path, methods in paths.items() for method in methods]
    assert len(operations) >= 26
    assert [one for one in operations if one not in DOCUMENT] == []
