"""Lists by page, through a real socket and the real process that works on them: tried, taken, told, taken back."""

from __future__ import annotations

import csv
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from markupsafe import escape

from relay.lists import consent_import, told
from relay.lists.consent_import import ATTESTATION, ImportReport
from relay.lists.refusals import Refusals
from relay.lists.wishes import ListWishes
from relay.people import topics
from relay.store.database import transaction
from relay.texts.language import language
from relay.uploads import book
from relay.uploads.files import UploadFiles, plain_name
from relay.uploads.values import JobKind, JobState, ToldJob
from relay.uploads.work import TAKE, WorkOrder, run
from relay.web.inside.upload import read_upload
from tests.support.inside import person, signed_in, visitor
from tests.support.peers import until
from tests.support.web import Served, Shop, serving

LIST = (
    b"email,agreed on,state,city\n"
    b"ann@people.example,2026-03-01,subscribed,Tartu\n"
    b"bob@people.example,2026-03-02,subscribed,Narva\n"
    b"gone@people.example,2026-03-02,unsubscribed,Narva\n"
    b"dead@people.example,2026-03-02,bounced,Narva\n"
    b"odd@people.example,2026-03-02,zebra,Narva\n"
    b"no address,2026-03-02,subscribed,Narva\n"
    b"info@people.example,2026-03-02,subscribed,Narva\n"
)
SAID = {"topic": "news", "source": "sign-up form on acme.example/join", "wording": "Yes, send me news by e-mail."}

WISHES = ListWishes(SAID["topic"], SAID["source"], SAID["wording"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("imports"), lists={"upload_octets": "2MiB"})


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def owner(served: Served, shop: Shop) -> Iterator[httpx.Client]:
    with signed_in(served, person(shop, "owner@acme.example", "owner", shop.tenant_id)) as client:
        yield client


@pytest.fixture
def tenant(shop: Shop, served: Served, request: pytest.FixtureRequest) -> Iterator[tuple[int, httpx.Client]]:
    """A tenant of the test's own with the topic news, and its editor."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[5:40].strip("-")
    tenant_id, _ = shop.add_tenant(name)
    with transaction(shop.conn) as conn:
        topics.add(conn, tenant_id, "news", actor="t", now=time.time())
    with signed_in(served, person(shop, f"e@{name}.example", "editor", tenant_id)) as client:
        yield tenant_id, client


def hand_in(client: httpx.Client, body: bytes = LIST, name: str = "people.csv", **said: str) -> str:
    """The path of the list's page."""
    answer = client.post("/account/imports", data=SAID | said, files={"file": (name, body)})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def settled(client: httpx.Client, path: str) -> str:
    """Its page once nobody works on it."""
    until(lambda: 'http-equiv="refresh"' not in client.get(path).text, path)
    return client.get(path).text


def people_of(shop: Shop, tenant_id: int) -> set[str]:
    sql = (
        "SELECT s.address FROM subscriber s JOIN consent c ON c.subscriber_id = s.id"
        " WHERE s.tenant_id = ? AND c.withdrawn_at IS NULL"
    )
    return {row[0] for row in shop.conn.execute(sql, (tenant_id,))}


def stopped(shop: Shop, tenant_id: int) -> dict[str, str]:
    sql = (
        "SELECT s.address, x.reason FROM suppression x JOIN subscriber s ON s.id = x.subscriber_id"
        " WHERE s.tenant_id = ?"
    )
    return dict(shop.conn.execute(sql, (tenant_id,)).fetchall())


def test_a_list_is_tried_and_then_taken(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    path = hand_in(client)
    page = settled(client, path)
    assert "7 lines: 2 taken, 0 there already, 3 refused, 2 out by the list&#39;s own word" in page
    assert "(tried only, nothing was changed)" in page and "asked: &#39;state&#39; is &#39;zebra&#39; (1 line)" in page
    assert f"to suppress: 1 hard-bounce, 1 unsubscribed; {TAKE}, and they are" in page
    assert "line 7: " in page and people_of(shop, tenant_id) == set() and stopped(shop, tenant_id) == {}
    # What the word means, and that who left is to be suppressed.
    answers = SAID | {"word-1": "zebra", "meaning-1": "agreed", "suppress": "yes"}
    assert client.post(f"{path}/try", data=answers).headers["location"] == path
    page = settled(client, path)
    assert "7 lines: 3 taken" in page and "would be suppressed: 1 hard-bounce, 1 unsubscribed" in page
    assert client.post(f"{path}/take").status_code == 422  # not attested
    assert people_of(shop, tenant_id) == set()
    assert client.post(f"{path}/take", data={"attest": "yes"}).headers["location"] == path
    page = settled(client, path)
    assert "7 lines: 3 taken, 0 there already, 2 refused" in page and "suppressed: 2 now" in page
    assert people_of(shop, tenant_id) == {f"{one}@people.example" for one in ("ann", "bob", "odd")}
    assert stopped(shop, tenant_id) == {"gone@people.example": "unsubscribed", "dead@people.example": "hard-bounce"}
    assert client.post(f"{path}/take", data={"attest": "yes"}).status_code == 422  # once
    rows = shop.conn.execute(
        "SELECT action, actor FROM audit WHERE tenant_id = ? AND action LIKE 'consents-import%' ORDER BY id",
        (tenant_id,),
    ).fetchall()
    actor = next(one.actor for one in book.of_tenant(shop.conn, tenant_id))
    assert rows == [("consents-import-begun", actor), ("consents-imported", actor)] and "@" in actor
    assert not UploadFiles(shop.settings.server.data_dir).list_of(int(path.rsplit("/")[-1]), "people.csv").exists()


def test_the_report_has_every_refused_line(tenant: tuple[int, httpx.Client]) -> None:
    _, client = tenant
    body = b"email\n" + b"".join(b"=bad%d\n" % n for n in range(40)) + b"good@people.example\n"
    path = hand_in(client, body)
    page = settled(client, path)
    assert page.count("<li>line ") == 20 and "and 20 more" in page
    answer = client.get(path.replace("/lists/", "/list-reports/"))
    assert (
        answer.headers["content-type"].startswith("text/csv") and "attachment" in answer.headers["content-disposition"]
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["line"] for row in rows] == [str(n) for n in range(2, 42)]
    assert rows[0]["text"] == "'=bad0"  # no spreadsheet's formula


def test_the_page_says_what_the_command_says(shop: Shop, tmp_path: Path, tenant: tuple[int, httpx.Client]) -> None:
    """Word for word: the same functions, asked by another."""
    tenant_id, client = tenant
    page = settled(client, hand_in(client))
    (tmp_path / "people.csv").write_bytes(LIST)
    wishes = WISHES
    people, refusals = wishes.open(tmp_path / "people.csv"), Refusals()
    order = wishes.order(tenant_id, shop.secrets, "t", time.time(), dry_run=True)
    report = consent_import.run(shop.conn, people, order, refused=refusals)
    for sentence in (*told.sums(report, dry_run=True, take=TAKE), *people.remarks, *map(told.refused, refusals.first)):
        assert f"<li>{escape(sentence)}</li>" in page, sentence


@pytest.mark.parametrize(
    ("said", "body", "words"),
    [
        ({"topic": "nwes"}, LIST, "did you mean 'news'"),
        ({"source": "internet"}, LIST, "source"),
        ({"source": "purchase of a base"}, LIST, "bought"),
        ({"wording": ""}, LIST, "the wording is empty"),
        ({}, b"\x00\x01\x02\x03" * 50, "people.csv"),
        ({}, b"%PDF-1.7 x", "people.csv is a PDF"),
        ({}, b"PK\x03\x04 broken", "people.csv"),
        ({}, b"name\nAnn\nBob\n", "people.csv holds no addresses"),
        ({"encoding": "klingon"}, LIST, "klingon"),
        ({"groups": ("x" * 300,)}, LIST, "group"),
        ({"status": ("zebra=maybe",)}, LIST, "is no WORD=MEANING"),
    ],
)
def test_what_is_wrong_is_said(shop: Shop, tmp_path: Path, said: dict[str, object], body: bytes, words: str) -> None:
    own = Shop.create(tmp_path)
    files = UploadFiles(own.settings.server.data_dir)
    with transaction(own.conn) as conn:
        topics.add(conn, own.tenant_id, "news", actor="t", now=time.time())
        wishes = ListWishes(**{**SAID, **said})  # type: ignore[arg-type]
        id_ = book.add(
            conn, own.tenant_id, JobKind.TRY, file="people.csv", octets=1, wishes=wishes, actor="t", now=time.time()
        )
        files.settle(files.put("people.csv", body), id_)
        job = book.claim(conn, "w", lambda job: True, time.time())
    assert job is not None
    run(WorkOrder(own.settings, job, "w"))
    found = book.find(own.conn, own.tenant_id, id_)
    assert found is not None and found.state is JobState.FAILED
    assert words in found.told.fault and str(tmp_path) not in found.told.fault


def test_a_fault_stands_on_the_list_s_page_and_can_be_mended(tenant: tuple[int, httpx.Client]) -> None:
    _, client = tenant
    path = hand_in(client, topic="nwes")
    page = settled(client, path)
    assert "did you mean &#39;news&#39;" in page and 'role="alert"' in page
    assert 'id="take"' not in page and client.post(f"{path}/take", data={"attest": "yes"}).status_code == 422
    client.post(f"{path}/try", data=SAID)
    assert "7 lines: 2 taken" in settled(client, path)
    assert client.post(f"{path}/drop").headers["location"] == "/account/imports"
    assert client.get(path).status_code == 404


def test_a_list_is_frozen_thawed_and_undone(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    path = hand_in(client)
    settled(client, path)
    client.post(f"{path}/take", data={"attest": "yes"})
    fate = re.search(r'href="(/account/imports/\d+)" id="fate"', settled(client, path))
    assert fate is not None
    one = fate[1]
    assert "people.csv" in client.get("/account/imports").text and one in client.get("/account/imports").text

    def grades() -> set[str]:
        sql = "SELECT c.grade FROM consent c JOIN subscriber s ON s.id = c.subscriber_id WHERE s.tenant_id = ?"
        return {row[0] for row in shop.conn.execute(sql, (tenant_id,))}

    before = grades()
    assert client.post(f"{one}/freeze").status_code == 422  # without a reason
    assert client.post(f"{one}/freeze", data={"reason": "people complain"}).status_code == 303
    assert grades() != before and "people complain" in client.get(one).text
    assert client.post(f"{one}/freeze", data={"reason": "again"}).status_code == 422
    assert client.post(f"{one}/thaw", data={"reason": "a slip"}).status_code == 303 and grades() == before
    assert client.post(f"{one}/undo", data={"reason": "bought, it turns out"}).status_code == 422
    undo = client.post(f"{one}/undo", data={"reason": "bought, it turns out", "sure": "yes"})
    assert "2 consents are withdrawn" in settled(client, undo.headers["location"])
    assert people_of(shop, tenant_id) == set() and 'id="undo"' not in client.get(one).text
    actions = [row[0] for row in shop.conn.execute("SELECT action FROM audit WHERE tenant_id = ?", (tenant_id,))]
    for word in ("frozen", "thawed", "undone"):
        assert f"consents-import-{word}" in actions
    assert client.post(f"{one}/undo", data={"reason": "again", "sure": "yes"}).status_code == 422


@pytest.mark.parametrize(
    ("octets", "status"), [(100, 303), (1_500_000, 303), (2 * 1024 * 1024 + 100, 422), (4_000_000, 413)]
)
def test_a_file_has_a_bound(tenant: tuple[int, httpx.Client], octets: int, status: int) -> None:
    _, client = tenant
    body = b"email\n" + b"a@people.example\n" * (octets // 17)
    body += b"\n" * (octets - len(body))
    try:
        answer = client.post("/account/imports", data=SAID, files={"file": ("l.csv", body)})
    except httpx.WriteError:  # it was told while it was still sending
        assert status == 413
        return
    assert answer.status_code == status


def test_who_may_not_hand_in_a_list_sends_no_large_body(shop: Shop, served: Served) -> None:
    body = b"x" * 1_500_000
    with signed_in(served, person(shop, "looks@acme.example", "viewer", shop.tenant_id)) as viewer:
        for client in (viewer, visitor(served)):
            with _either() as outcome:
                outcome.append(client.post("/account/imports", data=SAID, files={"file": ("l.csv", body)}).status_code)
            assert outcome in ([], [413])
        assert viewer.post("/account/imports", data=SAID, files={"file": ("l.csv", LIST)}).status_code == 403
        assert 'id="try"' not in viewer.get("/account/imports").text


class _either:
    """An answer, or a connection that was closed on who goes on sending."""

    def __enter__(self) -> list[int]:
        return []

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, httpx.TransportError)


def test_five_lists_of_a_tenant_at_a_time(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    with transaction(shop.conn) as conn:
        for _ in range(book.MOST_OPEN):  # of a machine that doesn't answer now
            book.add(
                conn, tenant_id, JobKind.TRY, file="elsewhere.csv", octets=1, wishes=WISHES, actor="t",
                now=time.time(),
            )  # fmt: skip
    answer = client.post("/account/imports", data=SAID, files={"file": ("l.csv", LIST)})
    assert answer.status_code == 422 and "being worked on already" in answer.text
    path = f"/account/lists/{book.of_tenant(shop.conn, tenant_id)[0].id}"
    assert 'http-equiv="refresh"' in client.get(path).text
    assert client.post(f"{path}/drop").status_code == 422 and client.post(f"{path}/try", data=SAID).status_code == 422


def test_a_list_whose_process_ended_is_begun_anew(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    path = hand_in(client)
    settled(client, path)
    number = int(path.rpartition("/")[2])
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE list_job SET kind = 'take', state = 'runs', beat_at = 1 WHERE id = ?", (number,))
    hand_in(client)  # which wakes whoever looks
    assert "7 lines: 2 taken" in settled(client, path)
    assert people_of(shop, tenant_id) == {"ann@people.example", "bob@people.example"}


def test_old_lists_are_forgotten_with_their_files(shop: Shop, tmp_path: Path) -> None:
    files = UploadFiles(tmp_path)
    with transaction(shop.conn) as conn:
        id_ = book.add(conn, shop.tenant_id, JobKind.TRY, file="l.csv", octets=1, wishes=WISHES, actor="t", now=1000.0)
        files.settle(files.put("l.csv", b"x"), id_)
        book.claim(conn, "w", lambda job: job.id == id_, 1001.0)
        book.end(conn, id_, "w", ToldJob(), None, 1002.0)
        assert [one.id for one in book.stale(conn, 1002.0)] == [] and book.stale(conn, 1003.0)[0].id == id_
        assert book.stale(conn, 1003.0)[0].state is JobState.DONE
        book.remove(conn, id_)
    files.clean(set())
    assert files.list_of(id_, "l.csv").exists()  # it is new: it may be known in a moment
    os.utime(files.list_of(id_, "l.csv").parent, (1, 1))
    files.clean(set())
    assert not files.list_of(id_, "l.csv").exists()
    assert (tmp_path / "uploads").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("people.csv", "people.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\list.xlsx", "list.xlsx"),
        ("..", "list"),
        ("", "list"),
        ("a\x00b\n.csv", "ab.csv"),
        ("<script>.csv", "_script_.csv"),
        ("Адреса клієнтів.csv", "Адреса клієнтів.csv"),
        ("unsubscribed.csv", "unsubscribed.csv"),
        ("x" * 500 + ".csv", "x" * 60 + ".csv"),
        ("ö" * 500, "ö" * 60),
        (".hidden", "hidden"),
    ],
)
def test_a_file_s_name_is_one_of_a_file(given: str, name: str) -> None:
    assert plain_name(given) == name


def _form(*parts: bytes, boundary: bytes = b"b1") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


FIELD = b'Content-Disposition: form-data; name="topic"\r\n\r\nnews'
FILE = b'Content-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: text/csv\r\n\r\n%s'


@pytest.mark.parametrize(
    ("body", "fields", "name", "file"),
    [
        (_form(FIELD, FILE % (b"a.csv", b"x\r\n--b")), [("topic", "news")], "a.csv", b"x\r\n--b"),
        (_form(FILE % (b"a.csv", b""), FIELD), [("topic", "news")], "a.csv", b""),
        (_form(FILE % (b"a%22b.csv", b"1")), [], 'a"b.csv', b"1"),
        (_form(FILE % ("ä.csv".encode(), b"\r\n\r\n")), [], "ä.csv", b"\r\n\r\n"),
        (_form(FIELD), [("topic", "news")], "", b""),
        (_form(FIELD)[:-8], [], "", b""),  # cut off
        (b"", [], "", b""),
        (b"--b1", [], "", b""),
        (b"--b1--", [], "", b""),
        (_form(FIELD, boundary=b"other"), [], "", b""),
        (_form(b"no head at all"), [], "", b""),
        (_form(*[FIELD] * 500), [("topic", "news")] * 199, "", b""),
        (_form(b'Content-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 70_000, FIELD), [], "", b""),
    ],
)
def test_a_form_with_a_file_is_read(body: bytes, fields: list[tuple[str, str]], name: str, file: bytes) -> None:
    found = read_upload("multipart/form-data; boundary=b1", body)
    if len(fields) == 199:
        assert len(found.fields) <= 200
    else:
        assert found.fields == fields
    assert (found.name, bytes(found.file)) == (name, file)


def test_other_forms_hold_no_file() -> None:
    assert read_upload("application/x-www-form-urlencoded", b"--b1\r\n").name == ""
    assert read_upload("multipart/form-data", _form(FIELD)).fields == []


def test_what_is_attested_is_what_is_kept() -> None:
    assert ATTESTATION.replace("you can", "I can") in language("en").plain("imports.attest")


def test_sums_of_nothing() -> None:
    assert list(told.sums(ImportReport(), dry_run=False, take="x")) == ["0 lines: 0 taken, 0 there already, 0 refused"]


def test_sums_of_one() -> None:
    report = ImportReport(lines=1, taken=1)
    report.asked["'state' is 'zebra'"] = 1
    assert next(told.sums(report, dry_run=False, take="x")) == "1 line: 1 taken, 0 there already, 0 refused"
    assert next(told.asked(report))[0] == "asked: 'state' is 'zebra' (1 line): what does it mean?"
