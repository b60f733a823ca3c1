"""What a held campaign says, shown to whoever decides: by command, page and API, whatever the sender wrote (R15)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.peers import until
from tests.support.staged import Fresh, people

pytestmark = pytest.mark.peers

HTML = (
    "<p>Dear {name},</p><p>the lift runs from Friday if the engine agrees to start, snow is expected above eight"
    ' hundred metres. \u202e\x9b31m</p><p><a href="https://evil.example/{name}">www.bank.example</a></p>'
    '<p onclick="x()">{{{{unsubscribe_url}}}}</p><script>alert(1)</script><div style="display:none">pills</div>'
)
PARTS = (
    "--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{html}\r\n--b\r\n"
    "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=terms.pdf\r\n\r\n%PDF-1\r\n--b--\r\n"
)
EXTRA = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    made = Fresh(tmp_path)
    yield made
    made.close()


def steering(text: str) -> list[str]:
    return [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_it_is_shown_without_steering_anybody_and_kept(fresh: Fresh) -> None:
    def body(to: str) -> str:
        return PARTS.format(html=HTML.format(name=to.partition("@")[0]))

    assert fresh.send("Snow", people(44), extra=EXTRA, body=body).code == 250
    shown = fresh.watched("Snow")
    id_ = str(shown["id"])
    printed = fresh.relay.cli("campaign", "show", id_, "--content")
    assert not steering(printed), steering(printed)
    for word in (
        "8 copies",
        "Acme <news@acme.example>",
        "the lift runs from Friday",
        "Dear «",
        "evil.example",
        "[its words name www.bank.example]",
        "terms.pdf",
        "application/pdf",
        "pills",
        "\\x9b31m",
    ):
        assert word in printed, (word, printed)
    assert "alert(1)" not in printed
    told = fresh.relay.json("campaign", "show", id_, "--content")
    assert told["compared"] == 8 and told["subject"] == "Snow" and told["alike"] > 0.8
    hosts = {one["host"]: one for one in told["links"]}
    assert hosts["evil.example"]["url"] == "https://evil.example/«…»"
    assert hosts["evil.example"]["claims"] == "www.bank.example"
    page = fresh.relay.directory / "page.html"
    assert "nothing in it loads" in fresh.relay.cli("campaign", "show", id_, "--html", str(page))
    text = page.read_text()
    assert "lift runs" in text and "<script" not in text and "onclick" not in text and "href" not in text
    again = fresh.relay.run("campaign", "show", id_, "--html", str(page))
    assert again.returncode == 1 and "already" in again.stderr

    # The same by API, of the tenant's own alone.
    token = fresh.relay.json("token", "add", "acme")["token"]
    fresh.relay.cli("tenant", "add", "rival", "--contact", "post@rival.example")
    other = fresh.relay.json("token", "add", "rival")["token"]
    with httpx.Client(base_url=f"http://127.0.0.1:{fresh.relay.http}/v1", timeout=20, trust_env=False) as web:
        answer = web.get(f"/campaigns/{id_}/content", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        found = answer.json()
        assert {k: v for k, v in found.items() if k != "made_at"} == {k: v for k, v in told.items() if k != "made_at"}
        assert web.get(f"/campaigns/{id_}/content", headers={"Authorization": f"Bearer {other}"}).status_code == 404

    # Once its copies are gone, what was kept is told, without anybody's own words.
    until(lambda: fresh.rows("SELECT 1 FROM exemplar WHERE campaign_id = ?", int(id_)), "an exemplar")
    fresh.relay.cli("campaign", "decline", id_, "--reason", "not wanted here")
    until(lambda: not fresh.rows("SELECT 1 FROM body"), "no body")
    kept = fresh.relay.json("campaign", "show", id_, "--content")
    assert kept["kept"] and kept["texts"] == told["texts"] and not any(one["examples"] for one in kept["varies"])
    assert not any(f"p{n}" in json.dumps(kept) for n in range(1, 45))
    assert "(not kept)" in fresh.relay.cli("campaign", "show", id_, "--content")
    gone = fresh.relay.run("campaign", "show", id_, "--html", str(fresh.relay.directory / "b.html"))
    assert gone.returncode == 1 and "no copy" in gone.stderr


def test_of_a_campaign_that_was_not_staged_it_says_what_there_would_be(fresh: Fresh) -> None:
    assert fresh.send("Few", people(1)).code == 250
    id_ = str(fresh.campaign("Few")["id"])
    answer = fresh.relay.run("campaign", "show", id_, "--content")
    assert answer.returncode == 1 and "held" in answer.stderr and len(answer.stderr.splitlines()) == 1
