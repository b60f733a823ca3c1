"""A tenant that is frozen sends on, or a customer multiplies its free plan by accounts (R19, R23, R24)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.conftest import Ground
from tests.support.smtp import Dialog, mail

FROZEN = "525 5.7.13 frozen: found out"


@pytest.fixture
def frozen(ground: Ground) -> Iterator[Dialog]:
    """acme, frozen for bulk while a session of it is open and in the middle of a message."""
    ground.agree("fast@people.example", "slow@people.example")
    with ground.session() as dialog:
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        assert dialog.say("RCPT TO:<fast@people.example>").code == 250
        ground.relay.cli("tenant", "freeze", "acme", "--reason", "found out")
        yield dialog
    ground.relay.cli("tenant", "unfreeze", "acme")


def test_no_way_round_a_freeze(ground: Ground, frozen: Dialog) -> None:
    """The message under way isn't delivered, other log-ins, sessions and streams of its kind are closed."""
    before = len(ground.copies("fast@people.example"))
    assert frozen.data(mail(to="fast@people.example", subject="Just in time")).code == 250
    assert str(frozen.say("MAIL FROM:<news@acme.example>")) == FROZEN
    for login in (ground.logins["bulk"], ground.logins["news"], ground.relay.credential(stream="news")):
        with Dialog(ground.relay.submission) as dialog:
            dialog.ehlo()
            assert dialog.login(*login).code == 235
            assert str(dialog.say("MAIL FROM:<news@acme.example>")) == FROZEN
    ground.relay.cli("stream", "add", "acme", "escape", "--kind", "bulk", "--topic", "news")
    with Dialog(ground.relay.submission) as dialog:
        dialog.ehlo()
        assert dialog.login(*ground.relay.credential(stream="escape")).code == 235
        assert str(dialog.say("MAIL FROM:<news@acme.example>")) == FROZEN
    held = "SELECT count(*) FROM recipient WHERE address = 'fast@people.example' AND state = 1 AND (held_by & 4) <> 0"
    ground.settled()
    assert ground.rows(held) == [(1,)] and len(ground.copies("fast@people.example")) == before
    refused = ground.relay.run("queue", "release", "--tenant", "acme")
    assert "freeze" in refused.stdout + refused.stderr and ground.rows(held) == [(1,)]


@pytest.mark.parametrize(
    ("name", "contact", "what"),
    [
        ("acme2", "POST@acme.example", {"contact", "domain"}),
        ("acme3", "post+two@acme.example", {"contact", "domain"}),
        ("acme4", "sales@shop.acme.example", {"domain"}),
    ],
)
def test_a_second_account_is_seen(ground: Ground, name: str, contact: str, what: set[str]) -> None:
    """It has a free plan of its own, and the operator knows from the first moment."""
    added = ground.relay.run("tenant", "add", name, "--contact", contact)
    assert added.returncode == 0 and "second account" in added.stderr and "acme" in added.stderr
    found = ground.relay.json("tenant", "show", name)["resembles"]
    assert {one["what"] for one in found if one["tenant"] == "acme"} == what
    groups = ground.relay.json("reports")["second_accounts"]
    assert any({"acme", name} <= set(one["tenants"]) for one in groups)
    taken = ground.relay.run("domain", "verify", name, "acme.example", "--vouch", "mine too")
    assert taken.returncode == 1  # nobody sends as another
