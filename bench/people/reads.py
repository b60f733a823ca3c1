"""Showing, proving and listing out of a large registry: by commands, and by the API of a relay that runs."""

from __future__ import annotations

import contextlib
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.backlog.running import running
from bench.harness.errors import BenchError
from bench.people import relays
from bench.people.fill import RARE, TOPIC, address
from bench.people.lookups import Spread, spread
from relay.web.api import cursors

_ASKED = 200
_TWICE = 3
_LONGEST_S = 30.0


def commands(directory: Path, people: int) -> dict[str, float]:
    """Seconds of a whole command, Python's start included; medians."""
    rng = random.Random(9)

    def median(*words: str) -> float:
        took = []
        for _ in range(_TWICE):
            email = address(rng.randrange(people) + 1)
            ran = relays.run(directory, [email if word == "EMAIL" else word for word in words])
            if ran.status:
                raise BenchError(f"relay {' '.join(words)}: {ran.error.strip()}")
            took.append(ran.seconds)
        return sorted(took)[_TWICE // 2]

    proof = str(directory / "proof.html")
    return {
        "consent show": median("consent", "show", relays.TENANT, "EMAIL"),
        "consent proof": median("consent", "proof", relays.TENANT, "EMAIL", "--topic", TOPIC, "--out", proof),
        "audit head": median("audit", "head"),
    }


def api(directory: Path, ports: relays.Ports, people: int) -> dict[str, Spread]:
    """Milliseconds of a request on a kept process, by what is asked; 100 consents a page."""
    token = json.loads(relays.told(directory, "token", "add", relays.TENANT, "--json"))["token"]
    rng = random.Random(11)

    def anyone() -> str:
        return address(rng.randrange(people) + 1)

    asked: dict[str, Callable[[], dict[str, str]]] = {
        "/v1/consents, first page": lambda: {},
        "/v1/consents, a page in the midst": lambda: {"cursor": cursors.write(anyone(), 1, "email")},
        "/v1/consents?topic= of nearly all": lambda: {
            "topic": TOPIC,
            "cursor": cursors.write(anyone(), 1, "email"),
        },
        "/v1/consents?email=": lambda: {"email": anyone()},
        "/v1/consents/history?email=": lambda: {"email": anyone()},
    }
    with _serving(directory, ports):
        ask = _Client(f"http://127.0.0.1:{ports.http}", token)
        found = {
            what: spread(
                [
                    ask.timed("/v1/" + what.removeprefix("/v1/").partition("?")[0].partition(",")[0], words())
                    for _ in range(_ASKED)
                ]
            )
            for what, words in asked.items()
        }
        rare = [ask.timed("/v1/consents", {"topic": RARE}) for _ in range(_TWICE)]
        found["/v1/consents?topic= of one in 100,000"] = spread(rare)
    return found


@contextlib.contextmanager
def _serving(directory: Path, ports: relays.Ports) -> Iterator[None]:
    with running(directory, "relay", ports.smtp, None):
        limit = time.monotonic() + _LONGEST_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{ports.http}/healthz", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > limit:
                    raise BenchError(f"the API doesn't answer on port {ports.http}") from None
                time.sleep(0.05)
        yield


class _Client:
    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._token = token

    def timed(self, path: str, words: dict[str, str]) -> float:
        """Milliseconds; raises BenchError for anything but 200."""
        query = f"?{urllib.parse.urlencode(words)}" if words else ""
        request = urllib.request.Request(
            f"{self._base}{path}{query}", headers={"Authorization": f"Bearer {self._token}"}
        )
        begin = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=_LONGEST_S) as answer:
                body: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise BenchError(f"GET {path}{query}: {error.code} {error.read()[:200].decode()}") from None
        took = (time.perf_counter() - begin) * 1000
        if not body:
            raise BenchError(f"GET {path}{query}: nothing in the answer")
        return took
