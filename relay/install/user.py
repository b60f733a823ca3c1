"""The user that the service runs as."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from relay.install.errors import InstallError
from relay.install.layout import STATE, USER, InstallRoot
from relay.install.steps import InstallStep, StepState

WHAT: Final = "user"
TIMEOUT_S: Final = 60


def make_user(root: InstallRoot) -> InstallStep:
    """Also the group; by systemd-sysusers, whose file is there by now, else by useradd. Raises InstallError."""
    found = root.ids()
    if found is not None:
        return InstallStep(WHAT, StepState.THERE, f"{USER}, {found[0]}:{found[1]}")
    if os.geteuid():
        return InstallStep(WHAT, StepState.LEFT, "not root: systemd-sysusers makes it when that system starts")
    said = "neither systemd-sysusers nor useradd is there"
    for words in _ways(root.path):
        if shutil.which(words[0]) is None:
            continue
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        found = root.ids()
        if found is not None:
            return InstallStep(WHAT, StepState.MADE, f"{USER}, {found[0]}:{found[1]}")
        said = f"{words[0]}: {' '.join(done.stderr.split()) or f'status {done.returncode}'}"
    raise InstallError(f"the user {USER} can't be made ({said}); make it by hand and say this again")


def _ways(root: Path) -> list[list[str]]:
    useradd = ["useradd", "--system", "--user-group", "--home-dir", str(STATE), "--no-create-home"]
    useradd += ["--shell", "/usr/sbin/nologin", "--comment", "Mail relay", USER]
    if root == Path("/"):
        return [["systemd-sysusers", "relay.conf"], useradd]
    return [["systemd-sysusers", f"--root={root}"], [useradd[0], "--root", str(root), *useradd[1:]]]
