"""`relay serve` refuses secrets and keys that others can get at, and warns as root; `relay check` shows the same."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.checks.files import check_files, exposed, runs_as
from relay.checks.result import Level, ok
from relay.cli.main import relay
from relay.processes.process import most_files
from relay.serve import ServeError, enough_files, stay_private
from tests.unit.test_cli_check import Home

Change = Callable[[Home], Path]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    (made.path / "password").write_text("secret")
    (made.path / "password").chmod(0o600)
    lines = ("[delivery]", 'smart_host = "127.0.0.1:26"', 'smart_host_user = "u"')
    made.replace("[delivery]", "\n".join((*lines, f'smart_host_password_file = "{made.path}/password"')))
    return made


def secrets(home: Home) -> Path:
    return home.path / "data/secrets"


def key(home: Home) -> Path:
    return home.path / "tls/key.pem"


def password(home: Home) -> Path:
    return home.path / "password"


def database(home: Home) -> Path:
    (home.path / "data").chmod(0o755)
    return home.path / "data/relay.db"


def log(home: Home) -> Path:
    (home.path / "data").chmod(0o755)
    path = home.path / "data/relay.db-wal"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("of", [secrets, key, password, database, log])
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o660, 0o602, 0o620])
def test_what_others_can_get_at_is_refused(home: Home, of: Change, mode: int) -> None:
    path = of(home)
    path.chmod(0o600)
    stay_private(home.settings)
    path.chmod(mode)
    with pytest.raises(ServeError, match=rf"{path} has mode {mode:04o}.*chmod 600 {path}"):
        stay_private(home.settings)
    rows = [row for row in home.rows()[1] if str(path) in row["detail"] and row["level"] == "fail"]
    assert rows, "check must see what serve refuses"


@pytest.mark.parametrize("of", [secrets, key, password])
def test_what_a_group_can_read_is_warned_about(home: Home, of: Change, caplog: pytest.LogCaptureFixture) -> None:
    path = of(home)
    path.chmod(0o640)
    stay_private(home.settings)
    assert f"{path} has mode 0640" in caplog.text


def test_a_closed_data_dir_is_enough_for_the_database(home: Home) -> None:
    (home.path / "data/relay.db").chmod(0o644)
    stay_private(home.settings)
    assert not [one for one in exposed(home.settings) if one.level is Level.FAIL]


def test_all_faults_are_told_at_once(home: Home) -> None:
    for path in (secrets(home), key(home)):
        path.chmod(0o644)
    with pytest.raises(ServeError, match=r"secrets: .*; certificate's key: "):
        stay_private(home.settings)


def test_the_command_ends_before_any_port_is_open(home: Home) -> None:
    secrets(home).chmod(0o644)
    result = CliRunner().invoke(relay, ["-c", str(home.file), "serve"])
    assert result.exit_code == 1
    assert f"chmod 600 {secrets(home)}" in result.stderr
    assert not (home.path / "data/lock").exists()


def test_root_is_warned(home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    stay_private(home.settings)
    assert "root: a fault in the relay would be root's" in caplog.text


def test_a_user_of_its_own_is_not(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert runs_as(home.path / "data", serving=True) == ok("user", "54321")
    (told,) = [one for one in check_files(home.settings) if one.what == "user"]
    assert told.level is Level.OK


def test_sessions_are_not_bounded_by_the_soft_limit_of_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        most_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("most", "level"),
    [(16, Level.FAIL), (40, Level.FAIL), (255, Level.FAIL), (256, Level.WARN), (6255, Level.WARN), (6256, Level.OK)],
)
def test_too_few_files_are_said_at_the_start(
    home: Home, most: int, level: Level, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (most, most))
    if level is Level.FAIL:
        with pytest.raises(ServeError, match=rf"a process may open {most}, the relay needs 256.*LimitNOFILE=.*6256"):
            enough_files(home.settings)
    else:
        enough_files(home.settings)
    assert ("LimitNOFILE=" in caplog.text) is (level is Level.WARN)
    assert [row["level"] for row in home.rows()[1] if row["what"] == "open files"] == [level.lower()]


def test_serve_refuses_before_it_opens_anything(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay.cli.main", "-c", str(home.path / "relay.toml"), "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert done.returncode == 1
    assert "a process may open 40" in done.stderr
    assert len(done.stderr.splitlines()) == 1
