"""Files on the disk: who may read them, and the space that is left. ``relay serve`` asks ``exposed`` too."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.credentials import is_credential
from config.settings import Settings
from config.units import MIB
from relay.checks.result import CheckResult, Level, bad, ok, warn
from relay.delivery.smtp.route import read_login
from relay.keys.secrets import Secrets, SecretsError
from relay.store.files import beside, cause

LEAST_FILES: Final = 256
"""Open files without which a process can't do its own work beside a few sessions."""


def check_files(settings: Settings) -> Iterator[CheckResult]:
    """data_dir, its database's mode and free space, the secrets and password files; who runs the relay."""
    yield from _data_dir(settings)
    for what, path in _of_all(settings):
        found = mode_fault(what, path)
        if found is not None:
            yield found
    for text in () if cause(settings.server.data_dir / "any") else beside(settings.database):  # else that is the fault
        detail, _, todo = text.partition("; ")
        yield bad("data_dir", detail, todo)
    yield _secrets(settings.secrets_file)
    if settings.delivery.smart_host_password_file:
        yield _password(settings.delivery.smart_host_user, settings.delivery.smart_host_password_file)
    yield runs_as(settings.server.data_dir)
    yield open_files(settings)


def exposed(settings: Settings) -> Iterator[CheckResult]:
    """Each secret, key and database that others than the relay's user can get at; what is missing isn't told here.

    `relay serve` refuses what is bad and tells the rest; `relay check` shows the same.
    """
    files: list[tuple[str, Path | None]] = [
        ("secrets", settings.secrets_file),
        ("certificate's key", settings.tls.key),
        ("authority's account key", settings.tls.acme_key_file),
        ("smart host password", settings.delivery.smart_host_password_file),
        ("secret of [oidc]", settings.oidc.client_secret_file),
    ]
    for what, path in [*((what, path) for what, path in files if path is not None), *_of_all(settings)]:
        found = mode_fault(what, path)
        if found is not None:
            yield found


def runs_as(data_dir: Path, *, serving: bool = False) -> CheckResult:
    """A warning where the relay is root's. ``serving``: this process is the relay; else data_dir's owner will be."""
    uid = os.geteuid()
    if not serving and uid == 0:
        try:
            uid = data_dir.stat().st_uid
        except OSError:
            return ok("user", "root, for this check")
    if uid:
        return ok("user", _login(uid))
    text = "root: a fault in the relay would be root's" if serving else "root owns data_dir: the relay would be root's"
    return warn("user", text, "run it as a user of its own, with data_dir as that user's; ports below 1024: systemd")


def open_files(settings: Settings) -> CheckResult:
    """Whether the relay may open as many files as it needs: each session, delivery and page needs one."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY:
        return ok("open files", "as many as are wanted")
    # Processes share none of these: each has its own.
    wanted = LEAST_FILES + (settings.limits.sessions + settings.delivery.connections) // settings.server.workers
    todo = f"raise LimitNOFILE= of the service, or the hard limit (`ulimit -Hn`), to {wanted} or more"
    if most < LEAST_FILES:
        return bad("open files", f"a process may open {most}, the relay needs {LEAST_FILES} to work at all", todo)
    if most < wanted:
        return warn(
            "open files", f"a process may open {most}, limits.sessions and delivery.connections want more", todo
        )
    return ok("open files", f"a process may open {most}")


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _of_all(settings: Settings) -> list[tuple[str, Path]]:
    """Of the database and its log what others can reach: a closed data_dir keeps them from all."""
    try:
        if not settings.server.data_dir.stat().st_mode & 0o011:
            return []
    except OSError:
        return []
    base = settings.database
    return [("database's mode", base.with_name(base.name + end)) for end in ("", "-wal")]


def mode_fault(what: str, path: Path) -> CheckResult | None:
    """What is wrong with who may get at a private file; None if all is well, or it isn't there."""
    if is_credential(path):
        return None
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & 0o007:
        return bad(what, f"{path} has mode {mode:04o}: everyone can get at it", f"chmod 600 {path}")
    if mode & 0o030:
        return bad(what, f"{path} has mode {mode:04o}: its group can change it", f"chmod 600 {path}")
    if mode & 0o040:
        return warn(what, f"{path} has mode {mode:04o}: its group can read it", f"chmod 600 {path}")
    return None


def private_file(what: str, path: Path) -> CheckResult:
    """A file that only the relay's user (and, with a warning, its group) may read."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return bad(what, f"{path}: {error.strerror}", "make it readable for the relay's user, or change the setting")
    return mode_fault(what, path) or ok(what, f"{path}, mode {mode:04o}")


def _password(user: str, path: Path) -> CheckResult:
    what = "smart host password"
    found = private_file(what, path)
    try:
        read_login(user, path)
    except ValueError as error:
        detail, _, todo = str(error).partition("; ")
        return found if found.level is Level.FAIL else bad(what, detail, todo or "write the password into it")
    return found


def _data_dir(settings: Settings) -> Iterator[CheckResult]:
    what, path = "data_dir", settings.server.data_dir
    try:
        found = path.stat()
    except OSError as error:
        yield bad(what, f"{path}: {error.strerror}", "`relay init` makes it; or correct server.data_dir")
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        yield bad(what, f"{path} is not a directory", "correct server.data_dir")
    elif why := cause(path / "any"):
        detail, _, todo = why.partition("; ")
        yield bad(what, f"{path} {detail}", todo)
    elif mode & 0o007:
        yield bad(what, f"{path} has mode {mode:04o}: everyone can look into it", f"chmod 700 {path}")
    elif mode & 0o020:
        yield bad(what, f"{path} has mode {mode:04o}: its group can change it", f"chmod 700 {path}")
    else:
        yield ok(what, f"{path}, mode {mode:04o}")
    yield _space(path, settings.limits.free_disk_octets)


def _space(path: Path, least: int) -> CheckResult:
    free = shutil.disk_usage(path).free
    text = f"{free // MIB} MiB free, {least // MIB} MiB are left free (limits.free_disk_octets)"
    if free < least:
        return bad("disk", text, "no mail is taken: make room")
    if free < 4 * least:
        return warn("disk", text, "make room soon")
    return ok("disk", text)


def _secrets(path: Path) -> CheckResult:
    found = private_file("secrets", path)
    try:
        keys = len(Secrets.load(path).keys)
    except SecretsError as error:
        detail, _, todo = str(error).partition("; ")
        return bad("secrets", detail, todo or "restore the file from a backup")
    if found.todo:
        return found
    return ok("secrets", f"{found.detail}, {keys} key{'s' if keys > 1 else ''}")
