"""Secrets that systemd hands over instead of the disk: ``credential:NAME`` in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.load import ConfigError, validate
from config.settings import Settings
from relay.checks.files import mode_fault, private_file
from relay.checks.result import Level


def settings(**tables: dict[str, Any]) -> Settings:
    return validate({"server": {"hostname": "relay.test", **tables.pop("server", {})}, **tables})


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "secrets").write_text("x")
    (tmp_path / "secrets").chmod(0o440)  # as an access list shows
    return tmp_path


def test_the_services_own(handed: Path) -> None:
    tls = {"certificate": "c.pem", "key": "credential:secrets"}
    found = settings(server={"secrets": "credential:secrets"}, tls=tls)
    assert found.secrets_file == found.tls.key == handed / "secrets"


def test_beside_the_service_its_credentials_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    found = settings(server={"secrets": "credential:secrets"})
    assert found.secrets_file == Path("/run/credentials/relay.service/secrets")


def test_a_timers_service_that_has_others(handed: Path) -> None:
    """The backup has its passphrase by the same way, and the secrets are the running relay's."""
    found = settings(server={"secrets": "credential:other"})
    assert found.secrets_file == Path("/run/credentials/relay.service/other")


def test_without_one_it_is_in_data_dir() -> None:
    assert settings(server={"data_dir": "/srv"}).secrets_file == Path("/srv/secrets")
    assert settings(server={"data_dir": "/srv", "secrets": "/etc/s"}).secrets_file == Path("/etc/s")


@pytest.mark.parametrize("name", ["", "../relay.toml", "a/b", ".hidden", "a b", "a\n"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ConfigError) as told:
        settings(server={"secrets": f"credential:{name}"})
    assert "server.secrets" in str(told.value)
    assert "names no credential" in str(told.value)


def test_its_mode_is_the_managers_affair(handed: Path, tmp_path: Path) -> None:
    assert mode_fault("secrets", handed / "secrets") is None
    assert private_file("secrets", handed / "secrets").level is Level.OK


def test_other_files_modes_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "secrets").write_text("x")
    (tmp_path / "secrets").chmod(0o440)
    found = mode_fault("secrets", tmp_path / "secrets")
    assert found is not None and found.level is Level.WARN
