"""Templates and forms go through the checks that mail goes through, by API and command (R16 to R18)."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.relay import Relay

pytestmark = pytest.mark.peers
CONTACT = "support@operator.example"
OFFER = "Lonely ladies near you are waiting. Sign up on our dating site and meet hot singles tonight."
EICAR = base64.b64decode(
    "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
).decode()
WORDING = "Yes, send me the news of {tenant} about shelves by e-mail; I can end that at any time."


class Scanner:
    """Speaks clamd's INSTREAM; finds the test file wherever it stands, also in base64."""

    def __init__(self) -> None:
        self.asked = 0
        scanner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                scanner.asked += 1
                assert self.rfile.read(10) == b"zINSTREAM\0"
                octets = b""
                while size := int.from_bytes(self.rfile.read(4), "big"):
                    octets += self.rfile.read(size)
                coded = base64.b64encode(EICAR.encode())[:60]
                found = EICAR.encode() in octets or coded in octets.replace(b"\n", b"")
                self.wfile.write(b"stream: Eicar-Test FOUND\0" if found else b"stream: OK\0")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Desk:
    def __init__(self, directory: Path) -> None:
        self.scanner = Scanner()
        self.directory = directory
        order = ["operator_contact", "forbidden_content", "clamav", "sender_identity", "consent", "quota", "rate"]
        self.relay = Relay(
            directory,
            {
                "policies": {"order": [*order, "unsubscribe_footer", "staged_sending"]},
                "policy.clamav": {"at": f"127.0.0.1:{self.scanner.port}"},
                "operator": {"name": "Post & Co", "contact": CONTACT},
            },
        )
        self.relay.tenant()
        token = self.relay.json("token", "add", "acme")["token"]
        self.relay.start()
        self.api = httpx.Client(
            base_url=f"http://127.0.0.1:{self.relay.http}/v1",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=30,
        )

    def calls(self) -> list[str]:
        conn = self.relay.open_store()
        rows = conn.execute("SELECT detail FROM event WHERE kind = 'operator.called'").fetchall()
        conn.close()
        return [row[0] for row in rows]

    def close(self) -> None:
        self.api.close()
        self.relay.stop()
        self.scanner.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("stored"))
    yield made
    made.close()


def template(name: str, **parts: Any) -> dict[str, Any]:
    return {"name": name, "subject": "News for {{ name }}", "format": "html", **parts}


BAD = {
    "text": {"text": f"Questions? {CONTACT}"},
    "html": {"source": "<p>Ask <b>sup</b>port&#64;operator.<i>example</i></p>"},
    "hidden letters": {"text": "Questions? supp\u200bort@operator.example"},
    "subject": {"text": "Hello", "subject": f"Ask {CONTACT}"},
    "mjml": {
        "format": "mjml",
        "source": "<mjml><mj-body><mj-section><mj-column>"
        f"<mj-text>{CONTACT}</mj-text></mj-column></mj-section></mj-body></mjml>",
    },
    "markdown": {"format": "markdown", "source": f"Ask *{CONTACT}*"},
    "malware": {"text": EICAR},
}


@pytest.mark.parametrize("parts", BAD.values(), ids=BAD.keys())
def test_a_template_that_mail_may_not_hold_is_not_kept(desk: Desk, parts: dict[str, Any]) -> None:
    answer = desk.api.post("/templates", json=template("bad", **parts))
    assert answer.status_code == 422 and answer.json()["type"].endswith("/content"), answer.text
    assert desk.api.get("/templates/bad").status_code == 404


def test_a_suspicion_is_kept_and_the_operator_called(desk: Desk) -> None:
    assert desk.api.post("/templates", json=template("fine", text="Hello {{ name }}")).status_code == 201
    assert desk.api.post("/templates", json=template("doubtful", text=OFFER)).status_code == 201
    assert [one for one in desk.calls() if "template doubtful of acme" in one]
    assert not [one for one in desk.calls() if "template fine" in one]


def test_forms_by_the_api(desk: Desk) -> None:
    form = {"name": "bad", "topics": ["news"], "wording": WORDING.format(tenant="acme") + f" {CONTACT}"}
    answer = desk.api.post("/forms", json=form)
    assert answer.status_code == 422 and answer.json()["type"].endswith("/content"), answer.text
    fine = desk.api.post("/forms", json={**form, "name": "fine", "wording": WORDING.format(tenant="acme")})
    assert fine.status_code == 201, fine.text
    changed = desk.api.patch("/forms/fine", json={"title": f"Write to {CONTACT}"})
    assert changed.status_code == 422 and desk.api.get("/forms/fine").json()["title"] == ""


def test_commands(desk: Desk) -> None:
    bad = desk.directory / "bad.html"
    bad.write_text(f"<p>{CONTACT}</p>")
    refused = desk.relay.run("template", "add", "acme", "byhand", "--subject", "Hi", "--html", str(bad))
    assert refused.returncode == 1 and "isn't taken" in refused.stderr and "contact details" in refused.stderr
    doubtful = desk.directory / "offer.txt"
    doubtful.write_text(OFFER)
    taken = desk.relay.run("template", "add", "acme", "byhand", "--subject", "Hi", "--text", str(doubtful))
    assert taken.returncode == 0 and "the operator was called" in taken.stderr
    wording = WORDING.format(tenant="acme") + f" {CONTACT}"
    form = desk.relay.run("form", "add", "acme", "byhand", "--topic", "news", "--wording", wording)
    assert form.returncode == 1 and "form byhand isn't taken" in form.stderr
    assert desk.scanner.asked > 3
