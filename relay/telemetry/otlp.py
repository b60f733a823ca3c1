"""Spans to a collector: OTLP by HTTP, encoded as JSON (opentelemetry.io, OTLP 1.x: every collector takes both)."""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from config.settings import Settings
from relay.events.follow import newest
from relay.store.contract import Tx
from relay.store.kept import KeptConnection
from relay.store.thread import to_its_end
from relay.store.words import failed
from relay.telemetry.spans import attribute, ended, sampled, spans_of

_log = logging.getLogger("relay.telemetry")

TIMEOUT_S: Final = 10.0
MOST_SPANS: Final = 500
"""Of one request."""
BATCH: Final = 2_000
"""Events read at a time."""
EVERY_S: Final = 2.0
AGAIN_S: Final = 30.0
"""After a turn that failed."""
LONGEST_AGO_S: Final = 900.0
"""While the collector is away this much is kept for it; what ended earlier isn't told any more."""
MOST_ANSWER: Final = 4096


class CollectorAway(Exception):
    """It didn't take what it was given; the text says why."""


class Telling:
    """Reads what happened since it was made, and tells the collector; the place it has come to is not kept.

    So a relay that was restarted tells on from then: nothing is written for it, and no other follower waits for it.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._stored = settings.stored
        self._kept = KeptConnection(settings.stored, readonly=True)
        self._url, self._share = settings.observe.otlp, settings.observe.otlp_share
        self._clock = clock
        self._after: int | None = None
        self._resource = {
            "attributes": [
                attribute("service.name", "relay"), attribute("service.version", _release()),
                attribute("service.instance.id", settings.server.hostname),
            ]
        }  # fmt: skip

    async def run(self) -> None:
        """Until cancelled, in a thread that ends its turn first."""
        with closing(self._kept):
            while True:
                wait_s = EVERY_S
                try:
                    await to_its_end(self._turn)
                except CollectorAway as error:
                    _log.warning("traces wait, trying again: %s", error)
                    wait_s = AGAIN_S
                except Exception as error:
                    failed(_log, "traces can't be told, trying again", error, self._stored)
                    wait_s = AGAIN_S
                await asyncio.sleep(wait_s)

    def _turn(self) -> None:
        with self._kept.use() as conn:
            if self._after is None:
                self._after = newest(conn)
            while (until := min(newest(conn), self._after + BATCH)) > self._after:
                self._tell(conn, self._after, until)
                self._after = until

    def _tell(self, conn: Tx, after: int, until: int) -> None:
        since = self._clock() - LONGEST_AGO_S
        found = [copy for copy in sampled(ended(conn, after, until), self._share) if copy.at >= since]
        for spans in _batches(span for copy in found for span in spans_of(conn, copy)):
            scope = {"scope": {"name": "relay"}, "spans": spans}
            _send(self._url, {"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]})


def _batches(spans: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for span in spans:
        batch.append(span)
        if len(batch) >= MOST_SPANS:
            yield batch
            batch = []
    if batch:
        yield batch


def _send(url: str, told: dict[str, Any]) -> None:
    """Raises CollectorAway where it is worth another try; what it won't have is let go with a word."""
    request = urllib.request.Request(url, json.dumps(told).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            answer.read(MOST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (429, 502, 503, 504):
                raise CollectorAway(f"{url} answers {error.code}") from error
            _log.warning("the collector at %s refuses spans (%s): they are let go", url, error.code)
    except (OSError, ValueError) as error:
        raise CollectorAway(f"{url}: {error}") from error


def _release() -> str:
    try:
        return version("relay-smtp")
    except PackageNotFoundError:
        return "unknown"
