"""Every page of account and desk, signed in, on a full store: how long each takes and how large it is.

    python -m bench.pages [--copies 2000000] [--rounds 20] [--keep DIR] [--most-ms 200] [--most-octets 100000]

Fills a store by generated rows: copies with their messages and events, a
thousand campaigns of twenty tenants (half of all is one tenant's, whose account
is asked), a million people with consents, a year of daily sums. Then each page
is asked for ``rounds`` times, one after the other, over a socket. ``--keep``
leaves the store there, and takes one that is there. Ends with 1 where a page's
95th percentile or its octets are beyond the bounds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx

from relay.accounts.roles import LoginRole
from relay.conduct import quota_watch
from relay.conduct import sums as conduct_sums
from relay.events import daily
from relay.lists import fates
from relay.statistics import sums as statistics_sums
from relay.values.ids import encode_id, first_id
from relay.web.account import pages as account
from relay.web.desk import pages as desk
from tests.support.inside import person, signed_in
from tests.support.web import Served, Shop, serving

DAYS: Final = 30
"""Over so many the copies are spread."""
TENANTS: Final = 20
CAMPAIGNS: Final = 1_000
SITES: Final = ("gmail.com", "outlook.com", "people.example", "web.de", "mail.ru", "ukr.net", "yahoo.com", "orange.fr")
FAST: Final = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY")
FOLLOWERS: Final = (daily.NAME, statistics_sums.NAME, conduct_sums.NAME, quota_watch.NAME, fates.NAME)
"""They have read all that there is."""
NUMBERS: Final = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
STEP: Final = 500_000
_MEASURED: Final = "   p50 ms   p95 ms   octets  page"


def fill(shop: Shop, copies: int, people: int) -> None:
    """All by SQL, in a store that nobody else has open."""
    conn, now = shop.conn, time.time()
    begin, span = now - DAYS * 86_400, DAYS * 86_400.0
    for pragma in FAST:
        conn.execute(f"PRAGMA {pragma}")
    others = [shop.tenant_id, *(shop.add_tenant(f"tenant{number}")[0] for number in range(1, TENANTS))]
    conn.execute("CREATE TEMP TABLE whose (i INTEGER PRIMARY KEY, tenant INTEGER, stream INTEGER)")
    for place, tenant in enumerate(others):
        conn.execute(
            "INSERT INTO stream (tenant_id, name, kind, topic, consent, created_at)"
            " VALUES (?, 'bulk', 'bulk', '*', 'required', ?)",
            (tenant, begin),
        )
        stream = conn.execute("SELECT max(id) FROM stream").fetchone()[0]
        conn.execute("INSERT INTO whose VALUES (?, ?, ?)", (place, tenant, stream))
    indexes = conn.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN ('recipient', 'submission', 'event', 'subscriber', 'consent')"
    ).fetchall()
    for name, _ in indexes:
        conn.execute(f"DROP INDEX {name}")
    _campaigns(shop, begin, span)
    _people(shop, people, begin)
    _suppressed(shop, begin)
    id_step = (first_id(now) - first_id(begin)) // copies
    for first in range(0, copies, STEP):
        _copies(shop, first, min(copies, first + STEP) - 1, first_id(begin), id_step, span / copies, begin)
        print(f"  {min(copies, first + STEP):,} copies", file=sys.stderr, flush=True)
    _sums(shop, now)
    conn.execute("DELETE FROM follower")
    for name in FOLLOWERS:
        conn.execute("INSERT INTO follower (name, position) SELECT ?, max(id) FROM event", (name,))
    for _, sql in indexes:
        conn.execute(sql)
    conn.execute("ANALYZE")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("PRAGMA journal_mode = WAL")


def _campaigns(shop: Shop, begin: float, span: float) -> None:
    """The even ones are the one tenant's; each ends as the next but nine begins."""
    states = "CASE WHEN n.i > 990 THEN 'undecided' WHEN n.i > 980 THEN 'staged' ELSE 'released' END"
    shop.conn.execute(
        NUMBERS.format(first=1, last=CAMPAIGNS)
        + "INSERT INTO campaign (id, tenant_id, stream_id, name, topic, from_address, subject, state, created_at,"
        " recipients, passed, delivered, bounced, last_at, decided_at, reason)"
        f" SELECT n.i, tenant, stream, 'campaign ' || n.i, 'club', 'hello@acme.example', 'Offer ' || n.i, {states},"
        " ? + (n.i - 1) * ?, 20000, 20000, 19000, 300, ? + (n.i + 9) * ?, ? + n.i * ?, 'a list that is new here'"
        " FROM n JOIN whose ON whose.i = CASE WHEN n.i % 2 = 0 THEN 0 ELSE n.i % 19 + 1 END",
        (begin, span / CAMPAIGNS, begin, span / CAMPAIGNS, begin, span / CAMPAIGNS),
    )


def _people(shop: Shop, people: int, begin: float) -> None:
    """Of the one tenant, each with a consent."""
    shop.consent("first@people.example", "club")
    conn, topic = shop.conn, shop.topic_id("club")
    wording = conn.execute("SELECT max(id) FROM wording").fetchone()[0]
    least = conn.execute("SELECT max(id) FROM subscriber").fetchone()[0] + 1
    conn.execute(
        NUMBERS.format(first=least, last=least + people - 1)
        + "INSERT INTO subscriber (id, tenant_id, address, created_at)"
        " SELECT i, ?, 'reader' || i || '@people.example', ? FROM n",
        (shop.tenant_id, begin),
    )
    conn.execute(
        NUMBERS.format(first=least, last=least + people - 1)
        + "INSERT INTO consent (subscriber_id, topic_id, given_at, withdrawn_at, source,"
        " wording_id, means, recorded_at)"
        " SELECT i, ?, ?, CASE WHEN i % 50 = 0 THEN ? END, 'form', ?, 'form', ? FROM n",
        (topic, begin, begin + 9, wording, begin),
    )


def _suppressed(shop: Shop, since: float) -> None:
    """One of a hundred."""
    shop.conn.execute(
        "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail)"
        " SELECT id, 0, 'hard-bounce', ?, '550 5.1.1 unknown' FROM subscriber WHERE id % 100 = 1",
        (since,),
    )


def _copies(shop: Shop, first: int, last: int, id_first: int, id_step: int, each_s: float, begin: float) -> None:
    """A message each, its acceptance and its delivery; three of a hundred bounce, one of twenty waits, some are
    held."""
    head = NUMBERS.format(first=first, last=last)
    values: Mapping[str, object] = {
        "id": id_first, "step": id_step, "begin": begin, "each": each_s, "all": _all(shop), "n": CAMPAIGNS,
    }  # fmt: skip
    which = "min(:n, 1 + i * :n / :all + i % 10)"  # one after the other, ten at a time
    at, id_ = ":begin + i * :each", ":id + i * :step"
    conn = shop.conn
    conn.execute(
        head + "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, topic, reverse_path, message_id,"
        " from_domain, subject, size_octets, accepted_at, expires_at, open_recipients)"
        f" SELECT {id_}, c.tenant_id, c.stream_id, c.id, 'club', '', '<' || i || '@acme.example>', 'acme.example',"
        f" c.subject, 20000, {at}, {at} + 432000, i % 21 = 0 OR i % 200 = 1"
        f" FROM n CROSS JOIN campaign c WHERE c.id = {which}",
        values,
    )
    sites = " ".join(f"WHEN {number} THEN '{site}'" for number, site in enumerate(SITES))
    state = "CASE WHEN i % 21 = 0 THEN 0 WHEN i % 200 = 1 THEN 1 WHEN i % 33 = 0 THEN 3 ELSE 2 END"
    conn.execute(
        head + "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain,"
        " state, due_at, attempts, status, remote, changed_at)"
        f" SELECT {id_}, 0, c.tenant_id, c.id, i % 1000000 + 1, 'reader' || i % 1000000 || '@' || site, site, {state},"
        f" {at}, i % 2, '250 2.0.0 OK', 'mx.example [192.0.2.1]:25', {at}"
        f" FROM (SELECT i, CASE i % {len(SITES)} {sites} END AS site FROM n) n"
        f" CROSS JOIN campaign c WHERE c.id = {which}",
        values,
    )
    for kind, detail, later in (("accepted", "{}", 0), ("delivered", '{"reply":"250 2.0.0 OK"}', 2)):
        conn.execute(
            head + "INSERT INTO event (tenant_id, at, kind, submission_id, number, campaign_id, detail)"
            f" SELECT c.tenant_id, {at} + {later}, '{kind}', {id_}, {'NULL' if later == 0 else 0}, c.id, '{detail}'"
            f" FROM n CROSS JOIN campaign c WHERE c.id = {which}",
            values,
        )


def _all(shop: Shop) -> int:
    return int(shop.conn.execute("SELECT value FROM bench_all").fetchone()[0])


def _sums(shop: Shop, now: float) -> None:
    """What followers would have made of the events."""
    conn, today = shop.conn, int(now // 86_400)
    for kind, part in (("accepted", 1000), ("delivered", 970), ("bounced", 30), ("unsubscribed", 2), ("complained", 1)):
        conn.execute(
            NUMBERS.format(first=today - 365, last=today) + "INSERT INTO daily (tenant_id, day, stream_id, kind, value)"
            " SELECT tenant, n.i, stream, ?, ? FROM n CROSS JOIN whose",
            (kind, part * 50),
        )
        conn.execute(
            NUMBERS.format(first=0, last=8) + "INSERT INTO stat_hour (tenant_id, hour, campaign_id, kind, value)"
            " SELECT c.tenant_id, CAST(c.created_at / 3600 AS INTEGER) + n.i, c.id, ?, ? FROM n CROSS JOIN campaign c",
            (kind, part),
        )
        conn.execute(
            NUMBERS.format(first=0, last=39)
            + "INSERT INTO stat_part (tenant_id, part, day, campaign_id, name, kind, value)"
            " SELECT c.tenant_id, 'site', CAST(c.created_at / 86400 AS INTEGER), c.id, 'site' || n.i || '.example',"
            " ?, ?"
            " FROM n CROSS JOIN campaign c",
            (kind, part),
        )


def addresses(shop: Shop) -> Iterator[tuple[LoginRole, str]]:
    """Every page that shows something, with what a real visitor has in its place; those with a search, searched."""
    conn = shop.conn
    message = conn.execute(
        "SELECT id FROM submission WHERE tenant_id = ? ORDER BY id DESC LIMIT 1", (shop.tenant_id,)
    ).fetchone()[0]
    held = conn.execute("SELECT max(id) FROM campaign WHERE tenant_id = ?", (shop.tenant_id,)).fetchone()[0]
    in_path = {
        "/account/campaigns/{id}": str(held), "/account/messages/{id}": encode_id(message),
        "/desk/campaigns/{id}": str(held), "/desk/tenants/{name}": "acme", "/account/topics/{id}": "",
    }  # fmt: skip
    for route in (*account.ROUTES, *desk.ROUTES):
        if "GET" not in route.deeds:
            continue
        role = LoginRole.OPERATOR if route.path.startswith("/desk") else LoginRole.OWNER
        begin = next((one for one in in_path if route.path.startswith(one) and in_path[one]), "")
        path = route.path.replace(begin, begin[: begin.index("{")] + in_path[begin]) if begin else route.path
        if "{" not in path and not path.endswith(("/content", "/copy", "/people/one")):  # a frame; asked for below
            yield role, path
    for path in (
        "/account/people/one?email=reader500000@people.example", "/account/people?email=reader500000@people.example",
        "/account/messages?recipient=reader7@gmail.com", "/account/messages?state=bounced",
        "/account/messages?campaign=campaign+2",
        f"/account/messages?after={round((time.time() - 15 * 86_400) * 1e6)}-1", "/account/campaigns?before=200",
        f"/account/campaigns/{held}/recipients?state=bounced", "/account/campaigns/500/recipients?search=reader77",
        "/account/campaigns/500",
    ):  # fmt: skip
        yield LoginRole.OWNER, path
    for path in ("/desk/queue?domain=gmail.com", "/desk/tenants?q=acme"):
        yield LoginRole.OPERATOR, path


def measure(client: httpx.Client, path: str, rounds: int) -> tuple[list[float], int, int]:
    """Milliseconds of each answer; octets and status of the last."""
    took = []
    client.get(path)
    for _ in range(rounds):
        begun = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - begun) * 1e3)
    return took, len(answer.content), answer.status_code


def ask(shop: Shop, served: Served, rounds: int, most_ms: float, most_octets: int) -> int:
    """How many pages are beyond the bounds."""
    beyond = 0
    with ExitStack() as stack:
        clients = {
            role: stack.enter_context(signed_in(served, person(shop, f"{role}{time.time()}@b.example", role, tenant)))
            for role, tenant in ((LoginRole.OWNER, shop.tenant_id), (LoginRole.OPERATOR, None))
        }
        print(_MEASURED)
        for role, path in addresses(shop):
            took, octets, status = measure(clients[role], path, rounds)
            p95 = statistics.quantiles(took, n=20, method="inclusive")[-1]
            bad = p95 > most_ms or octets > most_octets or status >= 400
            beyond += bad
            print(
                f"{statistics.median(took):9.1f}{p95:9.1f}{octets:9,}  {path}" + (f"   <-- {status}" if bad else ""),
                flush=True,
            )
    return beyond


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=2_000_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--most-ms", type=float, default=200.0)
    parser.add_argument("--most-octets", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pages-") as temporary:
        directory = given.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        made = (directory / "relay.db").exists()
        shop = opened(directory) if made else Shop.create(directory)
        if not made:
            begun = time.monotonic()
            shop.conn.execute("CREATE TEMP TABLE bench_all AS SELECT ? AS value", (given.copies,))
            fill(shop, given.copies, given.people)
            size = (directory / "relay.db").stat().st_size
            print(f"filled in {time.monotonic() - begun:.0f} s, {size / 2**30:.1f} GiB", file=sys.stderr, flush=True)
        with serving(shop) as served:
            return 1 if ask(shop, served, given.rounds, given.most_ms, given.most_octets) else 0


def opened(directory: Path) -> Shop:
    """One that an earlier run kept."""
    from relay.keys.secrets import Secrets
    from relay.store.database import connect

    settings = Shop.settings_of(directory)
    conn = connect(settings.database)
    return Shop(settings, Secrets.load(settings.secrets_file), conn, 1, "")


if __name__ == "__main__":
    sys.exit(main())
