"""What is read of a Postal's database, as MariaDB itself dumped it; and that it is done.

``fixtures/postal`` was written by mariadb-dump and ``mariadb --batch`` 10.11 from tables of Postal 3.3.6's schema:
three mail servers and one deleted, with keys made as Postal makes them (1024 bits).
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
from pathlib import Path

import pytest

from relay.takeover.plan import Fate, TakeoverError, TakeoverPlan
from relay.takeover.postal import PostalWishes, read_postal
from relay.takeover.postal_settings import read_settings
from relay.takeover.sql_dump import read_dump
from relay.takeover.table_files import read_tables

DUMPS = Path(__file__).parents[1] / "fixtures" / "postal"
NOW = 1_795_000_000.0
NEWS = PostalWishes("acme/news")
KEY = "Abcdefghijklmnopqrstuv0"


def news(wishes: PostalWishes = NEWS, *more: Path) -> TakeoverPlan:
    return read_postal([DUMPS / "postal.sql", DUMPS / "postal-server-1.sql", *more], wishes, NOW)


def found(plan: TakeoverPlan, fate: Fate) -> dict[str, str]:
    return {one.what: one.text for one in plan.findings if one.fate is fate}


def test_domains_with_their_keys() -> None:
    plan = news()
    assert [(one.name, one.selector) for one in plan.domains] == [
        ("news.acme.example", "postal-QWERTY"),
        ("acme.example", "postal-ZXCVBN"),
        ("any.acme.example", "postal-ANYONE"),
        ("nokey.example", ""),
    ]
    assert all(one.pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n") for one in plan.domains[:3])
    look, left = found(plan, Fate.LOOK), found(plan, Fate.LEFT)
    assert left["domain in.acme.example"] == "was for incoming mail alone"
    assert 'all servers of Acme "Süd" GmbH sent from it' in look["domain acme.example"]
    assert "each domain of From:" in look["domain any.acme.example"]
    assert "--dkim-identifier" in look["dkim_identifier"]


def test_who_may_send() -> None:
    """The name that Postal shows goes to the key that was used last; the other is told its own."""
    plan = news()
    assert [(one.username, one.password) for one in plan.logins] == [
        ("acme/news", KEY + "2"), ("acme/news/web-shop", KEY + "1"),
    ]  # fmt: skip
    assert plan.networks == [("192.0.2.0/29", "SMTP-IP credential Printer")]
    assert [one.name for one in plan.tokens] == ["postal-rails-app"]
    look, left = found(plan, Fate.LOOK), found(plan, Fate.LEFT)
    assert "set acme/news/web-shop in its application" in look["SMTP credential Web shop"]
    assert "held" in left["SMTP credential Held one"] and "open relay" in left["SMTP-IP credential World"]
    assert "Authorization: Bearer" in look["API"]


def test_user_names_that_applications_have() -> None:
    names = {"Web shop": "shop", "Ann's \\ CRM": "crm", "Nobody": "x"}
    plan = news(PostalWishes("acme/news", names))
    assert [(one.username, one.password) for one in plan.logins] == [("crm", KEY + "2"), ("shop", KEY + "1")]
    assert "no SMTP credential" in found(plan, Fate.LOOK)["--login Nobody"]


def test_a_user_name_given_twice_loses_no_key_silently() -> None:
    plan = news(PostalWishes("acme/news", {"Web shop": "one", "Ann's \\ CRM": "one"}))
    assert [(one.username, one.password) for one in plan.logins] == [("one", KEY + "2")]
    assert "its key isn't taken" in found(plan, Fate.LOOK)["SMTP credential Web shop"]


def test_who_gets_nothing_more() -> None:
    plan = news()
    assert [(one.address, one.reason, one.detail) for one in plan.suppressions] == [
        ("gone@people.example", "hard-bounce", "Postal: too many hard fails"),
        ("Full.Box@People.example", "hand", "Postal: too many soft fails"),
        ("o'hara@people.example", "hard-bounce", "Postal: too many hard fails"),
        ("gone@people.example", "hard-bounce", "Postal: too many hard fails"),
        ("hand@people.example", "hand", "Postal: no reason given"),
    ]
    assert plan.suppressions[0].since == 1790000001.123456
    left = found(plan, Fate.LEFT)
    assert left["suppressions"].startswith("1 had ended") and "no address" in left["suppression 'no address'"]


def test_what_is_told() -> None:
    look, left = found(news(), Fate.LOOK), found(news(), Fate.LEFT)
    assert "relay consent import" in look["consent"]
    assert "5000 an hour" in look["send limit"] and look["queue"].startswith("2 messages in its queue")
    assert set(left) >= {"route help@in.acme.example", "route *@in.acme.example", "route of bounces", "webhook Off"}
    assert "--events bounced,expired" in look["webhook Bounces"]
    assert look["webhook All"].endswith(
        "`relay webhook add TENANT 'https://app.acme.example/postal?x=1'`, or --webhooks"
    )
    assert {"user ann@acme.example", "user bo@acme.example", "track domain click.acme.example"} <= set(look)
    assert "192.0.2.10, 2001:db8::10" in look["IP addresses"] and "user cy@beta.example" not in look


def test_a_dump_given_twice_says_no_more_than_once() -> None:
    once, twice = news(), news(NEWS, DUMPS / "postal.sql")
    assert (twice.domains, twice.logins, twice.networks, twice.tokens) == (
        once.domains, once.logins, once.networks, once.tokens,
    )  # fmt: skip
    assert twice.findings == once.findings


def test_webhooks_where_they_are_asked_for() -> None:
    plan = news(PostalWishes("acme/news", webhooks=True))
    assert [(one.url, one.types) for one in plan.webhooks] == [
        ("https://app.acme.example/postal?x=1", ()),
        ("https://app.acme.example/bounces", ("bounced", "expired")),
        ("http://10.0.0.5/hook", ()),
    ]


def test_its_settings(tmp_path: Path) -> None:
    settings = tmp_path / "postal.yml"
    settings.write_text(
        "version: 2\n\npostal:\n  smtp_relays:  # tried in turn\n    - smtp://smtp.up.example:587?ssl_mode=TLS\n"
        "    - 'smtp://b.example'\ndns:\n  mx_records: [mx1.a.example, mx2.a.example]\n  dkim_identifier: \"mail\"\n"
        "smtp_server:\n  max_message_size: 25\n"
    )
    plan = news(NEWS, settings)
    assert {f"{table}.{key}": value for (table, key), (value, _) in plan.settings.items()} == {
        "limits.message_octets": 25 << 20, "delivery.smart_host": "smtp.up.example:587",
    }  # fmt: skip
    assert plan.domains[0].selector == "mail-QWERTY" and "dkim_identifier" not in found(plan, Fate.LOOK)
    assert "the first" in found(plan, Fate.LOOK)["postal.smtp_relays"]
    other = news(PostalWishes("acme/news", dkim_identifier="own"), settings)
    assert other.domains[0].selector == "own-QWERTY"


@pytest.mark.parametrize("url", ["smtp://up.example:many", "smtp://[up.example", "up.example", "smtp://:25"])
def test_a_smart_host_that_cant_be_read_is_told(tmp_path: Path, url: str) -> None:
    settings = tmp_path / "postal.yml"
    settings.write_text(f"postal:\n  smtp_relays:\n    - '{url}'\n")
    plan = news(NEWS, settings)
    assert not plan.settings and f"{url} names no host" in found(plan, Fate.LOOK)["postal.smtp_relays"]


@pytest.mark.parametrize(
    ("server", "why"), [("acme/shop", "development mode"), ("beta/main", "suspended (did not pay; asked twice)")]
)
def test_what_didnt_send_doesnt_begin_to(server: str, why: str) -> None:
    plan = news(PostalWishes(server))
    assert not plan.logins and not plan.tokens and not plan.suppressions
    assert any(why in text for what, text in found(plan, Fate.LEFT).items() if "credential" in what)


def test_of_other_forms(tmp_path: Path) -> None:
    """Dumps without definitions and one line each, ``mariadb --batch``, a folder, gzip: all say the same."""
    folder = tmp_path / "dumps"
    shutil.copytree(DUMPS, folder)
    (folder / "postal.sql").unlink()
    (folder / "shop.sql.gz").write_bytes(gzip.compress((folder / "shop.sql").read_bytes()))
    (folder / "shop.sql").unlink()
    (folder / "postal.yml").write_text("dns:\n  dkim_identifier: postal\n")
    plan = read_postal([folder], PostalWishes("2"), NOW)
    assert "dkim_identifier" not in found(plan, Fate.LOOK)
    whole = news(PostalWishes("acme/shop"))
    assert plan.domains == [one for one in whole.domains if one.name == "shop.example"]
    assert [one.address for one in plan.suppressions] == ["other@people.example"]
    assert len(whole.domains) == 2, "and that of the organization"


ROWS = [
    {"id": 1, "type": "recipient", "address": "gone@people.example", "reason": "too many hard fails", "hold": None},
    {
        "id": 2,
        "type": "recipient",
        "address": "second@people.example",
        "reason": 'say "no", twice',
        "keep_until": 4102444800.5,
    },
    {"id": 3, "type": "recipient", "address": "over@people.example", "reason": "x", "keep_until": "1000000000.000000"},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("suppressions.json", json.dumps(ROWS)),
        ("all.json", json.dumps({"suppressions": ROWS, "messages": [{"id": 1}]})),
        ("postal-server-7.suppressions.json", "\n".join(json.dumps(row) for row in ROWS)),
        (
            "export.json",
            json.dumps(
                [
                    {"type": "header", "version": "5.2.1"}, {"type": "database", "name": "postal-server-7"},
                    {"type": "table", "name": "suppressions", "database": "postal-server-7", "data": ROWS},
                ]
            ),
        ),
        (
            "suppressions.csv",
            '\ufeff"type","address","reason","keep_until"\r\n'
            '"recipient","gone@people.example","too many hard fails",NULL\r\n'
            'recipient,second@people.example,"say ""no"", twice",4102444800\r\n'
            "recipient,over@people.example,x,1000000000\r\n",
        ),
        (
            "postal-server-7-suppressions.csv",
            "address;reason\ngone@people.example;too many hard fails\nsecond@people.example;\n",
        ),
        (
            "suppressions.tsv",
            "address\treason\ngone@people.example\ttoo many hard fails\nsecond@people.example\tNULL\n",
        ),
        (
            "dump.sql",
            "INSERT INTO `postal-server-7`.`suppressions` (address, reason, keep_until) VALUES\n"
            "('gone@people.example', 'too many hard fails', NULL), -- one; more\n"
            "(_utf8mb4'second@people.example', 0x736179, 4102444800) /* ; */"
            " ON DUPLICATE KEY UPDATE reason=VALUES(reason);",
        ),
    ],
)  # fmt: skip
def test_suppressions_alone(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    plan = read_postal([tmp_path / name], PostalWishes(), NOW)
    assert [(one.address, one.reason) for one in plan.suppressions] == [
        ("gone@people.example", "hard-bounce"), ("second@people.example", "hand"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head",
    ["-- Host: localhost    Database: postal-server-{}", "-- Host: localhost\n--\n-- Database: `postal-server-{}`"],
)
def test_whose_suppressions_a_dump_says_that_they_are(tmp_path: Path, head: str) -> None:
    """By mariadb-dump, and by phpMyAdmin."""
    for server, address in ((1, "mine@people.example"), (2, "others@people.example")):
        text = f"{head.format(server)}\nINSERT INTO `suppressions` (`address`) VALUES ('{address}');\n"
        (tmp_path / f"{server}.sql").write_text(text)
    plan = read_postal([DUMPS / "postal.sql", tmp_path], NEWS, NOW)
    assert [one.address for one in plan.suppressions] == ["mine@people.example"]


def dumped(text: bytes) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = []
    read_dump(io.BytesIO(text), lambda table: table == "t", lambda _base, _table, row: rows.append(row))
    return rows


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (rb"'it\'s','a''b'", ("it's", "a'b")),
        (rb"'a\\','b'", ("a\\", "b")),
        (rb"'line\nend\r\n','\0\Z'", ("line\nend\r\n", "\0\x1a")),
        (b"'line\nend',NULL", ("line\nend", None)),
        (rb"'a\\\'b','\%\q'", ("a\\'b", "%q")),
        (rb"'NULL',-1.5e3", ("NULL", "-1.5e3")),
        (b"'say \"\"no\"\"','`'", ('say ""no""', "`")),
        (rb"0x4142,_binary 'x'", ("AB", "x")),
        (rb"X'4142',TRUE", ("AB", "1")),
        (rb"'(1,2);','--  no comment'", ("(1,2);", "--  no comment")),
        (rb"'','/* none */'", ("", "/* none */")),
        ("'Süd','\U0001f600'".encode(), ("Süd", "\U0001f600")),
        (rb"  'a' , 'b'  ", ("a", "b")),
        (b"'" + b"x" * 3_000_000 + b"','b'", ("x" * 3_000_000, "b")),
    ],
)
def test_values(values: bytes, row: tuple[str | None, str | None]) -> None:
    create = (
        b"CREATE TABLE IF NOT EXISTS `t` (\n  `a` text COMMENT 'x, `y`',\n  b decimal(18,6),\n  KEY `k` (`a`(6))\n);\n"
    )
    text = (
        create + b"INSERT INTO `u` VALUES ('INSERT INTO `t` VALUES (1,2);');\nINSERT INTO `t` VALUES (" + values + b");"
    )
    assert dumped(text) == [{"a": row[0], "b": row[1]}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("INSERT INTO `domains` VALUES (1);", "--complete-insert"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` VALUES (1,2);", "2 values for 1 column$"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` VALUES (1", "whole dump"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` VALUES ('a", "whole dump"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` SELECT 1;", "only VALUES"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` VALUES (now());", "more than values"),
        ("CREATE TABLE `domains` (`id` int); INSERT INTO `domains` VALUES (X'4');", "hexadecimal"),
        ("CREATE TABLE `wp_posts` (`id` int);", "no table that is known"),
        ("", "no table that is known"),
        ("\x00\x01\x02 '", "whole dump"),
    ],
)
def test_files_that_wont_do(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.sql").write_text(text)
    with pytest.raises(TakeoverError, match=why):
        read_postal([tmp_path / "a.sql"], PostalWishes(), NOW)


@pytest.mark.parametrize(
    ("name", "octets", "why"),
    [
        ("a.txt", b"x", "give the file the name"),
        ("list.csv", b"address\na@b.example\n", "tells no table"),
        (
            "suppressions.csv",
            b"address,reason\na@b.example,x\nb@b.example\n",
            "line 3 has 1 value, the head line names 2",
        ),
        (
            "suppressions.tsv",
            b"address\treason\na@b.example\tx\nb\t\tc\n",
            "line 3 has 3 values, the head line names 2",
        ),
        ("suppressions.json", b'"x"', "no list of rows"),
        ("suppressions.json", b"{", "is no JSON"),
        ("suppressions.json", b"[1]", "rows with names"),
        ("suppressions.sql.gz", b"x", "can't be read|gzip"),
        ("suppressions.sql.gz", gzip.compress(b"CREATE TABLE `suppressions` (a int);", mtime=0)[:-9], "no whole gzip"),
        ("domains.csv", b"id,name\n1,a.example\n", "the table servers"),
    ],
)
def test_files_of_other_forms_that_wont_do(tmp_path: Path, name: str, octets: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(octets)
    with pytest.raises(TakeoverError, match=why):
        read_postal([tmp_path / name], PostalWishes(), NOW)


def test_settings_that_cant_be_read_are_not_below_a_root(tmp_path: Path) -> None:
    settings = tmp_path / "postal.yml"
    settings.mkdir()
    with pytest.raises(TakeoverError) as told:
        read_settings([settings])
    assert str(told.value) == f"{settings} can't be read: Is a directory"


def test_which_server(tmp_path: Path) -> None:
    with pytest.raises(TakeoverError) as told:
        news(PostalWishes())
    assert "--server acme/news (contact ann@acme.example), --server" in str(told.value) and "acme/old" not in str(
        told.value
    )
    with pytest.raises(TakeoverError, match="no mail server acme/old"):
        news(PostalWishes("acme/old"))
    with pytest.raises(TakeoverError, match="holds no file"):
        read_tables([tmp_path], {"domains": ("id",)})
