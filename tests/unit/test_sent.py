"""A tenant's messages by recipient, state, tag and campaign: what is found, page by page, and nobody else's."""

from __future__ import annotations

import itertools

import pytest

from relay.events import write as events
from relay.mail.address import parse_address
from relay.queue import sent
from relay.queue.sent import OwnSent, SentWanted
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.values.ids import decode_id, encode_id
from relay.values.states import State
from tests.support.web import Shop

NEXT = itertools.count(1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop.create(tmp_path_factory.mktemp("sent"))
    made.add_tenant("other")
    with transaction(made.conn) as conn:
        for name in ("acme", "other"):
            streams.add_defaults(conn, tenants.find(conn, name), actor="test", now=1.0)
    return made


@pytest.fixture(autouse=True)
def fresh(shop: Shop) -> None:
    with transaction(shop.conn) as conn:
        for table in ("recipient", "submission", "event", "campaign"):
            conn.execute(f"DELETE FROM {table}")


def put(
    shop: Shop, *addresses: str, tenant: str = "acme", tag: str = "", campaign: str = "",
    state: State = State.DELIVERED, subject: str = "s",
) -> str:  # fmt: skip
    """A message to these; its id. Each is a second later than the one before."""
    id_ = next(NEXT)
    with transaction(shop.conn) as conn:
        owner = tenants.find(conn, tenant)
        stream = streams.of_tenant(conn, owner.id)[0].id
        campaign_id = None
        if campaign:
            (campaign_id,) = conn.execute(
                "INSERT INTO campaign (tenant_id, stream_id, name, topic, from_address, subject, state, created_at)"
                " VALUES (?, ?, ?, 'news', 'a@b.example', 's', 'released', 1) RETURNING id",
                (owner.id, stream, campaign),
            ).fetchone()
        conn.execute(
            "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, subject,"
            " size_octets, accepted_at, expires_at, open_recipients, campaign_id, topic, tag)"
            " VALUES (?, ?, ?, '', '<x@y.example>', 'shop.example', ?, 9, ?, 9e9, 0, ?, 'news', ?)",
            (id_, owner.id, stream, subject, float(id_), campaign_id, tag),
        )
        for number, text in enumerate(addresses):
            address = parse_address(text)
            conn.execute(
                "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state,"
                " due_at, notify, changed_at) VALUES (?, ?, ?, 0, ?, ?, ?, 1, '', 1)",
                (id_, number, owner.id, str(address), address.domain, int(state)),
            )
        events.accepted(conn, owner.id, id_, campaign_id, len(addresses), {}, float(id_))
    return encode_id(id_)


def found(shop: Shop, **wanted: str) -> list[str]:
    return [one.id for one in everything(shop, SentWanted(**wanted), 50)]  # type: ignore[arg-type]


def everything(shop: Shop, wanted: SentWanted, limit: int) -> list[OwnSent]:
    """All pages, one after the other."""
    rows, after = sent.page(shop.conn, shop.tenant_id, wanted, None, limit)
    while after is not None:
        more, after = sent.page(shop.conn, shop.tenant_id, wanted, after, limit)
        assert len(more) <= limit
        rows += more
    return rows


@pytest.mark.parametrize(
    ("stored", "sought", "hit"),
    [
        ("ann@shop.example", "ann@shop.example", True),
        ("Ann@Shop.Example", "ANN@shop.example", True),
        ("ann@shop.example", " ann@SHOP.example ", True),
        ('"ann"@shop.example', "ann@shop.example", True),
        ('"a\\nn"@shop.example', "ann@shop.example", True),
        ("ann@shop.example", '"ann"@shop.example', True),
        ('"a b"@shop.example', '"A B"@shop.example', True),
        ("JÜRI@shop.example", "jüri@shop.example", True),
        ("ju\u0308ri@shop.example", "jüri@shop.example", True),
        ("ann@bücher.example", "ann@xn--bcher-kva.example", True),
        ("ann@xn--bcher-kva.example", "ann@BÜCHER.example", True),
        ("a_n@shop.example", "ann@shop.example", False),
        ("ann@shop.example", "a_n@shop.example", False),
        ("ann@shop.example", "a%@shop.example", False),
        ("ann@shop.example", "nn@shop.example", False),
        ("ann@shop.example", "ann@shop.exampl", False),
        ("ann@other.example", "ann@shop.example", False),
        ("juri@shop.example", "jüri@shop.example", False),
        ("ann@shop.example", "ann", True),
        ("Ann@shop.example", "aNN", True),
        ("a_n@shop.example", "a_n", True),
        ("ann@shop.example", "a_n", False),
        ("ann@shop.example", "a%", False),
        ("a%n@shop.example", "a%", True),
        ("JÜRI@shop.example", "jüri", True),
        ("ann@bücher.example", "@bücher.example", True),
        ("ann@unique.example", "@unique.example", True),
        ("ann@sub.unique.example", "@unique.example", False),
        ("ann@shop.example", "' OR 1=1 --", False),
    ],
)
def test_by_recipient(shop: Shop, stored: str, sought: str, hit: bool) -> None:
    id_ = put(shop, "first@else.example", stored)
    put(shop, "somebody@shop.example")
    put(shop, stored, tenant="other")
    assert found(shop, recipient=sought) == ([id_] if hit else [])


def test_all_that_is_named_must_apply(shop: Shop) -> None:
    ann, ben = "ann@shop.example", "ben@shop.example"
    tagged = put(shop, ann, tag="t", campaign="spring")
    bounced = put(shop, ann, ben, state=State.BOUNCED, campaign="spring")
    put(shop, ben, tag="t")
    assert found(shop, recipient=ann) == [bounced, tagged]
    assert found(shop, recipient=ann, state="bounced") == [bounced]
    assert found(shop, recipient=ann, tag="t") == found(shop, state="delivered", campaign="spring") == [tagged]
    assert found(shop, campaign="spring") == [bounced, tagged] and found(shop, campaign="SPRING") == []
    assert found(shop, recipient=ben, state="bounced", tag="t") == []
    assert len(found(shop)) == 3 and found(shop, state="leased") == []


def test_by_a_part_of_the_subject_in_any_alphabet(shop: Shop) -> None:
    sale = put(shop, "ann@shop.example", subject="Winter SALE: 100% off")
    ukrainian = put(shop, "ann@shop.example", subject="Зимовий Розпродаж")
    put(shop, "ann@shop.example", subject="Winter sale", tenant="other")
    for part in ("sale", "WINTER", "100%", "winter sale: 100% off"):
        assert found(shop, subject=part) == [sale], part
    assert found(shop, subject="розпродаж") == [ukrainian]
    assert found(shop, subject="1%0") == found(shop, subject="sale", recipient="ben@shop.example") == []
    assert found(shop, subject="sale", recipient="ann@shop.example", state="delivered") == [sale]


def test_a_busy_machine_looks_at_fewer_and_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "PIECE", 3)
    made = [put(shop, f"p{number}@shop.example") for number in range(10)]
    wanted = SentWanted(recipient="p0@shop.example")
    assert sent.page(shop.conn, shop.tenant_id, wanted, None, 50)[1] is None
    monkeypatch.setattr(sent, "MOST_S", 0.0)
    rows, after = sent.page(shop.conn, shop.tenant_id, wanted, None, 50)
    assert rows == [] and after is not None  # one piece, and the next page begins behind it
    assert [one.id for one in everything(shop, wanted, 50)] == made[:1]


def test_what_is_to_the_tenant_itself_or_gone_is_not_listed(shop: Shop) -> None:
    notice, gone, left = (put(shop, "ann@shop.example") for _ in range(3))
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE submission SET stream_id = 0 WHERE id = ?", (decode_id(notice),))
        conn.execute("DELETE FROM submission WHERE id = ?", (decode_id(gone),))
    assert found(shop) == found(shop, recipient="ann@shop.example") == found(shop, subject="s") == [left]


def test_pages_leave_out_and_repeat_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "PIECE", 3)
    monkeypatch.setattr(sent, "MOST_LOOKED_AT", 5)
    made = [put(shop, f"p{number % 2}@shop.example") for number in range(23)][::-1]
    for limit in (1, 2, 3, 7, 50):
        assert [one.id for one in everything(shop, SentWanted(), limit)] == made
        assert [one.id for one in everything(shop, SentWanted(recipient="p0@shop.example"), limit)] == made[::2]
    rows, after = sent.page(shop.conn, shop.tenant_id, SentWanted(recipient="none@shop.example"), None, 50)
    assert rows == [] and after is not None  # the page ended, the search goes on
