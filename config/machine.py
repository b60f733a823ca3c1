"""Settings of the machine: where the relay listens, what it keeps to itself, and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from config.kinds import (
    Count,
    Directory,
    Domain,
    DomainNames,
    Listens,
    Mails,
    Octets,
    OptionalFile,
    OptionalListenAddress,
    OptionalMail,
    Seconds,
    StoreUrl,
    Table,
    Texts,
    Url,
    Wait,
    key,
    required,
)
from config.units import DAY, KIB, MIB, MINUTE


class Server(Table):
    """The machine this relay runs on."""

    hostname: Domain = required(
        "Full name of this machine, said in greetings, EHLO and Received.", example="relay.example.com"
    )
    data_dir: Directory = key(
        Path("data"), "Directory of database and secrets, relative to this file; readable by the relay's user only."
    )
    secrets: OptionalFile = key(
        None,
        "The file that passwords, links and sealed keys rest on; empty: `secrets` in data_dir."
        " `credential:NAME`, here and at other keys' files, is one that systemd hands over (LoadCredential=).",
        example="credential:secrets",
    )
    workers: int = key(1, "Processes that take and deliver mail.", ge=1, le=256)
    watchdog: Seconds = key(
        2 * MINUTE, "A process that hangs for so long is killed and started again; 0: none is watched."
    )
    record_client: bool = key(
        False, "Name the application's own address in Received; else recipients see the relay's name alone."
    )
    node: str = key("", "Name of this node, among those that share a store; empty: the hostname.", example="relay-1")

    @property
    def node_name(self) -> str:
        return self.node or self.hostname


class StoreSettings(Table):
    """Where tenants, consents and the queue are kept."""

    url: StoreUrl = key(
        "",
        "A database of a PostgreSQL server (13 or newer), for this relay alone; empty: SQLite, in server.data_dir."
        " With a password in it, let nobody else read this file, or name a file with `?passfile=`.",
        example="postgresql://relay@/relay?host=/var/run/postgresql",
    )


class OperatorSettings(Table):
    """Who runs this relay, and who is called when something needs a person."""

    name: str = key("", "Name of who runs this relay, as the letters of the relay show it; empty: the hostname.")
    contact: OptionalMail = key("", "Where people reach the operator.", example="support@example.com")
    notify: Mails = key(
        (), "Who gets a letter when the operator is called; empty: the contact.", example=["ops@example.com"]
    )
    addresses: Texts = key(
        (),
        "Further mail addresses, telephone numbers, postal addresses and names at messengers (@acme_help) of the"
        " operator's, which tenants' bulk mail must not show; the contact is one.",
        example=["sales@example.com", "+372 5555 0100"],
    )
    sites: Texts = key(
        (),
        "Sites of the operator's, domains or URLs, which tenants' bulk mail must not show or link to.",
        example=["https://example.com"],
    )
    review: Wait = key(DAY, "How long a campaign may wait for a verdict before the next are called.")
    next: Mails = key((), "Who is called when that is over; empty: the same again.", example=["boss@example.com"])

    country: Literal["", "ee", "ua"] = key(
        "",
        "Whose law you work under, ee or ua: which grounds may free a stream from consent; empty: the fewest.",
    )

    @property
    def called(self) -> tuple[str, ...]:
        """The addresses that calls go to; empty: the log alone."""
        return self.notify or ((self.contact,) if self.contact else ())


class Listen(Table):
    """Where connections are taken; an empty list opens nothing, `[::]:587` is all of IPv6."""

    submission: Listens = key(("*:587",), "Submission by applications, with STARTTLS.")
    submissions: Listens = key(("*:465",), "Submission by applications, TLS from the first octet.")
    inbound: Listens = key(("*:25",), "Bounces and unsubscribe mails that come back from other servers.")
    http: OptionalListenAddress = key("127.0.0.1:8080", "Unsubscribe pages and API, for a reverse proxy; empty: none.")
    https: OptionalListenAddress = key(
        "", "Pages and API by TLS, with the certificate of `[tls]`, so that no proxy is needed.", example="*:443"
    )
    acme: OptionalListenAddress = key(
        "",
        "Answers the questions of the authority in `tls.acme` (HTTP-01, it asks at port 80) and sends everybody else"
        " to links.base_url; empty: the pages answer them, where a proxy passes them on, or TLS does.",
        example="*:80",
    )

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """By role, each as it stands here."""
        mail = {"submission": self.submission, "submissions": self.submissions, "inbound": self.inbound}
        pages = {"http": self.http, "https": self.https, "acme": self.acme}
        return {**mail, **{role: (text,) if text else () for role, text in pages.items()}}

    @property
    def pages(self) -> bool:
        """Whether there is a process for pages."""
        return bool(self.http or self.https or self.acme)


class Tls(Table):
    """The server's certificate; without one no TLS is offered."""

    certificate: OptionalFile = key(
        None, "PEM file with the certificate, then its chain, relative to this file.", example="tls/certificate.pem"
    )
    acme: Url = key(
        "",
        "Directory of an authority that gives certificates by ACME; the relay gets one from it and renews it, and"
        " shows `certificate` only until then. Whoever sets it agrees to the authority's terms.",
        example="https://acme-v02.api.letsencrypt.org/directory",
    )
    acme_names: DomainNames = key(
        (),
        "Further names of the certificate, beside those of server.hostname and of the pages.",
        example=["mx.r.example"],
    )
    acme_challenge: Literal["auto", "http-01", "tls-alpn-01"] = key(
        "auto",
        "How names are shown to be ours: `http-01` at port 80, `tls-alpn-01` at port 443 (listen.https); `auto`: the"
        " second where there is listen.https and no listen.acme.",
    )
    acme_ca: OptionalFile = key(
        None,
        "PEM file with the root that the directory's own certificate is checked by; empty: the public ones.",
        example="tls/acme-ca.pem",
    )
    acme_key_id: str = key(
        "", "Key id of an account that the authority gives its customers (external account binding).", example="kid-1"
    )
    acme_key_file: OptionalFile = key(
        None, "File with that account's HMAC key in base64url, mode 0600.", example="credential:acme-key"
    )
    key: OptionalFile = key(None, "PEM file with the certificate's private key, mode 0600.", example="tls/key.pem")


class Auth(Table):
    """Log-in by applications."""

    plaintext_on_loopback: bool = key(False, "Offer AUTH without TLS to clients on this machine.")
    failures: Count = key(
        10, "Wrong credentials from one IPv4 address or one /64 of IPv6 within the window before it has to wait.", ge=1
    )
    window: Wait = key(MINUTE, "How long a wrong credential counts.")


class Limits(Table):
    """What one message, one session and all of them together may take."""

    message_octets: Octets = key(25 * MIB, "Largest message.", ge=KIB)
    header_octets: Octets = key(256 * KIB, "Largest header block of a message.", ge=KIB)
    header_fields: Count = key(1000, "Most header fields of a message.", ge=1)
    parts: Count = key(1000, "Most MIME parts of a message.", ge=1)
    depth: Count = key(50, "Deepest nesting of MIME parts.", ge=1)
    hops: Count = key(50, "Most Received fields; more are a loop.", ge=1)
    recipients: int = key(1000, "Most recipients of a transaction.", ge=1, le=65_535)
    sessions: Count = key(5000, "Most sessions at a time.", ge=1)
    sessions_per_address: Count = key(2000, "Most sessions at a time from one IPv4 address or one /64 of IPv6.", ge=1)
    transactions_per_session: Count = key(0, "Most transactions in a session; 0: unlimited.", ge=0)
    command_timeout: Wait = key(5 * MINUTE, "Longest wait for a command.")
    data_timeout: Wait = key(
        10 * MINUTE, "Longest time for the message after DATA; one that keeps coming, at 2 KiB a second, has more."
    )
    memory_octets: Octets = key(
        256 * MIB, "Memory for the messages of all sessions together; beyond it clients have to come again.", ge=KIB
    )
    inbound_memory_octets: Octets = key(
        32 * MIB,
        "Memory for the messages of all sessions on the inbound port together, apart from memory_octets.",
        ge=KIB,
    )
    memory_share: float = key(
        0.5,
        "Part of such memory that one tenant, or at the inbound port one network, may hold; a message always fits.",
        ge=0.01,
        le=1,
    )
    free_disk_octets: Octets = key(64 * MIB, "Space on the disk that is left free; below it no mail is taken.")


class LogSettings(Table):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = key("info", "Least level that is written.")
    format: Literal["text", "json"] = key("text", "Lines for people or for machines.")


class ObserveSettings(Table):
    """What is told to other programs that watch; metrics are at /metrics of `[listen] http` without a word here."""

    otlp: Url = key(
        "",
        "Collector that gets the walk of messages as OpenTelemetry's traces (OTLP by HTTP, JSON), without addresses.",
        example="http://127.0.0.1:4318/v1/traces",
    )
    otlp_share: float = key(0.01, "So large a part of all copies is told; the same copies each time.", ge=0, le=1)
