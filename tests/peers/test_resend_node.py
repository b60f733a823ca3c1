"""Resend's client for Node sends by the relay: only base URL and key are changed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.peers.conftest import Office
from tests.peers.test_clients import node_modules
from tests.support.peers import missing, need


def by_node(office: Office, *steps: dict[str, Any]) -> list[dict[str, Any]]:
    """What the library gives back for each step."""
    node = need("node")
    url = f"http://127.0.0.1:{office.relay.http}"
    token = office.relay.json("token", "add", "acme")["token"]
    env = {**os.environ, "NODE_PATH": node_modules(), "RESEND_BASE_URL": url, "RESEND_API_KEY": str(token)}
    look = [node, "-e", "require('resend')"]
    if subprocess.run(look, env=env, capture_output=True, timeout=60, check=False).returncode:
        missing(f"resend (in {node_modules()})")
    script = str(Path(__file__).parent / "resend" / "send.js")
    done = subprocess.run(
        [node, script], input=json.dumps(steps), env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_it_sends_looks_cancels_and_understands_errors(office: Office) -> None:
    who = "node-resend@rcpt.example"
    office.relay.consent(who)
    mail: dict[str, Any] = {"from": "Acme <news@acme.example>", "to": who, "subject": "Žodis", "html": "<p>Labas</p>"}
    mail |= {"headers": {"Relay-Stream": "bulk"}, "tags": [{"name": "kind", "value": "greeting"}]}
    files = [{"filename": "a.txt", "octets": "hello", "contentType": "text/plain"}]
    steps: list[dict[str, Any]] = [
        {"do": "send", "with": {**mail, "attachments": files}, "options": {"idempotencyKey": "node/1"}},
        {"do": "send", "with": {**mail, "attachments": files}, "options": {"idempotencyKey": "node/1"}},
        {"do": "send", "with": {**mail, "scheduledAt": "in 1 hour"}},
        {"do": "batch", "with": [mail, mail]},
        {"do": "send", "with": {**mail, "from": "a@other.example"}},
        {"do": "send", "with": {**mail, "to": "nobody-agreed@rcpt.example"}},
        {"do": "get"},
        {"do": "cancel"},
    ]
    first, again, later, batch, sender, consent, got, gone = by_node(office, *steps)
    assert first["error"] is None and first["data"]["id"] == again["data"]["id"]
    assert len(batch["data"]["data"]) == 2
    assert (sender["error"]["statusCode"], sender["error"]["name"]) == (403, "validation_error")
    assert (consent["error"]["statusCode"], consent["error"]["code"]) == (422, "no-consent")
    assert (got["data"]["last_event"], got["data"]["tags"]) == ("scheduled", [{"name": "kind", "value": "greeting"}])
    assert gone["data"]["id"] == later["data"]["id"]
