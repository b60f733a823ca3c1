"""A relay to attack: two tenants with everything a tenant can have, and a server that takes all mail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.values.states import State
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Reply, Sink, mail

WORDING = "Yes, acme may keep my address and send me its news. I can unsubscribe at any time."
STANDING = ("subscriber", "topic", "consent", "suppression", "consent_history", "opt_in", "membership", "profile")
"""Tables that say who may be mailed."""
STREAMS = ("bulk", "news", "transactional")
QUEUED = ("submission", "recipient", "body")


class Ground:
    """``acme`` attacks, with a bulk, a topic's and a transactional stream; ``rival`` has people of its own."""

    def __init__(self, directory: Path, streams: Sequence[str] = STREAMS, **settings: dict[str, object]) -> None:
        self.sink = Sink()
        self.relay = relay = Relay(
            directory,
            {
                "auth": {"failures": 1000},
                "policy.staged_sending": {"new_below": 0},
                **settings,
                "delivery": {
                    "retry": ["1s"],
                    "jitter": 0,
                    "smart_host": f"127.0.0.1:{self.sink.port}",
                    **settings.get("delivery", {}),
                },
            },
        )
        self.logins: dict[str, tuple[str, str]] = {}
        self.tokens: dict[str, str] = {}
        relay.tenant()
        relay.cli("tenant", "add", "rival", "--contact", "post@rival.example")
        relay.cli("stream", "add", "acme", "news", "--kind", "bulk", "--topic", "news")
        for name in ("acme", "rival"):
            self.tokens[name] = relay.json("token", "add", name)["token"]
        for stream in streams:
            self.logins[stream] = relay.credential(stream=stream)
        relay.start()
        self._web = httpx.Client(base_url=f"http://127.0.0.1:{relay.http}", timeout=20, trust_env=False)

    # -- what a tenant can do -----------------------------------------------------

    def api(
        self, method: str, path: str, body: object = None, *, tenant: str = "acme", key: str = "", **query: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[tenant]}"}
        if key:
            headers["Idempotency-Key"] = key
        return self._web.request(method, f"/v1{path}", json=body, params=query, headers=headers)

    def claim(self, address: str, *, tenant: str = "acme", key: str = "", **more: object) -> httpx.Response:
        """Say by API that a person agreed."""
        said = {"email": address, "topic": "news", "source": "form on acme.example", "wording": WORDING, **more}
        return self.api("POST", "/consents", said, tenant=tenant, key=key)

    def agree(self, *addresses: str, topic: str = "news", tenant: str = "acme") -> None:
        """Consents that are true, to a topic that is made where it isn't there."""
        self.api("POST", "/topics", {"name": topic}, tenant=tenant)
        said = [
            {"email": one, "topic": topic, "source": "form on acme.example", "wording": WORDING} for one in addresses
        ]
        answer = self.api("POST", "/consents/batch", {"consents": said}, tenant=tenant)
        assert answer.json()["recorded"] == len(addresses), answer.text

    def load(self, name: str, content: str, *, topic: str = "news", **more: str) -> Any:
        """The outcome of an import, in whole or in part refused."""
        path = self.relay.directory / name
        path.write_text(content)
        options = [word for option, value in more.items() for word in (f"--{option}", value)]
        run = self.relay.run(
            "consent", "import", "acme", str(path), "--topic", topic, "--source", "till in the shop",
            "--wording", WORDING, "--attest", "--json", *options,
        )  # fmt: skip
        return json.loads(run.stdout)

    def session(self, stream: str = "news") -> Dialog:
        dialog = Dialog(self.relay.submission)
        dialog.ehlo()
        assert dialog.login(*self.logins[stream]).code == 235
        return dialog

    def rcpt(self, path: str, stream: str = "news", parameters: str = "") -> str:
        """The reply to ``RCPT TO:path``."""
        with self.session(stream) as dialog:
            assert dialog.say(f"MAIL FROM:<news@acme.example>{parameters}").code == 250
            return str(dialog.say(f"RCPT TO:{path}"))

    def send(self, message: str | bytes, *recipients: str, stream: str = "news") -> Reply:
        """The reply to DATA; all recipients must be taken before it."""
        with self.session(stream) as dialog:
            assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
            for recipient in recipients:
                reply = dialog.say(f"RCPT TO:<{recipient}>")
                assert reply.code == 250, reply
            return dialog.data(message)

    def deliver(self, message: str | bytes, address: str, stream: str = "news") -> Received:
        """Send, and the copy as it arrives."""
        reply = self.send(message, address, stream=stream)
        assert reply.code == 250, reply
        mark = f" id {reply.text.split()[1]}".encode()
        return until(lambda: [one for one in self.copies(address) if mark in one.head], f"mail for {address}")[0]

    # -- what a person can do -----------------------------------------------------

    def get(self, path: str) -> httpx.Response:
        return self._web.get(path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self._web.post(path.removeprefix(str(self._web.base_url).rstrip("/")), data=fields)

    def leave(self, address: str) -> None:
        """The one click of a message on the stream's topic (RFC 8058)."""
        got = self.deliver(mail(to=address, subject="One to leave by"), address)
        link = re.findall(r"<(http[^>]+)>", got.field("List-Unsubscribe"))[0]
        assert self.post(link, **{"List-Unsubscribe": "One-Click"}).status_code == 200
        assert self.rcpt(f"<{address}>").startswith("550 5.7.1 unsubscribed")

    def leave_all(self, address: str) -> None:
        assert self.api("DELETE", "/consents", email=address).json()["changed"]

    def ask(self, form: str, address: str, client: httpx.Client | None = None) -> httpx.Response:
        """Fill in the page of a form, as a browser does."""
        web = client or self._web
        page = web.get(f"/s/{form}").text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        topics = re.findall(r'name="topic" value="(\d+)"', page)
        return web.post(f"/s/{form}", data={**hidden, "email": address, "topic": topics, "remark": ""})

    def letters(self, address: str) -> list[Received]:
        """Confirmation mails that arrived."""
        return [one for one in self.copies(address) if b"/confirm/" in one.data]

    def confirmation(self, address: str, number: int = 1) -> str:
        """The path that the ``number``-th confirmation mail leads to."""
        letters = until(lambda: self.letters(address)[number - 1 :], f"a confirmation mail to {address}")
        text = letters[0].data.partition(b"\r\n\r\n")[2].replace(b"=\r\n", b"").decode()
        return str(re.findall(r"http://[^/\s]+(/confirm/[\w-]+)", text)[0])

    # -- what came of it ------------------------------------------------------------

    def copies(self, address: str) -> list[Received]:
        return [one for one in self.sink.messages if address in one.recipients]

    def settled(self) -> None:
        """Everything that was queued before has been tried: nothing waits any more."""
        waits = "SELECT count(*) FROM recipient WHERE state = ?"
        until(lambda: self.rows(waits, State.READY) == [(0,)], "the queue is empty")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds, read beside the running relay."""
        with self.relay.database() as conn:
            return conn.execute(sql, values).fetchall()

    def state(self, tables: Sequence[str] = STANDING) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of these tables: two are equal if nothing was taken, not even half.

        Of copies only once their outcomes are written, which may be a moment after they have arrived.
        """
        if "recipient" in tables:
            self.settled()
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}

    def live(self, address: str) -> set[str]:
        """Topics with a live consent of that very address."""
        sql = (
            "SELECT t.name FROM consent c JOIN topic t ON t.id = c.topic_id JOIN subscriber s ON s.id = c.subscriber_id"
            " WHERE s.address = ? AND c.withdrawn_at IS NULL"
        )
        return {name for (name,) in self.rows(sql, address)}

    def close(self) -> None:
        self._web.close()
        code = self.relay.stop()
        self.sink.close()
        assert code == 0


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Without limits of confirmation mails, so that people can come back within a test."""
    made = Ground(
        tmp_path_factory.mktemp("ground"),
        forms={"least_time": 0, "mails_wait": 0, "mails_per_day": 100, "network_per_hour": 1000},
    )
    yield made
    made.close()
