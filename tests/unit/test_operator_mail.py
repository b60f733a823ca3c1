"""Mail to postmaster@ and abuse@: taken, handed on within limits, never answered, never sent round."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from relay.checks.operator import check_operator_mail
from relay.checks.result import Level
from relay.feedback.operator_letter import MAX_KEPT, MAX_KEPT_OCTETS
from relay.mail.render import Renderer
from relay.mail.template import Template
from relay.queue.lease import load_template
from relay.queue.operator import CALLED
from relay.rights.retention import clean
from tests.support.inbound import HOST, NOW, World, sample

LETTER = b"From: Joe <joe@example.org>\r\nSubject: Your customer\r\n\r\nPlease look at this.\r\n"
OPERATOR = {"notify": ["ops@example.com", "boss@example.com"]}


def made(path: Path, **tables: object) -> World:
    return World(path, **{"operator": OPERATOR, **tables})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = made(tmp_path)
    yield one
    one.conn.close()


def letters(world: World) -> list[tuple[str, email.message.EmailMessage]]:
    """What is queued: to whom, and the letter."""
    rows = world.conn.execute(
        "SELECT r.address, s.id FROM submission s JOIN recipient r ON r.submission_id = s.id WHERE s.tenant_id = 0"
        " ORDER BY s.id, r.address"
    ).fetchall()
    found = []
    for address, submission_id in rows:
        template = load_template(world.conn, submission_id)
        assert template is not None
        rendered = Renderer(Template.decode(template)).render({}, hashed=False)
        raw = b"".join((*rendered.fields, b"\r\n", rendered.body))
        found.append((address, email.message_from_bytes(raw, policy=email.policy.default)))
    return found


def calls(world: World) -> int:
    return int(world.conn.execute("SELECT count(*) FROM event WHERE kind = ?", (CALLED,)).fetchone()[0])


@pytest.mark.parametrize(
    "address",
    [
        f"postmaster@{HOST}",
        f"Abuse@{HOST.upper()}",
        "Postmaster",
        "postmaster@rp.relay.example",
        "abuse@rp.shop.example",
    ],
)
def test_it_is_taken_and_handed_on(world: World, address: str) -> None:
    assert world.rcpt(address).reply.startswith("250 2.1.5 ")
    assert world.send(LETTER, address, reverse_path="joe@example.org", ip="192.0.2.7").code == 250
    (first, letter), (second, _) = letters(world)
    assert {first, second} == {"ops@example.com", "boss@example.com"}
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "joe@example.org" in letter["Reply-To"]
    text, attached = letter.iter_parts()
    assert "> Please look at this." in text.get_content() and "192.0.2.7" in text.get_content()
    assert attached.get_payload(decode=True) == LETTER
    assert world.conn.execute("SELECT DISTINCT reverse_path FROM submission WHERE tenant_id = 0").fetchall() == [("",)]


@pytest.mark.parametrize("address", ["postmaster@shop.example", "abuse@example.org", "postmaster@rp.new.example"])
def test_other_domains_have_none_here(world: World, address: str) -> None:
    assert world.rcpt(address).reply.startswith("550 5.7.1 ")


def test_other_names_of_ours_neither(world: World) -> None:
    for local in ("root", "postmaster+x", "abuse-desk", "hostmaster"):
        assert world.rcpt(f"{local}@{HOST}").reply.startswith("550 5.1.1 ")


def test_the_same_letter_again_is_one(world: World) -> None:
    world.send(LETTER, f"abuse@{HOST}", reverse_path="joe@example.org", times=3)
    world.send(LETTER, f"abuse@{HOST}", f"postmaster@{HOST}", reverse_path="joe@example.org")
    assert len(letters(world)) == 2


def test_odd_octets_are_handed_on_whole(world: World) -> None:
    raw = b"From: \xff\r\nSubject: \xc3\xa4 \xff\r\n\r\n" + bytes(range(128, 256)) + b"x" * 5000 + b"\r\n.\r\n"
    assert world.send(raw, f"abuse@{HOST}", reverse_path="").code == 250
    _, letter = letters(world)[0]
    assert list(letter.iter_parts())[1].get_payload(decode=True) == raw


def test_a_flood_is_bounded_and_told_once(tmp_path: Path) -> None:
    world = made(tmp_path, feedback={"letters_per_network": 3, "letters_per_hour": 5})
    codes = [
        world.send(LETTER + b"%d" % n, f"abuse@{HOST}", reverse_path="joe@example.org", ip=f"192.0.2.{n}").code
        for n in range(6)
    ]
    assert codes == [250, 250, 250, 450, 450, 450]
    assert world.send(LETTER + b"a", f"abuse@{HOST}", reverse_path="a@b.example", ip="198.51.100.1").code == 250
    assert world.send(LETTER + b"b", f"abuse@{HOST}", reverse_path="a@b.example", ip="203.0.113.1").code == 250
    assert world.send(LETTER + b"c", f"abuse@{HOST}", reverse_path="a@b.example", ip="2001:db8::1").code == 450
    assert calls(world) == 1
    assert world.conn.execute("SELECT count(*) FROM operator_mail").fetchone() == (5,)
    clean(world.path, 1e12, 1e12, NOW + 2 * 86_400)
    assert world.conn.execute("SELECT count(*) FROM operator_mail").fetchone() == (0,)
    world.conn.close()


def test_over_the_limit_a_report_with_our_tag_still_counts(tmp_path: Path) -> None:
    world = made(tmp_path, feedback={"letters_per_network": 1})
    world.send(LETTER, f"abuse@{HOST}", reverse_path="joe@example.org")
    raw = sample("complained-abuse").replace(
        b"User-Agent", b"Original-Mail-From: <%b>\r\nUser-Agent" % world.address().encode()
    )
    assert world.send(raw, f"abuse@{HOST}", reverse_path="joe@example.org").code == 250
    assert world.suppressions() == [("complaint", 0)]
    world.conn.close()


@pytest.mark.parametrize(
    "fields",
    [
        f"X-Relay-Handed-On: {HOST}",
        f"Auto-Submitted: auto-replied\r\nIn-Reply-To: <1a2b@{HOST}>",
        "\r\n".join(f"Received: from a by b with SMTP; {n}" for n in range(31)),
    ],
)
def test_nothing_goes_round(world: World, fields: str) -> None:
    raw = fields.encode() + b"\r\n" + LETTER
    assert world.send(raw, f"postmaster@{HOST}", reverse_path="ops@example.com").code == 250
    assert letters(world) == []


def test_a_letter_that_was_returned_with_ours_inside_is_not_handed_on(world: World) -> None:
    raw = LETTER + b"\r\n---- returned ----\r\nX-Relay-Handed-On: %b\r\n" % HOST.encode()
    world.send(raw, f"postmaster@{HOST}")
    assert letters(world) == []


# --- nobody named -----------------------------------------------------------------------


def test_where_nobody_is_named_it_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.send(LETTER, f"postmaster@{HOST}", reverse_path="joe@example.org", times=2).code == 250
    (kept,) = world.kept()
    assert kept.startswith(b"Return-Path: <joe@example.org>\nDelivered-To: postmaster@relay.example.com\n")
    assert kept.endswith(LETTER.replace(b"\r\n", b"\n"))
    directory = world.settings.operator_mail
    assert directory.stat().st_mode & 0o077 == 0
    assert [row for row in check_operator_mail(world.settings) if row.level is Level.WARN]
    world.conn.close()


def test_a_full_maildir_refuses_and_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    new = world.settings.operator_mail / "new"
    new.mkdir(parents=True)
    for number in range(MAX_KEPT):
        (new / str(number)).touch()
    assert world.send(LETTER, f"postmaster@{HOST}", reverse_path="joe@example.org").reply.startswith("452 4.2.2 ")
    (new / "0").unlink()
    assert world.send(LETTER, f"postmaster@{HOST}", reverse_path="joe@example.org").code == 250
    assert len(list(new.iterdir())) == MAX_KEPT
    world.conn.close()


def test_a_few_large_letters_fill_it_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    new = world.settings.operator_mail / "new"
    new.mkdir(parents=True)
    with (new / "1").open("wb") as file:
        file.truncate(MAX_KEPT_OCTETS - 50)
    assert world.send(LETTER, f"postmaster@{HOST}", reverse_path="joe@example.org").reply.startswith("452 4.2.2 ")
    tagged = sample("complained-abuse")
    assert world.send(tagged, f"postmaster@{HOST}", world.address(), reverse_path="joe@example.org").code == 250
    assert world.suppressions() == [("complaint", 0)]
    world.conn.close()


def test_an_operator_who_is_ourselves_is_nobody(tmp_path: Path) -> None:
    world = made(tmp_path, operator={"notify": [f"postmaster@{HOST}"]})
    world.send(LETTER, f"postmaster@{HOST}", reverse_path="joe@example.org")
    assert letters(world) == [] and len(world.kept()) == 1
    assert [row.level for row in check_operator_mail(world.settings)] == [Level.FAIL]
    world.conn.close()


def test_the_check_says_who_gets_it(tmp_path: Path) -> None:
    settings = Settings.model_validate({"server": {"hostname": HOST, "data_dir": tmp_path}, "operator": OPERATOR})
    (row,) = check_operator_mail(settings)
    assert row.level is Level.OK and "ops@example.com" in row.detail
    silent = Settings.model_validate({"server": {"hostname": HOST, "data_dir": tmp_path}, "listen": {"inbound": []}})
    assert list(check_operator_mail(silent)) == []


def test_a_loop_s_address_that_is_abuse_refuses_people_s_letters_over_the_limit_too(tmp_path: Path) -> None:
    world = made(tmp_path, feedback={"letters_per_network": 1, "addresses": [f"abuse@{HOST}"]})
    codes = [
        world.send(LETTER + bytes([65 + i]), f"abuse@{HOST}", reverse_path="a@b.example", ip="192.0.2.1").code
        for i in range(2)
    ]
    assert codes == [250, 450]
    world.conn.close()
