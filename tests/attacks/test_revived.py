"""A tenant, or somebody's old link, tries to bring back a person who left (R8)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.attacks.conftest import WORDING, Ground

_numbers = itertools.count()


@pytest.fixture(scope="module")
def form(ground: Ground) -> str:
    """Key of a form of two topics."""
    for topic in ("news", "offers"):
        assert ground.api("POST", "/topics", {"name": topic}).status_code in (201, 409)
    said = {"name": "back", "topics": ["news", "offers"], "wording": WORDING}
    answer = ground.api("POST", "/forms", said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"]).rpartition("/")[2]


@pytest.fixture
def gone(ground: Ground) -> str:
    """Somebody who agreed, and left by one click."""
    who = f"gone.person{next(_numbers)}@gmail.com"
    ground.agree(who)
    ground.leave(who)
    return who


def undotted(who: str) -> str:
    """The same mailbox at Gmail."""
    local, _, domain = who.partition("@")
    return f"{local.replace('.', '')}@{domain}"


def still_gone(ground: Ground, who: str) -> None:
    assert "news" not in ground.live(who)
    for path in (who, undotted(who), who.replace("@gmail", "+x@googlemail")):
        assert ground.rcpt(f"<{path}>").startswith("550 5.7.1 unsubscribed"), path


def word(answer: object) -> str:
    """The problem's type."""
    return str(answer.json()["type"]).rpartition("/")[2]  # type: ignore[attr-defined]


# --- by whoever isn't the person ------------------------------------------------------------


def test_by_api(ground: Ground, gone: str) -> None:
    before = ground.state()
    other = undotted(gone)
    for who in (gone, gone.upper(), other, f'"{gone.partition("@")[0]}"@googlemail.com', other.replace("@", "+y@")):
        answer = ground.claim(who)
        assert (answer.status_code, word(answer)) == (409, "unsubscribed"), answer.text
    said = {"topic": "news", "source": "form", "wording": WORDING}
    many = ground.api("POST", "/consents/batch", {"consents": [said | {"email": who} for who in (gone, other)]})
    assert many.json()["recorded"] == 0 and {one["status"] for one in many.json()["results"]} == {409}
    assert ground.state() == before
    still_gone(ground, gone)


def test_by_replaying_the_request_that_brought_it_in(ground: Ground) -> None:
    """The kept answer is given again, and nothing is done again."""
    who = "replayed.person@gmail.com"
    first = ground.claim(who, key="first-consent")
    assert first.status_code == 201
    ground.leave(who)
    before = ground.state()
    for _ in range(2):
        again = ground.claim(who, key="first-consent")
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert ground.claim(who, key="second-consent").status_code == 409
    assert ground.state() == before
    still_gone(ground, who)


FILES = {
    "list.txt": "{who}\n{other}\n",
    "list.csv": "email,at,means,withdrawn\n{who},2030-01-01,double-opt-in,\n{who},,,\n{other},,form,no\n",
    "list.vcf": "BEGIN:VCARD\nVERSION:4.0\nFN:X\nEMAIL;PREF=1:{who}\nEMAIL:{other}\nEND:VCARD\n",
}


@pytest.mark.parametrize("name", FILES)
def test_by_import(ground: Ground, gone: str, name: str) -> None:
    before = ground.state(("subscriber", "consent", "suppression", "membership", "profile"))
    outcome = ground.load(name, FILES[name].format(who=gone, other=undotted(gone)), group="vip")
    assert outcome["taken"] == 0 and outcome["refused"] >= 1, outcome
    assert ground.state(("subscriber", "consent", "suppression", "membership", "profile")) == before
    still_gone(ground, gone)


def test_by_hand_and_by_lifting_a_suppression(ground: Ground, gone: str) -> None:
    """A suppression laid over the withdrawal and lifted again takes nothing of it away."""
    relay = ground.relay
    relay.cli("suppression", "add", "acme", gone, "--reason", "asked by phone")
    relay.cli("suppression", "remove", "acme", gone, "--reason", "a mistake")
    refused = relay.run("suppression", "remove", "acme", gone, "--reason", "a mistake")
    assert refused.returncode == 1 and "only a fresh consent by the person itself" in refused.stderr
    by_hand = relay.run("consent", "add", "acme", gone, "--topic", "news", "--source", "by phone", "--wording", "Yes")
    assert by_hand.returncode == 1 and "unsubscribed" in by_hand.stderr
    still_gone(ground, gone)


def test_by_withdrawing_it_oneself_and_giving_it_again(ground: Ground) -> None:
    """What the tenant ends in a person's name stays ended too: nobody can tell who it was."""
    who = "ended.by.tenant@gmail.com"
    ground.agree(who)
    assert ground.api("DELETE", "/consents", email=who).json()["changed"]
    assert ground.claim(who).status_code == 409
    assert ground.claim("endedbytenant@gmail.com").status_code == 409
    still_gone(ground, who)


def test_by_a_topic_that_is_made_afterwards(ground: Ground) -> None:
    """Who left the tenant left what it makes up later too."""
    who = "left.all@gmail.com"
    ground.agree(who)
    ground.leave_all(who)
    before = ground.state(("consent", "suppression", "consent_history"))
    assert word(ground.claim(who, topic="made-up-later")) == "topic"
    for name in ("made-up-later", "made-up-even-later"):
        assert ground.api("POST", "/topics", {"name": name}).status_code in (201, 409)
    for other in (who, "leftall@googlemail.com"):
        answer = ground.claim(other, topic="made-up-later")
        assert (answer.status_code, word(answer)) == (409, "unsubscribed")
    assert ground.load("later.txt", f"{who}\nleftall@gmail.com\n", topic="made-up-even-later")["taken"] == 0
    assert ground.state(("consent", "suppression", "consent_history")) == before
    for stream, path in (("bulk", who), ("news", "leftall@gmail.com")):
        assert ground.rcpt(f"<{path}>", stream).startswith("550 5.7.1 unsubscribed")


def test_by_making_the_tenant_forget(ground: Ground) -> None:
    """Topic, stream and form can be made anew, the withdrawal stays."""
    who = "forgotten@people.example"
    ground.agree(who)
    ground.leave(who)
    assert ground.api("POST", "/topics", {"name": "news"}).status_code == 409
    for path in ("/topics", "/consents"):
        assert ground.api("DELETE", f"{path}/news").status_code in (404, 405)
    ground.relay.cli("stream", "add", "acme", "news-again", "--kind", "bulk", "--topic", "news")
    ground.logins["news-again"] = ground.relay.credential(stream="news-again")
    assert ground.rcpt(f"<{who}>", "news-again").startswith("550 5.7.1 unsubscribed")


# --- by a form --------------------------------------------------------------------------------


def test_by_a_form_without_the_person_s_click(ground: Ground, form: str, gone: str) -> None:
    before = ground.state(("subscriber", "consent", "suppression", "consent_history"))
    assert ground.ask(form, gone).status_code == 200
    link = ground.confirmation(gone)
    for _ in range(2):
        assert ground.get(link).status_code == 200  # link scanners open links
    for fields in ({}, {"answer": "yes"}, {"List-Unsubscribe": "One-Click"}, {"answer": "never"}):
        assert ground.post(link, **fields).status_code == 400
    asked = ground.api("POST", "/consents/opt-in", {"email": gone, "form": "back", "topics": ["news"]})
    assert asked.status_code == 202
    assert ground.state(("subscriber", "consent", "suppression", "consent_history")) == before
    still_gone(ground, gone)


def test_the_person_itself_comes_back(ground: Ground, form: str, gone: str) -> None:
    """The others can tell: this is what does lift a withdrawal."""
    ground.ask(form, gone)
    assert ground.post(ground.confirmation(gone), answer="confirm").status_code == 200
    assert ground.rcpt(f"<{gone}>").startswith("250")


Spelling = Callable[[str], str]
SPELLINGS: dict[str, Spelling] = {
    "the same": lambda who: who,
    "without dots": undotted,
    "with a tag, googlemail": lambda who: who.replace("@gmail.com", "+shop@googlemail.com"),
    "in quotes": lambda who: '"{}"@{}'.format(*who.split("@")),
    "upper case": str.upper,
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_by_a_link_from_before(ground: Ground, form: str, name: str) -> None:
    """Asked for under some spelling, then the person leaves under its own; the old link is opened, and pressed."""
    who = f"old.link{next(_numbers)}@gmail.com"
    ground.agree(who)
    spelled = SPELLINGS[name](who)
    assert ground.ask(form, spelled).status_code == 200
    link = ground.confirmation(f"{who.partition('@')[0].upper()}@gmail.com" if name == "upper case" else spelled)
    ground.leave(who)
    before = ground.state(("suppression",))
    assert ground.post(link, answer="confirm").status_code == 200  # to the form's other topic
    assert ground.state(("suppression",)) == before
    still_gone(ground, who)


@pytest.mark.parametrize("name", list(SPELLINGS)[:3])
def test_by_a_link_from_before_who_left_everything(ground: Ground, form: str, name: str) -> None:
    who = f"left.link{next(_numbers)}@gmail.com"
    ground.agree(who)
    spelled = SPELLINGS[name](who)
    ground.ask(form, spelled)
    link = ground.confirmation(spelled)
    ground.leave_all(who)
    before = ground.state()
    assert "You have unsubscribed since then" in ground.get(link).text
    assert ground.post(link, answer="confirm").status_code == 409
    assert ground.state() == before
    still_gone(ground, who)


def test_by_a_link_that_was_used_before(ground: Ground, form: str) -> None:
    who = f"used.link{next(_numbers)}@gmail.com"
    ground.ask(form, who)
    link = ground.confirmation(who)
    assert ground.post(link, answer="confirm").status_code == 200
    ground.leave(who)
    before = ground.state()
    for _ in range(2):
        ground.post(link, answer="confirm")
    assert ground.state() == before
    still_gone(ground, who)


def test_by_another_request_s_link(ground: Ground, form: str, gone: str) -> None:
    """A link is for one request: that of another person, or with changed octets, is nobody's."""
    ground.ask(form, "accomplice@people.example")
    link = ground.confirmation("accomplice@people.example")
    before = ground.state()
    for place in range(len("/confirm/"), len(link), 5):
        changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        assert ground.post(changed, answer="confirm").status_code == 404
    assert ground.post(f"{link}?email={gone}", answer="confirm", email=gone, address=gone).status_code == 200
    assert ground.live(gone) == set() and ground.live("accomplice@people.example") == {"news", "offers"}
    assert before["suppression"] == ground.state()["suppression"]
    still_gone(ground, gone)


def test_who_complained_can_t_be_asked_nor_confirmed_under_any_spelling(ground: Ground, form: str) -> None:
    who, other = "com.plained@gmail.com", "complained+x@googlemail.com"
    ground.ask(form, other)
    link = ground.confirmation(other)
    ground.agree(who)
    got = ground.deliver("From: news@acme.example\r\nTo: x@y.example\r\nSubject: Hm\r\n\r\nHi\r\n", who)
    report = got.field("X-Report-Abuse").strip("<>")
    assert ground.post(report, report="abuse").status_code == 200
    before = ground.state()
    assert ground.post(link, answer="confirm").status_code == 409
    assert ground.ask(form, other).status_code == 200
    asked = ground.api("POST", "/consents/opt-in", {"email": other, "form": "back", "topics": ["news"]})
    assert (asked.status_code, word(asked)) == (409, "suppressed")
    ground.settled()
    assert len(ground.letters(other)) == 1
    assert ground.state() == before
    for stream, path in itertools.product(("news", "transactional"), (who, other)):
        assert ground.rcpt(f"<{path}>", stream).startswith("550 5.7.1 suppressed")
