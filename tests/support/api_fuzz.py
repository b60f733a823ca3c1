"""The running API against its own description: Schemathesis sends what the OpenAPI document allows and forbids.

``python -m tests.support.api_fuzz --seconds 300`` is the long run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from relay.signup import forms
from relay.signup.forms import FormWish
from relay.store.database import transaction
from relay.tenants import tenants
from relay.texts.language import LANGUAGES
from tests.support.web import Served, Shop, serving

# 422 is an answer to well-formed data too: that a source is vague or a text not printable can't be said in JSON Schema.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 415, 422, 429]
"""


def fuzz(served: Served, token: str, *args: str) -> subprocess.CompletedProcess[str]:
    """One run; exit status 0 if nothing was found."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Path(directory) / "schemathesis.toml"
        settings.write_text(SETTINGS, "utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"),
            *(f"{served.url}/v1/openapi.json", "--url", f"{served.url}/v1", "--no-color"),
            *("-H", f"Authorization: Bearer {token}", "--continue-on-failure", *args),
        ]
        return subprocess.run(command, cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def stocked(directory: Path) -> Shop:
    """A shop that has what the examples of the document name."""
    shop = Shop.create(directory, log={"level": "error"})
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        wish = FormWish(("newsletter",), "Yes, send me the newsletter.", ask_age=True)
        forms.add(conn, owner, "footer", wish, languages=LANGUAGES, actor="test", now=1.0)
    return shop


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        shop = stocked(Path(directory))
        with serving(shop) as served:
            done = fuzz(served, shop.token, "--max-time", str(given.seconds), "--seed", str(given.seed))
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
