"""The running API against its own description: Schemathesis sends what the OpenAPI document allows and forbids.

``python -m tests.support.api_fuzz --seconds 300`` is the long run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from relay.store.database import transaction
from tests.meta.tree import ROOT
from tests.support.relay import Relay

# 422 is an answer to well-formed data too: that a source is vague or a text not printable can't be said in JSON Schema.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 415, 422, 429]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 431]
"""


@dataclass(frozen=True)
class Fuzzed:
    """A relay that serves, and the token of a tenant."""

    url: str
    token: str


def fuzz(served: Fuzzed, *args: str) -> subprocess.CompletedProcess[str]:
    """One run; exit status 0 if nothing was found."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Path(directory) / "schemathesis.toml"
        settings.write_text(SETTINGS, "utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
            *(f"{served.url}/v1/openapi.json", "--url", f"{served.url}/v1", "--no-color"),
            *("-H", f"Authorization: Bearer {served.token}", "--continue-on-failure", *args),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "tests.support.api_fuzz_hooks", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **hooks},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def stocked(directory: Path) -> Iterator[Fuzzed]:
    """A relay with a tenant that has what the examples of the document name; nothing leaves it."""
    relay = Relay(directory, {"log": {"level": "error"}, "delivery": {"enabled": False}})
    relay.tenant(domain="shop.example")
    relay.cli("topic", "add", "acme", "newsletter")
    wording = ("--wording", "Yes, send me the newsletter.")
    relay.cli("form", "add", "acme", "welcome", "--topic", "newsletter", *wording, "--ask-age")
    token = relay.json("token", "add", "acme")["token"]
    with closing(relay.open_store()) as conn, transaction(conn):
        conn.execute(
            "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at)"
            " SELECT 1, tenant_id, id, 'autumn', 'open', 1 FROM stream WHERE tenant_id > 0 ORDER BY id LIMIT 1"
        )
    relay.start()
    try:
        yield Fuzzed(f"http://127.0.0.1:{relay.http}", token)
    finally:
        relay.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, stocked(Path(directory)) as served:
        done = fuzz(served, "--max-time", str(given.seconds), "--seed", str(given.seed))
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
