"""``relay init``: a new relay in one directory, all of it or nothing."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import shlex
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from config.load import validate
from config.names import domain_name, store_url
from relay.cli.common import fail, json_option, print_json, say
from relay.keys.belonging import remember
from relay.keys.secrets import Secrets
from relay.observe.escape import escaped
from relay.store.database import connect, migrate, schema_of, transaction
from relay.store.engines import shown

MADE: Final = ("relay.toml", "data", "tls")
CERTIFICATE_DAYS: Final = 3650
FQDN_TIMEOUT_S: Final = 5.0

SETTINGS = """\
# Settings of this relay: those to look at first.
# All others, with their defaults: docs/SETTINGS.md and relay.toml.example. `relay check` finds what is wrong.

[server]
# Full name of this machine; its address should point back to it (PTR), or many servers refuse our mail.
hostname = "{hostname}"
data_dir = "data"

[listen]
# Submission by applications: with STARTTLS, and with TLS from the first octet.
submission = ["{address}:{submission}"]
submissions = ["{address}:{submissions}"]
# Bounces and unsubscribe mails come back here.
inbound = ["{address}:{inbound}"]
# Unsubscribe pages and API{proxy}.
http = "127.0.0.1:{http}"

[tls]
# Self-signed: applications that verify it need {advice}.
certificate = "tls/certificate.pem"
key = "tls/key.pem"
{auth}
{store}[links]
# Where recipients reach the unsubscribe pages.
base_url = "{base_url}"
{delivery}"""

STORE = """
[store]
url = {url}

"""

DEV_AUTH = """
[auth]
# Log-in without TLS, from this machine only.
plaintext_on_loopback = true
"""

DEV_DELIVERY = """
[webhooks]
# Applications that are called may stand on this machine, without TLS.
allow_private = true

[delivery]
# Recipients' servers may stand on this machine. Never so where others pick the recipients: DNS would lead them inside.
allow_private = true
"""


@dataclass(frozen=True, slots=True)
class InitPlan:
    """What is going to be made."""

    directory: Path
    hostname: str
    dev: bool
    store: str = ""
    """URL of a server's database, empty; "" for SQLite."""

    @property
    def base_url(self) -> str:
        return "http://127.0.0.1:10080" if self.dev else f"https://{self.hostname}"

    def settings(self) -> str:
        if self.dev:
            ports = {"submission": 10587, "submissions": 10465, "inbound": 10025, "http": 10080}
            words = {"proxy": "", "advice": "to be told to trust it", "auth": DEV_AUTH, "address": "127.0.0.1"}
            words["delivery"] = DEV_DELIVERY
        else:
            ports = {"submission": 587, "submissions": 465, "inbound": 25, "http": 8080}
            words = {
                "proxy": "; put a web server with TLS in front of it",
                "advice": "one from a CA",
                "auth": "",
                "delivery": "",
                "address": "*",
            }
        words["store"] = STORE.format(url=json.dumps(self.store)) if self.store else ""
        return SETTINGS.format(hostname=self.hostname, base_url=self.base_url, **ports, **words)

    @property
    def mode(self) -> int:
        """Of the settings file: it may hold a password."""
        return 0o600 if self.store else 0o644


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="D",
    help="Directory to set up; the working directory by default.",
)
@click.option("--hostname", default="", metavar="H", help="Full name of this machine; found out by default.")
@click.option(
    "--store",
    default="",
    metavar="URL",
    help="An empty database of a PostgreSQL server, postgresql://USER@HOST/NAME; SQLite in the directory by default.",
)
@click.option("--dev", is_flag=True, help="For trying out: loopback and high ports only, log-in without TLS.")
@json_option
def command(directory: Path, hostname: str, store: str, dev: bool, as_json: bool) -> None:
    """Set up a new relay: relay.toml, database, secrets and a self-signed certificate.

    Nothing is ever overwritten; if something goes wrong, nothing is left behind.
    """
    plan = InitPlan(directory.absolute(), _hostname(hostname, dev), dev, _store(store))
    create(plan, dt.datetime.now(dt.UTC))
    if as_json:
        print_json(_result(plan))
    else:
        say(_summary(plan))


def create(plan: InitPlan, now: dt.datetime) -> None:
    """Make everything in a directory beside, then move it into place."""
    for name in MADE:
        if os.path.lexists(plan.directory / name):
            fail(f"{plan.directory / name} is there already, nothing was changed; choose another --dir or move it away")
    if plan.store and schema_of(plan.store):
        fail(f"{shown(plan.store)} holds a relay's data already, nothing was changed; name an empty database")
    with _directory(plan.directory):
        stage = Path(tempfile.mkdtemp(prefix=".relay-init-", dir=plan.directory))
        try:
            _build(plan, stage, now)
            _install(plan, stage)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _build(plan: InitPlan, stage: Path, now: dt.datetime) -> None:
    data, tls = stage / "data", stage / "tls"
    data.mkdir(0o700)
    data.chmod(0o700)  # whatever the umask
    secrets = Secrets.create(data / "secrets")
    if not plan.store:
        _make(data / "relay.db", secrets)
        (data / "relay.db").chmod(0o600)
    tls.mkdir(0o755)
    tls.chmod(0o755)
    certificate, key = self_signed(plan.hostname, now)
    _write(tls / "certificate.pem", certificate, 0o644)
    _write(tls / "key.pem", key, 0o600)
    if plan.store:
        _make(plan.store, secrets)  # at last: what a server has isn't taken back


def _make(stored: Path | str, secrets: Secrets) -> None:
    migrate(stored)
    with closing(connect(stored)) as conn, transaction(conn):
        remember(conn, secrets)


def _store(url: str) -> str:
    try:
        return store_url(url) if url else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--store'") from error


def _install(plan: InitPlan, stage: Path) -> None:
    """Move the directories, then write relay.toml: with it the relay is there."""
    moved: list[str] = []
    try:
        for name in ("data", "tls"):
            (stage / name).rename(plan.directory / name)
            moved.append(name)
        _write(plan.directory / "relay.toml", plan.settings().encode(), plan.mode)
    except BaseException:
        for name in moved:
            (plan.directory / name).rename(stage / name)
        raise


@contextmanager
def _directory(directory: Path) -> Iterator[None]:
    """The directory, made with its parents; what was made goes again if the work fails."""
    made = []
    for path in (directory, *directory.parents):
        if path.exists():
            break
        made.append(path)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file, durable; removed again if it can't be written whole."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(mode)
    except BaseException:
        path.unlink()
        raise


def self_signed(hostname: str, now: dt.datetime) -> tuple[bytes, bytes]:
    """A certificate for this machine and loopback, and its key (ECDSA P-256), both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has at most 64 characters (RFC 5280, ub-common-name); what counts is the alternative name.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname if len(hostname) <= 64 else "relay")])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    alternatives = [*(x509.DNSName(host) for host in dict.fromkeys((hostname, "localhost"))), loopback]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + dt.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


# --- the machine's name ----------------------------------------------------------


def _hostname(given: str, dev: bool) -> str:
    if given:
        try:
            name = domain_name(given)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--hostname'") from error
        if not dev and "." not in name:
            raise click.BadParameter(
                f'"{given}" is not a full name, such as relay.example.com', param_hint="'--hostname'"
            )
        return name
    found = machine_name()
    if _is_full(found):
        return domain_name(found)
    if dev:
        return "localhost"
    fail(f'this machine doesn\'t know its full name (it calls itself "{found}"); pass --hostname relay.example.com')


def _is_full(name: str) -> bool:
    try:
        labels = domain_name(name).split(".")
    except ValueError:
        return False
    return len(labels) > 1 and labels[0] != "localhost" and labels[-1] not in ("localdomain", "local", "arpa")


def machine_name() -> str:
    """What the system calls this machine; asks DNS, so at most ``FQDN_TIMEOUT_S`` long."""
    found = [socket.gethostname()]
    asking = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    asking.start()
    asking.join(FQDN_TIMEOUT_S)
    return found[-1]


# --- what is said ------------------------------------------------------------------


def _next(plan: InitPlan) -> list[str]:
    file = plan.directory / "relay.toml"
    relay = "relay" if plan.directory == Path.cwd() else f"relay -c {shlex.quote(str(file))}"
    return [f"{relay} check", f"{relay} tenant add NAME --contact EMAIL", f"{relay} serve"]


def _result(plan: InitPlan) -> dict[str, object]:
    directory = plan.directory
    settings = validate({"server": {"hostname": plan.hostname}}, base=directory)
    return {
        "hostname": plan.hostname,
        "dev": plan.dev,
        "settings": str(directory / "relay.toml"),
        "database": shown(plan.store) if plan.store else str(settings.database),
        "secrets": str(settings.secrets_file),
        "certificate": str(directory / "tls" / "certificate.pem"),
        "key": str(directory / "tls" / "key.pem"),
        "base_url": plan.base_url,
        "next": _next(plan),
    }


def _summary(plan: InitPlan) -> str:
    made = _result(plan)
    lines = [f"A relay for {plan.hostname}:"]
    lines += [
        f"  {what:<12}{escaped(str(made[what]))}" for what in ("settings", "database", "secrets", "certificate", "key")
    ]
    lines += ["Keep the secrets file in your backups: without it keys and links are lost.", "Next:"]
    return "\n".join([*lines, *(f"  {step}" for step in _next(plan))])
