"""The files by which systemd knows the relay: units, its user, its folders.

A file that was written from here says so and ends with the digest of the rest. So a later release knows whether
somebody has changed it by hand: what was changed stays, what wasn't is renewed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
import socket
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from config.names import EVERY, split_listen
from config.settings import Settings
from relay.install.files import write_new, write_over
from relay.install.layout import PROGRAM, InstallRoot
from relay.install.steps import InstallStep, StepState

UNITS: Final = ("relay.socket", "relay.service", "relay-backup.service", "relay-backup.timer")
STARTED: Final = ("relay.socket", "relay.service", "relay-backup.timer")
"""What is enabled."""
PACKAGED: Final = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
OWN: Final = Path("/etc/systemd/system")
PORTS: Final = OWN / "relay.socket.d" / "ports.conf"
SYSUSERS: Final = Path("/etc/sysusers.d/relay.conf")
TMPFILES: Final = Path("/etc/tmpfiles.d/relay.conf")
_MARK: Final = (
    b"# Written by `relay init --system`, and renewed by it as long as nobody changes it; your own settings: "
)
_ENDS: Final = "# sha256 "


def shipped(name: str) -> bytes:
    """A file of systemd's as it comes with this release."""
    return resources.files("relay.install").joinpath("systemd", name).read_bytes()


def write_units(root: InstallRoot, program: Path) -> Iterator[InstallStep]:
    """All of them, where a package hasn't brought them; ``program``: the path of ``relay`` in that system."""
    for name in UNITS:
        packaged = next((root.at(place / name) for place in PACKAGED if root.at(place / name).exists()), None)
        if packaged is not None:
            yield InstallStep("unit", StepState.THERE, str(packaged))
            continue
        content = shipped(name).replace(str(PROGRAM).encode(), str(program).encode())
        yield _write("unit", root.at(OWN / name), content, f"{OWN}/{name}.d/")


def write_user(root: InstallRoot) -> InstallStep:
    """What systemd-sysusers makes the user from."""
    return _configuration(root, "user's file", SYSUSERS, "relay.sysusers")


def write_folders(root: InstallRoot) -> InstallStep:
    """What systemd-tmpfiles keeps the folders' owners by."""
    return _configuration(root, "folders' file", TMPFILES, "relay.tmpfiles")


def _configuration(root: InstallRoot, what: str, path: Path, name: str) -> InstallStep:
    packaged = root.at(Path("/usr/lib") / path.parent.name / path.name)
    if packaged.exists():
        return InstallStep(what, StepState.THERE, str(packaged))
    return _write(what, root.at(path), shipped(name), "a file of another name")


def write_ports(root: InstallRoot, settings: Settings) -> InstallStep:
    """relay.socket opens what ``[listen]`` names, here where that isn't what the unit has itself."""
    wanted = streams(settings, ipv6=not root.live or _ipv6_runs())
    path, lines = root.at(PORTS), shipped("relay.socket").decode().splitlines()
    own = [line.removeprefix("ListenStream=") for line in lines if line.startswith("ListenStream=")]
    if wanted == own and not path.exists():
        return InstallStep("ports", StepState.THERE, "relay.socket opens those of [listen]")
    lines = ["[Socket]", "ListenStream=", *(f"ListenStream={one}" for one in wanted), ""]
    return _write("ports", path, "\n".join(lines).encode(), "another file beside it")


def streams(settings: Settings, *, ipv6: bool) -> list[str]:
    """Addresses as systemd.socket(5) has them; those with a host name or without a port the relay opens itself."""
    found = []
    for role, addresses in settings.listen.addresses().items():
        for text in addresses:
            host, port = split_listen(text)
            if host == EVERY:
                # One socket for each family, so that IPv4 clients keep their addresses; pages take both by one.
                hosts = ["0.0.0.0", *(["[::]"] if ipv6 and role != "http" else [])]
            else:
                hosts = [f"[{host}]" if ":" in host else host]
            found += [f"{one}:{port}" for one in hosts if port and _is_address(one)]
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _ipv6_runs() -> bool:
    """Whether a port can be opened for it: a kernel may have been told to do without."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            sock.bind(("::", 0))
    except OSError:
        return False
    return True


def systemd_runs(root: InstallRoot) -> bool:
    """Whether there is a systemd that can be told to start something (sd_booted(3))."""
    return root.live and Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def _write(what: str, path: Path, content: bytes, elsewhere: str) -> InstallStep:
    marked = _marked(content, elsewhere)
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, marked, 0o644)
        return InstallStep(what, StepState.MADE, str(path))
    if found == marked:
        return InstallStep(what, StepState.THERE, str(path))
    if not _untouched(found):
        return InstallStep(what, StepState.LEFT, f"{path} was written or changed by hand and stays as it is")
    write_over(path, marked, 0o644)
    return InstallStep(what, StepState.CHANGED, f"{path}, to this release's")


def _marked(content: bytes, elsewhere: str) -> bytes:
    text = _MARK + elsewhere.encode() + b"\n" + content
    return text + f"{_ENDS}{hashlib.sha256(text).hexdigest()}\n".encode()


def _untouched(found: bytes) -> bool:
    text, ends, digest = found.rpartition(_ENDS.encode())
    return bool(ends) and hashlib.sha256(text).hexdigest().encode() == digest.strip()
