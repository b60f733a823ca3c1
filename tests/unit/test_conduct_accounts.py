"""Customers: second accounts, terminated ones, confirmed contacts, domains whose records go (R14, R23, R24)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from relay.conduct import account, admission, contact, domain_watch, second_accounts, statements, termination
from relay.conduct.account import ASKED, CONFIRMED, LAPSED
from relay.conduct.rounds import Rounds
from relay.conduct.second_accounts import keys, owned_domain
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.queue.operator import Operator
from relay.signup import forms
from relay.store.database import transaction
from relay.tenants import api_tokens, credentials, domains, streams, tenants
from relay.tenants.lookup import LookupFailed
from relay.values.errors import RegistryError
from tests.support.conduct import DAY, HOUR, NOW, World

BASE = "https://relay.example.com"


class Dns:
    """What the tenants' zones hold; ``down``: no answer."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[str, ...]] = {}
        self.down = False

    def __call__(self, name: str, kind: str) -> Sequence[str]:
        if self.down:
            raise LookupFailed("no answer within 2 s")
        return self.records.get((name, kind), ())


class Office(World):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.secrets = Secrets.create(self.settings.secrets_file)
        self.operator = Operator.of(self.settings)
        self.dns = Dns()
        self.rounds = Rounds(self.settings.database, self.settings, self.secrets, self.clock, self.dns)

    def later(self, seconds: float) -> None:
        self.clock.now += seconds
        self.rounds.turn()

    def days(self, count: int) -> None:
        for _ in range(count):
            self.later(DAY)

    def state(self, tenant: str = "acme") -> str:
        return account.of(self.conn, self.ids[tenant]).contact_state

    def admit(self, name: str, email: str, postal: str = "", client: str = "") -> list[tuple[str, str]]:
        """What a new tenant has in common with others: (what, with whom)."""
        with transaction(self.conn) as conn:
            found = admission.check(conn, email, postal=postal, client=client)
            row = tenants.add(conn, name, parse_address(email), postal=postal, actor="test", now=self.clock.now)
            admission.admitted(conn, row, found, client=client, state=CONFIRMED, actor="test", now=self.clock.now)
        self.ids[name] = row.id
        return [(match.what, match.tenant) for match in found]

    def domain(self, name: str, tenant: str = "acme") -> domains.DomainRow:
        """One that is proved by DNS."""
        with transaction(self.conn) as conn:
            row = domains.add(conn, self.secrets, tenants.find(conn, tenant), name, actor="test", now=self.clock.now)
            row = domains.mark_verified(conn, row, "dns", actor="test", now=self.clock.now)
        self.publish(row)
        return row

    def publish(self, row: domains.DomainRow) -> None:
        for record in domains.records(self.conn, self.settings, row):
            self.dns.records[record.name, record.type] = (record.value,)

    def end(self, tenant: str) -> None:
        with transaction(self.conn) as conn:
            row = tenants.find(conn, tenant)
            termination.terminate(conn, self.operator, row, reason="phishing", actor="anna", now=self.clock.now)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


# --- second accounts ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ("ann@shop.example", "ANN@Shop.example", {"contact", "domain"}),
        ("ann@shop.example", "ann+two@shop.example", {"contact", "domain"}),
        ("ann@shop.example", "bob@shop.example", {"domain"}),
        ("ann@shop.example", "bob@mail.shop.example", {"domain"}),
        ("ann@news.shop.co.uk", "bob@shop.co.uk", {"domain"}),
        ("ann@one.co.uk", "bob@two.co.uk", set()),
        ("a.nn@gmail.com", "ann@googlemail.com", {"contact"}),
        ("ann+1@gmail.com", "a.n.n+2@gmail.com", {"contact"}),
        ("ann@gmail.com", "bob@gmail.com", set()),
        ("ann-x@yandex.ru", "ann.x@ya.ru", {"contact"}),
        ("ann@web.de", "bob@web.de", set()),
        ("ann+a@web.de", "ann+b@web.de", {"contact"}),
        ("ann@yahoo.co.jp", "bob@yahoo.co.jp", set()),
        ("ann@mail.ru", "bob@mail.ru", set()),
        ("ann@ukr.net", "ann@i.ua", set()),
        ("ann@someone.github.io", "bob@other.github.io", set()),
        ("ann@shop.example", "ann@shop.test", set()),
        ("ann@xn--bcher-kva.example", "bob@bücher.example", {"domain"}),
    ],
)
def test_the_same_customer_s_address(first: str, second: str, what: set[str]) -> None:
    assert {kind for kind, _ in keys(first, ()) & keys(second, ())} == what


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("shop.example", "shop.example"),
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("co.uk", ""),
        ("gmail.com", ""),
        ("hotmail.fr", ""),
        ("gmx.de", ""),
    ],
)
def test_what_somebody_registered(name: str, owned: str) -> None:
    assert owned_domain(name) == owned


def test_a_second_account_is_told_with_what_matched(office: Office) -> None:
    street = "12 Long Street, 10115 Berlin"
    assert office.admit("one", "ann@gmail.com", street, "203.0.113.7") == []
    assert office.admit("two", "a.n.n+x@googlemail.com") == [("contact", "one")]
    assert office.admit("three", "bob@other.example", "12, LONG street; 10115 Berlin") == [("postal", "one")]
    assert office.admit("four", "eve@else.example", client="203.0.113.99") == [("network", "one")]
    assert office.admit("five", "zoe@zoe.example", "Box 1", "198.51.100.1") == []
    found = second_accounts.of_tenant(office.conn, office.ids["one"])
    assert {(match.tenant, match.what) for match in found} == {
        ("two", "contact"),
        ("three", "postal"),
        ("four", "network"),
    }
    assert {tuple(one["tenants"]) for one in second_accounts.groups(office.conn)} == {  # type: ignore[arg-type]
        ("one", "two"), ("one", "three"), ("four", "one")
    }  # fmt: skip
    told = office.rows("SELECT count(*) FROM audit WHERE action = 'tenant-resembles'")
    assert told == [(3,)]


def test_a_terminated_customer_gets_no_new_account(office: Office) -> None:
    office.admit("bad", "ann@gmail.com", "12 Long Street, 10115 Berlin", "203.0.113.7")
    office.domain("bad.example", "bad")
    office.end("bad")
    for email, postal in (
        ("a.nn+new@gmail.com", ""),
        ("post@mail.bad.example", ""),
        ("eve@new.example", "12 Long Street 10115 Berlin"),
    ):
        with pytest.raises(RegistryError, match="terminated"):
            office.admit("again", email, postal)
    with pytest.raises(RegistryError, match="terminated"), transaction(office.conn) as conn:
        admission.check_domain(conn, tenants.find(conn, "acme"), "news.bad.example")
    # Others share a network: that alone is told, and refuses nobody.
    assert office.admit("neighbour", "zoe@zoe.example", client="203.0.113.8") == [("network", "bad")]
    with transaction(office.conn) as conn:
        row = tenants.find(conn, "bad")
        termination.reinstate(conn, office.operator, row, reason="it was another", actor="anna", now=office.clock.now)
    assert office.admit("again", "a.nn+new@gmail.com") == [("contact", "bad")]


# --- termination -------------------------------------------------------------------


def test_termination_ends_log_ins_tokens_and_forms(office: Office) -> None:
    with transaction(office.conn) as conn:
        tenant = tenants.find(conn, "acme")
        stream = streams.of_tenant(conn, tenant.id)[0]
        credentials.add_password(conn, office.secrets, tenant, stream, actor="test", now=NOW)
        credentials.add_network(conn, tenant, stream, "192.0.2.0/28", actor="test", now=NOW)
        _, token = api_tokens.add(conn, office.secrets, tenant, actor="test", now=NOW)
    office.end("acme")
    assert office.frozen() == "all"
    assert [row.revoked_at for row in credentials.listing(office.conn, office.ids["acme"])] == [NOW, NOW]
    assert api_tokens.lookup(office.conn, office.secrets, token) is None
    assert forms.of_tenant(office.conn, office.ids["acme"]) == []
    assert office.letters("post@acme.example") == ["The account acme is closed"]
    [statement] = [one for one in statements.listing(office.conn) if one.ended_at is None]
    assert (statement.action, statement.reason, statement.actor) == ("terminated", "phishing", "anna")
    with pytest.raises(RegistryError, match="already"):
        office.end("acme")
    with pytest.raises(RegistryError, match="gets nothing new") as refused:
        account.alive(office.conn, tenant)
    assert "relay tenant reinstate acme" in refused.value.inside
    assert account.alive(office.conn, tenants.find(office.conn, "rival")).name == "rival"
    assert office.rows("SELECT count(*) FROM statement WHERE tenant_id = ?", office.ids["rival"]) == [(0,)]


# --- contacts ----------------------------------------------------------------------


def ask(office: Office, tenant: str = "acme", *, anew: bool = True) -> str:
    """The link in the letter."""
    with transaction(office.conn) as conn:
        row = tenants.find(conn, tenant)
        contact.ask(conn, office.secrets, office.operator, BASE, row, actor="test", now=office.clock.now, anew=anew)
    return contact.link(office.secrets, office.ids[tenant], office.clock.now)


def press(office: Office, link: str) -> bool:
    named = contact.read_link(office.secrets, link)
    if named is None:
        return False
    with transaction(office.conn) as conn:
        return contact.confirm(conn, *named, ip="192.0.2.1", agent="test", now=office.clock.now)


def test_a_contact_is_confirmed_by_the_latest_link_once(office: Office) -> None:
    first = ask(office)
    assert office.state() == ASKED
    office.clock.now += 60
    second = ask(office)
    assert not press(office, first) and office.state() == ASKED
    assert not press(office, second[:-1]) and not press(office, second[:-2] + "AA") and not press(office, "x" * 42)
    assert press(office, second) and office.state() == CONFIRMED
    assert not press(office, second)  # once


def test_an_old_link_confirms_nothing(office: Office) -> None:
    link = ask(office)
    office.clock.now += 31 * DAY
    assert not press(office, link)


def test_a_contact_is_asked_every_year_and_lapses_in_the_end(office: Office) -> None:
    with transaction(office.conn) as conn:
        contact.vouch(conn, tenants.find(conn, "acme"), "met them", actor="anna", now=NOW)
    office.later(1)
    office.days(364)
    assert office.letters("post@acme.example") == []
    office.days(2)
    assert len(office.letters("post@acme.example")) == 1 and office.state() == CONFIRMED
    office.days(28)
    assert 4 <= len(office.letters("post@acme.example")) <= 5 and office.state() == CONFIRMED
    office.days(2)
    assert office.state() == LAPSED and "contact:acme" in [call["about"] for call in office.calls()]
    at = account.of(office.conn, office.ids["acme"]).contact_asked_at
    assert at is not None and press(office, contact.link(office.secrets, office.ids["acme"], at))
    assert office.state() == CONFIRMED
    office.days(300)
    assert office.state() == CONFIRMED


def test_a_tenant_of_an_earlier_release_has_its_year_from_now_on(office: Office) -> None:
    office.later(1)
    assert office.state() == CONFIRMED and office.letters("post@acme.example") == []
    office.days(360)
    assert office.letters("post@acme.example") == []
    office.days(10)
    assert office.letters("post@acme.example") != []


def test_the_old_contact_hears_of_the_new_one(office: Office) -> None:
    for vouched, state in (("known", CONFIRMED), ("", ASKED)):
        with transaction(office.conn) as conn:
            before = tenants.find(conn, "acme")
            new = tenants.Changes(contact=parse_address(f"new-{state}@acme.example"))
            after = tenants.edit(conn, before, new, actor="test", now=NOW)
            contact.changed(
                conn, office.secrets, office.operator, BASE, before, after, vouched=vouched, actor="test", now=NOW
            )
        assert office.state() == state
        assert "The contact address of acme was changed" in office.letters(before.contact)
    assert len(office.letters(f"new-{ASKED}@acme.example")) == 1


# --- domains -----------------------------------------------------------------------


def verified(office: Office, name: str) -> bool:
    return domains.find(office.conn, name).verified_at is not None


def told(office: Office) -> list[str]:
    rows = office.conn.execute("SELECT kind FROM event WHERE kind LIKE 'domain.%' ORDER BY id")
    return [row[0] for row in rows]


def test_a_domain_whose_records_go_is_told_held_and_comes_back(office: Office) -> None:
    row = office.domain("acme.example")
    office.days(3)
    assert told(office) == []
    office.dns.records.clear()
    office.days(1)
    assert told(office) == ["domain.failing"] and verified(office, "acme.example")
    assert office.letters("post@acme.example") == ["A domain of acme lacks its DNS records"]
    for _ in range(70):
        office.later(HOUR)
    assert verified(office, "acme.example") and told(office) == ["domain.failing"]
    for _ in range(4):
        office.later(HOUR)
    assert told(office) == ["domain.failing", "domain.lost"] and not verified(office, "acme.example")
    office.publish(row)
    office.later(2 * HOUR)
    assert told(office)[-1] == "domain.recovered" and verified(office, "acme.example")
    assert all(one.ended_at is not None for one in statements.listing(office.conn))


@pytest.mark.parametrize("damage", ["token", "keys", "one key"])
def test_what_proves_a_domain(office: Office, damage: str) -> None:
    row = office.domain("acme.example")
    keys = [name for name, _ in office.dns.records if "_domainkey" in name]
    gone = {"token": [f"_relay-verify.{row.name}"], "keys": keys, "one key": keys[:1]}[damage]
    for name in gone:
        del office.dns.records[name, "TXT"]
    office.days(2)
    assert told(office) == ([] if damage == "one key" else ["domain.failing"])


def test_a_look_up_that_fails_says_nothing(office: Office) -> None:
    office.domain("acme.example")
    office.dns.down = True
    office.days(10)
    assert told(office) == [] and verified(office, "acme.example")


def test_records_that_come_back_in_time_are_no_matter(office: Office) -> None:
    row = office.domain("acme.example")
    office.dns.records.clear()
    office.days(2)
    office.publish(row)
    office.days(5)
    assert told(office) == ["domain.failing", "domain.recovered"] and verified(office, "acme.example")


def test_whom_the_operator_vouched_for_is_left_alone(office: Office) -> None:
    with transaction(office.conn) as conn:
        row = domains.add(conn, office.secrets, tenants.find(conn, "acme"), "own.example", actor="test", now=NOW)
        domains.mark_verified(conn, row, "anna: shown to me", actor="anna", now=NOW)
    office.days(10)
    assert told(office) == [] and verified(office, "own.example")
    assert domain_watch.due(office.conn, DAY, office.clock.now) == []


# --- campaigns ---------------------------------------------------------------------


def test_held_and_declined_campaigns_have_one_statement_each(office: Office) -> None:
    def campaign(state: str, why: str, by: str = "") -> None:
        office.conn.execute(
            "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at, last_at, why, decided_by,"
            " decided_at, reason) VALUES (5, ?, ?, 'offers', ?, ?, ?, ?, ?, ?, 'new sender')"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, why = excluded.why,"
            " decided_by = excluded.decided_by, decided_at = excluded.decided_at",
            (
                office.ids["acme"],
                office.streams["acme", "bulk"],
                state,
                NOW,
                NOW,
                why,
                by,
                office.clock.now if by else None,
            ),
        )

    def seen() -> list[tuple[str, str, bool, bool]]:
        return [
            (one.action, one.reason, one.automatic, one.ended_at is None)
            for one in reversed(statements.listing(office.conn, office.ids["acme"]))
        ]

    campaign("staged", "")
    office.later(5)
    office.later(5)
    assert seen() == [("staged", "new sender", True, True)] and office.letters("post@acme.example") == []
    campaign("watching", "")
    office.later(5)
    assert len(seen()) == 1
    campaign("stopped", "clearly bad")
    office.later(5)
    assert seen()[1:] == [("stopped", "clearly bad", True, True)] and not seen()[0][3]
    campaign("declined", "it is spam", "anna")
    office.later(5)
    assert seen()[2:] == [("declined", "it is spam", False, True)] and not seen()[1][3]
    assert office.letters("post@acme.example") == ["A campaign of acme is stopped", "A campaign of acme was declined"]
    campaign("released", "all is well", "anna")
    office.later(5)
    assert not any(open_ for *_, open_ in seen())


def test_letters_say_what_to_put_into_dns(office: Office) -> None:
    office.domain("acme.example")
    office.dns.records.clear()
    office.days(1)
    [one] = statements.listing(office.conn)
    named = [fact["name"] for fact in one.facts if fact["fact"] == "record"]
    assert "_relay-verify.acme.example" in named and any(re.search("_domainkey", name) for name in named)
