"""A rival has complaints made up, so that a competitor is warned, frozen or loses its people (R25)."""

from __future__ import annotations

import re

import pytest

from tests.attacks.conftest import Ground
from tests.support.peers import until
from tests.support.smtp import mail

EVE = "eve@evil.example"


def report(ground: Ground, email: str, **fields: str) -> str:
    """The page that answers; without what differs by the address that was typed."""
    answer = ground.post("/report", email=email, **fields)
    assert answer.status_code == 200, answer.text
    return re.sub(r"<bdi>.*?</bdi>", "", answer.text)


def letters(ground: Ground, address: str) -> list[str]:
    """Paths that the letters to an address lead to."""
    texts = [one.data.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode() for one in ground.copies(address)]
    return [found[0] for text in texts if (found := re.findall(r"(/report/confirm/[\w-]+)", text))]


def confirmed(ground: Ground, address: str, number: int = 1) -> None:
    """The reader of a mailbox presses the button."""
    path = until(lambda: letters(ground, address)[number - 1 :], f"a letter to {address}")[0]
    assert ground.get(path).status_code == 200
    assert ground.post(path, answer="confirm").status_code == 200
    assert ground.post(path, answer="confirm").status_code == 410


def complaints(ground: Ground) -> int:
    """Of acme, as its operator sees them."""
    rates = ground.relay.json("tenant", "show", "acme")["rates"]
    return int(next(one["count"] for one in rates if one["scope"] == "tenant" and one["measure"] == "complaints"))


def desk(ground: Ground) -> list[tuple[str, str | None]]:
    """(address, tenant) of what waits for a person, the oldest first."""
    return [(one["address"], one["tenant"]) for one in reversed(ground.relay.json("reports")["reports"])]


def got(ground: Ground, address: str, subject: str) -> str:
    ground.agree(address)
    copy = ground.deliver(mail(to=address, subject=subject, body=f"{subject}\r\n"), address)
    return copy.data.decode()


def test_another_s_message_counts_for_nobody(ground: Ground) -> None:
    """Forwarded, stolen, or found in a public archive: the person it went to is the one who can complain."""
    victim = "framed@people.example"
    message = got(ground, victim, "Framed by a copy")
    before = complaints(ground)
    report(ground, EVE, message=message)
    confirmed(ground, EVE)
    assert desk(ground) == [(EVE, "acme")]
    assert complaints(ground) == before and ground.live(victim) == {"news"}
    assert ground.rcpt(f"<{victim}>").startswith("250")
    number = ground.relay.json("reports")["reports"][0]["number"]
    ground.relay.cli("reports", "close", str(number), "--note", "a rival")
    assert desk(ground) == []


@pytest.mark.parametrize("how", ["link", "message"])
def test_only_the_person_s_own_word_counts(ground: Ground, how: str) -> None:
    """Typed in by somebody else: a letter asks the person, once whatever is tried, and nothing counts before."""
    person = f"asked-{how}@people.example"
    message = got(ground, person, f"Asked by {how}")
    link = re.findall(r"X-Report-Abuse: <(http[^>]+)>", message)[0]
    before = complaints(ground)
    for spelling in (person, person.upper(), person.replace("@", "+x@"), f" {person} "):
        report(ground, spelling, message=link if how == "link" else message)
    ground.settled()
    assert len(letters(ground, person)) == 1 and complaints(ground) == before
    assert ground.rcpt(f"<{person}>").startswith("250")
    confirmed(ground, person)
    assert complaints(ground) == before + 1
    assert ground.rcpt(f"<{person}>").startswith("550 5.7.1 suppressed")
    assert desk(ground) == []


def test_one_person_counts_once_however_many_messages_it_reports(ground: Ground) -> None:
    person = "many@people.example"
    links = [
        re.findall(r"X-Report-Abuse: <http://[^/]+(/report/[^>]+)>", got(ground, person, f"Number {number} of many"))[0]
        for number in range(4)
    ]
    before = complaints(ground)
    for link in links:
        assert ground.post(link, report="abuse").status_code == 200
    assert complaints(ground) == before + 1


def test_what_is_made_up_goes_to_a_person(ground: Ground) -> None:
    """A tag that isn't ours, a sender that anybody can name, words about acme."""
    message = got(ground, "real@people.example", "The real one")
    forged = re.sub(r"(X-Report-Abuse: <http[^>]*/report/)[\w-]{6}", r"\g<1>AAAAAA", message)
    forged = re.sub(r"[bu]-[a-z2-7]{50}", "b-" + "a" * 50, forged)
    forged = re.sub(r"/(?:u|p|why|report|permission)/[\w-]{42}", "/u/" + "A" * 42, forged)
    before = complaints(ground)
    report(ground, "mallory@evil.example", message=forged)
    report(ground, "trudy@evil.example", sender="news@acme.example", description="They spam everybody!")
    report(ground, "peggy@evil.example", sender="ceo@elsewhere.example", description="Not from here at all")
    for who in ("mallory", "trudy", "peggy"):
        confirmed(ground, f"{who}@evil.example")
    assert complaints(ground) == before
    assert sorted(desk(ground)) == [
        ("mallory@evil.example", None), ("peggy@evil.example", None), ("trudy@evil.example", "acme")
    ]  # fmt: skip
    calls = ground.rows("SELECT count(*) FROM event WHERE kind = 'operator.called' AND detail LIKE '%spam-report%'")
    assert calls == [(1,)]  # not one for each


def test_nobody_learns_who_is_a_subscriber(ground: Ground) -> None:
    known = "known@people.example"
    message = got(ground, known, "Known to acme")
    pages = {
        report(ground, known, message=message),
        report(ground, "stranger@people.example", message=message),
        report(ground, known, sender="news@acme.example", description="x"),
        report(ground, "stranger2@people.example", sender="no@such.example", description="x"),
        report(ground, known, message="no link at all", remark="I am a robot"),
    }
    assert len(pages) == 1


def test_a_network_sends_so_many_and_no_more(ground: Ground) -> None:
    """Counted whatever is claimed; the mailbox of a victim is not bombed from many either."""
    sent = int(ground.rows("SELECT count(*) FROM spam_report")[0][0])
    statuses = {
        ground.post("/report", email=f"p{number}@many.example", sender="a@b.example", description="x").status_code
        for number in range(25 - sent)
    }
    assert 429 in statuses
    limited = ground.post("/report", email="last@many.example", sender="a@b.example", description="x")
    assert limited.status_code == 429 and int(limited.headers["retry-after"]) > 0
