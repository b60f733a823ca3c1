"""A relay in one directory: all of it or nothing."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from relay.certificates.self_signed import self_signed
from relay.install.errors import InstallError
from relay.install.files import write_new
from relay.install.plan import InitPlan
from relay.keys.belonging import remember
from relay.keys.secrets import Secrets
from relay.store.database import connect, migrate, schema_of, transaction
from relay.store.engines import shown

MADE: Final = ("relay.toml", "data", "tls")


def create(plan: InitPlan, now: dt.datetime) -> None:
    """Make everything in a directory beside, then move it into place."""
    for name in MADE:
        if os.path.lexists(plan.directory / name):
            raise InstallError(
                f"{plan.directory / name} is there already, nothing was changed; choose another --dir or move it away"
            )
    if plan.store and schema_of(plan.store):
        raise InstallError(
            f"{shown(plan.store)} holds a relay's data already, nothing was changed; name an empty database"
        )
    with _directory(plan.directory):
        stage = Path(tempfile.mkdtemp(prefix=".relay-init-", dir=plan.directory))
        try:
            _build(plan, stage, now)
            _install(plan, stage)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _build(plan: InitPlan, stage: Path, now: dt.datetime) -> None:
    data, tls = stage / "data", stage / "tls"
    data.mkdir(0o700)
    data.chmod(0o700)  # whatever the umask
    secrets = Secrets.create(data / "secrets")
    if not plan.store:
        make_database(data / "relay.db", secrets)
        (data / "relay.db").chmod(0o600)
    tls.mkdir(0o755)
    tls.chmod(0o755)
    certificate, key = self_signed(plan.hostname, now)
    write_new(tls / "certificate.pem", certificate, 0o644)
    write_new(tls / "key.pem", key, 0o600)
    if plan.store:
        make_database(plan.store, secrets)  # at last: what a server has isn't taken back


def make_database(stored: Path | str, secrets: Secrets) -> None:
    migrate(stored)
    with closing(connect(stored)) as conn, transaction(conn):
        remember(conn, secrets)


def _install(plan: InitPlan, stage: Path) -> None:
    """Move the directories, then write relay.toml: with it the relay is there."""
    moved: list[str] = []
    try:
        for name in ("data", "tls"):
            (stage / name).rename(plan.directory / name)
            moved.append(name)
        write_new(plan.directory / "relay.toml", plan.settings().encode(), plan.mode)
    except BaseException:
        for name in moved:
            (plan.directory / name).rename(stage / name)
        raise


@contextmanager
def _directory(directory: Path) -> Iterator[None]:
    """The directory, made with its parents; what was made goes again if the work fails."""
    made = []
    for path in (directory, *directory.parents):
        if path.exists():
            break
        made.append(path)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise
