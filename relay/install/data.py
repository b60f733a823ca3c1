"""Database and secrets of a relay whose data belong to a user of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from config.settings import Settings
from relay.install.directory import make_database
from relay.install.errors import InstallError
from relay.install.layout import InstallRoot
from relay.install.steps import InstallStep, Owner, StepState
from relay.keys.secrets import Secrets
from relay.store.database import newest_schema

WHAT = "database"


def make_data(root: InstallRoot, settings: Settings, owner: Owner | None) -> InstallStep:
    """Both where neither is there; raises InstallError where one of them is lost."""
    if settings.store.url:
        return InstallStep(WHAT, StepState.LEFT, "[store] url names a server: `relay check` says how it is there")
    secrets, database = root.at(settings.secrets_file), root.at(settings.database)
    if database.exists() and not secrets.exists():
        raise InstallError(f"{database} is there, and its secrets in {secrets} are not: restore both from a backup")
    if database.exists():
        if older := _older(database):
            return InstallStep(WHAT, StepState.LEFT, f"{database} {older}: stop the relay, then `relay migrate`")
        return InstallStep(WHAT, StepState.THERE, f"{database}, with its secrets")
    # The folder may be the relay's already: what is made inside stays out of its reach until it is given away.
    stage = Path(tempfile.mkdtemp(prefix=".relay-init-", dir=secrets.parent))
    try:
        _fill(stage, secrets, database.name)
        _give(stage, owner)
        for path in sorted(stage.iterdir(), key=lambda path: path.name == database.name):  # the database comes last
            path.rename(secrets.parent / path.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return InstallStep(WHAT, StepState.MADE, f"{database}, with its secrets in {secrets}")


def _older(database: Path) -> str:
    """Which schema a database has that an earlier release left; empty: this one's, or it is in use.

    Read from the file's head (SQLite's user_version): whoever opened the database as root would leave files of
    root's beside it.
    """
    if database.with_name(f"{database.name}-wal").exists():
        return ""
    try:
        with database.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return ""
    schema, newest = int.from_bytes(head[_USER_VERSION:_HEAD]), newest_schema()
    return f"has schema {schema}, this release needs {newest}" if 0 < schema < newest else ""


_USER_VERSION: Final = 60
_HEAD: Final = 64
"""Octets of the file's head up to the end of user_version."""


def _fill(stage: Path, secrets: Path, name: str) -> None:
    if secrets.exists():  # of a time before that was cut short
        shutil.copyfile(secrets, stage / secrets.name, follow_symlinks=False)
        (stage / secrets.name).chmod(0o600)
        known = Secrets.load(stage / secrets.name)
    else:
        known = Secrets.create(stage / secrets.name)
    make_database(stage / name, known)
    (stage / name).chmod(0o600)


def _give(stage: Path, owner: Owner | None) -> None:
    if owner is None:
        return
    fd = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with os.scandir(fd) as found:
            for entry in found:
                os.chown(entry.name, *owner, dir_fd=fd, follow_symlinks=False)
    finally:
        os.close(fd)
