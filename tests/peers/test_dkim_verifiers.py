"""Our DKIM signatures verify with those who check them: dkimpy, OpenDKIM, Mail::DKIM.

Each verifier sees messages with ordinary and with odd header fields, and each
must refuse one that was changed after signing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import dkim
import pytest

from relay.delivery.smtp.sign import Signer, SigningKey
from relay.keys.dkim_keys import ED25519, RSA, generate
from relay.mail.canon import relaxed_body
from tests.support.dkim import opendkim_testmsg
from tests.support.peers import missing, need

pytestmark = pytest.mark.peers

NOW = 1767225600.7
BODY = b"Hello  there,\t \r\n\r\nthis is \xc3\xa4 body\r\n .dot \r\n\r\n\r\n"
BASE = [
    b"Received: from app (localhost [127.0.0.1]) by relay.test; Thu, 1 Jan 2026 00:00:00 +0000\r\n",
    b"From: News <news@example.com>\r\n",
    b"To: someone@example.net\r\n",
    b"Subject: Hello\r\n",
    b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n",
    b"Message-ID: <1@example.com>\r\n",
    b"MIME-Version: 1.0\r\n",
    b"Content-Type: text/plain; charset=utf-8\r\n",
    b"List-Unsubscribe: <mailto:u-abc@example.com>,\r\n\t<https://relay.test/u/abc>\r\n",
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    b"Feedback-ID: 1:2:bulk:relay\r\n",
]


def changed(name: bytes, *fields: bytes) -> list[bytes]:
    """BASE with the field of that name replaced."""
    kept = [field for field in BASE if not field.lower().startswith(name.lower() + b":")]
    return kept + list(fields)


HEADERS = {
    "ordinary": BASE,
    "folded": changed(b"Subject", b"Subject: one\r\n two\r\n\tthree  \r\n   four\r\n"),
    "tabs": changed(b"Subject", b"Subject:\tone\t\ttwo \t \r\n"),
    "empty": changed(b"Subject", b"Subject:\r\n"),
    "only blanks": changed(b"Subject", b"Subject:  \t \r\n"),
    "folded before the text": changed(b"Subject", b"Subject:\r\n text\r\n"),
    "8-bit": changed(b"Subject", "Subject: Grüße ☃\r\n".encode()),
    "capitals": changed(b"Subject", b"SUBJECT: Hello\r\n"),
    "duplicate fields": [
        *changed(b"To", b"To: one@example.net\r\n", b"Cc: two@example.net\r\n"),
        b"Cc: three@example.net\r\n",
    ],
    "duplicate signed later": [*BASE, b"References: <a@b>\r\n", b"References: <c@d>\r\n"],
    "long": changed(b"To", b"To: " + b",\r\n ".join(b"person%d@example.net" % n for n in range(200)) + b"\r\n"),
    "long line": changed(b"Subject", b"Subject: " + b"x" * 980 + b"\r\n"),
    "few": [b"From: a@example.com\r\n"],
    "colons and quotes": changed(b"Subject", b'Subject: a: "b; c" = (d\\) <e>:\r\n'),
}
OUTSIDE_RFC_5322 = {"duplicate fields", "duplicate signed later", "few"}
"""A field twice that may stand once, or no Date (§3.6): opendkim-testmsg refuses them before it looks at signatures."""


@pytest.fixture(scope="module")
def keys() -> list[SigningKey]:
    return [
        SigningKey("example.com", "r2601", RSA, generate(RSA).key),
        SigningKey("example.com", "e2601", ED25519, generate(ED25519).key),
    ]


@pytest.fixture(scope="module")
def records(keys: list[SigningKey]) -> dict[str, str]:
    return {f"{key.selector}._domainkey.{key.domain}": key.record for key in keys}


def signed(keys: list[SigningKey], fields: list[bytes], body: bytes = BODY) -> bytes:
    signatures = Signer(keys).sign(fields, sha256(relaxed_body(body)).digest(), NOW)
    return b"".join([*signatures, *fields, b"\r\n", body])


def tampered(message: bytes) -> dict[str, bytes]:
    """Changes that must break every signature."""
    return {
        "a second From": b"From: other@example.org\r\n" + message,
        "a Subject behind": message.replace(b"\r\n\r\n", b"\r\nSubject: other\r\n\r\n", 1),
        "an added Reply-To": b"Reply-To: other@example.org\r\n" + message,
        "another link": message.replace(b"/u/abc>", b"/u/abd>", 1),
        "body": message.replace(b"body", b"b0dy", 1),
    }


@pytest.mark.parametrize("name", HEADERS)
def test_dkimpy(keys: list[SigningKey], records: dict[str, str], name: str) -> None:
    message = signed(keys, HEADERS[name])
    checker = dkim.DKIM(message)
    for index in range(2):
        assert checker.verify(index, dnsfunc=lambda host, timeout=5: records[host.decode().rstrip(".")].encode())


def test_dkimpy_refuses_what_was_changed(keys: list[SigningKey], records: dict[str, str]) -> None:
    message = signed(keys, BASE)
    for what, octets in tampered(message).items():
        for index in range(2):
            assert not _quietly_verified(octets, index, records), what


def _quietly_verified(message: bytes, index: int, records: dict[str, str]) -> bool:
    try:
        return bool(
            dkim.DKIM(message).verify(
                index, dnsfunc=lambda host, timeout=5: records[host.decode().rstrip(".")].encode()
            )
        )
    except dkim.ValidationError:
        return False


def every_message(keys: list[SigningKey]) -> Iterator[tuple[str, bytes, bool]]:
    """(file name, message, good): each signature alone, since one good one would excuse a broken one."""
    for key in keys:
        kind = key.algorithm.split("-")[0]
        for name, fields in HEADERS.items():
            yield f"{kind} {name}", signed([key], fields), True
        for name, message in tampered(signed([key], BASE)).items():
            yield f"{kind} {name}", message, False


def test_opendkim(tmp_path: Path, keys: list[SigningKey], records: dict[str, str]) -> None:
    need("opendkim")
    public = tmp_path / "keys"
    public.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    conf = tmp_path / "opendkim.conf"
    conf.write_text(f"TestPublicKeys {public}\nMode v\n")
    for name, message, good in every_message(keys):
        path = tmp_path / name
        path.write_bytes(message)
        run = subprocess.run(
            ["opendkim", "-x", str(conf), "-t", str(path)], capture_output=True, text=True, timeout=30, check=False
        )
        assert (run.returncode == 0 and "verification" in run.stdout and "succeeded" in run.stdout) == good, (
            name,
            run.stdout,
            run.stderr,
        )


def test_opendkim_testmsg(tmp_path: Path, keys: list[SigningKey], records: dict[str, str]) -> None:
    asked = [one for one in every_message(keys) if one[0].split(" ", 1)[1] not in OUTSIDE_RFC_5322]
    results = opendkim_testmsg(tmp_path, records, {name: message for name, message, _ in asked})
    for name, _, good in asked:
        assert results[name][0] == good, (name, results[name])


_PERL = r"""
use strict; use Mail::DKIM::Verifier; use JSON::PP;
my %records = %{decode_json(do { local (@ARGV, $/) = ("$ARGV[0]/records.json"); <> })};
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        return unless exists $records{$name};
        return bless {text => $records{$name}}, 'Answer';
    };
}
package Answer { sub type { 'TXT' } sub char_str_list { $_[0]{text} } sub txtdata { $_[0]{text} } }
my %results;
for my $path (glob("$ARGV[0]/*.eml")) {
    my $checker = Mail::DKIM::Verifier->new;
    open my $file, '<:raw', $path or die;
    local $/; $checker->PRINT(<$file>); $checker->CLOSE;
    $results{$1} = $checker->result_detail if $path =~ m{([^/]+)\.eml$};
}
print encode_json(\%results);
"""


def _perl_module(name: str) -> bool:
    perl = shutil.which("perl")
    return (
        bool(perl)
        and subprocess.run([perl or "", f"-M{name}", "-e1"], capture_output=True, check=False).returncode == 0
    )


def test_mail_dkim(tmp_path: Path, keys: list[SigningKey], records: dict[str, str]) -> None:
    if not _perl_module("Mail::DKIM::Verifier"):
        missing("perl's Mail::DKIM")
    with_ed25519 = _perl_module("Mail::DKIM::Algorithm::ed25519_sha256")
    expected = {}
    for name, message, good in every_message([key for key in keys if key.algorithm == RSA or with_ed25519]):
        (tmp_path / f"{name}.eml").write_bytes(message)
        expected[name] = good
    (tmp_path / "records.json").write_text(json.dumps(records))
    run = subprocess.run(["perl", "-e", _PERL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    for name, good in expected.items():
        assert (results[name] == "pass") == good, (name, results[name])
