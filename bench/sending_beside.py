"""SMTP's time to the 250, alone and beside a number of messages a second by the API: a part of ``bench.sending``.

One load of SMTP goes on from the first slice to the last, while the other
comes and goes in slices of some seconds: so what else the machine does strikes
both alike, and each side has thousands of transactions behind its 99th
percentile. The client of the API has its requests ready before its slice.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.harness.generator import Login, Traffic, finish, report, timed
from bench.sending_load import ApiClient, Asked, Wish

SESSIONS: Final = 4
PAUSE_S: Final = 0.02
PER_SECOND: Final = 100.0
"""Messages by the API."""
SLICE_S: Final = 5.0
SETTLE_S: Final = 0.5
"""Of each slice's begin, that belongs to neither side."""
SLICES: Final = 24
LEAST: Final = 5000
"""Transactions of each side, for a percentile that fifty are beyond."""


class Smtp:
    """Sessions that stay open and send one message after the other, until ``end``."""

    def __init__(self, port: int, login: Login, message: Path) -> None:
        self._file = message.with_name("transactions")
        traffic = Traffic(port, message, 10_000_000, SESSIONS, kept=True, login=login)
        options = ("-w", str(PAUSE_S), "-f", "news@shop.example", "-t", "user@people.example", "-o", str(self._file))
        self._process = timed(traffic, *options)

    def end(self) -> list[tuple[float, float]]:
        """Of each transaction when it began (``time.monotonic``) and what it took in ms."""
        self._process.terminate()
        report(self._process)
        lines = (line.split() for line in self._file.read_text().splitlines())
        return [(float(began), float(took) * 1000) for began, took in lines]

    def kill(self) -> None:
        finish(self._process)


@dataclass
class Side:
    """``alone`` or ``beside``: its slices, as from and until when, and what was used and taken in them."""

    slices: list[tuple[float, float]] = field(default_factory=list)
    mail_s: float = 0.0
    http_s: float = 0.0
    taken: int = 0
    refused: int = 0

    def of(self, transactions: list[tuple[float, float]]) -> list[list[float]]:
        """What each took in ms, by slice."""
        return [[took for began, took in transactions if since <= began < until] for since, until in self.slices]

    def spread(self, transactions: list[tuple[float, float]]) -> tuple[float, float, float]:
        """The slices' 99th percentiles: least, middle, most."""
        found = [statistics.quantiles(each, n=100)[98] for each in self.of(transactions)]
        return min(found), statistics.median(found), max(found)


def beside(
    port: int, token: str, smtp: Callable[[], Smtp], cpu: Callable[[], tuple[float, float]], slices: int = SLICES
) -> bool:
    """Print it; ``port`` is of the API, ``cpu`` tells seconds of the HTTP and the mail processes since it was asked."""
    sides = {"alone": Side(), "beside": Side()}
    load, client = smtp(), ApiClient()
    wish = Wish(port, token, "one", SLICE_S, 8, PER_SECOND)
    try:
        time.sleep(SETTLE_S)  # log-ins
        for number in range(slices):
            name = ("alone", "beside", "beside", "alone")[number % 4]
            _slice(sides[name], client if name == "beside" else None, wish, cpu)
        transactions = load.end()
    finally:
        load.kill()
        client.end()
    return _told(sides, transactions)


def _slice(side: Side, client: ApiClient | None, wish: Wish, cpu: Callable[[], tuple[float, float]]) -> None:
    if client is not None:
        client.ready(wish)
        client.begin()
    cpu()
    began = time.monotonic()
    if client is None:
        time.sleep(SLICE_S)
    else:
        asked: Asked = client.result()
        side.taken += len(asked.took_s)
        side.refused += len(asked.refused)
    http, mail = cpu()
    side.http_s += http
    side.mail_s += mail
    side.slices.append((began + SETTLE_S, began + SLICE_S))


def _told(sides: dict[str, Side], transactions: list[tuple[float, float]]) -> bool:
    good = True
    for name, side in sides.items():
        every = [took for each in side.of(transactions) for took in each]
        share, seconds = statistics.quantiles(every, n=1000), sum(until - since for since, until in side.slices)
        low, middle, high = side.spread(transactions)
        print(
            f"  SMTP {name}: {len(every)} transactions, {len(every) / seconds:.0f}/s: p50 {share[499]:.2f} ms, "
            f"p90 {share[899]:.2f}, p99 {share[989]:.2f}, p99.9 {share[998]:.2f}; p99 by slice {low:.2f} to "
            f"{high:.2f}, in the middle {middle:.2f}; CPU {side.mail_s:.2f} s mail, {side.http_s:.2f} s HTTP; "
            f"by the API {side.taken}, refused {side.refused}",
            flush=True,
        )
        good &= len(every) >= LEAST and not side.refused
    more = sides["beside"].spread(transactions)[1] / sides["alone"].spread(transactions)[1] - 1
    print(
        f"SMTP's p99 to the 250 beside {PER_SECOND:.0f} messages/s by the API, slices' middle: {more:+.0%}", flush=True
    )
    return good
