"""Log-ins without pages: roles, codes by time, brakes, sessions, links to a new password."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.accounts import activity, brakes, logins, passwords, resets, second, sessions, totp
from relay.accounts.logins import LoginRow
from relay.accounts.passwords import FreshPassword
from relay.accounts.roles import MAY, STAFF_ROLES, TENANT_ROLES, Deed, LoginRole
from relay.accounts.sessions import Client, Lasting
from relay.mail.address import parse_address
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.texts.language import language
from relay.values.errors import RegistryError
from tests.support.web import Shop

NOW = 1_800_000_000.0
HERE = Client("192.0.2.7", "test")
LASTING = Lasting(7200.0, 86_400.0)
MADE = FreshPassword("shown", "stored")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path)


def add(shop: Shop, email: str = "ann@shop.example", role: LoginRole = LoginRole.OPERATOR) -> LoginRow:
    with transaction(shop.conn):
        return logins.add(shop.conn, parse_address(email), role, None, MADE, actor="test", now=NOW)


TABLE = {
    LoginRole.OWNER: "self see change take own",
    LoginRole.EDITOR: "self see change take",
    LoginRole.VIEWER: "self see",
    LoginRole.OPERATOR: "self desk judge operate",
    LoginRole.REVIEWER: "self desk judge",
    LoginRole.SUPPORT: "self desk",
}


@pytest.mark.parametrize("role", list(LoginRole))
@pytest.mark.parametrize("deed", list(Deed))
def test_each_cell_of_the_table_of_roles(role: LoginRole, deed: Deed) -> None:
    assert (deed in MAY[role]) == (deed in TABLE[role].split())


@pytest.mark.parametrize("role", list(LoginRole))
@pytest.mark.parametrize("staff", [True, False])
def test_a_role_is_of_one_side(shop: Shop, role: LoginRole, staff: bool) -> None:
    from relay.tenants import tenants

    owner = None if staff else tenants.by_id(shop.conn, shop.tenant_id)
    if role in (STAFF_ROLES if staff else TENANT_ROLES):
        with transaction(shop.conn):
            row = logins.add(shop.conn, parse_address("a@b.example"), role, owner, MADE, actor="t", now=NOW)
        assert row.role is role and (row.tenant_id is None) == staff
    else:
        with pytest.raises(RegistryError, match="there are:"):
            logins.add(shop.conn, parse_address("a@b.example"), role, owner, MADE, actor="t", now=NOW)


def test_an_address_has_one_log_in_however_it_is_written(shop: Shop) -> None:
    add(shop, "Ann@Shop.Example")
    assert logins.find(shop.conn, " ann@shop.example ").shown == "Ann@shop.example"
    with pytest.raises(RegistryError, match="has a log-in already"):
        add(shop, "ANN@shop.example")
    with pytest.raises(RegistryError, match="did you mean"):
        logins.find(shop.conn, "anm@shop.example")


def test_a_password_is_argon2id_and_none_is_like_another() -> None:
    one, other = passwords.fresh(), passwords.fresh()
    assert one.stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and len(one.shown) == 32
    assert one.stored != other.stored and one.shown not in one.stored and one.shown not in repr(one)
    assert passwords.matches(one.shown, one.stored) and passwords.matches(f" {one.shown}\n", one.stored)
    for wrong in ("", one.shown[:-1], one.shown + "a", other.shown, "x" * 100_000, "\x00", "\ud800", one.shown.upper()):
        assert not passwords.matches(wrong, one.stored)
    assert not passwords.matches(one.shown, None)
    assert not passwords.matches(one.shown, "no hash")


# RFC 6238, appendix B (SHA-1), the last six digits.
@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(at: int, code: str) -> None:
    key = b"12345678901234567890"
    assert totp.code(key, at // 30) == code
    assert totp.step_of(key, code, at, 0) == at // 30
    assert totp.step_of(key, f"{code[:3]} {code[3:]}", at + 30, 0) == at // 30  # a clock that is off by a step
    assert totp.step_of(key, code, at - 30, 0) == at // 30
    assert totp.step_of(key, code, at + 61, 0) is None
    assert totp.step_of(key, code, at, at // 30) is None  # used already


@pytest.mark.parametrize("typed", ["", "1", "12345", "1234567", "28708２", "abcdef", "-28708", "287082\x00", "²87082"])  # noqa: RUF001
def test_what_is_no_code(typed: str) -> None:
    assert totp.step_of(b"12345678901234567890", typed, 59, 0) is None


def test_what_an_app_is_told() -> None:
    told = totp.address(b"12345678901234567890", "ann+1@shop.example", "relay.example.com")
    assert told == (
        "otpauth://totp/relay.example.com%3Aann%2B1%40shop.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=relay.example.com"
    )


def test_a_second_factor_from_set_up_to_its_end(shop: Shop) -> None:
    row = add(shop)
    with transaction(shop.conn) as conn:
        key = second.begin(conn, shop.secrets, row)
        assert second.begin(conn, shop.secrets, row) == key  # the page may be loaded again
        assert second.check(conn, shop.secrets, row, totp.code(key, int(NOW // 30)), now=NOW) == ""  # not in force
        assert second.confirm(conn, shop.secrets, row, "000000", now=NOW) is None
        codes = second.confirm(conn, shop.secrets, row, totp.code(key, int(NOW // 30)), now=NOW)
        assert codes is not None and len(set(codes)) == 10
        # The code that confirmed it is used up; so is each after it.
        assert second.check(conn, shop.secrets, row, totp.code(key, int(NOW // 30)), now=NOW) == ""
        later = NOW + 30
        assert second.check(conn, shop.secrets, row, totp.code(key, int(later // 30)), now=later) == "code"
        assert second.check(conn, shop.secrets, row, totp.code(key, int(later // 30)), now=later) == ""
        assert second.check(conn, shop.secrets, row, totp.code(key, int(NOW // 30)), now=later) == ""
        assert second.check(conn, shop.secrets, row, codes[0].upper(), now=later) == "recovery"
        assert second.check(conn, shop.secrets, row, codes[0], now=later) == ""
        assert second.codes_left(conn, row.id) == 9
        fresh = second.renew_codes(conn, shop.secrets, row.id)
        assert second.check(conn, shop.secrets, row, codes[1], now=later) == ""
        assert second.check(conn, shop.secrets, row, fresh[1].replace("-", " "), now=later) == "recovery"
    stored = shop.conn.execute("SELECT totp FROM login WHERE id = ?", (row.id,)).fetchone()[0]
    assert key not in stored  # sealed, and for this log-in alone
    other = add(shop, "bob@shop.example")
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE login SET totp = ?, totp_at = ? WHERE id = ?", (stored, NOW, other.id))
    with pytest.raises(Exception, match="can't be opened"):
        second.check(shop.conn, shop.secrets, other, totp.code(key, int(NOW // 30)), now=NOW)


def test_a_session_ends_when_unused_and_at_last(shop: Shop) -> None:
    row = add(shop)
    with transaction(shop.conn) as conn:
        token = sessions.begin(conn, row.id, HERE, half=False, now=NOW)
        half = sessions.begin(conn, row.id, HERE, half=True, now=NOW)

    def found(which: str, after: float) -> bool:
        return sessions.find(shop.conn, which, LASTING, NOW + after) is not None

    assert found(token, 0) and found(token, 7199) and not found(token, 7200)
    assert found(half, 599) and not found(half, 600)
    who = sessions.find(shop.conn, token, LASTING, NOW)
    assert who is not None
    with transaction(shop.conn) as conn:
        for hour in range(1, 30):
            sessions.seen(conn, who.session_id, NOW + hour * 3600)
            assert found(token, hour * 3600) == (hour < 24)
    for wrong in ("", "x", token[:-1], token + "A", token.swapcase(), "ü", "x" * 10_000):
        assert not found(wrong, 0)
    assert token.encode() not in shop.dump().encode()


@pytest.mark.parametrize("means", ["disable", "reset", "remove", "end"])
def test_what_ends_sessions_ends_them_at_once(shop: Shop, means: str) -> None:
    row = add(shop)
    with transaction(shop.conn) as conn:
        token = sessions.begin(conn, row.id, HERE, half=False, now=NOW)
        who = sessions.find(conn, token, LASTING, NOW)
        assert who is not None
        if means == "disable":
            logins.disable(conn, row, actor="t", now=NOW)
        elif means == "reset":
            logins.reset(conn, row, MADE, actor="t", now=NOW)
        elif means == "remove":
            activity.note(conn, row.id, "signed-in", HERE, NOW)
            logins.remove(conn, row, actor="t", now=NOW)
        else:
            assert not sessions.end(conn, row.id + 1, who.session_id)  # nobody else's
            assert sessions.end(conn, row.id, who.session_id)
        assert sessions.find(conn, token, LASTING, NOW) is None
    left = shop.conn.execute("SELECT count(*) FROM login_action WHERE login_id = ?", (row.id,)).fetchone()[0]
    assert left == 0 or means != "remove"


def test_brakes_hold_a_guesser_and_nobody_else(shop: Shop) -> None:
    def take(account: str, ip: str, after: float = 0) -> int | None:
        with transaction(shop.conn) as conn:
            return brakes.take(conn, shop.secrets, account, ip, NOW + after)

    tried = take("ann@shop.example", "198.51.100.1")
    assert tried is not None
    with transaction(shop.conn) as conn:  # Ann signs in from home
        brakes.good(conn, shop.secrets, "ann@shop.example", "198.51.100.1", tried, NOW)
    assert [take("ann@shop.example", "203.0.113.9") is not None for _ in range(12)] == [True] * 10 + [False] * 2
    assert take("ann@shop.example", "203.0.113.200") is None  # the same network
    assert take("bob@shop.example", "203.0.113.9") is not None  # another account from there
    assert take("ann@shop.example", "203.0.113.9", brakes.PLACE_S + 1) is not None  # a while later
    # From many networks: the account's own brake holds strangers, and Ann gets in all the same.
    for number in range(40):
        take("ann@shop.example", f"10.{number}.0.1", brakes.PLACE_S + 2)
    assert take("ann@shop.example", "10.99.0.1", brakes.PLACE_S + 3) is None
    assert take("ann@shop.example", "198.51.100.77", brakes.PLACE_S + 3) is not None
    # One network, many accounts.
    for number in range(100):
        take(f"user{number}@shop.example", "2001:db8::1", 0)
    assert take("carol@shop.example", "2001:db8::2") is None
    assert take("carol@shop.example", "2001:db8:1::2") is not None


def test_a_link_to_a_new_password_works_once_for_an_hour_and_only_the_latest(shop: Shop) -> None:
    operator = Operator("relay.example.com", "Relay", ())

    def link(row: LoginRow, at: float) -> str:
        before = shop.value("SELECT coalesce(max(submission_id), 0) FROM body")
        with transaction(shop.conn) as conn:
            assert resets.write(conn, operator, "https://relay.example.com", row, language("en"), at)
        body = shop.conn.execute("SELECT template FROM body WHERE submission_id > ?", (before,)).fetchone()[0]
        return str(body.replace(b"=\r\n", b"").decode("utf-8", "replace").split("/login/reset/", 1)[1][:43])

    row = add(shop)
    first = link(row, NOW)
    assert resets.find(shop.conn, first, NOW + 3599) == logins.by_id(shop.conn, row.id)
    assert resets.find(shop.conn, first, NOW + 3600) is None
    latest = link(row, NOW + 10)
    assert resets.find(shop.conn, first, NOW + 20) is None and resets.find(shop.conn, latest, NOW + 20) is not None
    assert latest.encode() not in shop.conn.execute("SELECT token FROM login_reset").fetchone()[0]
    with transaction(shop.conn) as conn:
        logins.reset(conn, row, MADE, actor="t", now=NOW + 20)
    assert resets.find(shop.conn, latest, NOW + 21) is None
    third = link(row, NOW + 30)
    with transaction(shop.conn) as conn:
        logins.disable(conn, row, actor="t", now=NOW + 31)
    assert resets.find(shop.conn, third, NOW + 32) is None
    for wrong in ("", "x", "ü" * 43, third[:-1], "x" * 10_000):
        assert resets.find(shop.conn, wrong, NOW) is None


def test_what_is_past_its_time_goes(shop: Shop) -> None:
    row = add(shop)
    with transaction(shop.conn) as conn:
        sessions.begin(conn, row.id, HERE, half=False, now=NOW)
        brakes.take(conn, shop.secrets, "a", "192.0.2.1", NOW)
        tried = brakes.take(conn, shop.secrets, "a", "192.0.2.1", NOW)
        brakes.good(conn, shop.secrets, "a", "192.0.2.1", tried or 0, NOW)
        activity.note(conn, row.id, "signed-in", HERE, NOW, "x" * 10_000)
        resets.write(conn, Operator("h.example", "H", ()), "https://h.example", row, language("de"), NOW)
        late = NOW + 500 * 86_400
        assert activity.forget(conn, NOW + 86_400) == 0 and activity.forget(conn, late) == 1
        assert (brakes.forget(conn, late), resets.forget(conn, late), sessions.forget(conn, late)) == (2, 1, 1)
