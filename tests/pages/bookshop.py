"""A tenant as it is after some weeks: people, campaigns, figures, reports. The same each time but for the moment."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.announcements import book as announcements
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import AnnouncementKind
from relay.conduct import tenant_notes
from relay.lists import runs
from relay.lists.stopping import suppress
from relay.mailings import mailings
from relay.mailings.mailings import MailingContent
from relay.people import topics
from relay.queue.operator import Operator
from relay.statistics import sums
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.support import threads
from relay.tenants import credentials, domains, streams, tenants
from relay.values.facts import Reason
from relay.values.ids import encode_id
from tests.support.inside import Person, held_campaign, person
from tests.support.web import Shop

HOUR_S: Final = 3600
DAY_S: Final = 86_400
LETTER: Final = b"""<html><body style="font-family:Georgia,serif;color:#222;background:#fff"><h1>New on our shelves</h1>
<p>Twelve novels came in this week, and three of them are signed.
<a href="https://bookshop.example/new">See them all</a>.</p>
<p>On Friday at seven we read from the winter list; tea is on us.</p></body></html>"""
DRAFT: Final = MailingContent(
    name="week-49",
    topic="news",
    groups=(),
    stream="",
    author="hello@bookshop.example",
    author_name="Harbour Books",
    reply_to="",
    subject="Ice, tea and twelve novels",
    format="html",
    source=LETTER.decode(),
    written="",
    html=LETTER.decode(),
    text="Twelve novels came in this week.",
    track="",
)
PEOPLE: Final = ("ada", "boris", "chloe", "dmytro", "eva", "fatima", "george", "hanna", "ilmar", "jana", "karl", "lena")
SITES: Final = (("gmail.com", 5210), ("outlook.com", 1830), ("ukr.net", 960), ("web.de", 640), ("mail.ee", 180))

FAILED: Final = (("unknown-address", 81), ("mailbox-full", 19), ("policy", 4))


@dataclass(frozen=True, slots=True)
class Bookshop:
    shop: Shop
    owner: Person
    reviewer: Person
    sent: int
    """The campaign with figures."""
    waiting: int
    """The campaign that waits for a decision."""
    reader: int
    """A subscriber."""
    draft: int
    """A mailing that isn't sent yet."""
    operator: Person
    thread: int
    registration: int
    message: str
    """Id of one with two copies."""


def furnish(directory: Path) -> Bookshop:
    chance = random.Random(1871)  # pictures, no secrets
    shop = Shop.create(
        directory,
        dns={"nameservers": ["127.0.0.1:9"]},
        accounts={"registration": "open"},
        operator={"name": "Harbour Mail", "contact": "help@provider.example"},
    )
    now = time.time()
    tenant_id, _ = shop.add_tenant("bookshop")
    shop.tenant_id = tenant_id
    with transaction(shop.conn) as conn:
        tenant = tenants.by_id(conn, tenant_id)
        streams.add_defaults(conn, tenant, actor="operator", now=now)
        conn.execute(
            "UPDATE tenant SET title = 'Harbour Books', postal = 'Harbour Books, 1 Quay Street, Tallinn' WHERE id = ?",
            (tenant_id,),
        )
        topics.add(
            conn, tenant_id, "news", title="New on our shelves", description="A letter a week", actor="kaja", now=now
        )
    readers = [shop.consent(f"{name}@people.example", "news", at=now - 40 * DAY_S) for name in PEOPLE]
    sent = held_campaign(
        shop, tenant_id, name="week-48", subject="New on our shelves", html=LETTER, state="released", copies=0
    )
    waiting = held_campaign(shop, tenant_id, name="winter-sale", subject="Winter sale: three for two", html=LETTER)
    with transaction(shop.conn) as conn:
        tenant = tenants.by_id(conn, tenant_id)
        stream = streams.of_tenant(conn, tenant_id)[0]
        domain = domains.add(conn, shop.secrets, tenant, "bookshop.example", actor="operator", now=now)
        domains.mark_verified(conn, domain, "operator", actor="operator", now=now)
        credentials.add_password(conn, shop.secrets, tenant, stream, actor="operator", now=now)
        suppress(
            conn, tenant_id, "old@people.example", Reason.HARD_BOUNCE, detail="550 5.1.1", means="delivery", now=now
        )
        draft = mailings.add(conn, tenant_id, DRAFT, actor="kaja@bookshop.example", now=now)
        _figures(conn, chance, tenant_id, sent, now)
    owner = person(shop, "kaja@bookshop.example", "owner", tenant_id)
    reviewer = person(shop, "reviewer@provider.example", "reviewer")
    operator = person(shop, "operator@provider.example", "operator")
    thread, registration = _desk(shop, owner, waiting, now)
    last = held_campaign(
        shop, tenant_id, name="thanks", subject="Thank you for coming", html=LETTER, state="released", copies=2
    )
    message = encode_id(shop.value("SELECT max(id) FROM submission WHERE campaign_id = ?", last))
    return Bookshop(shop, owner, reviewer, sent, waiting, readers[0], draft, operator, thread, registration, message)


def _desk(shop: Shop, owner: Person, waiting: int, now: float) -> tuple[int, int]:
    """A thread, an announcement, a passkey and a registration; (thread, registration)."""
    desk = Operator("relay.example.com", "Harbour Mail", ())
    work = AnnouncementWish(
        AnnouncementKind.WORK, "New disks", "Mail waits for up to two hours and is sent then. Pages may be slow.",
        now + 3 * DAY_S, now + 3 * DAY_S + 2 * HOUR_S,
    )  # fmt: skip
    with transaction(shop.conn) as conn:
        talk = threads.open_(
            conn, desk, "https://relay.example.com", shop.tenant_id, "Why does the winter sale wait?",
            "It went to the same list as last year. What do you need to know?", about=f"campaign:{waiting}",
            actor=owner.email, now=now - 5 * HOUR_S,
        )  # fmt: skip
        threads.write(
            conn, desk, "https://relay.example.com", talk, "Nine of a hundred addresses are dead. Where is it from?",
            staff=True, actor="reviewer@provider.example", now=now - HOUR_S,
        )  # fmt: skip
        announcements.add(conn, work, actor="operator@provider.example", now=now)
        tenant_notes.add(
            conn, shop.tenant_id, "Called on Friday: the winter list is from the fair in May, forms are in a folder.",
            actor="reviewer@provider.example", now=now - 2 * DAY_S,
        )  # fmt: skip
        run = runs.begin(
            conn, shop.tenant_id, shop.topic_id("news"), at=now - 20 * DAY_S, file="fair-in-may.csv", sha256="0" * 64,
            source="book fair, stand 7", actor=owner.email,
        )  # fmt: skip
        runs.ended(conn, run, 212)
        conn.executemany(
            "INSERT INTO import_fate (import_id, kind, value) VALUES (?, ?, ?)",
            [(run, "delivered", 190), (run, "bounced", 17), (run, "unsubscribed", 2)],
        )
        conn.execute(
            "INSERT INTO login_passkey (login_id, credential, public_key, sign_count, transports, name, created_at)"
            " SELECT id, x'01', x'02', 0, 'internal', 'Telephone', ? FROM login WHERE shown = ?",
            (now - 9 * DAY_S, owner.email),
        )
        (registration,) = conn.execute(
            "INSERT INTO registration (at, state, email, person, name, surname, phone, country, city, company, website,"
            " about, language, ip, agent, token_at, confirmed_at, resembles) VALUES (?, 'waiting', 'ann@tea.example',"
            " x'', 'Ann', 'Tamm', '+372 5123 4567', 'EE', 'Tartu', 'Tea & Sons', 'tea.example',"
            " 'A letter a month to who buys tea from us.', 'en', '192.0.2.7', 'Mozilla/5.0', ?, ?, '[]') RETURNING id",
            (now - 2 * HOUR_S, now, now - HOUR_S),
        ).fetchone()
    return talk.id, int(registration)


def _figures(conn: Tx, chance: random.Random, tenant_id: int, sent: int, now: float) -> None:
    hour, day = int(now // HOUR_S), int(now // DAY_S)
    conn.executemany(
        "INSERT INTO stat_hour (tenant_id, hour, campaign_id, kind, value) VALUES (?, ?, ?, ?, ?)",
        [
            (tenant_id, hour - back, sent, kind, chance.randrange(most // 8, most))
            for back in range(22)
            for kind, most in (("delivered", 900), ("bounced", 25))
        ],
    )
    conn.executemany(
        "INSERT INTO daily (tenant_id, day, stream_id, kind, value) VALUES (?, ?, 1, ?, ?)",
        [
            (tenant_id, day - back, kind, chance.randrange(most // 3, most))
            for back in range(14)
            for kind, most in (("accepted", 2900), ("delivered", 2800), ("bounced", 70))
        ],
    )
    parts = [
        (sums.SITE, site, kind, int(copies * share))
        for site, copies in SITES
        for kind, share in (("accepted", 1.0), ("delivered", 0.985), ("bounced", 0.012), ("unsubscribed", 0.003))
    ]
    parts += [(sums.CLASS, word, "bounced", copies) for word, copies in FAILED]
    conn.executemany(
        "INSERT INTO stat_part (tenant_id, part, day, campaign_id, name, kind, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(tenant_id, part, day, sent, name, kind, value) for part, name, kind, value in parts],
    )
    conn.execute(
        "UPDATE campaign SET recipients = 8820, passed = 8820, delivered = 8716, bounced = 104, unsubscribed = 26,"
        " complained = 2, why = 'looks good' WHERE id = ?",
        (sent,),
    )
