"""``python -m tests.pages.terminals``: what ``relay top`` and ``relay doctor`` show, as docs/pages/*.svg.

A relay is under way: two customers send through it; one site takes all, another isn't there. What a terminal of 100
columns gets is drawn as it came.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from relay.tenants.domains import DnsRecord, zone_line
from tests.support.dns import TinyDNS
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

OUT: Final = Path(__file__).parents[2] / "docs" / "pages"
COLUMNS: Final = 100
MOST_LINES: Final = 26
DOWN: Final = "slow.example"
# Fonts of the reader's own: a picture asks nobody for anything.
_FORM: Final = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
_HERE: Final = re.compile(r"/tmp/[\w./-]+")


def on_terminal(relay: Relay, *words: str) -> str:
    """What a command writes to a terminal."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "relay.cli.main", "-c", str(relay.config), *words]
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=env, cwd=relay.directory) as process:
        os.close(its)
        said = b"".join(iter(lambda: _read(ours), b""))
        process.wait(60)
    os.close(ours)
    return said.decode("utf-8", "replace").replace("\r\n", "\n")


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65_536)
    except OSError:  # the other side is closed
        return b""


def draw(name: str, command: str, said: str) -> Path:
    lines = said.rstrip("\n").split("\n")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "…"]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("\n".join([f"$ {command}", *lines])), soft_wrap=True)
    path = OUT / f"{name}.svg"
    svg = console.export_svg(title=command, code_format=_FORM, unique_id=name)
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n", "utf-8")
    return path


@contextmanager
def under_way(directory: Path) -> Iterator[Relay]:
    sink = Sink()
    with TinyDNS() as dns:
        for name in ("people.example", "mail.example"):
            dns.add(name, "MX", f"10 mx.{name}.")
            dns.add(f"mx.{name}", "A", "127.0.0.1")
        relay = Relay(
            directory,
            {
                "dns": {"nameservers": [dns.address], "timeout": 5},
                "delivery": {
                    "routes": {"people.example": f"127.0.0.1:{sink.port}", DOWN: "127.0.0.1:9"}, "retry": ["10m"],
                },
            },
        )  # fmt: skip
        for tenant in ("bookshop", "harbour"):
            relay.tenant(tenant, f"{tenant}.example")
            _publish(relay, dns, f"{tenant}.example", () if tenant == "bookshop" else ("return-path", "dmarc"))
        dns.add(relay.hostname, "A", "192.0.2.10")
        dns.add(relay.hostname, "MX", f"10 {relay.hostname}.")
        dns.add(relay.hostname, "TXT", f'"v=spf1 a:{relay.hostname} ~all"')
        dns.add("10.2.0.192.in-addr.arpa", "PTR", f"{relay.hostname}.")
        relay.start()
        over = threading.Event()
        sender = threading.Thread(target=_send, args=(relay, over), daemon=True)
        sender.start()
        try:
            until(lambda: len(sink.messages) > 40, "mail is on its way", 120)
            yield relay
        finally:
            over.set()
            sender.join(60)
            relay.stop()
            sink.close()


def _publish(relay: Relay, dns: TinyDNS, domain: str, without: tuple[str, ...]) -> None:
    """All that its owner has to, but for what is left out."""
    told = json.loads(relay.run("domain", "verify", domain.partition(".")[0], domain, "--json").stdout)
    for record in told["records"]:
        if record["purpose"] not in without:
            line = zone_line(DnsRecord(record["name"], record["type"], record["value"], ""))
            dns.add(record["name"], record["type"], line.split(" ", 3)[3])


def _send(relay: Relay, over: threading.Event) -> None:
    logins = {name: relay.credential(name, "transactional") for name in ("bookshop", "harbour")}
    number = 0
    while not over.is_set():
        number += 1
        name = "harbour" if number % 3 else "bookshop"
        to = f"p{number}@{DOWN if number % 7 == 0 else 'people.example'}"
        with Dialog(relay.submission) as dialog:
            dialog.ehlo()
            dialog.login(*logins[name])
            dialog.say(f"MAIL FROM:<news@{name}.example>")
            dialog.say(f"RCPT TO:<{to}>")
            text = mail(sender=f"news@{name}.example", to=to, subject=f"Order {number}").replace("@acme", f"@{name}")
            dialog.data(text)
        over.wait(0.1)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, under_way(Path(folder)) as relay:
        time.sleep(5)  # so that rates are of more than a moment
        for name, words in (("top", ("top", "--once", "--window", "30")), ("doctor", ("doctor",))):
            said = _HERE.sub("/var/lib/relay", on_terminal(relay, *words))
            print(draw(name, f"relay {words[0]}", said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
