"""Real mail clients submit with TLS and AUTH; what they hand in arrives at smtp-sink, at Postfix and octet by octet.

Each client verifies the relay's certificate and sends one message to three
recipients, each at another kind of server. The message has what clients and
servers like to break: dots at the start of lines, spaces at their end, UTF-8.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import smtplib
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest

from tests.peers.conftest import Office
from tests.support.octets import assert_kept, split, values
from tests.support.peers import Postfix, SmtpSink, missing, need
from tests.support.remote import server_tls

pytestmark = pytest.mark.peers

SENDER = "orders@acme.example"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Job:
    """One message to hand in. ``implicit``: TLS from the first octet, else STARTTLS."""

    implicit: bool
    port: int
    user: str
    password: str
    certificate: Path
    message: bytes
    recipients: tuple[str, ...]
    directory: Path
    auth: str

    def file(self, octets: bytes) -> Path:
        path = self.directory / "message.eml"
        path.write_bytes(octets)
        return path

    def run(self, *words: str, given: bytes = b"", env: dict[str, str] | None = None) -> str:
        done = subprocess.run(words, input=given, capture_output=True, timeout=30, check=False, env=env)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        if done.returncode:
            raise Refused(said)
        return said


class Refused(Exception):
    """The client says that its message was not taken; its own words."""


def use_smtplib(job: Job) -> None:
    context = ssl.create_default_context(cafile=str(job.certificate))
    if job.implicit:
        client: smtplib.SMTP = smtplib.SMTP_SSL(HOST, job.port, timeout=20, context=context)
    else:
        client = smtplib.SMTP(HOST, job.port, timeout=20)
    with client:
        if not job.implicit:
            client.starttls(context=context)
        client.user, client.password = job.user, job.password
        client.ehlo()
        try:
            client.auth(job.auth, client.auth_login if job.auth == "LOGIN" else client.auth_plain)
            client.sendmail(SENDER, list(job.recipients), job.message, mail_options=["BODY=8BITMIME"])
        except smtplib.SMTPException as error:
            raise Refused(str(error)) from error


def use_aiosmtplib(job: Job) -> None:
    async def main() -> None:
        context = ssl.create_default_context(cafile=str(job.certificate))
        async with aiosmtplib.SMTP(
            hostname=HOST,
            port=job.port,
            username=job.user,
            password=job.password,
            use_tls=job.implicit,
            start_tls=not job.implicit,
            tls_context=context,
            timeout=20,
        ) as client:
            await client.sendmail(SENDER, list(job.recipients), job.message, mail_options=["BODY=8BITMIME"])

    try:
        asyncio.run(main())
    except aiosmtplib.SMTPException as error:
        raise Refused(str(error)) from error


def use_swaks(job: Job) -> None:
    # It brings lines to CRLF, stuffs dots and ends the last line itself.
    path = job.file(job.message.replace(b"\r\n", b"\n").removesuffix(b"\n"))
    job.run(
        need("swaks"), "--server", f"{HOST}:{job.port}", "--tls-on-connect" if job.implicit else "--tls",
        "--tls-verify", "--tls-ca-path", str(job.certificate), "--auth", job.auth, "--auth-user", job.user,
        "--auth-password", job.password, "--ehlo", "client.test", "--from", SENDER,
        "--to", ",".join(job.recipients), "--data", f"@{path}", "--timeout", "20",
    )  # fmt: skip


def use_curl(job: Job) -> None:
    scheme = "smtps" if job.implicit else "smtp"
    rcpt = [word for recipient in job.recipients for word in ("--mail-rcpt", recipient)]
    job.run(
        need("curl"), "--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--ssl-reqd",
        "--cacert", str(job.certificate), "--user", f"{job.user}:{job.password}",
        "--login-options", f"AUTH={job.auth}", "--mail-from", SENDER, *rcpt,
        "--upload-file", str(job.file(job.message)), f"{scheme}://{HOST}:{job.port}/client.test",
    )  # fmt: skip


def use_msmtp(job: Job) -> None:
    conf = job.directory / "msmtprc"
    conf.write_text(
        f"account default\nhost {HOST}\nport {job.port}\nfrom {SENDER}\ntimeout 20\n"
        f"tls on\ntls_starttls {'off' if job.implicit else 'on'}\ntls_trust_file {job.certificate}\n"
        f"auth {job.auth.lower()}\nuser {job.user}\npassword {job.password}\n"
    )
    conf.chmod(0o600)
    given = job.message.replace(b"\r\n", b"\n")
    job.run(need("msmtp"), "-C", str(conf), "-f", SENDER, "--", *job.recipients, given=given)


def node_modules() -> str:
    """Where scripts/peers put nodemailer; the Makefile says it by NODE_PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return os.environ.get("NODE_PATH") or str(cache / "relay-peers/node_modules")


def use_nodemailer(job: Job) -> None:
    node, env = need("node"), {**os.environ, "NODE_PATH": node_modules()}
    look = [node, "-e", "require('nodemailer')"]
    if subprocess.run(look, env=env, capture_output=True, timeout=30, check=False).returncode:
        missing(f"nodemailer (in {node_modules()})")
    options = {
        "host": HOST, "port": job.port, "secure": job.implicit, "requireTLS": not job.implicit, "name": "client.test",
        "authMethod": job.auth, "auth": {"user": job.user, "pass": job.password},
        "tls": {"ca": [job.certificate.read_text()]},
    }  # fmt: skip
    wanted = {
        "options": options,
        "from": SENDER,
        "to": list(job.recipients),
        "raw": base64.b64encode(job.message).decode(),
    }
    script = Path(__file__).parent / "nodemailer/send.js"
    said = job.run(node, str(script), given=json.dumps(wanted).encode(), env=env)
    assert said.startswith("250 2.0.0 ")


_PERL = r"""
use strict; use Net::SMTP; use MIME::Base64;
my ($host, $port, $implicit, $ca, $user, $password, $auth, $from, @to) = @ARGV;
my @tls = (SSL_ca_file => $ca, SSL_verify_mode => 1);
my @first = $implicit ? (SSL => 1, @tls) : ();
my $smtp = Net::SMTP->new($host, Port => $port, Hello => 'client.test', Timeout => 20, @first)
    or die "no connection: $@";
if (!$implicit) { $smtp->starttls(@tls) or die "STARTTLS: " . $smtp->message; }
sub must { $_[0] or die $smtp->code . ' ' . $smtp->message; }
# Net::SMTP->auth wants Authen::SASL, which is not part of Perl.
if ($auth eq 'PLAIN') {
    must($smtp->command('AUTH', 'PLAIN', encode_base64("\0$user\0$password", ''))->response == 2);
} else {
    must($smtp->command('AUTH', 'LOGIN')->response == 3);
    must($smtp->command(encode_base64($user, ''))->response == 3);
    must($smtp->command(encode_base64($password, ''))->response == 2);
}
must($smtp->mail($from));
must($smtp->to(@to));
must($smtp->data);
binmode STDIN;
my $message = do { local $/; <STDIN> };
must($smtp->datasend($message));
must($smtp->dataend);
$smtp->quit;
"""


def use_perl(job: Job) -> None:
    perl = need("perl")
    if subprocess.run([perl, "-MIO::Socket::SSL", "-e1"], capture_output=True, check=False).returncode:
        missing("IO::Socket::SSL for Perl")
    job.run(
        perl, "-e", _PERL, HOST, str(job.port), "1" if job.implicit else "", str(job.certificate), job.user,
        job.password, job.auth, SENDER, *job.recipients, given=job.message.replace(b"\r\n", b"\n"),
    )  # fmt: skip


CLIENTS: dict[str, Callable[[Job], None]] = {
    "smtplib": use_smtplib,
    "aiosmtplib": use_aiosmtplib,
    "swaks": use_swaks,
    "curl": use_curl,
    "msmtp": use_msmtp,
    "nodemailer": use_nodemailer,
    "perl": use_perl,
}
WAYS = [
    (name, implicit, auth)
    for name in CLIENTS
    for implicit, auth in ((False, "PLAIN"), (True, "LOGIN"), (False, "LOGIN"))
    # aiosmtplib chooses the mechanism itself.
    if (name, auth) != ("aiosmtplib", "LOGIN") or implicit
]
IDS = [f"{name}-{'tls' if implicit else 'starttls'}-{auth.lower()}" for name, implicit, auth in WAYS]


def message(subject: str) -> bytes:
    return (
        f"From: Acme Orders <{SENDER}>\r\nTo: you <you@rcpt.example>\r\nSubject: {subject}\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{subject}@acme.example>\r\nX-Folded: one\r\n two\r\n\tthree\r\nMIME-Version: 1.0\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
        "Dear you,\r\n.a dot first\r\n..two\r\n.\tone and a tab\r\n\r\nspaces at the end   \r\n"
        "Grüße, ☃ und Größeres\r\n"
        f"{'x' * 900}\r\nFrom here on nothing.\r\n\r\nlast\r\n"
    ).encode()


def job(office: Office, directory: Path, implicit: bool, auth: str, octets: bytes, *recipients: str) -> Job:
    relay = office.relay
    port = relay.submissions if implicit else relay.submission
    return Job(implicit, port, *office.direct, office.certificate, octets, recipients, directory, auth)


@pytest.mark.parametrize(("name", "implicit", "auth"), WAYS, ids=IDS)
def test_client(
    office: Office,
    smtp_sink: SmtpSink,
    postfix: Postfix,
    tmp_path: Path,
    name: str,
    implicit: bool,
    auth: str,
) -> None:
    local = f"{name}-{int(implicit)}-{auth.lower()}"
    sent = message(local)
    CLIENTS[name](
        job(
            office,
            tmp_path,
            implicit,
            auth,
            sent,
            f"{local}@rcpt.example",
            f"{local}@sink.example",
            f"{local}@postfix.example",
        )
    )
    assert_kept(sent, office.sink.to(f"{local}@rcpt.example").data)
    dump = smtp_sink.find(f"{local}@sink.example")
    assert split(dump)[1] == split(sent)[1]
    stored = postfix.find(f"{local}@postfix.example")
    assert split(stored)[1] == split(sent)[1]
    assert any("with ESMTPS" in line for line in values(stored, "Received") if "mx.postfix.example" in line)
    assert any("with ESMTPSA id" in line for line in values(stored, "Received") if "relay.test" in line)


@pytest.mark.parametrize("name", CLIENTS)
def test_client_hears_of_a_wrong_password(office: Office, tmp_path: Path, name: str) -> None:
    good = job(office, tmp_path, name in ("curl", "perl"), "PLAIN", message("never"), "never@rcpt.example")
    wrong = Job(**{**vars(good), "password": "wrong"})
    with pytest.raises(Refused) as refused:
        CLIENTS[name](wrong)
    # curl and msmtp keep the reply to themselves.
    assert name in ("curl", "msmtp") or "5.7.8" in str(refused.value)


@pytest.mark.parametrize("name", CLIENTS)
def test_client_that_does_not_trust_the_certificate_sends_nothing(office: Office, tmp_path: Path, name: str) -> None:
    """The relay shows the configured certificate: who trusts another one of the same names doesn't go on to AUTH."""
    server_tls(tmp_path, "relay.test", "localhost", HOST)
    other = tmp_path / "certificate.pem"
    good = job(office, tmp_path, True, "PLAIN", message("never"), "never@rcpt.example")
    with pytest.raises((Refused, OSError)):
        CLIENTS[name](Job(**{**vars(good), "certificate": other}))
    assert not any("never@rcpt.example" in m.recipients for m in office.sink.messages)
