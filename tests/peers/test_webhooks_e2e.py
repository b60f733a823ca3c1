"""Webhooks of a running relay: verified by others' libraries, and none lost when its processes are killed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook

from tests.peers.conftest import Office
from tests.peers.test_clients import node_modules
from tests.support.hook import Hook, Taken, reply, threaded
from tests.support.peers import missing, need, until
from tests.support.smtp import mail


@pytest.fixture
def hook() -> Iterator[Hook]:
    with threaded() as hook:
        yield hook


def events(office: Office, *types: str) -> list[dict[str, Any]]:
    words = [word for type_ in types for word in ("--type", type_)]
    found = office.relay.json("events", "acme", "--limit", "100000", *words)
    assert isinstance(found, list)
    return found


def bodies(hook: Hook) -> list[dict[str, Any]]:
    return [json.loads(taken.body) for taken in hook.taken]


def by_cryptography(taken: Taken, public: str) -> bool:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    signed = f"{taken.headers['webhook-id']}.{taken.headers['webhook-timestamp']}.".encode() + taken.body
    (one,) = [word for word in taken.headers["webhook-signature"].split(" ") if word.startswith("v1a,")]
    key.verify(base64.b64decode(one.removeprefix("v1a,")), signed)
    return True


def by_node(hook: Hook, secret: str, public: str) -> list[str]:
    node, env = need("node"), {**os.environ, "NODE_PATH": node_modules()}
    look = [node, "-e", "require('standardwebhooks')"]
    if subprocess.run(look, env=env, capture_output=True, timeout=30, check=False).returncode:
        missing(f"standardwebhooks (in {node_modules()})")
    requests = [{"headers": taken.headers, "body": taken.body.decode()} for taken in hook.taken]
    given = json.dumps({"secret": secret, "public": public, "requests": requests})
    script = str(Path(__file__).parent / "webhooks" / "verify.js")
    done = subprocess.run([node, script], input=given, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_fates_are_sent_and_verified_by_others(office: Office, hook: Hook) -> None:
    made = office.relay.json("webhook", "add", "acme", hook.url, "--events", "accepted,delivered,refused")
    people = [f"hook-{number}@rcpt.example" for number in range(3)]
    for who in people:
        office.relay.consent(who)
        office.send(office.bulk, mail(to=who, subject="Žodis"), who)
    office.ask(office.bulk, "nobody-agreed@rcpt.example")
    until(lambda: len({body["id"] for body in bodies(hook)}) >= 7, "events didn't come")
    told = sorted((body["type"], body["recipient"]) for body in bodies(hook))
    assert told == sorted(
        [(type_, who) for type_ in ("accepted", "delivered") for who in people]
        + [("refused", "nobody-agreed@rcpt.example")]
    )
    (refused,) = [body for body in bodies(hook) if body["type"] == "refused"]
    assert refused["detail"]["code"] == "no-consent"
    in_stream = events(office, "accepted", "delivered", "refused")
    assert [body for body in bodies(hook) if body not in in_stream] == []
    for taken in hook.taken:
        assert Webhook(made["secret"]).verify(taken.body, taken.headers)
        assert by_cryptography(taken, made["public_keys"][0])
    assert by_node(hook, made["secret"], made["public_keys"][0]) == ["v1 v1a"] * len(hook.taken)
    office.relay.cli("webhook", "remove", made["id"])


def web_process(office: Office) -> int:
    """The child that answers HTTP: the newest one without a mail port."""
    assert office.relay.process is not None
    parent = office.relay.process.pid
    found = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True, timeout=20
    )
    children = [int(line.split()[0]) for line in found.stdout.splitlines() if line.strip()]
    wanted = f"{office.relay.http:04X}"
    for pid in children:
        if any(_listens(pid, wanted) for _ in (1,)):
            return pid
    raise AssertionError(f"no child listens on {office.relay.http}: {found.stdout}")


def _listens(pid: int, port: str) -> bool:
    inodes = {
        line.split()[9] for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:] if f":{port} " in line
    }
    links = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(fd.readlink()))
        except OSError:
            continue
    mail_port = any("webhooks.lock" in link for link in links)
    return mail_port and any(f"socket:[{inode}]" in link for inode in inodes for link in links)


def test_none_is_lost_when_the_process_that_calls_is_killed_again_and_again(office: Office, hook: Hook) -> None:
    made = office.relay.json("webhook", "add", "acme", hook.url, "--events", "accepted,delivered")
    people = [f"kill-{number}@rcpt.example" for number in range(40)]
    office.relay.cli(
        "consent", "import", "acme", _file(office, people), "--topic", "news", "--source", "till in the shop",
        "--wording", "Yes, send me the news", "--attest",
    )  # fmt: skip
    hook.answer = lambda taken: reply(200) if len(hook.taken) % 7 else reply(503)
    for turn in range(3):
        for who in people:
            office.send(office.bulk, mail(to=who, subject=f"Turn {turn}"), who)
        os.kill(web_process(office), signal.SIGKILL)
        until(lambda: _back(office), "the HTTP process didn't come back")
    hook.answer = lambda taken: reply(200)

    def all_told() -> bool:
        wanted = {event["id"] for event in events(office, "accepted", "delivered") if "kill-" in event["recipient"]}
        return len(wanted) == 2 * 3 * len(people) and wanted <= {body["id"] for body in bodies(hook)}

    until(all_told, "an event is missing", 60)
    office.relay.cli("webhook", "remove", "acme", made["id"])


def _back(office: Office) -> bool:
    try:
        return bool(web_process(office))
    except (AssertionError, OSError):
        return False


def _file(office: Office, people: list[str]) -> str:
    path = office.relay.directory / "kill.txt"
    path.write_text("\n".join(people) + "\n")
    return str(path)
