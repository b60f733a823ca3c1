"""The page of a person's own evidence, and the button that says it is none, through a real socket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relay.audit import sequence
from relay.contests import answer, rows
from relay.contests.values import ContestError, ContestState, Evidence, Plea
from relay.store.contract import Tx
from relay.store.database import transaction
from tests.support.web import Served, Shop, serving

SUBMISSION = 77_000_000
PROOF = "She signed up at our stand in Tartu on 3 May, form number 17."


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("why"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def person(shop: Shop, request: pytest.FixtureRequest) -> int:
    email = re.sub(r"\W", "", request.node.name)[-50:] + "@example.com"
    shop.consent(email, "newsletter")
    return shop.consent(email, "offers")


def link(shop: Shop, person: int, submission: int = SUBMISSION, number: int = 3) -> str:
    return "/why/" + shop.link(person, shop.topic_id("offers"), submission, number)


def say(served: Served, path: str, plea: str, **more: str) -> httpx.Response:
    return served.client.post(path, data={"plea": plea, **more})


def events(shop: Shop, person: int, kind: str = "contested") -> list[dict[str, object]]:
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    rows_ = shop.conn.execute("SELECT detail FROM event WHERE kind = ? ORDER BY id", (kind,))
    return [said for (text,) in rows_ if (said := json.loads(text)).get("contest") == found.id]


def state(shop: Shop, person: int) -> ContestState:
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    return found.state


def test_a_get_shows_the_evidence_and_changes_nothing(shop: Shop, served: Served, person: int) -> None:
    before = shop.dump()
    page = served.client.get(link(shop, person))
    assert page.status_code == 200
    for said in ("Yes, write to me.", "sign-up form on acme.example", "offers", "newsletter", "acme", "alone"):
        assert said in page.text
    assert "@example.com" in page.text and "s…" not in page.text.split("<h1>")[0]
    assert served.client.head(link(shop, person)).status_code == 200
    assert shop.dump() == before


def test_never_agreed_stops_all_mail_at_once_and_asks_the_tenant(shop: Shop, served: Served, person: int) -> None:
    letters = shop.value("SELECT count(*) FROM submission")
    page = say(served, link(shop, person), "never", words="I was never in Tartu\r\nBcc: x@y.example")
    assert page.status_code == 200 and "have stopped" in page.text
    assert shop.live(person) == set()
    assert shop.value("SELECT count(*) FROM suppression WHERE subscriber_id = ?", person) == 1
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    assert (found.state, found.plea, found.grade, found.counts) == (ContestState.OPEN, Plea.NEVER, "C", True)
    assert found.words == "I was never in Tartu Bcc: x@y.example"
    assert found.due_at - found.at == 7 * 86_400
    (event,) = events(shop, person)
    assert event["plea"] == "never" and event["answer_until"] == found.due_at
    actions = [
        row[0]
        for row in shop.conn.execute(
            "SELECT action FROM consent_history WHERE subscriber_id = ? ORDER BY id", (person,)
        )
    ]
    assert actions == ["given", "given", "withdrawn", "contested"]
    assert shop.value("SELECT count(*) FROM submission") == letters + 1


def test_said_again_it_changes_nothing(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person)
    say(served, path, "never")
    before = shop.dump()
    for plea in ("never", "typed", "stranger"):
        assert say(served, path, plea).status_code == 200
    assert say(served, link(shop, person, submission=SUBMISSION + 1), "never").status_code == 200
    assert shop.dump() == before


@pytest.mark.parametrize("plea", ["stranger", "typed"])
def test_other_words_stop_mail_too_but_ask_for_nothing(shop: Shop, served: Served, person: int, plea: str) -> None:
    say(served, link(shop, person), plea)
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None and (found.state, found.counts, found.plea) == (ContestState.NOTED, False, plea)
    assert shop.live(person) == set()


@pytest.mark.parametrize("submission, number", [(0, 0), (0, 3)])
def test_a_link_that_came_with_no_message_only_shows(
    shop: Shop, served: Served, person: int, submission: int, number: int
) -> None:
    path = link(shop, person, submission, number)
    assert "<button" not in served.client.get(path).text
    before = shop.dump()
    assert say(served, path, "never").status_code == 400
    assert shop.dump() == before


@pytest.mark.parametrize("plea", ["", "NEVER", "never ", "conceded", "x" * 5000])
def test_words_that_are_none_change_nothing(shop: Shop, served: Served, person: int, plea: str) -> None:
    before = shop.dump()
    assert say(served, link(shop, person), plea).status_code == 400
    assert shop.dump() == before


def test_forged_shared_and_damaged_links_change_nothing(shop: Shop, served: Served, person: int) -> None:
    good = link(shop, person)
    shared = "/why/" + shop.link(0, shop.topic_id("offers"), SUBMISSION, 0xFFFF)
    before = shop.dump()
    for path in (good[:-1] + ("A" if good[-1] != "A" else "B"), good[:-4], good + "x", shared, "/why/" + "A" * 42):
        assert say(served, path, "never").status_code == 404, path
        assert served.client.get(path).status_code == 404
    assert shop.dump() == before


def test_many_from_one_network_stop_mail_for_each_but_count_as_three(shop: Shop, served: Served) -> None:
    people = [shop.consent(f"box{number}@farm.example", "offers", tenant_id=shop.tenant_id) for number in range(9)]
    before = shop.value("SELECT count(*) FROM contest WHERE counts = 1")
    for one in people:
        say(served, link(shop, one), "never")
    assert all(shop.live(one) == set() for one in people)
    assert shop.value("SELECT count(*) FROM contest WHERE counts = 1") <= max(3, before)


def test_the_tenant_answers_and_the_person_has_the_last_word(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person)
    say(served, path, "never")
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    with transaction(shop.conn) as conn:
        evidence = Evidence(PROOF + " <script>", "C:\\scan\\form 17.PDF", b"%PDF-1.4 x")
        answer.answer(conn, shop.tenant_id, found.id, evidence, actor="test", now=found.at + 10)
    page = served.client.get(path)
    assert PROOF in page.text and "<script>" not in page.text and "form 17.PDF" in page.text
    file = served.client.get(path + "/evidence")
    assert file.content == b"%PDF-1.4 x" and file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment") and "sandbox" in str(
        file.headers["content-security-policy"]
    )
    say(served, path, "refuse")
    assert state(shop, person) is ContestState.REFUSED
    assert "void for good" in served.client.get(path).text
    before = shop.dump()
    say(served, path, "agree")
    assert shop.dump() == before


def test_who_agrees_after_all_stays_stopped_and_counts_no_more(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person)
    say(served, path, "never")
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    with transaction(shop.conn) as conn:
        answer.answer(conn, shop.tenant_id, found.id, Evidence(PROOF), actor="test", now=found.at + 10)
    say(served, path, "agree")
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None and (found.state, found.counts) == (ContestState.ACCEPTED, False)
    assert shop.live(person) == set()


def test_the_last_word_needs_an_answer(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person)
    for plea in ("agree", "refuse"):
        before = shop.dump()
        assert say(served, path, plea).status_code == 200
        assert shop.dump() == before
    say(served, path, "never")
    say(served, path, "agree")
    assert state(shop, person) is ContestState.OPEN


def test_the_evidence_of_another_is_nobody_s(shop: Shop, served: Served, person: int) -> None:
    assert served.client.get(link(shop, person) + "/evidence").status_code == 404


def _contest(shop: Shop, served: Served, person: int) -> tuple[int, float]:
    say(served, link(shop, person), "never")
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    return found.id, found.at


def test_silence_lets_the_consent_fall_when_the_term_is_over(shop: Shop, served: Served, person: int) -> None:
    id_, at = _contest(shop, served, person)
    with transaction(shop.conn) as conn:
        answer.lapse(conn, at + 7 * 86_400 - 1)
    assert state(shop, person) is ContestState.OPEN
    with transaction(shop.conn) as conn:
        assert answer.lapse(conn, at + 7 * 86_400) >= 1
    assert state(shop, person) is ContestState.LAPSED
    last = shop.conn.execute(
        "SELECT action, evidence FROM consent_history WHERE subscriber_id = ? ORDER BY id DESC LIMIT 1", (person,)
    ).fetchone()
    assert last[0] == "fallen" and json.loads(last[1])["why"] == "no proof came in time"
    with pytest.raises(ContestError, match="takes no answer: no proof came in time"), transaction(shop.conn) as conn:
        answer.answer(conn, shop.tenant_id, id_, Evidence(PROOF), actor="test", now=at)


def test_a_tenant_concedes(shop: Shop, served: Served, person: int) -> None:
    id_, at = _contest(shop, served, person)
    with transaction(shop.conn) as conn:
        answer.concede(conn, shop.tenant_id, id_, actor="test", now=at)
    assert state(shop, person) is ContestState.CONCEDED
    assert "has no proof" in served.client.get(link(shop, person)).text


@pytest.mark.parametrize(
    "evidence, why",
    [
        (Evidence(""), "20 characters or more"),
        (Evidence("   she did  \n\n          "), "20 characters or more"),
        (Evidence("x" * 4001), "at most 4000"),
        (Evidence(PROOF, "run.exe", b"MZ"), "of another kind"),
        (Evidence(PROOF, "a.pdf", b""), "0 octets"),
        (Evidence("", "a.pdf", b"x" * (512 * 1024 + 1)), "524289 octets"),
        (Evidence("a\0" + PROOF), "NUL"),
    ],
)
def test_what_proves_nothing_is_refused_and_nothing_is_changed(
    shop: Shop, served: Served, person: int, evidence: Evidence, why: str
) -> None:
    id_, at = _contest(shop, served, person)
    before = shop.dump()
    with pytest.raises(ContestError, match=why), transaction(shop.conn) as conn:
        answer.answer(conn, shop.tenant_id, id_, evidence, actor="test", now=at)
    assert shop.dump() == before


def test_another_tenant_s_contest_is_none(shop: Shop, served: Served, person: int) -> None:
    id_, at = _contest(shop, served, person)
    with pytest.raises(ContestError, match="there is no contest"), transaction(shop.conn) as conn:
        answer.concede(conn, shop.tenant_id + 1, id_, actor="test", now=at)


def test_the_proof_can_be_kept(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person)
    topic = shop.topic_id("offers")
    soon = served.client.get(f"{path}/proof/{topic}")
    assert soon.status_code == 503
    sequence.sequence(shop.conn, shop.secrets, lambda: 2_000_000_000.0)
    before = shop.dump()
    found = served.client.get(f"{path}/proof/{topic}")
    assert found.status_code == 200 and "Yes, write to me." in found.text
    assert found.headers["content-disposition"] == 'attachment; filename="consent-proof.html"'
    assert shop.dump() == before
    for other in (0, 99_999):
        assert served.client.get(f"{path}/proof/{other}").status_code == 404


def test_a_forwarded_copy_s_holder_changes_nothing_but_a_letter_to_its_person(
    shop: Shop, served: Served, person: int
) -> None:
    def letters(conn: Tx) -> list[str]:
        found = conn.execute("SELECT address FROM recipient WHERE subscriber_id = ?", (person,))
        return [row[0] for row in found]

    page = say(served, link(shop, person), "forwarded")
    assert page.status_code == 200 and "Nothing was changed" in page.text
    assert shop.live(person) == {"newsletter", "offers"}
    assert rows.of_person(shop.conn, shop.tenant_id, person) is None
    assert len(letters(shop.conn)) == 1


def test_an_erased_person_s_words_go_and_the_figure_stays(shop: Shop, served: Served, tmp_path: Path) -> None:
    from relay.rights import erasure

    person = shop.consent("gone@erased.example", "offers")
    say(served, link(shop, person), "typed", words="my own words")
    erasure.erase(shop.conn, shop.secrets, shop.tenant_id, "gone@erased.example", actor="test", now=2_000_000_000.0)
    row = shop.conn.execute("SELECT words, source, plea FROM contest WHERE subscriber_id = ?", (person,)).fetchone()
    assert row == ("", "", "typed")
    with transaction(shop.conn) as conn:
        answer.lapse(conn, 3_000_000_000.0)
    assert served.client.get(link(shop, person)).status_code == 200


@pytest.mark.parametrize("code, title", [("de", "Warum"), ("et", "Miks"), ("uk", "Чому"), ("fr", "Pourquoi")])
def test_the_page_speaks_the_person_s_language(shop: Shop, served: Served, person: int, code: str, title: str) -> None:
    page = served.client.get(f"{link(shop, person)}?lang={code}")
    assert f'<html lang="{code}">' in page.text and title in page.text
