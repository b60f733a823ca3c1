"""Other people's programs for tests: found by name, started on loopback, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

SBIN = "/usr/sbin:/sbin:/usr/lib/postfix/sbin"
WAIT_S = 60.0


def missing(what: str) -> None:
    """Skip by name; in CI, where all peers are installed, fail."""
    text = f"{what} is not installed; scripts/peers installs it"
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def need(program: str) -> str:
    """Path of a program that a test can't do without."""
    found = shutil.which(program) or shutil.which(program, path=SBIN)
    if found is None:
        missing(program)
    assert found is not None
    return found


def until(condition: Callable[[], T], what: str | Callable[[], str], timeout_s: float = WAIT_S) -> T:
    """The condition's value once it is true; AssertionError if it doesn't come. ``what`` may be made at the end."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout_s:.0f} s still not: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def open_directory() -> Path:
    """A temporary directory that daemons without root can reach into (pytest's own are closed to them)."""
    path = Path(tempfile.mkdtemp(prefix="peer-"))
    path.chmod(0o755)
    return path


class SmtpSink:
    """Postfix' smtp-sink on ``port``; every message it takes becomes a file."""

    def __init__(self, port: int) -> None:
        program = need("smtp-sink")
        self.port = port
        self.directory = open_directory()
        box = self.directory / "box"
        box.mkdir()
        words = [program, "-d", f"{box}/%H%M%S."]
        if os.geteuid() == 0:
            shutil.chown(box, "nobody")
            words += ["-u", "nobody"]
        self._box = box
        self._process = subprocess.Popen(
            [*words, f"127.0.0.1:{port}", "200"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: listening(port), "smtp-sink listens")

    def find(self, recipient: str) -> bytes:
        """The dump of the message to ``recipient`` (RCPT and all) with CRLF, once it is there."""
        mark = b"X-Rcpt-Args: <" + recipient.encode()

        def found() -> bytes:
            for path in self._box.iterdir():
                octets = path.read_bytes()
                # smtp-sink writes an empty line after the message.
                if mark in octets and octets.endswith(b"\n\n"):
                    return octets[:-1].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            return b""

        return until(found, f"smtp-sink has mail for {recipient}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)


_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
maillog_file = {root}/maillog
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.postfix.example
mydestination =
mynetworks =
alias_maps =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
virtual_mailbox_domains = postfix.example
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = regexp:{root}/etc/boxes
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = check_recipient_access inline:{{{{gone@postfix.example = 550 5.1.1 no such user}}}}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
relayhost = {relayhost}
smtp_tls_security_level = may
{more}
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
"""


class Postfix:
    """A real Postfix with settings, queue and mailbox of its own; takes mail for ``postfix.example``.

    It refuses ``gone@`` at RCPT, and takes ``late@`` but bounces it afterwards, by ``relayhost`` as all that it sends.
    Needs root, as Postfix does. ``more``: further lines of main.cf.
    """

    def __init__(self, port: int, certificate: Path, key: Path, *, relayhost: str = "", more: str = "") -> None:
        self._program = need("postfix")
        if os.geteuid() != 0:
            missing("root, which Postfix needs,")
        self.port = port
        root = self.directory = open_directory()
        nobody = pwd.getpwnam("nobody")
        for name in ("etc", "spool", "data", "mail"):
            (root / name).mkdir()
        shutil.chown(root / "data", "postfix")
        shutil.chown(root / "mail", nobody.pw_uid, nobody.pw_gid)
        for source, name in ((certificate, "certificate.pem"), (key, "key.pem")):
            shutil.copyfile(source, root / "etc" / name)
            (root / "etc" / name).chmod(0o600)
        names = {"certificate": root / "etc/certificate.pem", "key": root / "etc/key.pem"}
        (root / "etc/main.cf").write_text(
            _MAIN.format(root=root, uid=nobody.pw_uid, gid=nobody.pw_gid, relayhost=relayhost, more=more, **names)
        )
        (root / "etc/boxes").write_text("!/^late@/ box/\n")
        (root / "etc/master.cf").write_text(_MASTER.format(port=port))
        self.start()

    def start(self) -> None:
        started = self._command("start")
        assert started.returncode == 0, started.stderr + self.log()
        until(lambda: listening(self.port), "Postfix listens")

    def _command(self, *words: str) -> subprocess.CompletedProcess[str]:
        # A file for its output: the daemons keep it open.
        with (self.directory / "command.log").open("w+") as out:
            run = subprocess.run(
                [self._program, "-c", str(self.directory / "etc"), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            out.seek(0)
            return subprocess.CompletedProcess(run.args, run.returncode, "", out.read())

    def log(self) -> str:
        path = self.directory / "maillog"
        return path.read_text() if path.exists() else ""

    def mailbox(self) -> list[bytes]:
        """What has arrived, as Postfix stored it, with CRLF."""
        new = self.directory / "mail/box/new"
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(new.iterdir())] if new.is_dir() else []

    def find(self, recipient: str) -> bytes:
        """The first message delivered to ``recipient``, once it is there."""
        mark = f"\r\nDelivered-To: {recipient}\r\n".encode()
        return until(
            lambda: next((m for m in self.mailbox() if mark in b"\r\n" + m), b""),
            f"Postfix delivered to {recipient}\n{self.log()[-2000:]}",
        )

    def submit(self, message: bytes, sender: str, *recipients: str) -> None:
        """Hand a message in by the ``sendmail`` command, as cron or a web application does."""
        subprocess.run(
            [need("sendmail"), "-C", str(self.directory / "etc"), "-i", "-f", sender, "--", *recipients],
            input=message,
            timeout=30,
            check=True,
        )

    def stop(self) -> None:
        """End it, by its process id if it doesn't end itself; what it holds stays."""
        pid_file = self.directory / "spool/pid/master.pid"
        pid = int(pid_file.read_text()) if pid_file.exists() else 0
        self._command("stop")
        with contextlib.suppress(ProcessLookupError):
            while pid and _waited(pid):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _waited(pid: int) -> bool:
    """True if the process is still there after a while."""
    try:
        until(lambda: not Path(f"/proc/{pid}").exists(), "ended", 10)
    except AssertionError:
        return True
    return False
