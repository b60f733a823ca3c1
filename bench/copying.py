"""How long a relay stands still to move from SQLite to PostgreSQL: ``python -m bench.copying [--n 1000000]``.

A registry of so many people who agreed (``bench.people.fill``), and a relay that takes mail for some of them all the
time. ``relay store copy --ahead`` runs beside it, twice; then the relay is stopped and the copy ended. What stands
still is measured from the stop to the moment from which the relay could start on the other side. Then everything that
had a 250 has to be there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.people.fill import TOPIC, address, fill
from relay.store.database import connect
from tests.support.postgres import Server
from tests.support.relay import Relay
from tests.support.smtp import Dialog, mail

CALM_S: Final = 0.02
"""Between two messages."""


class Customer:
    """Sends one message after the other until the relay is stopped."""

    def __init__(self, relay: Relay, login: tuple[str, str], people: int) -> None:
        self.promised = 0
        self._relay, self._login, self._people = relay, login, people
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        try:
            dialog = Dialog(self._relay.submission)
            dialog.ehlo()
            assert dialog.login(*self._login).code == 235
            for number in range(1, 10**9):
                to = address(number * 7 % self._people + 1)
                dialog.say("MAIL FROM:<news@acme.example>")
                if dialog.say(f"RCPT TO:<{to}>").code == 250:
                    self.promised += dialog.data(mail(to=to, subject="News")).code == 250
                else:
                    dialog.say("RSET")
                time.sleep(CALM_S)
        except (OSError, EOFError):
            return  # stopped

    def ended(self) -> int:
        self._thread.join(60)
        return self.promised


def copied(relay: Relay, url: str, *more: str) -> tuple[float, float, dict[str, object]]:
    """(seconds, seconds until the other store could be used, what the command said)"""
    begun = time.monotonic()
    command = [sys.executable, "-m", "relay.cli.main", "-c", str(relay.config), "store", "copy", "--to", url, "--json"]
    process = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    usable = 0.0
    assert process.stderr is not None and process.stdout is not None
    for line in process.stderr:
        if "all is there" in line:
            usable = time.monotonic() - begun
        elif "rows" not in line:
            print(f"  {line.rstrip()}", flush=True)
    told = process.stdout.read()
    assert process.wait() == 0, told
    return time.monotonic() - begun, usable, json.loads(told)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.copying", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=1_000_000, help="people who agreed (default: 1000000)")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="on a disk (default: /var/tmp)")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="relay-copying-", dir=given.dir) as place:
        Path(place).chmod(0o755)
        server = Server(("shared_buffers = 512MB", "max_wal_size = 4GB"), Path(place))
        directory = Path(place) / "relay"
        directory.mkdir()
        relay = Relay(directory, {"delivery": {"enabled": False}, "policy.staged_sending": {"new_below": 0}})
        relay.tenant()
        login = relay.credential()
        begun = time.monotonic()
        fill(directory / "data" / "relay.db", 1, given.n)
        size = (directory / "data" / "relay.db").stat().st_size
        print(
            f"{given.n} people who agreed to {TOPIC}, {size >> 20} MiB, in {time.monotonic() - begun:.0f} s", flush=True
        )
        relay.start()
        customer, url = Customer(relay, login, given.n), server.empty()
        for what in ("first", "once more"):
            took, _, told = copied(relay, url, "--ahead")
            print(f"{what}, ahead: {took:.1f} s, {told['rows']} rows compared, {told['carried_over']} carried over;"
                  f" {customer.promised} messages were taken until then", flush=True)  # fmt: skip
        begun = time.monotonic()
        relay.stop()
        promised = customer.ended()
        stop_s = time.monotonic() - begun
        took, usable, told = copied(relay, url)
        print(f"the relay stood still for {stop_s + usable:.1f} s ({stop_s:.1f} to stop, {usable:.1f} for the rest:"
              f" {told['rows']} rows, {told['carried_over']} of them carried over)", flush=True)  # fmt: skip
        print(f"with the audit log, which was verified then beside whatever runs: {took:.1f} s", flush=True)
        with closing(connect(url)) as conn:
            [there] = conn.execute("SELECT count(*) FROM submission").fetchone()
        assert there == promised, (there, promised)
        print(f"{promised} messages had a 250, {there} are there", flush=True)
        server.remove()


if __name__ == "__main__":
    main()
