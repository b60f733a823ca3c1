"""Where the parts of a relay are that runs as a service, below a root directory."""

from __future__ import annotations

import pwd
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

USER: Final = "relay"
CONFIG: Final = Path("/etc/relay")
SETTINGS: Final = CONFIG / "relay.toml"
TLS: Final = CONFIG / "tls"
PASSPHRASE: Final = CONFIG / "backup-passphrase"
STATE: Final = Path("/var/lib/relay")
BACKUPS: Final = Path("/var/backups/relay")
PROGRAM: Final = Path("/opt/relay/bin/relay")
"""Where packages put it, and what the units name."""
COMMAND: Final = Path("/usr/local/bin/relay")
HIDDEN: Final = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))
"""What the service can't see (``ProtectHome=``, ``PrivateTmp=``), or what doesn't stay."""


@dataclass(frozen=True, slots=True)
class InstallRoot:
    """``/``, or a directory that is to become one: an image, a chroot."""

    path: Path = Path("/")

    @property
    def live(self) -> bool:
        """This is the machine itself."""
        return self.path == Path("/")

    def at(self, path: Path) -> Path:
        """An absolute path of that system, as it is to be reached from here."""
        return path if self.live else self.path / path.relative_to("/")

    def ids(self) -> tuple[int, int] | None:
        """User and group of the relay, as that system has them; None if there is no such user yet."""
        if self.live:
            try:
                found = pwd.getpwnam(USER)
            except KeyError:
                return None
            return found.pw_uid, found.pw_gid
        try:
            lines = self.at(Path("/etc/passwd")).read_text("utf-8", "replace").splitlines()
        except OSError:
            return None
        for fields in (line.split(":") for line in lines):
            if fields[0] == USER and len(fields) > 3 and fields[2].isdigit() and fields[3].isdigit():
                return int(fields[2]), int(fields[3])
        return None

    def program(self) -> Path:
        """The ``relay`` that the service is to run: this one, or in another system the packages' one."""
        own = Path(sys.executable).with_name("relay")
        return own if self.live else PROGRAM

    def hidden(self) -> Path | None:
        """A directory with the program or its Python in which the service wouldn't find them; None: all is well."""
        if not self.live:
            return None
        needed = (self.program(), Path(sys.executable).resolve(), Path(sys.base_prefix).resolve())
        return next((place for place in HIDDEN for path in needed if path.is_relative_to(place)), None)
