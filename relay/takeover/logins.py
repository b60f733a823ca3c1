"""Names that applications logged in with: of Dovecot's passwd-file and of Cyrus SASL's own database."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from relay.takeover.main_cf import read
from relay.takeover.plan import CarriedLogin, TakeoverError, TakeoverPlan

TIMEOUT_S: Final = 20
_USERNAME = re.compile(r"[\x21-\x7e]{1,200}")


def find_logins(plan: TakeoverPlan, root: Path, named: tuple[str, ...]) -> None:
    """Only names: the passwords stand there as hashes, or are theirs to keep."""
    found = dict.fromkeys(named, "--login")
    for path in _passwd_files(root):
        try:
            lines = read(path).splitlines()
        except TakeoverError as error:
            plan.look(str(path), str(error))
            continue
        for line in lines:
            name = line.split(":")[0].strip()
            if ":" in line and name and not name.startswith("#"):
                found.setdefault(name, f"/{path.relative_to(root)}")
    for name in _of_sasl(plan, root):
        found.setdefault(name, "/etc/sasldb2")
    for name, source in found.items():
        if _USERNAME.fullmatch(name):
            plan.logins.append(CarriedLogin(name, source=source))
        else:
            plan.look(f"{source} {name[:40]!r}", "is no user name here: make it a credential of another name")


def _passwd_files(root: Path) -> list[Path]:
    """Those that Dovecot's settings name, and the one that it has by custom."""
    files = {root / "etc/dovecot/users"}
    folder = root / "etc/dovecot"
    for conf in [*folder.glob("*.conf"), *folder.glob("conf.d/*.conf*")] if folder.is_dir() else []:
        text = re.sub(r"^\s*#.*", "", conf.read_text("utf-8", "replace"), flags=re.MULTILINE)
        for block in re.findall(r"driver\s*=\s*passwd-file[^}]*|passwd-file[^}]*", text):
            for path in re.findall(r"(?:args|passwd_file_path)\s*=[^\n]*?(/[^\s%]+)\s*$", block, re.MULTILINE):
                files.add(root / path.lstrip("/"))
    return sorted(path for path in files if path.is_file())


def _of_sasl(plan: TakeoverPlan, root: Path) -> list[str]:
    path = root / "etc/sasldb2"
    if not path.exists():
        return []
    program = shutil.which("sasldblistusers2") or shutil.which("sasldblistusers2", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        plan.look("/etc/sasldb2", "sasldblistusers2 (Debian: sasl2-bin) is needed to read it, or --login NAME")
        return []
    done = subprocess.run([program, "-f", str(path)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    names = re.findall(r"^(\S+)@\S*: userPassword", done.stdout, re.MULTILINE)
    if done.returncode or (not names and done.stdout.strip()):
        plan.look("/etc/sasldb2", "can't be read: run this as root, or name each with --login NAME")
    return names
