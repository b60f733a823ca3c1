"""What is read of a machine with Postfix and OpenDKIM, with the files that these really have; and that it is done."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.load import load, validate
from relay.takeover.main_cf import MainCf, rows_of, services
from relay.takeover.plan import Fate, TakeoverError, TakeoverPlan
from relay.takeover.postfix import read_postfix
from relay.takeover.settings_file import held_against
from tests.support.peers import need
from tests.support.relay import Relay

MAIN_CF = """\
# See /usr/share/postfix/main.cf.dist for a commented, more complete version
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
compatibility_level = 3.6
smtpd_tls_cert_file=/etc/letsencrypt/live/mail.shop.example/fullchain.pem
smtpd_tls_key_file=/etc/letsencrypt/live/mail.shop.example/privkey.pem
smtp_tls_security_level=may
myhostname = mail.shop.example
alias_maps = hash:/etc/aliases
mydestination = $myhostname, localhost
relayhost = [smtp.upstream.example]:submission
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:$config_directory/sasl_passwd
smtp_sasl_security_options = noanonymous
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
  10.20.0.0/16
  # the printers
  [2001:db8:1::]/48 hash:/etc/postfix/more
mailbox_size_limit = 0
message_size_limit = 52428800
maximal_queue_lifetime = 3d
transport_maps = hash:/etc/postfix/transport, regexp:/etc/postfix/transport.re
smtpd_recipient_restrictions = permit_mynetworks,
    check_recipient_access hash:/etc/postfix/recipient_access,
    reject_unauth_destination
milter_default_action = accept
smtpd_milters = inet:localhost:8891, inet:127.0.0.1:11332
non_smtpd_milters = $smtpd_milters
virtual_alias_maps = hash:/etc/postfix/virtual
smtp_destination_concurrency_limit = 8
"""
MASTER_CF = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
2525      inet  n       -       n       -       -       smtpd
10465     inet  n       -       n       -       -       smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:10025 inet n  -       n       -       -       smtpd
pickup    unix  n       -       y       60      1       pickup
"""
FILES = {
    "etc/postfix/main.cf": MAIN_CF,
    "etc/postfix/master.cf": MASTER_CF,
    "etc/postfix/sasl_passwd": "[smtp.upstream.example]:submission  shop@upstream.example:s3cr:et word\n",
    "etc/postfix/transport": (
        "partner.example   smtp:[mx.partner.example]:2525\n"
        ".inner.example\trelay:[10.1.1.1]\n"
        "odd.example smtp:mx.odd.example\n"
        "lists.example lmtp:unix:/run/mailman/lmtp\n"
        "direct.example smtp:\n"
        "*  error:no route\n"
    ),
    "etc/postfix/recipient_access": (
        "# who asked to be left alone\n"
        "stop@people.example REJECT asked us to stop\n"
        "gone@people.example  550 5.1.1 no such user\n"
        "fine@people.example OK\n"
        "whole.example REJECT\n"
    ),
    "etc/opendkim.conf": (
        "Syslog yes\n# Domain old.example\nMode sv\nKeyTable           refile:/etc/opendkim/KeyTable\n"
        "SigningTable refile:/etc/opendkim/SigningTable\nExternalIgnoreList refile:/etc/opendkim/TrustedHosts\n"
    ),
    "etc/opendkim/KeyTable": (
        "shop shop.example:mail2024:/etc/opendkim/keys/shop.example/mail2024.private\n"
        "weak weak.example:old:/etc/opendkim/keys/weak.private\n"
        "gone gone.example:s1:/etc/opendkim/keys/gone.private\n"
    ),
    "etc/opendkim/SigningTable": (
        "*@shop.example shop\n*@weak.example weak\n*@gone.example gone\n*@lost.example nokey\n"
    ),
    "etc/dovecot/conf.d/auth-passwdfile.conf.ext": (
        "passdb {\n  driver = passwd-file\n  args = scheme=CRYPT username_format=%u /etc/dovecot/users\n}\n"
    ),
    "etc/dovecot/users": (
        "web@shop.example:{SHA512-CRYPT}$6$abc:1000:1000::/home/web\n# none\ncrm:{PLAIN}x\nodd name:{PLAIN}x\n"
    ),
}


def machine(root: Path, **changed: str) -> Path:
    for name, text in {**FILES, **changed}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def keys(root: Path) -> str:
    """Made by OpenDKIM's own tool; the published record of the first."""
    folder = root / "etc/opendkim/keys/shop.example"
    folder.mkdir(parents=True, exist_ok=True)
    genkey = need("opendkim-genkey")
    for domain, selector, bits, place in (
        ("shop.example", "mail2024", "2048", folder), ("weak.example", "old", "1024", folder.parent)
    ):  # fmt: skip
        subprocess.run([genkey, "-b", bits, "-d", domain, "-s", selector, "-D", str(place)], check=True, timeout=60)
    (folder.parent / "old.private").rename(folder.parent / "weak.private")
    return (folder / "mail2024.txt").read_text()


def found(plan: TakeoverPlan, fate: Fate) -> dict[str, str]:
    return {one.what: one.text for one in plan.findings if one.fate is fate}


@pytest.fixture
def plan(tmp_path: Path) -> TakeoverPlan:
    return read_postfix(machine(tmp_path), validate({"server": {"hostname": "relay.shop.example"}}))


def test_settings(plan: TakeoverPlan) -> None:
    values = {f"{table}.{key}": value for (table, key), (value, _) in plan.settings.items()}
    assert values == {
        "limits.message_octets": 52_428_800,
        "delivery.expire": "259200s",
        "delivery.connections_per_site": 8,
        "delivery.smart_host": "smtp.upstream.example:587",
        "delivery.smart_host_user": "shop@upstream.example",
        "delivery.routes.partner.example": "mx.partner.example:2525",
        "delivery.routes..inner.example": "10.1.1.1:25",
        "delivery.routes.odd.example": "mx.odd.example:25",
        "tls.certificate": "/etc/letsencrypt/live/mail.shop.example/fullchain.pem",
        "tls.key": "/etc/letsencrypt/live/mail.shop.example/privkey.pem",
        "listen.submission": ["*:587", "*:2525"],
        "listen.submissions": ["*:465", "*:10465"],
    }
    assert plan.smart_host_password == "s3cr:et word"


def test_who_may_send_and_who_gets_nothing(plan: TakeoverPlan) -> None:
    assert [cidr for cidr, _ in plan.networks] == ["10.20.0.0/16", "2001:db8:1::/48"]
    assert [one.username for one in plan.logins] == ["web@shop.example", "crm"]
    assert [(one.address, one.reason) for one in plan.suppressions] == [
        ("stop@people.example", "hand"), ("gone@people.example", "hand"),
    ]  # fmt: skip


def test_what_a_person_has_to_look_at(plan: TakeoverPlan) -> None:
    look, left = found(plan, Fate.LOOK), found(plan, Fate.LEFT)
    assert "PTR" in look["myhostname"] and "port 25" in look["mynetworks"]
    assert "is no network" in look["mynetworks hash:/etc/postfix/more"]
    assert "MX of mx.odd.example" in look["transport_maps odd.example"]
    assert "nokey" in look["SigningTable *@lost.example"]
    assert "can't be read" in look["KeyTable gone"]
    assert "relay consent import" in look["consent"]
    assert set(left) >= {
        "transport_maps lists.example", "transport_maps direct.example", "transport_maps *", "virtual_alias_maps",
        "transport_maps regexp:/etc/postfix/transport.re", "smtpd_milters inet:127.0.0.1:11332",
    }  # fmt: skip
    assert "alias_maps" not in left and not any("8891" in what for what in left)
    assert any("whole.example" in what for what in left)


@pytest.mark.parametrize(
    ("line", "table", "key", "value"),
    [
        ("relayhost = [10.0.0.1]", "delivery", "smart_host", "10.0.0.1:25"),
        ("relayhost = [smtp.example.net]:587", "delivery", "smart_host", "smtp.example.net:587"),
        ("relayhost = smtp.$mydomain:2525", "delivery", "smart_host", "smtp.example:2525"),
        ("relayhost = [2001:db8::1]:25", "delivery", "smart_host", "[2001:db8::1]:25"),
        ("smtp_tls_security_level = none", "delivery", "tls", "none"),
        ("smtp_tls_security_level = verify", "delivery", "tls", "required"),
        ("smtp_bind_address = 192.0.2.10", "delivery", "source_addresses", ["192.0.2.10"]),
        ("maximal_queue_lifetime = 2", "delivery", "expire", "172800s"),
        ("maximal_queue_lifetime = 12h", "delivery", "expire", "43200s"),
        ("message_size_limit = 20480000", "limits", "message_octets", 20_480_000),
        ("smtpd_tls_chain_files = /etc/ssl/all.pem", "tls", "key", "/etc/ssl/all.pem"),
        (
            "transport_maps = inline:{ {a.example = smtp:[mx.a.example]} }",
            "delivery.routes",
            "a.example",
            "mx.a.example:25",
        ),
    ],
)
def test_one_parameter(tmp_path: Path, line: str, table: str, key: str, value: object) -> None:
    files = {"etc/postfix/main.cf": f"myhostname = mail.example\n{line}\n"}
    read = read_postfix(machine(tmp_path, **files), validate({"server": {"hostname": "mail.example"}}))
    assert read.settings[table, key][0] == value


@pytest.mark.parametrize(
    ("line", "fate", "what"),
    [
        ("mynetworks = 0.0.0.0/0", Fate.LEFT, "mynetworks 0.0.0.0/0"),
        ("message_size_limit = 0", Fate.LOOK, "message_size_limit"),
        ("smtp_tls_security_level = dane", Fate.LEFT, "smtp_tls_security_level"),
        ("smtp_tls_security_level = encrypt", Fate.LOOK, "smtp_tls_security_level"),
        ("relayhost = [smtp.example.net]:465", Fate.LOOK, "relayhost"),
        ("smtp_tls_wrappermode = yes", Fate.LOOK, "smtp_tls_wrappermode"),
        ("transport_maps = mysql:/etc/postfix/t.cf", Fate.LEFT, "transport_maps mysql:/etc/postfix/t.cf"),
        ("header_checks = regexp:/etc/postfix/header_checks", Fate.LEFT, "header_checks"),
        ("sender_dependent_relayhost_maps = hash:/x", Fate.LEFT, "sender_dependent_relayhost_maps"),
        ("", Fate.LOOK, "mynetworks"),
    ],
)
def test_one_that_is_told(tmp_path: Path, line: str, fate: Fate, what: str) -> None:
    files = {"etc/postfix/main.cf": f"myhostname = mail.example\n{line}\n"}
    read = read_postfix(machine(tmp_path, **files), validate({"server": {"hostname": "mail.example"}}))
    assert what in found(read, fate)


def test_parameters_are_read_as_postfix_reads_them(tmp_path: Path) -> None:
    """``postconf`` itself says the same of the same file."""
    odd = """\
myhostname = mx.example
mydomain = ${relayhost_given?{x}:{shop.example}}
myorigin = $mydomain
relayhost =
   [a.$mydomain]:25
# between

mynetworks = 10.0.0.0/8,
\t# inner comment
 192.168.0.0/16 ${mail_name?10.1.0.0/16} ${nothing:10.2.0.0/16} ${nothing?10.3.0.0/16}
myorigin = b.$mydomain
"""
    (tmp_path / "main.cf").write_text(odd)
    (tmp_path / "master.cf").write_text(MASTER_CF)
    names = ["myhostname", "mydomain", "myorigin", "relayhost", "mynetworks"]
    said = subprocess.run(
        [need("postconf"), "-x", "-c", str(tmp_path), *names], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    read = MainCf(odd)
    for line in said.splitlines():
        name, _, value = line.partition(" = ")
        assert read.get(name).split() == value.split(), name


def test_tables_and_services() -> None:
    assert list(rows_of("a@b.example\tREJECT  now\n   and more\n#x\n\n\"q\" v\n")) == [
        ("a@b.example", "REJECT  now and more"), ("q", "v"),
    ]  # fmt: skip
    assert [(one.port, one.options.get("smtpd_tls_wrappermode")) for one in services(MASTER_CF)] == [
        (25, None), (587, None), (2525, None), (10465, "yes"), (10025, None),
    ]  # fmt: skip


def test_without_postfix() -> None:
    with pytest.raises(TakeoverError, match="--root"):
        read_postfix(Path("/nowhere"), validate({"server": {"hostname": "a.example"}}))


def test_the_file_of_settings_keeps_what_it_says(tmp_path: Path) -> None:
    text = '# mine\n[server]\nhostname = "a.example"\n\n[limits] # bounds\n# message_octets = 1\nparts = 5\n'
    wanted: dict[tuple[str, str], tuple[Any, str]] = {
        ("limits", "message_octets"): (1_000_000, "x"), ("limits", "parts"): (7, "y"),
        ("delivery.routes", ".b.example"): ("mx.example:25", "z"), ("server", "hostname"): ("a.example", "h"),
    }  # fmt: skip
    after, findings = held_against(text, wanted, tmp_path)
    assert [one.fate for one in findings] == [Fate.CARRIED, Fate.LOOK, Fate.CARRIED, Fate.THERE]
    read = tomllib.loads(after)
    assert read["limits"] == {"message_octets": 1_000_000, "parts": 5}
    assert read["delivery"]["routes"] == {".b.example": "mx.example:25"}
    assert after.startswith("# mine\n") and "# message_octets = 1" in after
    again, findings = held_against(after, wanted, tmp_path)
    assert again == after and Fate.CARRIED not in [one.fate for one in findings]
    with pytest.raises(TakeoverError, match="message_octets"):
        held_against(text, {("limits", "message_octets"): (-1, "x")}, tmp_path)


def test_taken_over_once_and_again(tmp_path: Path) -> None:
    """A dry run changes nothing; then it is done: keys, selectors, names and networks; said again all is there."""
    root = machine(tmp_path / "old")
    published = "".join(part for part in keys(root).split('"')[1::2])
    (tmp_path / "new").mkdir()
    relay = Relay(tmp_path / "new")
    relay.cli("tenant", "add", "shop", "--contact", "office@shop.example")
    words = ("import", "postfix", "shop", "--root", str(root))
    before = relay.config.read_text()
    dry = relay.json(*words)
    assert not dry["applied"] and not dry["credentials"]
    carried = {one["what"]: one["text"] for one in dry["findings"] if one["fate"] == "carried"}
    assert "selector mail2024" in carried["KeyTable shop (shop.example)"] and "2 addresses" in carried["suppressions"]
    assert relay.config.read_text() == before and not relay.json("domain", "list")
    assert not relay.json("credential", "list") and not relay.json("suppression", "list", "shop")

    done = relay.json(*words, "--apply")
    assert {one["username"] for one in done["credentials"]} == {"web@shop.example", "crm"}
    assert all(len(one["password"]) > 15 for one in done["credentials"])
    domain = next(one for one in relay.json("domain", "list") if one["name"] == "shop.example")
    assert "mail2024" in domain["selectors"]
    records = relay.run("domain", "verify", "shop", "shop.example", "--json").stdout
    key = published.partition("p=")[2].strip()
    assert "mail2024._domainkey.shop.example" in records and key in records.replace('" "', "")
    assert {one["name"] for one in relay.json("credential", "list")} >= {"10.20.0.0/16", "crm"}
    assert {one["email"] for one in relay.json("suppression", "list", "shop")} == {
        "stop@people.example", "gone@people.example",
    }  # fmt: skip
    weak = [one for one in done["findings"] if "weak.example" in one["what"]]
    assert any("1024" in one["text"] and one["fate"] == "look" for one in weak)
    settings = load(relay.config)
    assert settings.delivery.smart_host == "smtp.upstream.example:587"
    assert settings.delivery.routes["partner.example"] == "mx.partner.example:2525"
    secret = settings.delivery.smart_host_password_file
    assert secret is not None and secret.read_text() == "s3cr:et word\n" and secret.stat().st_mode & 0o777 == 0o600
    assert settings.server.hostname == relay.hostname

    after = relay.config.read_text()
    again = relay.json(*words, "--apply")
    assert not [one for one in again["findings"] if one["fate"] == "carried"] and not again["credentials"]
    assert relay.config.read_text() == after
    shutil.rmtree(root / "etc/postfix")
    refused = relay.run(*words)
    assert refused.returncode == 1 and "--root" in refused.stderr
