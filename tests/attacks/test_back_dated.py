"""A tenant dates a consent to when it suits it: later than now, before a withdrawal's end, long ago (R2, R8, R31)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.attacks.conftest import Ground


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


@pytest.mark.parametrize(
    "at",
    [
        timedelta(hours=1),
        timedelta(minutes=2),
        "9999-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "2020-01-01T00:00:00",
        "2020-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "yesterday",
        "",
        4102444800,
        float("1e308"),
        True,
    ],
)
def test_no_time_that_can_t_be(ground: Ground, at: object) -> None:
    at = moment(seconds=at.total_seconds()) if isinstance(at, timedelta) else at
    before = ground.state()
    answer = ground.claim("dated@people.example", at=at)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json", answer.text
    batch = {"email": "dated@people.example", "topic": "news", "source": "form", "wording": "Yes.", "at": at}
    many = ground.api("POST", "/consents/batch", {"consents": [batch]})
    assert many.status_code == 422 or many.json()["recorded"] == 0, many.text
    assert ground.state() == before
    assert ground.rcpt("<dated@people.example>").startswith("550 5.7.1 no-consent")


def test_an_import_has_no_such_times_either(ground: Ground) -> None:
    """Each line is refused with the reason; a list where no line has a date is refused whole."""
    times = [
        "2999-01-01T00:00:00Z",
        "1969-01-01",
        "inf",
        "-1",
        "1e308",
        "31.02.2020",
        "9999-12-31",
    ]
    lines = [f"imported{number}@people.example,{at}" for number, at in enumerate(times)]
    outcome = ground.load("dated.csv", "\n".join(["email,at", "honest@people.example,2020-01-31", *lines]))
    assert (outcome["taken"], outcome["refused"]) == (1, len(times)), outcome
    assert ground.rows("SELECT count(*) FROM subscriber WHERE address LIKE 'imported_@people.example'") == [(0,)]
    before = ground.state()
    path = ground.relay.directory / "undated.csv"
    path.write_text("\n".join(["email,at", *lines[2:5]]))
    refused = ground.relay.run(
        "consent", "import", "acme", str(path), "--topic", "news", "--source", "till", "--wording", "Yes", "--attest"
    )
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 2, refused.stderr
    assert ground.state() == before


def test_by_hand_neither(ground: Ground) -> None:
    words = ("consent", "add", "acme", "hand@people.example", "--topic", "news", "--source", "form", "--wording", "Yes")
    before = ground.state()
    refused = ground.relay.run(*words, "--at", "2999-01-01T00:00:00Z")
    assert refused.returncode == 1 and "in the future" in refused.stderr
    assert ground.state() == before


@pytest.mark.parametrize("ahead", [-86400.0 * 4000, 0.0, 59.0])
def test_no_time_lifts_a_withdrawal(ground: Ground, ahead: float) -> None:
    """Neither one before it (it was taken back since) nor one after it (only the person itself comes back)."""
    who = f"withdrew{abs(ahead):.0f}@people.example"
    ground.agree(who)
    ground.leave(who)
    before = ground.state()
    answer = ground.claim(who, at=moment(seconds=ahead))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "unsubscribed")
    assert ground.load("back.csv", f"email,at\n{who},{moment(seconds=ahead)}\n")["taken"] == 0
    assert before["consent"] == ground.state()["consent"] and before["suppression"] == ground.state()["suppression"]
    assert ground.rcpt(f"<{who}>").startswith("550 5.7.1 unsubscribed")


def test_an_old_date_never_hides_when_it_was_written_down(ground: Ground) -> None:
    """A list that is older than the tenant may be true; so its date is taken, and the true one stands beside it."""
    who = "old@people.example"
    earliest = datetime.now(UTC)
    answer = ground.claim(who, at="2001-02-03T04:05:06Z")
    assert answer.status_code == 201
    (step,) = ground.api("GET", "/consents/history", email=who).json()["history"]
    assert step["at"].startswith("2001-02-03T04:05:06")
    assert datetime.fromisoformat(step["recorded_at"]) >= earliest - timedelta(seconds=1)
    proof = ground.relay.json("consent", "proof", "acme", who, "--topic", "news")
    (record,) = [entry["record"] for entry in proof["entries"]]
    assert record["at_us"] == 981173106_000_000
    assert record["recorded_at_us"] >= (earliest.timestamp() - 1) * 1e6


def test_a_second_claim_moves_no_date(ground: Ground) -> None:
    who = "second@people.example"
    ground.agree(who)
    before = ground.state()["consent"]
    assert ground.claim(who, at="2001-02-03T04:05:06Z", source="till in the shop").status_code == 201
    assert ground.load("again.csv", f"email,at\n{who},2001-02-03\n")["taken"] == 0
    assert ground.state()["consent"] == before


@pytest.mark.parametrize("means", ["double-opt-in", "form", "hand"])
def test_the_means_can_t_be_claimed(ground: Ground, means: str) -> None:
    """Double opt-in is what brings people back, so nobody may say that it was one."""
    before = ground.state()
    for member in ("means", "actor", "recorded_at", "given_at", "evidence"):
        answer = ground.claim("means@people.example", **{member: means})
        assert answer.status_code == 422 and member in answer.text
    assert ground.state() == before
    ground.load("means.csv", f"email,means,recorded_at\nmeans@people.example,{means},2001-01-01\n")
    assert ground.rows(
        "SELECT means FROM consent c JOIN subscriber s ON s.id = c.subscriber_id WHERE address LIKE 'means@%'"
    ) == [("import",)]
    (evidence,) = ground.rows(
        "SELECT evidence FROM consent_history h JOIN subscriber s ON s.id = h.subscriber_id"
        " WHERE address LIKE 'means@%'"
    )[0]
    assert json.loads(evidence)["means"] == "import"
