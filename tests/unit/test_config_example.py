"""The generated example file and reference."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from config import example
from config.load import validate
from config.settings import Settings


def test_the_example_is_complete_and_says_the_defaults() -> None:
    document = tomllib.loads(example.example())
    settings = validate(document, base=Path("/etc/relay"))
    plain = validate({"server": {"hostname": "relay.example.com"}}, base=Path("/etc/relay"))
    assert settings == plain
    for name, model in example.tables():
        assert set(document[name]) == set(model.model_fields)
    assert set(document["plans"]) == set(plain.plans)


def test_the_examples_in_the_comments_are_valid() -> None:
    for name, model in example.tables():
        for key, field in model.model_fields.items():
            extra = field.json_schema_extra
            if not isinstance(extra, dict):
                continue
            document: dict[str, dict[str, object]] = {"server": {"hostname": "relay.example.com"}}
            document.setdefault(name, {})[key] = extra["example"]
            if name == "tls":
                document["tls"] = {"certificate": "c.pem", "key": "k.pem", key: extra["example"]}
            if name == "tls" and key.startswith("acme_key"):
                document["tls"] |= {"acme_key_id": "k1", "acme_key_file": "k", key: extra["example"]}
            if name == "oidc" and key != "password":
                whole = {"issuer": "https://id.example.com", "client_id": "r", "client_secret_file": "s"}
                document["oidc"] = {**whole, "roles": {"x": "operator"}, key: extra["example"]}
            validate(document)


def test_the_reference_names_every_key() -> None:
    sections = dict(re.findall(r"^## `\[(\S+)\]`\n(.*?)(?=^## |\Z)", example.reference(), re.M | re.S))
    for name, model in example.tables():
        keys = re.findall(r"^\| `(\w+)` \|", sections[name], re.M)
        assert keys == list(model.model_fields)
    assert set(sections) >= set(Settings.model_fields) - {"policy", "plans"} | {"policy.NAME", "plans.NAME"}


def test_check_tells_a_stale_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    assert example.main(["--check"], tmp_path) == 1
    assert not (tmp_path / "relay.toml.example").exists()
    assert example.main([], tmp_path) == 0
    assert example.main(["--check"], tmp_path) == 0
    with (tmp_path / "docs" / "SETTINGS.md").open("a") as file:
        file.write("\nby hand\n")
    capsys.readouterr()
    assert example.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == "out of date: docs/SETTINGS.md; run `python -m config.example`\n"
    assert example.main(["--what"], tmp_path) == 2


def test_the_files_on_disk_are_those_generated() -> None:
    assert example.main(["--check"]) == 0
