"""``/v1/docs``: a page to read without a script; and its examples, run in each language that is here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.web.api.examples import LANGUAGES, CallExample, example
from tests.support.api_fuzz import Fuzzed, stocked


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with stocked(tmp_path_factory.mktemp("docs")) as running:
        yield running


def get(served: Fuzzed, path: str) -> httpx.Response:
    return httpx.get(f"{served.url}{path}", timeout=30, trust_env=False)


@pytest.fixture(scope="module")
def document(served: Fuzzed) -> dict[str, Any]:
    found: dict[str, Any] = get(served, "/v1/openapi.json").json()
    return found


def calls(document: dict[str, Any]) -> list[tuple[str, CallExample, set[str]]]:
    return [
        (f"{method.upper()} {path}", example(document, method, path), set(operation["responses"]))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "verify" not in path  # asks DNS, which isn't there
    ]


def run(command: list[str], served: Fuzzed, given: str = "") -> str:
    env = {**os.environ, "RELAY": served.url, "TOKEN": served.token, "no_proxy": "*"}
    done = subprocess.run(command, input=given, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


IN_PYTHON = """
import contextlib, io, json, sys, urllib.error
for code in json.load(sys.stdin):
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {})
        print(out.getvalue().split()[0])
    except urllib.error.HTTPError as error:
        print(error.code)
"""
IN_NODE = """
const codes = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
(async () => {
  const log = console.log;
  for (const code of codes) {
    const said = [];
    console.log = (...words) => said.push(words[0]);
    await new (Object.getPrototypeOf(async function () {}).constructor)(code)();
    log(said[0]);
  }
})();
"""


def statuses(language: str, codes: list[str], served: Fuzzed) -> list[str]:
    """The status that each example was answered with."""
    import json

    if language == "curl":
        said = [code.replace("curl -s", "curl -s -o /dev/null -w '%{http_code}'", 1) for code in codes]
        return run(["sh", "-c", "\necho\n".join(said)], served).split()
    if language == "Python":
        return run([sys.executable, "-c", IN_PYTHON], served, json.dumps(codes)).split()
    if language == "JavaScript":
        return run(["node", "-e", IN_NODE], served, json.dumps(codes)).split()
    script = "<?php\n" + "\n".join(code.removeprefix("<?php") for code in codes)
    return re.findall(r"^HTTP/1\.1 (\d+)", run(["php"], served, script), re.M)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_example_is_taken(served: Fuzzed, document: dict[str, Any], language: str) -> None:
    program = {"Python": sys.executable, "JavaScript": "node"}.get(language, language.lower())
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    wanted = calls(document)
    found = statuses(language, [one.code(language) for _, one, _ in wanted], served)
    assert len(found) == len(wanted) > 40
    odd = [
        (name, status)
        for (name, _, documented), status in zip(wanted, found, strict=True)
        if status not in documented or status in ("400", "401", "403", "405", "415", "500")
    ]
    assert odd == []
    taken = [status for status in found if status < "300"]
    assert len(taken) > len(found) // 2, list(zip([name for name, _, _ in wanted], found, strict=True))


def test_the_page_needs_no_token_and_no_script(served: Fuzzed, document: dict[str, Any]) -> None:
    answer = get(served, "/v1/docs")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy
    text = answer.text
    assert "<script" not in text and not re.search(r'(?:src|href)="(?:https?:)?//', text)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text and path in text


def test_no_link_of_the_page_leads_nowhere(served: Fuzzed) -> None:
    text = get(served, "/v1/docs").text
    anchors = set(re.findall(r' id="([^"]+)"', text))
    assert {link[1:] for link in re.findall(r'href="(#[^"]+)"', text)} <= anchors


def test_every_request_says_in_a_sentence_what_it_does(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            first = str(operation.get("description", "")).partition("\n\n")[0]
            assert first.endswith(".") and len(first) > 8, (method, path, first)


def test_words_with_quotes_stay_whole(tmp_path: Path) -> None:
    made = CallExample("POST", "/x", {"text": 'It\'s "so" \\ and <b>'})
    assert "'\\''" in made.code("curl") and "It\\'s" in made.code("PHP")
    assert '"It\'s \\"so\\" \\\\ and <b>"' in made.code("JavaScript")
