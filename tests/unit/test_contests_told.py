"""A contest in the CLI and in the API: the same facts, and answers by both."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relay.cli.main import relay
from relay.contests import rows
from tests.support.web import Served, Shop, serving

PROOF = "She signed up at our stand in Tartu on 3 May, form number 17."


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    directory = tmp_path_factory.mktemp("contests")
    (directory / "relay.toml").write_text(f'[server]\nhostname = "relay.example.com"\ndata_dir = "{directory}"\n')
    return Shop.create(directory)


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def contest(shop: Shop, served: Served, request: pytest.FixtureRequest) -> int:
    """The number of a new one."""
    name = "".join(c for c in request.node.name if c.isalnum())[-50:]
    person = shop.consent(f"{name}@example.com", "offers")
    link = "/why/" + shop.link(person, shop.topic_id("offers"), 77_000_000, 1)
    assert served.client.post(link, data={"plea": "never", "words": "no, I didn't"}).status_code == 200
    found = rows.of_person(shop.conn, shop.tenant_id, person)
    assert found is not None
    return found.id


def cli(shop: Shop, *words: object) -> Result:
    config = str(shop.settings.server.data_dir / "relay.toml")
    return CliRunner().invoke(relay, ["-c", config, "contest", *map(str, words)], catch_exceptions=False)


def api(shop: Shop, served: Served, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {shop.token}"}
    answer = served.client.request(method, "/v1/contests" + path, json=body, headers=headers)
    return answer.status_code, answer.json()


def test_both_tell_the_same(shop: Shop, served: Served, contest: int) -> None:
    by_cli = json.loads(cli(shop, "show", "acme", contest, "--json").output)
    status, by_api = api(shop, served, "GET", f"/{contest}")
    assert status == 200
    times = {"at", "answer_until"}
    assert {k: v for k, v in by_cli.items() if k not in {*times, "tenant"}} == {
        k: v for k, v in by_api.items() if k not in times
    }
    assert by_api["state"] == "open" and by_api["answer_until"].endswith("Z") and by_api["grade"] == "C"
    listed = json.loads(cli(shop, "list", "acme", "--state", "open", "--json").output)
    assert contest in [one["id"] for one in listed]
    assert contest in [one["id"] for one in api(shop, served, "GET", "?state=open")[1]["contests"]]
    text = cli(shop, "list", "acme").output
    assert "never" in text and "answer or concede" in text


def test_an_answer_by_hand(shop: Shop, served: Served, contest: int) -> None:
    refused = cli(shop, "answer", "acme", contest, "--text", "she did")
    assert refused.exit_code == 1 and "20 characters" in refused.output
    file = shop.settings.server.data_dir / "proof.txt"
    file.write_text("form 17")
    done = cli(shop, "answer", "acme", contest, "--text", PROOF, "--file", file, "--json")
    assert done.exit_code == 0, done.output
    assert (json.loads(done.output)["state"], json.loads(done.output)["file"]) == ("answered", "proof.txt")
    assert rows.file(shop.conn, contest) == ("proof.txt", b"form 17")


def test_an_answer_by_api_then_conceded(shop: Shop, served: Served, contest: int) -> None:
    body = {"text": PROOF, "file_name": "a.pdf", "file": base64.b64encode(b"%PDF").decode()}
    status, found = api(shop, served, "POST", f"/{contest}/answer", body)
    assert (status, found["state"], found["file"]) == (200, "answered", "a.pdf")
    status, found = api(shop, served, "POST", f"/{contest}/concede", {})
    assert (status, found["state"], found["what_now"]) == (200, "conceded", "the consent fell: no proof")
    status, problem = api(shop, served, "POST", f"/{contest}/answer", body)
    assert (status, problem["type"].rpartition("/")[2]) == (409, "closed")
    again = cli(shop, "concede", "acme", contest)
    assert again.exit_code == 1 and "the tenant has no proof" in again.output


@pytest.mark.parametrize(
    "body, word",
    [
        ({}, "evidence"),
        ({"text": "no"}, "evidence"),
        ({"text": PROOF, "file": "%%%", "file_name": "a.pdf"}, "invalid"),
        ({"text": PROOF, "file": "AAAA", "file_name": "a.exe"}, "evidence"),
        ({"text": PROOF, "surprise": 1}, "invalid"),
        ({"text": 5}, "invalid"),
        ({"text": "x" * 5000}, "invalid"),
    ],
)
def test_what_proves_nothing_is_refused_by_name(
    shop: Shop, served: Served, contest: int, body: dict[str, object], word: str
) -> None:
    before = shop.dump()
    status, problem = api(shop, served, "POST", f"/{contest}/answer", body)
    assert (status, problem["type"].rpartition("/")[2]) == (422, word)
    assert shop.dump() == before


def test_nobody_else_sees_it(shop: Shop, served: Served, contest: int) -> None:
    _, other = shop.add_tenant(f"rival-{contest}")
    for method, path, body in (("GET", "", None), ("POST", "/answer", {"text": PROOF}), ("POST", "/concede", {})):
        headers = {"authorization": f"Bearer {other}"}
        answer = served.client.request(method, f"/v1/contests/{contest}{path}", json=body, headers=headers)
        assert answer.status_code == 404
    assert cli(shop, "show", f"rival-{contest}", contest).exit_code == 1


def test_pages_of_the_list_are_whole(shop: Shop, served: Served, contest: int) -> None:
    for number in range(5):
        person = shop.consent(f"page{number}-{contest}@example.com", "offers")
        link = "/why/" + shop.link(person, shop.topic_id("offers"), 77_000_000, 1)
        served.client.post(link, data={"plea": "typed"})
    seen: list[int] = []
    cursor = ""
    while True:
        _, page = api(shop, served, "GET", f"?limit=2{cursor}")
        seen += [one["id"] for one in page["contests"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(seen)
    assert len(seen) == shop.value("SELECT count(*) FROM contest WHERE tenant_id = ?", shop.tenant_id)
