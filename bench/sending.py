"""How fast the API takes messages, what each costs, and what SMTP beside it feels: ``python -m bench.sending``.

A relay of one mail process that delivers nothing, compiled where there is a
copy of these sources, and clients of other processes over loopback. First
messages of 10 KB with one `to`, a request each; then messages of 500 `to` with
data of their own; each answer must be 202: what is counted is on the disk. The
first also beside SMTP. Then the time to SMTP's 250, in slices alone and beside a
number of messages a second by the API (``bench.sending_beside``).

Rates depend on what else the machine does; CPU for a message does so less, and
ratios of turns of one run least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.contestant import environment
from bench.harness.generator import Login
from bench.sending_beside import SLICES, Smtp, beside
from bench.sending_load import OCTETS, SEVERAL, Asked, Wish, api_load, text_of
from tests.support.relay import FREED, Relay

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Cost:
    """CPU seconds of a relay's processes and of the whole machine, between two looks."""

    def __init__(self, relay: Relay) -> None:
        assert relay.process is not None
        self._pids = _children(relay.process.pid)
        self._before = (0.0, 0.0, 0.0, 0.0)
        self.look()

    def look(self) -> tuple[float, float, float]:
        """Since the last look: of the HTTP process, of the mail processes, and the machine's busy share (0 to 1)."""
        busy, total = _machine()
        http = sum(_cpu(pid) for pid, is_http in self._pids.items() if is_http)
        mail = sum(_cpu(pid) for pid, is_http in self._pids.items() if not is_http)
        before, self._before = self._before, (http, mail, busy, total)
        share = (busy - before[2]) / (total - before[3]) if total > before[3] else 0.0
        return http - before[0], mail - before[1], share


def _children(parent: int) -> dict[int, bool]:
    """The processes that the relay's parent looks after, with whether each is the HTTP process."""
    told = Path(f"/proc/{parent}/cmdline").read_text().split("\0")
    looked_after = json.loads(next(word for word in told if word.startswith("{")))["children"]
    return {pid: kind == "web" for kind, _, pid, _ in looked_after}


def _cpu(pid: int) -> float:
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / _TICKS


def _machine() -> tuple[float, float]:
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS, sum(fields) / _TICKS


def told(asked: Asked, wish: Wish, cost: tuple[float, float, float], where: str = "") -> bool:
    if asked.refused or len(asked.took_s) < 2:
        print(f"{wish.kind}: refused: {asked.refused[:3]}")
        return False
    share, messages = statistics.quantiles(asked.took_s, n=100), len(asked.took_s)
    each = SEVERAL if wish.kind == "several" else 1
    what = f"recipients/s with data, {SEVERAL} a message" if each > 1 else f"messages/s of {OCTETS} octets"
    http, mail, busy = (cost[0] / messages, cost[1] / messages, cost[2])
    print(
        f"{messages * each / asked.real_s:.0f} {what}{where}, {wish.connections} connections: "
        f"p50 {share[49] * 1000:.0f} ms, p99 {share[98] * 1000:.0f} ms; CPU a message {http * 1000:.2f} ms HTTP, "
        f"{mail * 1000:.2f} ms mail{' (with SMTP)' if where else ''}; the machine was busy for {busy:.0%}",
        flush=True,
    )
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--slices", type=int, default=SLICES, help="of the part smtp, each of 5 s")
    parser.add_argument("--only", choices=("one", "several", "smtp"), help="one part of it")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:  # on a disk, whatever /tmp is
        relay = _relay(Path(directory))
        token = str(relay.json("token", "add", "shop")["token"])
        made = relay.json("credential", "add", "shop", "--stream", "free")
        relay.start(environment())
        try:
            good = _run(relay, token, Login(made["username"], made["password"]), given)
        finally:
            relay.stop()
    return 0 if good else 1


def _relay(directory: Path) -> Relay:
    fast: dict[str, object] = {"requests_per_second": 1_000_000, "requests_burst": 1_000_000}
    settings: dict[str, dict[str, object]] = {
        "delivery": {"enabled": False},
        "log": {"level": "error"},
        "api": fast,
        "policy.rate": {"per_second": 1_000_000, "burst": 1_000_000},
    }
    relay = Relay(directory, settings)
    relay.tenant(name="shop", domain="shop.example")
    relay.cli("stream", "add", "shop", "free", "--kind", "transactional", *FREED)
    relay.cli("tenant", "establish", "shop", "--reason", "a bench")
    return relay


def _run(relay: Relay, token: str, login: Login, given: argparse.Namespace) -> bool:
    assert relay.process is not None
    cost, seconds, good = Cost(relay), given.seconds, True
    message = relay.directory / "message"
    message.write_text(
        "From: news@shop.example\nTo: user@people.example\nSubject: Order\nMessage-ID: <1@shop.example>\n\n"
        + text_of(1)
    )

    def asked(kind: str, connections: int, where: str = "") -> bool:
        wish = Wish(relay.http, token, kind, seconds, connections)
        cost.look()
        return told(api_load(wish), wish, cost.look(), where)

    if given.only in (None, "one"):
        good &= asked("one", given.connections)
    if given.only in (None, "several"):
        good &= asked("several", max(1, given.connections // 8))
    if given.only is None:
        smtp = Smtp(relay.submission, login, message)
        try:
            good &= asked("one", given.connections, " beside SMTP")
            _say_smtp(smtp.end())
        finally:
            smtp.kill()
    if given.only in (None, "smtp"):
        good &= beside(
            relay.http, token, lambda: Smtp(relay.submission, login, message), lambda: cost.look()[:2], given.slices
        )
    return good


def _say_smtp(transactions: list[tuple[float, float]]) -> None:
    share = statistics.quantiles([took for _, took in transactions], n=100)
    print(f"  SMTP beside the API at its fastest: {len(transactions)} transactions, p50 {share[49]:.2f} ms, "
          f"p99 {share[98]:.2f} ms", flush=True)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
