"""One thing after the other: what each step found, and what it did."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from relay.install.errors import InstallError
from relay.install.files import write_new


class StepState(StrEnum):
    """What became of a step."""

    MADE = "made"
    THERE = "already there"
    CHANGED = "changed"
    LEFT = "left"
    """Not done, and ``detail`` says why and when it will be."""


@dataclass(frozen=True, slots=True)
class InstallStep:
    """What was done about one part."""

    what: str
    state: StepState
    detail: str


Owner = tuple[int, int]
"""Ids of user and group."""


def folder(what: str, path: Path, mode: int, owner: Owner | None) -> InstallStep:
    """A directory with that owner and mode; ``owner`` None: it isn't ours to give away. Raises InstallError."""
    made = not path.is_dir()
    if made:
        path.mkdir(parents=True)
    changed = _settled(path, mode, owner)
    state = StepState.MADE if made else StepState.CHANGED if changed else StepState.THERE
    return InstallStep(what, state, f"{path}, mode {mode:04o}" + (f", {changed}" if changed and not made else ""))


def _settled(path: Path, mode: int, owner: Owner | None) -> str:
    """Give it mode and owner; what was otherwise before."""
    # A link that the service's own user has laid must not give it another folder.
    if path.is_symlink() and path.lstat().st_uid not in (0, os.geteuid()):
        raise InstallError(f"{path} is a link that isn't root's: it could lead anywhere; look at it and take it away")
    fd = os.open(path.resolve() if path.is_symlink() else path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(fd)
        said = []
        if owner is not None and (found.st_uid, found.st_gid) != owner:
            os.fchown(fd, *owner)
            said.append(f"it belonged to {found.st_uid}:{found.st_gid}")
        if stat.S_IMODE(found.st_mode) != mode:
            os.fchmod(fd, mode)
            said.append(f"its mode was {stat.S_IMODE(found.st_mode):04o}")
    finally:
        os.close(fd)
    return ", ".join(said)


def file(what: str, path: Path, content: bytes, mode: int, owner: Owner | None) -> InstallStep:
    """A file that is written if there is none."""
    if os.path.lexists(path):
        return InstallStep(what, StepState.THERE, str(path))
    write_new(path, content, mode, owner)
    return InstallStep(what, StepState.MADE, f"{path}, mode {mode:04o}")
