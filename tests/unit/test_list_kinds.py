"""Kinds of files that programs dump: read, or refused with what to give instead; consents that are over (R2, R4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.lists.list_file import Bad, Entry, ListError, open_list
from relay.lists.list_words import Said
from tests.unit.records import NOW


def _read(path: Path, text: str, **wishes: str) -> list[Entry | Bad]:
    path.write_text(text, "utf-8")
    return list(open_list(path, now=NOW, dates=wishes.get("dates", "")).read())


LDIF = """\
version: 1
# a comment that is
 folded
dn: dc=x,dc=example
objectClass: domain
dc: x

dn: cn=Ann,dc=x,dc=example
objectclass: person
cn:: w4RubmU=
mail: ann@x.example
mail: ann.second@x.example
jpegPhoto:: /9j/4AAQ
description: a line that
  goes on

dn: cn=Bob,dc=x,dc=example
objectclass: person
cn: Bob
"""


def test_ldif_gives_its_people_and_tells_what_is_left(tmp_path: Path) -> None:
    read = _read(tmp_path / "people.ldif", LDIF)
    ann = read[0]
    assert isinstance(ann, Entry)
    assert (ann.line, ann.address.canonical) == (8, "ann@x.example")
    assert ann.attributes == {"cn": "Änne", "description": "a line that goes on"}
    rest = [(bad.line, bad.text) for bad in read[1:] if isinstance(bad, Bad)]
    assert rest == [(8, "ann.second@x.example"), (17, "")]
    assert open_list(tmp_path / "people.ldif").remarks[0] == "read as LDIF, utf-8"


def test_a_dump_of_sympa_says_who_wants_no_mail(tmp_path: Path) -> None:
    dump = "email ann@x.example\nreception mail\nsubscribed 1\n\nemail bob@x.example\nreception nomail\nsubscribed 1\n"
    read = _read(tmp_path / "dump", dump)
    assert [(one.address.canonical, one.said) for one in read if isinstance(one, Entry)] == [
        ("ann@x.example", Said.AGREED),
        ("bob@x.example", Said.LEFT),
    ]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"\x80\x02}q\x01(U\x07membersq\x02", "list_members --fullnames"),
        (b"[----- start pickle file -----]\n<----- start object 1 ----->\n{   'a@b.example': 1}\n", "list_members"),
        (b"-- MySQL dump 10.13\nINSERT INTO `u` VALUES (1,'a@b.example');\n", "dump of a database"),
        (b"INSERT INTO u VALUES (1,'a@b.example');\n", "dump of a database"),
        (b"From a@b.example Mon Jan  1 00:00:00 2024\nSubject: x\n\nhello\n", "a mailbox"),
        (b"Return-Path: <a@b.example>\nReceived: from x\n\nhello\n", "a mailbox"),
        (b"SQLite format 3\x00", "export the table of the people"),
        (b"!BDN\x00\x00", "export the contacts from Outlook"),
    ],
)
def test_what_is_no_list_is_named_with_what_to_give(tmp_path: Path, octets: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(octets)
    with pytest.raises(ListError, match=says):
        open_list(path)


@pytest.mark.parametrize(
    ("end", "dates", "said"),
    [
        ("2020-01-01", "", Said.REFUSED),
        ("2031-01-01", "", Said.NOTHING),
        ("2026-09-21", "", Said.NOTHING),  # the day itself
        ("2026-09-20", "", Said.REFUSED),
        ("", "", Said.NOTHING),
        ("never", "", Said.NOTHING),
        ("unbefristet", "", Said.NOTHING),
        ("0000-00-00", "", Said.NOTHING),
        ("01/02/2020", "", Said.REFUSED),  # over in either reading
        ("09/10/2026", "", Said.UNKNOWN),  # 9 October, or 10 September
        ("09/10/2026", "dmy", Said.NOTHING),
        ("09/10/2026", "mdy", Said.REFUSED),
        ("soon", "", Said.UNKNOWN),
        ("expired", "", Said.REFUSED),
        ("1577836800", "", Said.REFUSED),
    ],
)
def test_a_consent_that_ended_is_none(tmp_path: Path, end: str, dates: str, said: Said) -> None:
    text = f"email,joined,consent_expires\na@b.example,2019-01-01,{end}\nc@d.example,2019-01-01,2031-01-01\n"
    one = _read(tmp_path / "list.csv", text, dates=dates)[0]
    assert isinstance(one, Entry)
    assert one.said is said


@pytest.mark.parametrize(
    "header",
    [
        *("valid_until", "Expires", "opt_in_expiry", "Consent expiry date", "Permission valid to", "expires_at"),
        *("Gültig bis", "Ablaufdatum Einwilligung", "Einwilligung läuft ab am", "Newsletter gültig bis"),
        *("Valable jusqu'au", "Date d'expiration", "Date de fin du consentement", "Válido hasta", "Vencimiento"),
        *("Fecha de caducidad", "Действует до", "Согласие действительно до", "Дійсна до", "Термін дії згоди"),
        *("Kehtib kuni", "Nõusolek kehtib kuni", "Aegumise kuupäev"),
    ],
)
def test_ends_are_found_in_all_languages(tmp_path: Path, header: str) -> None:
    text = f"email,name,{header}\na@b.example,A,2020-01-01\nc@d.example,C,2031-01-01\n"
    read = _read(tmp_path / "list.csv", text)
    assert [one.said for one in read if isinstance(one, Entry)] == [Said.REFUSED, Said.NOTHING]


@pytest.mark.parametrize(
    "header",
    ["Membership expires", "card_expiry", "Trial ends at", "Mitgliedschaft gültig bis", "Passport valid until"],
)
def test_an_end_of_something_else_ends_no_consent(tmp_path: Path, header: str) -> None:
    read = _read(tmp_path / "list.csv", f"email,{header}\na@b.example,2020-01-01\nc@d.example,2031-01-01\n")
    assert [one.said for one in read if isinstance(one, Entry)] == [Said.NOTHING, Said.NOTHING]
    read = _read(tmp_path / "paid.csv", "email,plan,expiry\na@b.example,yearly,2020-01-01\n")
    assert [one.said for one in read if isinstance(one, Entry)] == [Said.NOTHING]


def test_flags_of_ended_consents_and_columns_said_to_be_of_something_else(tmp_path: Path) -> None:
    read = _read(tmp_path / "flags.csv", "email,consent_expired\na@b.example,yes\nc@d.example,no\n")
    assert [one.said for one in read if isinstance(one, Entry)] == [Said.REFUSED, Said.NOTHING]
    path = tmp_path / "kept.csv"
    path.write_text("email,expires\na@b.example,2020-01-01\n", "utf-8")
    kept = list(open_list(path, now=NOW, keep=["expires"]).read())
    assert [one.said for one in kept if isinstance(one, Entry)] == [Said.NOTHING]
