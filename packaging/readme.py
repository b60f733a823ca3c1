"""README's words for a server of one's own, as they stand there, in a clean Debian; then a bad day.

Its commands are counted and timed up to a message that was agreed to, delivered and signed. Then settings are read
anew, the service restarted under load, a backup restored in another place, the disk filled and freed.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import subprocess
import time
from pathlib import Path

from story import Application, Outside, restarted, run, say, wait

SETTINGS = Path("/etc/relay/relay.toml")
BLOCK = re.compile(r"<!-- walk: server -->\n```sh\n(.*?)^```$", re.M | re.S)
MOST_COMMANDS, MOST_S = 10, 600


def commands(page: str) -> list[str]:
    """One each: with the lines that go on by a backslash, or up to END."""
    found, waits = [], ""
    for line in BLOCK.findall(page)[0].splitlines():
        waits += f"{line}\n"
        if "<<'END'" in waits and line != "END":
            continue
        if line.endswith("\\"):
            continue
        found.append(waits)
        waits = ""
    return [command for command in found if command.strip() and not command.startswith("#")]


def shell(command: str) -> str:
    done = subprocess.run(
        ["bash", "-ec", command], cwd="/root", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{command}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def walked(outside: Outside) -> None:
    found = commands(Path("/package-test/README.md").read_text("utf-8"))
    began = time.monotonic()
    for number, command in enumerate(found):
        at = time.monotonic()
        said = shell(command)
        say(f"{number + 1}. {command.splitlines()[0][:90]}  ({time.monotonic() - at:.1f} s)")
        if "init --system" in command:  # instead of the internet: one server that takes all mail
            with SETTINGS.open("a") as file:
                file.write('\n[delivery]\nsmart_host = "127.0.0.1:10026"\nretry = ["1s", "2s"]\n')
            run("relay", "reload")
    wait("the message arrives", outside.subjects)
    took = time.monotonic() - began
    outside.expect_signed()
    assert "delivered" in said, said  # the last command tells the story
    assert len(found) <= MOST_COMMANDS and took <= MOST_S, (len(found), took)
    say(f"{len(found)} commands and {took:.0f} s to a delivered, signed, consented message")


def reloaded() -> None:
    before = SETTINGS.read_text()
    SETTINGS.write_text(f"{before}\n[limits]\nmessage_octets = 20000\n")
    said = run("relay", "reload")
    assert "message_octets" in said, said
    SETTINGS.write_text(f"{before}\n[limits]\nmessage_octets = -5\n")
    said = run("relay", "reload", status=1)
    assert "message_octets" in said, said
    SETTINGS.write_text(before)
    run("relay", "reload")
    say("relay reload: a setting is taken, a wrong file is told and the old one stays")


def restored_elsewhere() -> None:
    run("systemctl", "start", "relay-backup.service")
    (file,) = Path("/var/backups/relay").iterdir()
    words = ("--passphrase-file", "/etc/relay/backup-passphrase")
    run("relay", "restore", str(file), "--check", *words)
    run("relay", "restore", str(file), "--dir", "/srv/elsewhere", *words)
    config = "/srv/elsewhere/relay.toml"
    assert "ann@people.example" in run("relay", "-c", config, "consent", "show", "shop", "ann@people.example")
    assert "delivered" in run("relay", "-c", config, "trace", "<first@shop.example>")
    say(f"a backup by the timer's service ({file.stat().st_size >> 10} KiB) restored in another place: all is there")


def filled(application: Application, outside: Outside) -> None:
    """The data on a small disk of their own: full, mail is told to come again; freed, it goes on by itself."""
    run("systemctl", "stop", "relay.socket", "relay.service")
    run("sh", "-c", "mv /var/lib/relay/data /var/lib/relay/moved && mkdir /var/lib/relay/data")
    run("mount", "-t", "tmpfs", "-o", "size=300M,mode=700", "none", "/var/lib/relay/data")
    run("sh", "-c", "cp -a /var/lib/relay/moved/. /var/lib/relay/data/ && chown relay:relay /var/lib/relay/data")
    run("systemctl", "start", "relay.service")
    application.send("before", "ann@people.example")
    with contextlib.suppress(OSError), Path("/var/lib/relay/data/filling").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass

    def told_to_come_again() -> bool:
        try:
            application.send("full", "ann@people.example")
        except smtplib.SMTPResponseException as error:
            return error.smtp_code == 452
        except smtplib.SMTPRecipientsRefused as error:
            return all(code == 452 for code, _ in error.recipients.values())
        return False

    wait("mail is told to come again (452)", told_to_come_again)
    said = subprocess.run(["relay", "doctor"], capture_output=True, text=True, timeout=120, check=False).stdout
    assert "disk" in said, said
    Path("/var/lib/relay/data/filling").unlink()

    def taken() -> bool:
        try:
            application.send("freed", "ann@people.example")
        except (smtplib.SMTPException, OSError):
            return False
        return True

    wait("mail is taken again", taken)
    wait("it arrives", lambda: {"before", "freed"} <= set(outside.subjects()))
    say("the disk full: 452 and a word by `relay doctor`; freed: mail is taken again by itself")


def main() -> None:
    run("sh", "-c", "cp /package-test/second.deb ~/relay-smtp_0_amd64.deb")
    # What stands for the rest of the world is there before anything is installed.
    shell("mkdir -p /package-test/early && dpkg-deb -x ~/relay-smtp_0_amd64.deb /package-test/early")
    outside = Outside("/package-test/early/opt/relay/bin/python3")
    outside.open()
    walked(outside)
    reloaded()
    # Hundreds of messages to one person: how often somebody is mailed is not what is tried here.
    run("relay", "tenant", "establish", "shop", "--reason", "the package's test")
    application = Application(Path.home().joinpath("credential.json").read_text())
    restarted(application, outside)
    restored_elsewhere()
    filled(application, outside)
    Path("/package-test/passed").touch()


main()
