"""What is installed is what is declared, pinned and tracked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import Any

import pytest

from config.sending import Delivery
from relay.processes.supervise import STOP_MARGIN_S
from tests.meta.tree import ROOT, imports, python_files, tracked

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock")
OWN = {"relay", "policies", "config", "tests"}


def distribution(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return normal(found.group())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, str]:
    """Name → version, of a lock file."""
    text = (ROOT / lock).read_text("utf-8")
    return {normal(name): version for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.M)}


def imported(*tops: str) -> set[str]:
    """Distributions of the third-party modules that files import."""
    modules = {name.partition(".")[0] for path, tree in python_files(*tops) for _, name in imports(path, tree)}
    owners = metadata.packages_distributions()
    third_party = modules - OWN - set(sys.stdlib_module_names)
    unknown = third_party - owners.keys()
    assert not unknown, f"not installed: {unknown}"
    return {normal(owners[module][0]) for module in third_party}


def test_the_unit_waits_as_long_as_a_stop_may_take() -> None:
    """With the default grace; a longer one is asked for by the relay itself."""
    unit = (ROOT / "relay/install/systemd/relay.service").read_text("utf-8")
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    grace_s = Delivery().stop_grace
    assert grace_s + STOP_MARGIN_S < int(stop_s) <= grace_s + 2 * STOP_MARGIN_S


@pytest.mark.parametrize("unit", ["relay.service", "relay-backup.service"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze isn't there")
def test_the_units_are_tight(unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"relay/install/systemd/{unit}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout) or [done.stderr]
    assert float(level) <= 1.5


def test_every_imported_package_is_declared() -> None:
    extras = [one for name, ones in PROJECT["optional-dependencies"].items() if name != "dev" for one in ones]
    declared = {distribution(one) for one in [*PROJECT["dependencies"], *extras]}
    assert imported("relay", "policies", "config") <= declared
    assert imported("tests") <= declared | {distribution(r) for r in PROJECT["optional-dependencies"]["dev"]}


def test_every_declared_package_has_a_reason() -> None:
    reasons = (ROOT / "docs" / "decisions" / "0005-libraries.md").read_text("utf-8")
    table = "\n".join(line.split("|")[1] for line in reasons.splitlines() if line.startswith("|"))
    extras = [one for name, ones in PROJECT["optional-dependencies"].items() if name != "dev" for one in ones]
    declared = {distribution(one) for one in [*PROJECT["dependencies"], *extras]}
    assert {name for name in declared if name not in table} == set()
    assert {normal(name.strip()) for row in table.splitlines()[2:] for name in row.split(",")} == declared


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)[1:]
    assert len(entries) > 10
    assert [e.split("\n")[0] for e in entries if "--hash=sha256:" not in e or not re.match(r"[\w.-]+==", e)] == []


def test_the_locks_hold_what_is_declared_and_agree() -> None:
    runtime, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {distribution(r) for r in PROJECT["dependencies"]} <= runtime.keys()
    assert {distribution(r) for r in PROJECT["optional-dependencies"]["dev"]} <= dev.keys()
    assert {name: dev.get(name) for name in runtime} == runtime


def test_entry_points_resolve() -> None:
    group = PROJECT["entry-points"]["relay.policies"]
    found = {entry.name: entry for entry in metadata.entry_points(group="relay.policies")}
    assert {name: found[name].value for name in group} == group
    for name in group:
        policy = found[name].load()
        assert policy.name == name
    script = next(iter(metadata.entry_points(group="console_scripts", name="relay")))
    assert callable(script.load())


def test_the_version_is_one() -> None:
    assert metadata.version(PROJECT["name"]) == PROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## {PROJECT['version']}" in changes


def test_no_path_of_one_machine_and_no_package_index_is_tracked() -> None:
    # Put together here so that this file doesn't find itself.
    machine = re.compile("/" + r"(?:work|farm|root|home/[a-z]+)/")
    index = re.compile(r"(?:--(?:extra-)?index-url|--find-links|--trusted-host)\b" + "|" + r"files\.python" + "hosted")
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data or path.suffix == ".eml" or path == ROOT / "tests" / "meta" / "test_packaging.py":
            continue
        text = data.decode("utf-8", "replace")
        found += [
            f"{path.relative_to(ROOT)}: {hit.group()}" for pattern in (machine, index) for hit in pattern.finditer(text)
        ]
    assert found == []


def test_make_check_and_make_test_are_what_ci_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    made = [line for line in lines if line.startswith("make ")]
    assert made == ["make check", "make test", "make test-postgres ARGS=--short", "make test-compiled ARGS=--short"]


def test_the_build_compiles_with_the_locked_mypy() -> None:
    built_with = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert f"mypy=={locked('requirements-dev.lock')['mypy']}" in built_with


def test_every_target_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = {
        (path.name, target)
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"`make ([a-z-]+)", path.read_text("utf-8"))
    }
    assert {pair for pair in named if pair[1] not in targets} == set()
