"""A mailing through a running relay: written in the browser's way, looked at, sent, stopped, gone on after a crash."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from relay.intake.api.handed import HandedMessage, Told
from relay.intake.api.line import MailLine
from relay.mailings import audience, mailings, writing
from relay.mailings.mailings import Mailing, MailingState
from relay.mailings.running import handing
from relay.store.database import transaction
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Sink

pytestmark = pytest.mark.peers
PAGE = (
    "<html><head><style>.a{color:#123}@media (prefers-color-scheme:dark){.a{color:#fed}}"
    "b{background:url(https://evil.example/x)}</style></head><body><p class=a>Hello {{ email }}</p>"
    "<script>alert(1)</script><a href='https://acme.example/sale'>sale</a></body></html>"
)
PEOPLE = 30


class Office:
    """A tenant with people who agreed, and its owner at the pages."""

    def __init__(self, directory: Path, staging: str = "never") -> None:
        self.sink = Sink()
        self.relay = relay = Relay(
            directory,
            {
                "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
                "server": {"workers": 2},
                "policy.staged_sending": {"when": staging},
                "plans.small": {"messages": 2, "subscribers": 100},
            },
        )
        relay.tenant()
        self.people("news", PEOPLE)
        self.owner = self.login("ann@acme.example", "owner")
        self.other = self.login("ben@acme.example", "editor")
        relay.start()
        self.conn = relay.open_store()
        (self.tenant_id,) = self.conn.execute("SELECT id FROM tenant WHERE name = 'acme'").fetchone()

    def close(self) -> None:
        self.conn.close()
        self.relay.stop()

    def people(self, topic: str, count: int) -> None:
        lines = "".join(f"{topic}{number}@rcpt.example\n" for number in range(count))
        (self.relay.directory / "list.csv").write_text("email\n" + lines)
        self.relay.run("topic", "add", "acme", topic)
        self.relay.cli(
            "consent", "import", "acme", str(self.relay.directory / "list.csv"), "--topic", topic,
            "--source", "form on acme.example", "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip

    def login(self, email: str, role: str) -> tuple[str, str]:
        self.relay.cli("user", "add", email, "--tenant", "acme", "--role", role)
        return email, self.relay.json("user", "reset", email)["password"]

    def browser(self, who: tuple[str, str] | None = None) -> httpx.Client:
        email, password = who or self.owner
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.relay.http}", timeout=30, trust_env=False)
        answer = client.post("/login", data={"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    def draft(self, topic: str, **given: str) -> Mailing:
        fields = {"subject": "News", "source": "<p>Hello</p>", "author": "news@acme.example", "topic": topic, **given}
        with transaction(self.conn) as conn:
            content = writing.checked(fields, (), ["acme.example"])
            id_ = mailings.add(conn, self.tenant_id, content, actor="t", now=time.time())
        return self.row(id_)

    def begin(self, row: Mailing) -> Mailing:
        with transaction(self.conn) as conn:
            mailings.start(conn, row, at=None, last_at=None, actor="t", now=time.time())
        return self.row(row.id)

    def row(self, id_: int) -> Mailing:
        found = mailings.find(self.conn, self.tenant_id, id_)
        assert found is not None
        return found

    def ended(self, id_: int, state: MailingState = MailingState.DONE) -> Mailing:
        return self.until(id_, lambda row: row.state is state)

    def until(self, id_: int, ready: Callable[[Mailing], bool]) -> Mailing:
        until(lambda: ready(self.row(id_)), lambda: f"what is waited for: {self.row(id_)}")
        return self.row(id_)

    def got(self, start: str) -> Counter[str]:
        """How many messages each address got, of those that begin so."""
        to = [one.commands for one in list(self.sink.messages)]
        addresses = [found[1] for one in to for line in one if (found := re.match(r"(?i)RCPT TO:<([^>]+)>", line))]
        return Counter(one for one in addresses if one.startswith(start))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("mailing"))
    try:
        yield made
    finally:
        made.close()


def test_from_the_draft_to_the_last_copy(office: Office) -> None:
    office.relay.cli("suppression", "add", "acme", "news3@rcpt.example", "--reason", "complaint")
    with closing(office.browser()) as browser:
        form: dict[str, Any] = {
            "topic": "news", "author": "news@acme.example", "author_name": "Acme & Co", "subject": "Autumn {{ email }}",
            "format": "html", "name": "autumn",
        }  # fmt: skip
        wrong = browser.post("/account/send/new", data=form, files={"file": ("a.html", b"", "text/html")})
        assert wrong.status_code == 422 and "no content" in wrong.text and "Acme &amp; Co" in wrong.text
        made = browser.post("/account/send/new", data=form, files={"file": ("a.html", PAGE.encode(), "text/html")})
        assert made.status_code == 303, made.text
        path = made.headers["location"]
        page = browser.get(path).text
        assert f'id="agreed">{PEOPLE}<' in page and f'id="reachable">{PEOPLE - 1}<' in page
        _looks_as_its_readers_will_see_it(office, browser, path)
        assert browser.post(f"{path}/start", data={"when": "now"}).status_code == 303
        row = office.ended(int(path.rpartition("/")[2]))
        assert (row.accepted, row.refused, row.people) == (PEOPLE - 1, 1, PEOPLE)
        until(lambda: sum(office.got("news").values()) >= PEOPLE - 1, "all copies are there")
        assert office.got("news") == Counter(f"news{n}@rcpt.example" for n in range(PEOPLE) if n != 3)
        page = browser.get(path).text
        assert f'id="accepted">{PEOPLE - 1}<' in page and 'http-equiv="refresh"' not in page
        assert "/account/campaigns/" in page and browser.get(f"/account/campaigns/{row.campaign_id}").status_code == 200
        activity = browser.get("/account/me").text
        assert "mailing" in activity and "start" in activity
    one = office.sink.messages[0].data.decode()
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in one and "Feedback-ID" in one
    assert 'You receive this because you subscribed to "news"' in one.replace("=\r\n", "").replace("=20", " ")


def _looks_as_its_readers_will_see_it(office: Office, browser: httpx.Client, path: str) -> None:
    submissions = "SELECT count(*) FROM submission"
    before = office.conn.execute(submissions).fetchone()
    light = browser.get(f"{path}/preview")
    assert light.status_code == 200 and "sandbox" in light.headers["content-security-policy"]
    assert "default-src 'none'" in light.headers["content-security-policy"]
    assert "news0@rcpt.example" in light.text and "You receive this because you subscribed" in light.text
    assert "<script" not in light.text and "evil.example" not in light.text and "acme.example/sale" not in light.text
    assert "@media (max-width:0)" in light.text
    assert "@media (min-width:0)" in browser.get(f"{path}/preview?look=dark").text
    text = browser.get(f"{path}/preview?part=text").text
    assert "<pre>" in text and "Unsubscribe" in text
    assert office.conn.execute(submissions).fetchone() == before
    refused = "SELECT count(*) FROM event WHERE kind = 'refused'"
    assert office.conn.execute(refused).fetchone()[0] == 0


def test_what_would_be_refused_is_told_and_put_on_no_record(office: Office) -> None:
    office.people("looked", 1)
    office.relay.cli("suppression", "add", "acme", "looked0@rcpt.example", "--reason", "complaint")
    row = office.draft("looked")
    with closing(office.browser()) as browser:
        assert "suppressed" in browser.get(f"/account/send/{row.id}/preview").text
    office.ended(office.begin(row).id)
    told = "SELECT count(*) FROM event WHERE kind = 'refused' AND detail LIKE '%looked0@%'"
    until(lambda: office.conn.execute(told).fetchone()[0], "the real refusal is on record")
    assert office.conn.execute(told).fetchone()[0] == 1


def test_while_nobody_has_agreed_the_preview_is_an_example(office: Office) -> None:
    office.relay.cli("topic", "add", "acme", "empty")
    row = office.draft("empty")
    with closing(office.browser()) as browser:
        assert "You receive this because" in browser.get(f"/account/send/{row.id}/preview").text
    done = office.ended(office.begin(row).id)
    assert (done.accepted, done.people) == (0, 0)


def test_a_test_goes_to_ones_own_confirmed_address_alone(office: Office) -> None:
    office.people("tested", 2)
    row = office.draft("tested", subject="Prüfung {{ email }}", source=PAGE)
    path = f"/account/send/{row.id}"
    with closing(office.browser()) as browser:
        assert 'id="unconfirmed"' in browser.get(path).text
        refused = browser.post(f"{path}/test")
        assert refused.status_code == 422 and "confirm your own address" in refused.text
        assert browser.get("/account/me/confirm/wrong").status_code == 410
        assert browser.post("/account/me/confirm").status_code == 303
        assert browser.post("/account/me/confirm").status_code == 422
        link = _link_in(office, "ann@acme.example")
        with closing(office.browser(office.other)) as other:  # another's session makes nothing of it
            assert other.get(link).status_code == 410
        with httpx.Client(trust_env=False) as nobody:
            assert nobody.get(f"http://127.0.0.1:{office.relay.http}{link}").status_code == 303
        assert 'id="unconfirmed"' in browser.get(path).text
        assert browser.get(link).status_code == 303
        assert 'id="send-test"' in browser.get(path).text
        sent = browser.post(f"{path}/test")
        assert sent.status_code == 303, sent.text
        assert 'id="tested"' in browser.get(sent.headers["location"]).text
    letter = until(
        lambda: next((one for one in _letters(office, "ann@acme.example") if "[Test]" in one), ""), "the test"
    )
    assert "tested0@rcpt.example" in letter and "/u/test" in letter and "\r\nList-Unsubscribe:" not in letter
    assert "From: news@acme.example" in letter and "DKIM-Signature" in letter and "To: ann@acme.example" in letter
    assert office.got("tested") == Counter()
    assert office.row(row.id).state is MailingState.DRAFT
    counted = "SELECT count(*) FROM campaign WHERE name LIKE 'Pr%'"
    assert office.conn.execute(counted).fetchone()[0] == 0


def test_another_tenants_mailing_is_not_there(office: Office) -> None:
    office.relay.cli("tenant", "add", "fresh", "--contact", "post@fresh.example", "--plan", "unlimited")
    office.relay.cli("topic", "add", "fresh", "club")
    (tenant_id,) = office.conn.execute("SELECT id FROM tenant WHERE name = 'fresh'").fetchone()
    given = {"subject": "News", "source": "<p>Hello</p>", "author": "news@fresh.example", "topic": "club"}
    with transaction(office.conn) as conn:
        content = writing.checked(given, (), ["fresh.example"])
        id_ = mailings.add(conn, tenant_id, content, actor="t", now=time.time())
    with closing(office.browser()) as browser:
        for word in ("stop", "start", "resume", "copy", "remove", "test", "edit"):
            assert browser.post(f"/account/send/{id_}/{word}").status_code == 404
        for word in ("", "/edit", "/preview"):
            assert browser.get(f"/account/send/{id_}{word}").status_code == 404
    found = mailings.find(office.conn, tenant_id, id_)
    assert found is not None and found.state is MailingState.DRAFT


def test_a_staged_mailing_waits_for_its_verdict(tmp_path: Path) -> None:
    """Stages are the acceptor's, whoever hands the copies in."""
    office = Office(tmp_path, "always")
    try:
        row = office.ended(office.begin(office.draft("news")).id)
        assert row.accepted == PEOPLE and row.campaign_id is not None
        held = "SELECT count(*) FROM recipient WHERE campaign_id = ? AND state = 1"
        assert 0 < office.conn.execute(held, (row.campaign_id,)).fetchone()[0] < PEOPLE
        with closing(office.browser()) as browser:
            page = browser.get(f"/account/send/{row.id}").text
            assert "The rest waits for the verdict" in page and f"/account/campaigns/{row.campaign_id}" in page
        office.relay.cli("campaign", "release", str(row.campaign_id))
        until(lambda: sum(office.got("news").values()) >= PEOPLE, "all copies are there")
        assert set(office.got("news").values()) == {1}
    finally:
        office.close()


def _letters(office: Office, to: str) -> list[str]:
    found = [one for one in list(office.sink.messages) if any(f"<{to}>" in line for line in one.commands)]
    return [one.data.decode().replace("=\r\n", "") for one in found]


def _link_in(office: Office, to: str) -> str:
    def link() -> str:
        found = [re.search(r"/account/me/confirm/[\w-]+", one) for one in _letters(office, to)]
        return next((one[0] for one in found if one), "")

    return until(link, "the letter with the link")


def test_templates_are_written_looked_at_and_begun_with(office: Office) -> None:
    with closing(office.browser()) as browser:
        form = {"name": "welcome", "subject": "Hi {{ name }}", "format": "markdown", "source": "# Hi {{ name }}"}
        wrong = browser.post("/account/templates", data=form | {"source": "{{ a"})
        assert wrong.status_code == 422 and "{{ a" in wrong.text
        assert browser.post("/account/templates", data=form).status_code == 303
        assert browser.post("/account/templates", data=form | {"source": "# Bye {{ name }}"}).status_code == 303
        page = browser.get("/account/templates/welcome").text
        assert "Bye" in page and "?version=1" in page
        assert "Bye [name]" in browser.get("/account/templates/welcome/preview").text
        assert "Hi [name]" in browser.get("/account/templates/welcome/preview?version=1").text
        assert "Bye {{ name }}" not in re.findall(r"<textarea id=.text.*?</textarea>", page, re.S)[0]
        assert "# Bye {{ name }}" in browser.get("/account/send/new?template=welcome").text
        kept = office.relay.json("template", "show", "acme", "welcome")
        assert (kept["version"], kept["source"]) == (2, "# Bye {{ name }}")
        assert browser.post("/account/templates/welcome/remove").status_code == 303
        assert browser.get("/account/templates/welcome").status_code == 404


def test_the_plan_and_what_was_used_of_it(office: Office) -> None:
    with closing(office.browser()) as browser:
        page = browser.get("/account/plan").text
    used = office.relay.json("quota", "show", "acme")["messages_used"]
    assert f"{used:,}" in page and "small" in page and "unlimited" in page


def test_the_same_by_command(office: Office) -> None:
    office.people("shown", 2)
    row = office.ended(office.begin(office.draft("shown")).id)
    listed = office.relay.json("mailing", "list", "acme")
    assert next(one for one in listed if one["id"] == row.id)["accepted"] == 2
    told = office.relay.json("mailing", "show", str(row.id))
    assert (told["state"], told["people"], told["refusals"], told["tenant"]) == ("done", 2, {}, "acme")
    refused = office.relay.run("mailing", "stop", str(row.id))
    assert refused.returncode == 1 and "isn't being sent" in refused.stderr
    unknown = office.relay.run("mailing", "show", "999999")
    assert unknown.returncode == 1 and "relay mailing list" in unknown.stderr


def hand(office: Office, handed: HandedMessage) -> Told:
    async def once() -> Told:
        line = MailLine(office.relay.directory / "data", 2)
        try:
            return await line.hand(handed)
        finally:
            await line.close()

    return asyncio.run(once())


def test_a_step_that_is_handed_over_twice_is_stored_once(office: Office) -> None:
    office.people("twice", 4)
    row = office.draft("twice")
    with transaction(office.conn) as conn:  # it waits, so that nobody else works it off
        conn.execute(
            "UPDATE mailing SET state = 'sending', wait_until = 9e12, up_to = 999999, started_at = 1 WHERE id = ?",
            (row.id,),
        )
    row = office.row(row.id)
    who = audience.of(office.conn, office.tenant_id, "twice", ())
    members = audience.batch(office.conn, who, 0, 10**9, 10)
    handed = handing.step_of(row, members, members[-1].id, again=False)
    first, second = hand(office, handed), hand(office, handed)
    assert first.body and not second.body and second.code == "mailing"
    other = handing.step_of(office.row(row.id), members, members[-1].id + 1, again=False)
    with transaction(office.conn) as conn:
        conn.execute("UPDATE mailing SET state = 'stopped' WHERE id = ?", (row.id,))
    assert hand(office, other).code == "mailing"
    looked = hand(office, replace(handed, step=None, look=True))
    assert looked.looked is not None and not looked.body
    until(lambda: sum(office.got("twice").values()) >= 4, "the copies are there")
    stored = office.conn.execute("SELECT count(*) FROM recipient WHERE address LIKE 'twice%'").fetchone()[0]
    assert stored == 4 and office.row(row.id).accepted == 4


def test_what_the_plan_does_not_allow_waits_and_goes_on(office: Office) -> None:
    relay = office.relay
    office.people("quota", 5)
    used = relay.json("quota", "show", "acme")["messages_used"]
    assert used >= 2
    relay.cli("plan", "set", "acme", "small")
    row = office.begin(office.draft("quota"))
    waits = office.until(row.id, lambda one: one.wait_until is not None)
    assert waits.why.startswith("quota-messages: ") and waits.accepted <= 2 and waits.state is MailingState.SENDING
    with closing(office.browser()) as browser:
        page = browser.get(f"/account/send/{row.id}").text
        assert 'id="why"' in page and "quota-messages" in page and 'http-equiv="refresh"' in page
        relay.cli("plan", "set", "acme", "unlimited")
        assert browser.post(f"/account/send/{row.id}/stop").status_code == 303
        assert office.row(row.id).state is MailingState.STOPPED
        assert browser.post(f"/account/send/{row.id}/resume").status_code == 303
    assert office.ended(row.id).accepted == 5
    until(lambda: sum(office.got("quota").values()) >= 5, "all copies are there")
    assert set(office.got("quota").values()) == {1}


def test_a_message_that_is_refused_itself_stops_it_and_says_why(office: Office) -> None:
    office.people("wrong", 3)
    row = office.draft("wrong")
    office.relay.cli("tenant", "freeze", "acme", "--reason", "test")
    try:
        row = office.ended(office.begin(row).id, MailingState.STOPPED)
        assert row.why.startswith("frozen") and row.accepted == 0 and row.refused == 0
    finally:
        office.relay.cli("tenant", "unfreeze", "acme")


def test_after_a_crash_it_goes_on_and_nobody_gets_it_twice(office: Office) -> None:
    office.people("crash", 1200)
    row = office.begin(office.draft("crash"))
    until(lambda: office.row(row.id).accepted, "it has begun")
    office.relay.kill()
    office.relay.start()
    done = office.ended(row.id)
    assert done.accepted == 1200
    stored = office.conn.execute(
        "SELECT count(*), count(DISTINCT address) FROM recipient WHERE address LIKE 'crash%'"
    ).fetchone()
    assert tuple(stored) == (1200, 1200)
