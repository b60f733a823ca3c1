"""A relay as a service of a machine: what is missing is made, step by step; what is there stays.

Each step asks what it finds, so that all of it may be said again at any time: after one that was cut short, after an
upgrade, with a certificate that has come.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.load import load
from config.settings import Settings
from relay.install import layout, units
from relay.install.data import make_data
from relay.install.errors import InstallError
from relay.install.layout import InstallRoot
from relay.install.plan import InitPlan
from relay.install.steps import InstallStep, Owner, StepState, file, folder
from relay.install.tls import GivenCertificate, install_certificate
from relay.install.user import make_user

START_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class InstallAnswers:
    """What a person has to say."""

    hostname: str
    contact: str
    certificate: GivenCertificate | None = None
    start: bool = True
    acme: str = ""
    """Directory of an authority; "" for none."""


def refuse(root: InstallRoot) -> None:
    """Raises InstallError where it can't be done at all."""
    if root.live and os.geteuid():
        raise InstallError("this makes a user and writes to /etc and /var/lib: say it as root (sudo)")
    hidden = root.hidden()
    if hidden is not None:
        raise InstallError(
            f"this relay or its Python is in {hidden}, where the service can't see it: install it with the system's"
            f" Python in {layout.PROGRAM.parent.parent}"
        )


def there(root: InstallRoot) -> Settings | None:
    """The settings that this system has already; raises ConfigError where they are wrong."""
    path = root.at(layout.SETTINGS)
    if not os.path.lexists(path):
        return None
    found = load(path)
    return found if root.live else load_as_there(root, found)


def load_as_there(root: InstallRoot, found: Settings) -> Settings:
    """With the paths that they have in that system: those relative to the file begin with ``/etc/relay`` there."""

    def inside(path: Path) -> Path:
        return Path("/", path.relative_to(root.path)) if path.is_relative_to(root.path) else path

    tls = found.tls.model_copy(
        update={
            name: inside(path)
            for name, path in (("certificate", found.tls.certificate), ("key", found.tls.key))
            if path
        }
    )
    server = found.server.model_copy(update={"data_dir": inside(found.server.data_dir)})
    return found.model_copy(update={"tls": tls, "server": server})


def install(root: InstallRoot, answers: InstallAnswers, now: dt.datetime) -> Iterator[InstallStep]:
    """One step after the other; raises InstallError, ConfigError or OSError at the one that can't be done."""
    yield units.write_user(root)
    yield make_user(root)
    ids = root.ids()
    own, shared = _owners(ids)
    yield from _folders(root, own, shared)
    yield _settings(root, answers, shared)
    settings = there(root)
    assert settings is not None
    yield _certificate_folder(root, settings, shared)
    yield install_certificate(root, settings, answers.certificate, own, now)
    yield folder("data", root.at(settings.server.data_dir), 0o700, own)
    yield make_data(root, settings, own)
    yield _passphrase(root)
    yield units.write_folders(root)
    yield from units.write_units(root, root.program())
    ports = units.write_ports(root, settings)
    yield ports
    if root.live:
        yield _command(root)
    if units.systemd_runs(root):
        yield _start(answers.start, moved=ports.state in (StepState.MADE, StepState.CHANGED))


def _owners(ids: Owner | None) -> tuple[Owner | None, Owner | None]:
    """Of what is the relay's, and of what is root's for it to read; None where this user can't give anything away."""
    if ids is None or os.geteuid():
        return None, None
    return ids, (0, ids[1])


def _folders(root: InstallRoot, own: Owner | None, shared: Owner | None) -> Iterator[InstallStep]:
    yield folder("folder", root.at(layout.STATE), 0o700, own)
    yield folder("folder", root.at(layout.BACKUPS), 0o700, own)
    yield folder("folder", root.at(layout.CONFIG), 0o750, shared)


def _settings(root: InstallRoot, answers: InstallAnswers, shared: Owner | None) -> InstallStep:
    plan = InitPlan(
        layout.CONFIG,
        answers.hostname,
        dev=False,
        contact=answers.contact,
        data_dir=str(layout.STATE / "data"),
        acme=answers.acme,
    )
    return file("settings", root.at(layout.SETTINGS), plan.settings().encode(), 0o640, shared)


def _certificate_folder(root: InstallRoot, settings: Settings, shared: Owner | None) -> InstallStep:
    """Only the one that is ours: a certificate may be kept where others keep theirs."""
    path = settings.tls.key.parent if settings.tls.key else layout.TLS
    if path != layout.TLS:
        return InstallStep("folder", StepState.LEFT, f"{path}: the settings keep the certificate there")
    return folder("folder", root.at(layout.TLS), 0o750, shared)


def _passphrase(root: InstallRoot) -> InstallStep:
    """Root's alone: systemd hands it to the backup."""
    made = file("passphrase", root.at(layout.PASSPHRASE), f"{secrets.token_urlsafe(24)}\n".encode(), 0o600, None)
    if made.state is not StepState.MADE:
        return made
    return InstallStep(made.what, made.state, f"{made.detail}: it opens the backups; keep a copy elsewhere")


def _command(root: InstallRoot) -> InstallStep:
    """``relay`` for people, where the program isn't found by itself."""
    program = root.program()
    searched = [Path(place, "relay") for place in ("/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin")]
    found = next((path for path in searched if path.exists()), None)
    if found is not None and found.resolve() == program.resolve():
        return InstallStep("command", StepState.THERE, str(found))
    if found is not None or os.path.lexists(layout.COMMAND):
        return InstallStep(
            "command", StepState.LEFT, f"{found or layout.COMMAND} is another program; this is {program}"
        )
    layout.COMMAND.symlink_to(program)
    return InstallStep("command", StepState.MADE, f"{layout.COMMAND} → {program}")


def _start(wanted: bool, moved: bool) -> InstallStep:
    """``moved``: the ports are others than those that are open."""
    names = " ".join(units.STARTED)
    if not wanted:
        return InstallStep("service", StepState.LEFT, f"not asked for: `systemctl enable --now {names}`")
    runs = not _systemctl("is-active", "--quiet", "relay.service")
    if runs and not moved and not _systemctl("is-active", "--quiet", "relay.socket"):
        return InstallStep("service", StepState.THERE, "it runs")
    said = _systemctl("daemon-reload")
    if runs:  # a port is open only once: the service lets go of what the socket is to have
        said = said or _systemctl("stop", "relay.socket", "relay.service")
    said = said or _systemctl("enable", "--now", *units.STARTED)
    if said:
        return InstallStep("service", StepState.LEFT, f"{said}; `relay check` and `journalctl -u relay` say why")
    return InstallStep("service", StepState.CHANGED if runs else StepState.MADE, "enabled and started")


def _systemctl(*words: str) -> str:
    """What it had to complain about; "" if all went well."""
    try:
        done = subprocess.run(
            ["systemctl", *words], capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"systemctl {words[0]} takes longer than {START_TIMEOUT_S} s"
    return "" if done.returncode == 0 else " ".join(done.stderr.split()) or f"status {done.returncode}"
