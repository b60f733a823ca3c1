"""A tenant, or a stranger, has confirmation mails sent to someone who never asked (R25a, R8)."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.conftest import WORDING, Ground
from tests.support.smtp import Dialog, mail

NETWORK, FORM, TENANT = 12, 15, 40
"""Mails an hour, by network, by form and by tenant."""

MAILBOXES = {
    "gmail": ("vic.tim@gmail.com", "victim+1@gmail.com", "v.i.c.t.i.m@googlemail.com", '"victim"@gmail.com'),
    "proton": ("vic.tim@proton.me", "vic-tim@pm.me", "vic_tim+x@protonmail.com", "VICTIM@protonmail.ch"),
    "yandex": ("vic.tim@yandex.ru", "vic-tim@ya.ru", "vic.tim+1@yandex.com", "vic-tim@yandex.kz"),
    "yahoo": ("victim-a@yahoo.com", "victim-b@yahoo.com", "Victim-c@yahoo.com", "victim-d@yahoo.com"),
    "apple": ("victim@icloud.com", "victim@me.com", "victim@mac.com", "victim+x@icloud.com"),
    "any": ("victim@people.example", "victim+a@people.example", "VICTIM+b@People.Example", '"victim"@people.example'),
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """With the limits of mailboxes that are set by default, and nobody who left comes back."""
    limits: dict[str, object] = {"least_time": 0, "network_per_hour": NETWORK, "form_per_hour": FORM}
    limits["new_tenant_per_hour"] = TENANT
    made = Ground(tmp_path_factory.mktemp("strict"), ("news",), forms={**limits, "may_return": False})
    yield made
    made.close()


@pytest.fixture(scope="module")
def forms(strict: Ground) -> dict[tuple[str, str], str]:
    """Keys of forms: two of each tenant."""
    keys = {}
    for tenant in ("acme", "rival"):
        for name in ("one", "two"):
            said = {"name": name, "topics": ["news"], "wording": WORDING}
            url = strict.api("POST", "/forms", said, tenant=tenant).json()["url"]
            keys[tenant, name] = url.rpartition("/")[2]
    return keys


def letters(strict: Ground) -> int:
    """Confirmation mails that arrived, whoever got them."""
    return sum(b"/confirm/" in one.data for one in strict.sink.messages)


def by_api(strict: Ground, email: str, ip: str, *, tenant: str = "acme", form: str = "one") -> httpx.Response:
    wish = {"email": email, "form": form, "topics": ["news"], "ip": ip}
    return strict.api("POST", "/consents/opt-in", wish, tenant=tenant)


@pytest.mark.parametrize("name", MAILBOXES)
def test_a_mailbox_gets_one_mail_however_it_is_spelled(
    strict: Ground, forms: dict[tuple[str, str], str], name: str
) -> None:
    """Many forms, many tenants, page and API, and an IP address that the tenant makes up each time."""
    spellings, before = MAILBOXES[name], letters(strict)
    pages = {strict.ask(key, one).text for key, one in zip(forms.values(), spellings, strict=True)}
    assert len(pages) <= 2  # one of each tenant: no page tells that nothing was sent
    for number, one in enumerate(spellings):
        for tenant in ("acme", "rival"):
            answer = by_api(strict, one, f"2001:db8:{number}::1", tenant=tenant, form="two")
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (429, "limit"), answer.text
            assert int(answer.headers["retry-after"]) > 0
    strict.settled()
    assert letters(strict) == before + 2
    assert len(strict.letters(spellings[0])) == 1


def test_a_network_reaches_so_many_whatever_addresses_it_claims(
    strict: Ground, forms: dict[tuple[str, str], str]
) -> None:
    """X-Forwarded-For and its kin count from a trusted proxy only."""
    claims = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")
    pages = set()
    for number in range(NETWORK + 4):
        place = f"198.51.{number}.7"
        headers = {name: f"for={place}" if name == "Forwarded" else place for name in claims}
        with httpx.Client(base_url=f"http://127.0.0.1:{strict.relay.http}", trust_env=False, headers=headers) as client:
            pages.add(strict.ask(list(forms.values())[number % 2], f"network{number}@people.example", client).text)
    assert len(pages) == 1
    most = strict.rows("SELECT max(n) FROM (SELECT count(*) AS n FROM asking GROUP BY network) AS counted")
    assert most == [(NETWORK,)]
    strict.settled()
    assert letters(strict) == strict.rows("SELECT count(*) FROM opt_in")[0][0] == NETWORK


def test_a_form_reaches_so_many_whatever_addresses_the_tenant_claims(
    strict: Ground, forms: dict[tuple[str, str], str]
) -> None:
    answers = [
        by_api(strict, f"form{number}@people.example", f"203.0.{number}.1", tenant="rival").status_code
        for number in range(FORM + 3)
    ]
    sent = answers.count(202)
    assert answers == [202] * sent + [429] * (FORM + 3 - sent)
    per_form = strict.rows("SELECT max(n) FROM (SELECT count(*) AS n FROM asking GROUP BY form_id) AS counted")
    assert per_form == [(FORM,)]


@pytest.fixture(scope="module")
def left(strict: Ground) -> str:
    who = "gone.for.good@gmail.com"
    strict.agree(who)
    strict.leave(who)
    return who


@pytest.mark.parametrize("path", ["gone.for.good@gmail.com", "goneforgood@gmail.com", "gone.forgood+x@googlemail.com"])
def test_who_left_isn_t_asked_again_where_nobody_may_return(
    strict: Ground, forms: dict[tuple[str, str], str], left: str, path: str
) -> None:
    before = strict.state()
    assert strict.ask(forms["acme", "two"], path).status_code == 200
    answer = by_api(strict, path, "192.0.2.1", form="two")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "unsubscribed")
    strict.settled()
    assert strict.letters(path) == []
    assert strict.state() == before
    assert strict.rcpt(f"<{path}>").startswith("550 5.7.1 unsubscribed")


def test_a_refusal_sends_nothing_to_a_forged_sender(strict: Ground) -> None:
    """No backscatter: what the inbound port doesn't want is refused in the dialog, never answered by mail."""
    before = len(strict.sink.messages)
    for to in ("b-forged@relay.test", "nobody@relay.test", "victim@people.example"):
        with Dialog(strict.relay.inbound) as dialog:
            dialog.ehlo()
            dialog.say("MAIL FROM:<victim@people.example>")
            assert dialog.say(f"RCPT TO:<{to}> NOTIFY=SUCCESS,FAILURE").code >= 400
            assert dialog.data(mail(to=to)).code >= 400
    strict.settled()
    assert len(strict.sink.messages) == before


TOPICS = ("You won 1000 EUR: http://evil.example/claim", "win at evil.example", "call +372 5555 1234", "a@evil.example")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_letter_advertises_nothing_by_whatever_way_its_form_is_made(strict: Ground, topic: str) -> None:
    said = {"name": "advert", "topics": ["news", topic], "wording": WORDING}
    answer = strict.api("POST", "/forms", said)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "topic")
    assert "short name" in answer.json()["detail"]
    assert strict.api("POST", "/topics", {"name": topic}).status_code == 422
    assert strict.api("PATCH", "/forms/one", {"topics": ["news", topic]}).status_code == 422
    made = strict.relay.run("form", "add", "acme", "advert", "--topic", topic, "--wording", WORDING)
    assert made.returncode == 1 and "short name" in made.stderr


def test_a_tenant_s_letters_end_with_its_hour_over_forms_that_come_and_go(strict: Ground) -> None:
    """What it writes as the person's IP address frees nothing, nor uses up anything of others."""
    before = strict.rows("SELECT count(*) FROM asking WHERE tenant_id = (SELECT id FROM tenant WHERE name = 'acme')")
    taken = 0
    for number in range(6):
        strict.api("POST", "/forms", {"name": f"f{number}", "topics": ["news"], "wording": WORDING})
        for person in range(FORM):
            answer = by_api(strict, f"x{number}p{person}@people.example", f"127.{number}.{person}.1", form=f"f{number}")
            taken += answer.status_code == 202
        assert strict.api("DELETE", f"/forms/f{number}").status_code == 204
    assert before[0][0] + taken == TENANT
    assert "of this hour are used up" in by_api(strict, "y@people.example", "203.0.113.9").json()["detail"]
    assert by_api(strict, "x0p0@people.example", "127.0.0.1", tenant="rival", form="two").status_code == 202
