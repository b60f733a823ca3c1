"""Spam reports on a copy that several people shared, through a real socket: what is typed in stops nobody.

Whoever got the copy holds its link. So the person gets a letter with a link of
its own, and only that one counts; the page tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from relay.keys.tokens import SHARED
from relay.mail.address import parse_address
from relay.mail.render import Renderer
from relay.mail.template import Template
from relay.people import consents
from relay.queue.lease import load_template
from relay.rights.retention import clean
from relay.store.database import transaction
from relay.texts.english import ENGLISH
from relay.texts.language import LANGUAGES
from relay.web.public import shared
from relay.web.public.shared import STEP_S, pause_s
from tests.support.signup import NOW, Signup

SUBMISSION = 4_000_000_001
PEOPLE = ("Ann@People.example", "ben.b@gmail.com", "benb+x@googlemail.com", "eva@people.example")


class Copy:
    """A transactional message of acme that went to PEOPLE in one copy, and the page its link leads to."""

    def __init__(self, directory: Path, **tables: object) -> None:
        self.pages = Signup(directory, **tables)
        self.shop = self.pages.shop
        self.add(SUBMISSION)
        self.path = "/report/" + self.shop.link(0, 0, SUBMISSION, SHARED)

    def add(self, submission_id: int, shared: int = 1) -> None:
        tenant = self.shop.tenant_id
        with transaction(self.shop.conn) as conn:
            conn.execute(
                "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, size_octets,"
                " accepted_at, expires_at, open_recipients, shared) VALUES (?,?,1,'','<1@acme.example>',"
                "'acme.example',10,?,9e9,0,?)",
                (submission_id, tenant, NOW, shared),
            )
            for number, address in enumerate(PEOPLE):
                person = consents.subscriber(conn, tenant, parse_address(address).canonical, NOW)
                conn.execute(
                    "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state,"
                    " due_at, changed_at) VALUES (?,?,?,?,?,'people.example',4,0,0)",
                    (submission_id, number, tenant, person, address),
                )

    def report(self, address: str, ip: str = "192.0.2.7", **more: str) -> httpx.Response:
        data = {"report": "abuse", "email": address, **more}
        return self.pages.client(ip).post(self.path, data=data, follow_redirects=False)

    def asked(self) -> list[tuple[str, int]]:
        """(canonical address, number) of each recipient who was reported on the page."""
        return self.shop.conn.execute(
            "SELECT s.address, e.number FROM event e JOIN recipient r USING (submission_id, number)"
            " JOIN subscriber s ON s.id = r.subscriber_id WHERE e.kind = 'unproved' ORDER BY e.id"
        ).fetchall()

    def letters(self) -> list[tuple[str, str]]:
        """To whom, and the link inside, of each letter that was queued."""
        rows = self.shop.conn.execute(
            "SELECT r.address, s.id FROM submission s JOIN recipient r ON r.submission_id = s.id"
            " WHERE s.reverse_path = '' AND s.shared = 0 AND s.subject <> '' ORDER BY s.id"
        ).fetchall()
        found = []
        for address, submission_id in rows:
            template = load_template(self.shop.conn, submission_id)
            assert template is not None
            rendered = Renderer(Template.decode(template)).render({}, hashed=False)
            link = re.search(rb"X-Report-Abuse: <[^>]*(/report/[^>]+)>", b"".join(rendered.fields))
            assert link is not None
            found.append((address, link.group(1).decode()))
        return found

    def suppressed(self) -> list[str]:
        sql = "SELECT s.address FROM suppression p JOIN subscriber s ON s.id = p.subscriber_id ORDER BY s.address"
        return [row[0] for row in self.shop.conn.execute(sql)]

    def close(self) -> None:
        self.pages.close()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each report took before its wait, in seconds; here nobody waits."""
    taken: list[float] = []

    def no_pause(took_s: float) -> float:
        taken.append(took_s)
        return 0.0

    monkeypatch.setattr(shared, "pause_s", no_pause)
    return taken


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    with closing(Copy(tmp_path)) as made:
        yield made


def test_looking_shows_a_field_and_changes_nothing(copy: Copy) -> None:
    before = copy.shop.dump()
    page = copy.pages.client().get(copy.path)
    assert page.status_code == 200
    assert "acme" in page.text and "hello@acme.example" in page.text
    assert re.search(r'<input type="email" id="email" name="email" value="" autocomplete="email"', page.text)
    assert '<label for="email">' in page.text and "<script" not in page.text
    assert "people.example" not in page.text and "gmail.com" not in page.text
    assert copy.pages.client().head(copy.path).status_code == 200
    assert copy.shop.dump() == before


def test_what_is_typed_in_stops_nobody_and_brings_the_person_a_letter(copy: Copy) -> None:
    assert copy.report(" ann@PEOPLE.example ").status_code == 200
    assert (copy.suppressed(), copy.asked()) == ([], [("ann@people.example", 0)])
    assert [address for address, _ in copy.letters()] == ["Ann@people.example"]
    assert "address typed" in str(copy.shop.conn.execute("SELECT detail FROM event WHERE kind = 'unproved'").fetchall())


def test_the_letter_s_own_link_counts(copy: Copy) -> None:
    copy.report("ann@people.example")
    ((_, link),) = copy.letters()
    assert link != copy.path
    assert copy.pages.client().get(link).status_code == 200
    assert copy.suppressed() == []
    assert copy.pages.client().post(link, data={"report": "abuse"}).status_code == 200
    assert copy.suppressed() == ["ann@people.example"]


def test_a_person_gets_one_letter_for_a_message_however_spelt(copy: Copy) -> None:
    for address in ("benb@gmail.com", "ben.b@gmail.com", "b.e.n.b+news@googlemail.com", "benb+x@googlemail.com"):
        assert copy.report(address).status_code == 200
    assert copy.asked() == [("ben.b@gmail.com", 1)]
    assert len(copy.letters()) == 1


def test_a_frozen_tenant_s_page_sends_no_letter(copy: Copy) -> None:
    copy.shop.conn.execute("UPDATE tenant SET freeze = 'all'")
    assert copy.report("ann@people.example").status_code == 200
    assert copy.asked() == [("ann@people.example", 0)] and copy.letters() == []


def test_a_stranger_changes_nothing_but_the_count_of_tries(copy: Copy) -> None:
    for address in ("joe@people.example", "ann@other.example", "people.example@ann.example", "a.nn@people.example"):
        assert copy.report(address).status_code == 200
    assert copy.asked() == [] and copy.suppressed() == [] and copy.letters() == []
    assert copy.shop.value("SELECT count(*) FROM report_try") == 4
    assert copy.shop.value("SELECT count(*) FROM subscriber") == len(PEOPLE)


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_the_answer_tells_nobody_who_got_the_message(copy: Copy, code: str) -> None:
    """Recipient, the same again, stranger, and one whom nothing reaches: one page, octet for octet."""
    path = f"{copy.path}?lang={code}"
    answers = []
    for address in ("ann@people.example", "ann@people.example", "abe@people.example", "eva@people.example"):
        got = copy.pages.client().post(path, data={"report": "abuse", "email": address})
        headers = {name: value for name, value in got.headers.items() if name != "date"}
        answers.append((got.status_code, headers, got.text.replace("e…", "a…")))
    assert [answer for answer in answers if answer != answers[0]] == []
    assert answers[0][0] == 200
    assert len(copy.asked()) == 2


def test_the_answer_waits_for_the_next_quarter_of_a_second() -> None:
    """Whatever a report took, it shows as the same."""
    for took_s in (0.001, 0.02, 0.1, 0.249):
        assert took_s + pause_s(took_s) == pytest.approx(STEP_S)
    assert 0.3 + pause_s(0.3) == pytest.approx(2 * STEP_S)


def test_every_report_waits_so(copy: Copy, waits: list[float]) -> None:
    copy.pages.client().get(copy.path)
    assert waits == []
    for address in ("ann@people.example", "joe@people.example", "no address"):
        copy.report(address)
    assert len(waits) == 3 and min(waits) > 0


@pytest.mark.parametrize("address", ["", "ann", "ann@", "ann@localhost", "ann@[192.0.2.1]", "a b@c.example", "é" * 400])
def test_what_is_no_address_is_asked_for_again(copy: Copy, address: str) -> None:
    before = copy.shop.dump()
    page = copy.report(address)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text and "not a complete e-mail address" in page.text
    assert copy.shop.dump() == before


def test_what_was_typed_is_escaped(copy: Copy) -> None:
    page = copy.report('"><img src=x>')
    assert page.status_code == 422
    assert "<img" not in page.text


def test_a_post_without_the_button_changes_nothing(copy: Copy) -> None:
    before = copy.shop.dump()
    assert copy.report("ann@people.example", report="").status_code == 400
    assert copy.pages.client().post(copy.path, data={"email": "ann@people.example"}).status_code == 400
    assert copy.shop.dump() == before


def test_so_many_from_one_network_and_after_a_restart(tmp_path: Path) -> None:
    with closing(Copy(tmp_path, reports={"network_per_hour": 3})) as copy:
        codes = [copy.report(f"p{n}@people.example", ip=f"198.51.100.{n}").status_code for n in range(4)]
        assert codes == [200, 200, 200, 429]
        copy.pages.restart()
        refused = copy.report("ann@people.example", ip="198.51.100.77")
        assert refused.status_code == 429 and refused.headers["retry-after"] == "3600"
        assert "Nothing was changed" in refused.text
        assert copy.asked() == []
        assert copy.report("ann@people.example", ip="203.0.113.1").status_code == 200
        copy.pages.now += 3601
        assert copy.report("eva@people.example", ip="198.51.100.1").status_code == 200
        assert len(copy.asked()) == 2


def test_so_many_on_one_message(tmp_path: Path) -> None:
    with closing(Copy(tmp_path, reports={"message_per_hour": 2})) as copy:
        codes = [copy.report(f"p{n}@people.example", ip=f"2001:db8:{n}::1").status_code for n in range(3)]
        assert codes == [200, 200, 429]
        copy.add(SUBMISSION + 1)
        copy.path = "/report/" + copy.shop.link(0, 0, SUBMISSION + 1, SHARED)
        assert copy.report("ann@people.example").status_code == 200
        assert len(copy.asked()) == 1


def test_tries_are_forgotten_after_a_day(copy: Copy) -> None:
    copy.report("joe@people.example")
    clean(copy.shop.settings.database, 9e9, 9e9, copy.pages.now + 3600)
    assert copy.shop.value("SELECT count(*) FROM report_try") == 1
    clean(copy.shop.settings.database, 9e9, 9e9, copy.pages.now + 90_000)
    assert copy.shop.value("SELECT count(*) FROM report_try") == 0


def test_a_message_that_is_gone_or_was_not_shared_says_so(copy: Copy) -> None:
    copy.add(SUBMISSION + 2, shared=0)
    before = copy.shop.dump()
    for submission_id in (SUBMISSION + 2, SUBMISSION + 3):
        copy.path = "/report/" + copy.shop.link(0, 0, submission_id, SHARED)
        assert copy.pages.client().get(copy.path).status_code == 410
        assert "too old" in copy.report("ann@people.example").text
    assert copy.shop.dump() == before


@pytest.mark.parametrize("path", ["/u/", "/p/"])
def test_a_shared_link_unsubscribes_nobody(copy: Copy, path: str) -> None:
    before = copy.shop.dump()
    other = copy.path.replace("/report/", path)
    for answer in (copy.pages.client().get(other), copy.pages.client().post(other, data={"scope": "all"})):
        assert answer.status_code == 404
    assert copy.shop.dump() == before


def test_the_page_speaks_the_readers_language(copy: Copy) -> None:
    page = copy.pages.client(**{"Accept-Language": "de-AT, en;q=0.5"}).get(copy.path)
    assert "an mehrere Personen" in page.text and '<html lang="de">' in page.text
    assert ENGLISH["report.button"] not in page.text
