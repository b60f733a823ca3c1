"""Why something failed is said in the reader's words, with the code or reply beside it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relay.store.database import transaction
from relay.verdict.values import AnswerKind
from relay.web import reasons
from tests.support.inside import held_campaign, person, signed_in
from tests.support.web import Shop, serving


def test_every_class_has_its_words() -> None:
    without = {kind.value for kind in AnswerKind if not reasons.key_of(kind.value)}
    assert without == {"other"}
    assert reasons.key_of("") == reasons.key_of("5.1.1") == reasons.key_of("<b>") == ""


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("550 5.1.1 <ann@people.example>: no such user", "unknown-address"),
        ("552 5.2.2 over quota", "mailbox-full"),
        ("5.2.2", "mailbox-full"),
        ("451 4.7.1 greylisted, try again in 5 minutes", "greylisted"),
        ("550-5.7.1 listed on a block list", "blocked"),
        ("550 5.7.1 unsubscribed: the person unsubscribed from news on 2026-11-30", "unsubscribed"),
        ("550 5.7.1 no-such-word: odd", "policy"),
        ("250 2.0.0 OK", ""),
        ("by hand", ""),
        ("mx.people.example [192.0.2.1]:25", ""),
        ("5.1.1.example", ""),
        ("", ""),
    ],
)
def test_a_reply_in_a_word(said: str, word: str) -> None:
    assert reasons.key_of_reply(said) == (f"reason.{word}" if word else "")


def test_pages_have_words_and_the_code_beside_them(tmp_path: Path) -> None:
    shop, now = Shop.create(tmp_path), time.time()
    id_ = held_campaign(shop, shop.tenant_id, state="released", copies=3)
    with transaction(shop.conn) as conn:
        conn.execute(
            "INSERT INTO stat_part (tenant_id, part, day, campaign_id, name, kind, value)"
            " VALUES (?, 'class', ?, ?, 'mailbox-full', 'bounced', 7)",
            (shop.tenant_id, int(now // 86_400), id_),
        )
        conn.execute(
            "INSERT INTO refusal_sum (tenant_id, day, campaign_id, code, recipients) VALUES (?, ?, ?, 'no-consent', 4)",
            (shop.tenant_id, int(now // 86_400), id_),
        )
        conn.execute(
            "UPDATE recipient SET state = 3, status = '550 5.1.1 <none> here', remote = 'mx.people.example'"
            " WHERE number = 0"
        )
        conn.execute("UPDATE recipient SET state = 0, attempts = 1, status = '452 4.2.2 over quota' WHERE number = 1")
    with serving(shop) as served:
        with signed_in(served, person(shop, "o@acme.example", "owner", shop.tenant_id)) as owner:
            page = owner.get(f"/account/campaigns/{id_}?lang=de").text
            assert "Das Postfach ist voll <code>mailbox-full</code>" in page
            assert "Keine Einwilligung <code>no-consent</code>" in page
            copies = owner.get(f"/account/campaigns/{id_}/recipients").text
            assert "Das Postfach gibt es nicht" in copies and "550 5.1.1 &lt;none&gt; here" in copies
        with signed_in(served, person(shop, "d@relay.example", "operator")) as desk:
            page = desk.get(f"/desk/campaigns/{id_}?lang=uk").text
            assert "Скринька переповнена <code>mailbox-full</code>" in page and "Немає згоди" in page
            queue = desk.get("/desk/queue?lang=en").text
            assert "The mailbox is full" in queue and "452 4.2.2 over quota" in queue
