"""Rates, warnings and freezes through a running relay: sockets, commands, API and letters (R24, R25)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Reply, Sink, mail

pytestmark = pytest.mark.peers
PEOPLE, GONE = 200, 5


class Office:
    """A tenant with people, some of whose mailboxes are gone; letters to tenant and operator arrive at the sink too."""

    def __init__(self, directory: Path) -> None:
        self.sink = Sink()
        self.people = [f"p{number}@rcpt.example" for number in range(PEOPLE)]
        for gone in self.people[:GONE]:
            self.sink.replies[gone] = "550 5.1.1 no such user"
        self.relay = relay = Relay(
            directory,
            {
                "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
                "policy.staged_sending": {"when": "never"},
                "operator": {"name": "Post & Co", "contact": "ops@operator.example"},
            },
        )
        relay.tenant()
        agreed = directory / "agreed.txt"
        agreed.write_text("\n".join(self.people) + "\n")
        relay.cli(
            "consent", "import", "acme", str(agreed), "--topic", "news", "--source", "form on acme.example",
            "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip
        self.login = relay.credential()
        self.direct = relay.credential(stream="transactional")
        token = relay.json("token", "add", "acme")["token"]
        relay.start()
        headers = {"Authorization": f"Bearer {token}"}
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{relay.http}", headers=headers, trust_env=False, timeout=20)

    def send(
        self,
        people: list[str],
        login: tuple[str, str] | None = None,
        size: int = 100,
        sender: str = "news@acme.example",
    ) -> Reply:
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*(login or self.login)).code == 235
            for first in range(0, len(people), size):
                reply = dialog.say(f"MAIL FROM:<{sender}>")
                if reply.code != 250:
                    return reply
                for person in people[first : first + size]:
                    assert dialog.say(f"RCPT TO:<{person}>").code == 250
                reply = dialog.data(mail(sender=sender, subject="The news"))
        return reply

    def letters(self, to: str) -> list[Received]:
        return [one for one in self.sink.messages if to in one.recipients]

    def letter(self, to: str, number: int = 1) -> str:
        """The text of the ``number``-th letter to an address, with its Subject before it."""
        got = until(lambda: self.letters(to)[number - 1 :], f"letter {number} to {to}")[0]
        return f"{got.field('Subject')}\n{got.data.replace(b'=' + bytes([13, 10]), b'').decode('utf-8', 'replace')}"

    def shown(self) -> Any:
        return self.relay.json("tenant", "show", "acme")

    def close(self) -> None:
        self.api.close()
        code = self.relay.stop()
        self.sink.close()
        assert code == 0, "\n".join(self.relay.log[-40:])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("conduct"))
    yield made
    made.close()


def test_a_bad_list_warns_the_tenant_and_calls_nobody_yet(office: Office) -> None:
    assert office.send(office.people).code == 250
    text = office.letter("post@acme.example")
    assert "A warning about mail of acme" in text and "5 of 200 recipients (2.5 %)" in text and "R25" in text
    assert re.search(r"\r\nReply-To: <ops@operator\.example>\r\n", text)
    shown = office.shown()
    assert shown["level"] == "advice" and shown["freeze"] == "none"
    [bounces] = [one for one in shown["rates"] if one["scope"] == "tenant" and one["measure"] == "bounces"]
    assert (bounces["count"], bounces["of"], bounces["percent"], bounces["level"]) == (5, 200, 2.5, "advice")
    assert office.letters("ops@operator.example") == []
    reports = office.relay.json("reports")
    assert [(one["tenant"], one["level"]) for one in reports["tenants"]] == [("acme", "advice")]
    assert "dead addresses" in shown["statements"][0]["reason"]
    assert "acme" in office.relay.cli("reports")


def test_the_tenant_reads_the_statement_and_answers_and_is_answered(office: Office) -> None:
    [one] = office.api.get("/v1/statements").json()["statements"]
    assert (one["action"], one["rule"], one["automatic"]) == ("warned", "R25", True)
    number = one["number"]
    assert office.api.get(f"/v1/statements/{number}").json() == one
    said = office.api.post(f"/v1/statements/{number}/answer", json={"text": "We have thrown that list away."})
    assert said.status_code == 200 and said.json()["answer"] == "We have thrown that list away."
    waiting = office.relay.json("reports")["answers"]
    assert [(row["number"], row["answer"]) for row in waiting] == [(number, "We have thrown that list away.")]
    office.relay.cli("statement", "decide", str(number), "--text", "Good. The warning is closed.")
    assert "Good. The warning is closed." in office.letter("post@acme.example", 2)
    assert office.relay.json("reports")["answers"] == []
    assert office.api.get(f"/v1/statements/{number}").json()["decision"] == "Good. The warning is closed."
    assert office.api.get("/v1/statements/999").status_code == 404
    assert office.api.post(f"/v1/statements/{number}/answer", json={"text": " "}).status_code == 422


def test_freeze_and_unfreeze_are_told_by_reply_event_letter_and_command(office: Office) -> None:
    office.relay.cli("tenant", "freeze", "acme", "--reason", "bought list")
    assert str(office.send(office.people[10:11])) == "525 5.7.13 frozen: bought list"
    assert office.send(["ann@rcpt.example"], office.direct).code == 250  # service mail goes on
    text = office.letter("post@acme.example", 3)
    assert "Bulk mail of acme is stopped" in text and "bought list" in text and "A person decided this." in text
    [statement] = [one for one in office.api.get("/v1/statements").json()["statements"] if one["action"] == "frozen"]
    assert statement["reason"] == "bought list" and not statement["automatic"] and statement["ended_at"] is None
    office.relay.cli("tenant", "unfreeze", "acme", "--reason", "the list is gone")
    assert office.send(office.people[10:11]).code == 250
    text = office.letter("post@acme.example", 4)
    assert "acme may send again" in text and "the list is gone" in text
    assert office.api.get(f"/v1/statements/{statement['number']}").json()["ended_at"] is not None
    actions = [(one["action"], one["reason"]) for one in office.shown()["history"]]
    assert actions[-2:] == [("tenant-frozen", "bought list"), ("tenant-unfrozen", "the list is gone")]
    assert office.shown()["level"] == "fine"  # what lay before was judged


def test_bulk_waits_until_the_contact_is_confirmed_by_mail(office: Office) -> None:
    """``--ask-contact``: nobody vouches, so a letter asks; a page confirms, and only its button does."""
    relay = office.relay
    relay.cli(
        "tenant", "add", "fresh", "--contact", "post@fresh.example", "--ask-contact", "--plan", "unlimited",
        "--transactional",
    )  # fmt: skip
    relay.cli("topic", "add", "fresh", "news")
    relay.cli("domain", "add", "fresh", "fresh.example")
    relay.cli("domain", "verify", "fresh", "fresh.example", "--vouch", "test")
    bulk, direct = relay.credential("fresh"), relay.credential("fresh", "transactional")
    refused = office.send(["ann@rcpt.example"], bulk, sender="news@fresh.example")
    assert str(refused).startswith("550 5.7.1 sender: the contact address post@fresh.example is not confirmed yet")
    assert office.send(["ann@rcpt.example"], direct, sender="news@fresh.example").code == 250
    text = office.letter("post@fresh.example")
    path = re.findall(r"http://127\.0\.0\.1:\d+(/contact/[\w-]+)", text.replace("=3D", "="))[0]
    page = httpx.get(f"http://127.0.0.1:{relay.http}{path}", trust_env=False)
    assert page.status_code == 200 and "Contact address of" in page.text
    assert relay.json("tenant", "show", "fresh")["contact_state"] == "asked"  # opening changes nothing
    url = f"http://127.0.0.1:{relay.http}{path}"
    assert httpx.post(url, data={}, trust_env=False).status_code == 400
    assert httpx.post(url, data={"answer": "confirm"}, trust_env=False).status_code == 200
    assert httpx.post(url, data={"answer": "confirm"}, trust_env=False).status_code == 410
    assert httpx.get(url[:-1] + "x", trust_env=False).status_code == 404
    shown = relay.json("tenant", "show", "fresh")
    assert (shown["contact_state"], shown["contact_by"]) == ("confirmed", "mail")
    relay.consent("ann@rcpt.example", "fresh")
    assert office.send(["ann@rcpt.example"], bulk, sender="news@fresh.example").code == 250
    assert relay.json("tenant", "show", "acme")["contact_by"].endswith("added by the operator")
    relay.cli("tenant", "edit", "fresh", "--contact", "boss@fresh.example")
    assert "boss@fresh.example" in office.letter("post@fresh.example", 2)
    relay.cli("contact", "confirm", "fresh", "--vouch", "rang them up")
    assert relay.json("tenant", "show", "fresh")["contact_by"].endswith(": rang them up")


def test_a_terminated_account_is_dead_and_comes_back_under_no_other_name(office: Office) -> None:
    relay = office.relay
    relay.cli("tenant", "add", "bad", "--contact", "j.oe@gmail.com", "--plan", "unlimited")
    relay.cli("topic", "add", "bad", "news")
    relay.cli("domain", "add", "bad", "bad.example")
    relay.cli("domain", "verify", "bad", "bad.example", "--vouch", "test")
    relay.consent("ann@rcpt.example", "bad")
    login = relay.credential("bad")
    token = relay.json("token", "add", "bad")["token"]
    form = relay.json("form", "add", "bad", "footer", "--topic", "news", "--wording", "Yes, bad may send me its news")
    path = "/s/" + form["url"].rpartition("/")[2]
    web = f"http://127.0.0.1:{relay.http}"
    assert httpx.get(web + path, trust_env=False).status_code == 200
    second = relay.json("tenant", "add", "twin", "--contact", "jo.e+2@googlemail.com")
    assert [(one["tenant"], one["what"]) for one in second["resembles"]] == [("bad", "contact")]
    assert {"what": "contact", "value": "joe@gmail.com", "tenants": ["bad", "twin"]} in relay.json("reports")[
        "second_accounts"
    ]
    with Dialog(relay.submissions, tls=True) as open_session:
        open_session.ehlo()
        assert open_session.login(*login).code == 235
        relay.cli("tenant", "terminate", "bad", "--reason", "phishing", "--yes")
        assert open_session.say("MAIL FROM:<news@bad.example>").code == 530  # its log-in is gone
    with Dialog(relay.submissions, tls=True) as dialog:
        dialog.ehlo()
        assert str(dialog.login(*login)).startswith("535 5.7.8")
    assert (
        httpx.get(f"{web}/v1/topics", headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 401
    )
    assert httpx.get(web + path, trust_env=False).status_code == 404
    assert "The account bad is closed" in office.letter("j.oe@gmail.com")
    for contact in ("joe@googlemail.com", "post@shop.bad.example"):
        refused = relay.run("tenant", "add", "bad2", "--contact", contact)
        assert refused.returncode == 1 and "terminated" in refused.stderr
    refused = relay.run("domain", "add", "acme", "news.bad.example")
    assert refused.returncode == 1 and "terminated" in refused.stderr
    for new in (
        ("token", "add", "bad"),
        ("credential", "add", "bad", "--stream", "bulk"),
        ("webhook", "add", "bad", "http://127.0.0.1:1/hook"),
        ("form", "add", "bad", "again", "--topic", "news", "--wording", "Yes, bad may send me its news"),
    ):
        refused = relay.run(*new)
        assert refused.returncode == 1 and "relay tenant reinstate bad" in refused.stderr, new
    refused = relay.run("tenant", "unfreeze", "bad")
    assert refused.returncode == 1 and "reinstate" in refused.stderr
    shown = relay.json("tenant", "show", "bad")
    assert shown["terminated_at"] and shown["statements"][0]["action"] == "terminated"
    relay.cli("tenant", "reinstate", "bad", "--reason", "it was another")
    assert relay.json("tenant", "show", "bad")["freeze"] == "none"
    assert str(office.send(["ann@rcpt.example"], relay.credential("bad"), sender="news@bad.example"))[:3] == "250"
