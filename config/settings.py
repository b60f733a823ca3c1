"""All settings: one frozen type per TOML table, each key with default and meaning.

The defaults, sentences and limits here are the only source: the example file
and docs/SETTINGS.md are made from them. Durations are float seconds, sizes
are octets, paths are absolute once loaded. ``config.load`` reads a file;
``config.load.validate`` takes a plain mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from config.accounts import Accounts
from config.api import ApiSettings
from config.brake import Brake
from config.kinds import (
    Addresses,
    Count,
    Directory,
    Domain,
    Listens,
    MachineWord,
    Mails,
    Names,
    Nameservers,
    NetworkName,
    Networks,
    Octets,
    OptionalDomain,
    OptionalFile,
    OptionalListenAddress,
    OptionalMail,
    OptionalTarget,
    RouteName,
    RouteTarget,
    Seconds,
    StoreUrl,
    Table,
    Texts,
    Url,
    ValueKind,
    Wait,
    Waits,
    key,
    required,
)
from config.names import domain_name
from config.quota import QuotaSettings
from config.units import DAY, HOUR, KIB, MIB, MINUTE


class Server(Table):
    """The machine this relay runs on."""

    hostname: Domain = required(
        "Full name of this machine, said in greetings, EHLO and Received.", example="relay.example.com"
    )
    data_dir: Directory = key(
        Path("data"), "Directory of database and secrets, relative to this file; readable by the relay's user only."
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
        "Further mail addresses, telephone numbers and postal addresses of the operator's, which tenants' bulk mail"
        " must not show; the contact is one.",
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


class Tls(Table):
    """The server's certificate; without one no TLS is offered."""

    certificate: OptionalFile = key(
        None, "PEM file with the certificate, then its chain, relative to this file.", example="tls/certificate.pem"
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


class Links(Table):
    """What recipients see: the addresses of pages and of the reverse-path."""

    base_url: Url = key(
        "", "Where recipients reach the relay's pages; empty: https:// and the hostname.", example="https://r.example"
    )
    mail_domain: OptionalDomain = key(
        "",
        "Domain of bounce and unsubscribe addresses, its MX is this relay; empty: the hostname.",
        example="r.example",
    )


class Http(Table):
    """Pages and API."""

    trusted_proxies: Networks = key(
        (), "Networks whose X-Forwarded-For and X-Forwarded-Proto are believed.", example=["127.0.0.1"]
    )
    metrics_from: Networks = key(
        ("127.0.0.0/8", "::1/128"),
        "Networks that `/metrics` and the details of `/readyz` are given to; others get 403, or the bare state.",
    )
    connections: Count = key(512, "Most connections at a time.", ge=1)
    connections_per_address: Count = key(
        128, "Most connections at a time from one address (IPv6: /64), but for the trusted proxies.", ge=1
    )


class Dns(Table):
    """Look-ups."""

    nameservers: Nameservers = key((), "Resolvers to ask; empty: the system's.", example=["127.0.0.1:53"])
    timeout: Wait = key(5.0, "Longest time for one look-up, repetitions included.")


class Delivery(Table):
    """The way to the recipients' servers."""

    enabled: bool = key(True, "Deliver; false: take and queue mail only.")
    smart_host: OptionalTarget = key(
        "", "Server that takes all mail; empty: the recipients' MX.", example="smtp.example.net:587"
    )
    smart_host_user: str = key("", "User name at the smart host; empty: no AUTH.")
    smart_host_password_file: OptionalFile = key(None, "File with the password at the smart host, mode 0600.")
    routes: Annotated[Mapping[RouteName, RouteTarget], ValueKind("table of host:port", dict)] = key(
        {},
        "Servers for some domains instead of MX or smart host; `.example.com` is all below it, `*` the rest.",
        example={"example.com": "127.0.0.1:2600"},
    )
    port: int = key(25, "Port of the recipients' MX.", ge=1, le=65535)
    allow_private: bool = key(
        False, "Send to addresses of this machine and inside networks that DNS or a literal names; for trials only."
    )
    missing_wait: Wait = key(
        6 * HOUR, "How far apart two looks at least are that say that a domain doesn't exist, before mail bounces."
    )
    source_addresses: Addresses = key(
        (), "Own addresses that connections go out from; empty: the system's choice.", example=["192.0.2.10"]
    )
    retry: Waits = key(
        (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR),
        "Waits between attempts; the last one repeats.",
    )
    jitter: float = key(0.1, "Part of each wait that is random, so that retries spread.", ge=0, le=1)
    expire: Wait = key(5 * DAY, "When an undelivered copy is given up, counted from its acceptance.")
    tls: Literal["opportunistic", "required", "none"] = key(
        "opportunistic", "TLS to other servers: where offered, always, or never."
    )
    connections_per_site: Count = key(20, "Most connections to one site (a set of MX hosts).", ge=1)
    messages_per_connection: Count = key(500, "Messages after which a connection is closed.", ge=1)
    idle: Seconds = key(10.0, "How long a connection without work is kept.")
    connect_timeout: Wait = key(30.0, "Longest time to connect.")
    command_timeout: Wait = key(MINUTE, "Longest wait for a reply.")
    data_timeout: Wait = key(
        5 * MINUTE,
        "Longest time to send a message, and then to get its reply; one that the remote takes at 16 KiB a second or"
        " more has up to five times as long.",
    )
    stop_grace: Wait = key(
        2 * MINUTE,
        "How long a stop waits for the final replies of deliveries under way; a new relay may run meanwhile.",
    )
    connections: Count = key(
        1000,
        "Most connections to all sites together; not less than `inflight`, so that a tenant's slow sites, however many,"
        " leave some to the others.",
        ge=1,
    )
    inflight: Count = key(1000, "Most copies that are held in memory for delivery.", ge=1)


class Webhooks(Table):
    """Calls to tenants' own servers."""

    allow_private: bool = key(
        False, "Call plain http, this machine and inside networks too, if a tenant names them; for trials only."
    )


class Policies(Table):
    """Which policies are asked, in this order; each takes its own settings from `[policy.NAME]`."""

    order: Names = key(
        (
            "sender_identity",
            "operator_contact",
            "misleading_head",
            "forbidden_content",
            "service_mail",
            "consent",
            "quota",
            "rate",
            "unsubscribe_footer",
            "staged_sending",
        ),
        "Names of the policies in force; `relay policies` shows them.",
    )
    wait: Wait = key(
        30.0, "Longest that the policies of one transaction wait for others, all together; then `451 4.3.0`."
    )
    most_waiting: Count = key(
        1000, "Policies that wait at a time, in the whole relay, half of them for one tenant; then `451 4.3.0`.", ge=1
    )


class Forms(Table):
    """Subscription forms and their confirmation mails (double opt-in)."""

    link_lifetime: Wait = key(7 * DAY, "How long the link in a confirmation mail works.")
    may_return: bool = key(
        True, "A confirmation newer than the unsubscribe lifts it; false: who left a tenant never comes back."
    )
    least_time: Seconds = key(2.0, "A form that is sent sooner after it was shown is asked for once more.")
    page_lifetime: Wait = key(DAY, "How long a page with a form can be sent; later it is asked for once more.")
    mails_wait: Seconds = key(10 * MINUTE, "Least time between two confirmation mails of one tenant to one mailbox.")
    mails_per_day: Count = key(3, "Most confirmation mails of one tenant to one mailbox in 24 hours.", ge=1)
    mails_per_day_all: Count = key(9, "Most confirmation mails to one mailbox in 24 hours, all tenants together.", ge=1)
    network_per_hour: Count = key(
        20, "Most confirmation mails an hour asked for on pages from one network (/24, /64).", ge=1
    )
    form_per_hour: Count = key(500, "Most confirmation mails an hour of one form.", ge=1)
    tenant_per_hour: Count = key(
        200, "Most confirmation mails an hour of one tenant, by pages and API, over all its forms.", ge=1
    )
    new_tenant_per_hour: Count = key(
        50, "The same of a tenant that is new: no campaign released, under 1000 bulk messages delivered.", ge=1
    )
    waiting: Count = key(
        10_000, "Most requests of one tenant that wait for their confirmation, those of removed forms too.", ge=1
    )


class Reports(Table):
    """Spam reports where the person fills in an address: on copies that several share, and on the public page."""

    network_per_hour: Count = key(20, "Most reports an hour from one network (/24, /64).", ge=1)
    message_per_hour: Count = key(100, "Most reports an hour on one message.", ge=1)
    mailbox_per_day: Count = key(3, "Most letters of the public page to one mailbox in 24 hours.", ge=1)


class Rates(Table):
    """Rates of dead addresses, complaints and contested consents over days; all percentages of recipients."""

    window: Wait = key(7 * DAY, "How far back they look.")
    least: Count = key(200, "Recipients below which a rate says too little.", ge=1)
    bounces_advice: float = key(2.0, "Dead addresses, percent, at which the tenant is warned.", ge=0.001, le=100)
    bounces_review: float = key(5.0, "At which the administrator is called.", ge=0.001, le=100)
    bounces_pause: float = key(10.0, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    complaints_advice: float = key(0.1, "Complaints, percent, at which the tenant is warned.", ge=0.001, le=100)
    complaints_review: float = key(0.1, "At which the administrator is called.", ge=0.001, le=100)
    complaints_pause: float = key(0.5, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    contests_advice: float = key(
        0.05, "People who say that they never agreed, percent, at which the tenant is warned.", ge=0.001, le=100
    )
    contests_review: float = key(0.1, "At which the administrator is called.", ge=0.001, le=100)
    contests_pause: float = key(0.5, "At which the tenant is frozen, where `freeze` says so.", ge=0.001, le=100)
    pause_complaints: Count = key(
        3,
        "People who must have complained or contested before that alone freezes a tenant: one or two prove little.",
        ge=1,
    )
    freeze: Literal["never", "bulk", "all"] = key(
        "never", "What is frozen at the figures for a pause without asking anybody: nothing, bulk streams, or all."
    )
    ease: float = key(
        0.8, "A level is left below this part of its figure, so that nobody is told twice.", ge=0.01, le=1
    )
    reporting: Names = key(
        (),
        "Domains whose complaints reach this relay; those whose loops have reported are known.",
        example=["yahoo.com"],
    )


class Contacts(Table):
    """Tenants' contact addresses, confirmed by a letter."""

    again: Wait = key(365 * DAY, "How long after one confirmation the next is asked for.")
    grace: Wait = key(30 * DAY, "How long bulk mail goes on while that is not answered.")


class Domains(Table):
    """Tenants' domains, looked up again and again."""

    every: Wait = key(DAY, "How often the records that prove a domain are looked up; those that fail more often.")
    grace: Wait = key(3 * DAY, "How long mail goes on after the records are gone; then it is held.")


class Contests(Table):
    """Consents that a person says were never given: the tenant is asked for proof."""

    term: Seconds = key(604_800.0, "How long the tenant has for an answer; then the consent falls.", ge=3600)


class Feedback(Table):
    """Mail that comes back: feedback loops, and letters to the operator (`postmaster@`, `abuse@`)."""

    addresses: Mails = key(
        (),
        "Addresses that feedback loops were told to send their reports to; taken on the inbound port.",
        example=["fbl@relay.example.com"],
    )
    letters_per_hour: Count = key(100, "Most letters an hour that are handed on to the operator.", ge=1)
    letters_per_network: Count = key(20, "Most of them from one network (/24, /64).", ge=1)


class TrackingSettings(Table):
    """Openings and clicks, of persons who agreed to it: `Relay-Track`, by message or stream."""

    consent: Literal["required", "tenant"] = key(
        "required",
        "Who is tracked: `required` only persons who agreed to it; `tenant` all but those who switched it off, where"
        " law allows that.",
    )
    tenant_hosts: bool = key(
        True,
        "Put tracked links on `links.` under the tenant's domain where that CNAME is in place; whoever answers https"
        " there needs a certificate for it.",
    )
    apart_url: Url = key(
        "",
        "Where tracked links of tenants lead without a released campaign and a host of their own; empty: base_url.",
        example="https://new.r.example",
    )
    text_links: bool = key(False, "Track links in plain text too, where readers see the addresses.")
    addresses: Literal["cut", "none"] = key(
        "cut", "What is kept of who opened or clicked from where: the network (/24, /48), or nothing."
    )
    networks: Annotated[Mapping[NetworkName, MachineWord], ValueKind("table of class", dict)] = key(
        {},
        "Own entries before the relay's table: what comes from a network is `human`, `proxy`, `prefetch`, `scanner` or"
        " `unsure`; `scanner click` for clicks alone, `proxy open` for openings.",
        example={"192.0.2.0/24": "scanner click"},
    )
    agents: Annotated[Mapping[str, MachineWord], ValueKind("table of class", dict)] = key(
        {}, "The same by words in the user agent.", example={"Acme-Gateway": "scanner"}
    )


class Plan(Table):
    """What a tenant may send."""

    messages: int = key(0, "Messages in a period, each recipient's copy is one; 0: unlimited.", ge=0, le=10**15)
    subscribers: int = key(0, "Different subscribers in a period; 0: unlimited.", ge=0, le=10**15)
    days: int = key(30, "Length of a period in days; `free` always runs by calendar months (UTC).", ge=1, le=3660)
    price: float = key(0.0, "Price of a period.", ge=0)


class Retention(Table):
    """How long things are kept."""

    completed: Seconds = key(30 * DAY, "Records of messages that are done.")
    events: Seconds = key(90 * DAY, "Events.")
    tracking: Seconds = key(90 * DAY, "Single openings and clicks; sums stay.")
    exemplars: Seconds = key(90 * DAY, "What staged campaigns said, without what was personal.")


class ConsentSettings(Table):
    """What is asked of the wordings that people agree to."""

    wording_gaps: Literal["show", "refuse"] = key(
        "show", "A wording that leaves out what a person must know: tell what is missing, or refuse the consent."
    )
    transfer_abroad: bool = key(False, "Data of subscribers goes abroad, so wordings must say so.")


class LogSettings(Table):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = key("info", "Least level that is written.")
    format: Literal["text", "json"] = key("text", "Lines for people or for machines.")


PLANS: Mapping[str, Mapping[str, int]] = {
    "free": {"messages": 3000, "subscribers": 300},
    "small": {"messages": 10_000},
    "medium": {"messages": 100_000},
    "large": {"messages": 1_000_000},
    "unlimited": {},
}
"""Built-in plans; a table `[plans.NAME]` changes single keys or adds a plan."""


def _with_built_in_plans(plans: Any) -> Any:
    if not isinstance(plans, dict):
        return plans
    changed = {name: {**base, **plans[name]} for name, base in PLANS.items() if isinstance(plans.get(name), dict)}
    return {**PLANS, **plans, **changed}


class Settings(Table):
    """The whole of `relay.toml`."""

    server: Server
    store: StoreSettings = Field(default_factory=StoreSettings)
    operator: OperatorSettings = Field(default_factory=OperatorSettings)
    listen: Listen = Field(default_factory=Listen)
    tls: Tls = Field(default_factory=Tls)
    auth: Auth = Field(default_factory=Auth)
    limits: Limits = Field(default_factory=Limits)
    links: Links = Field(default_factory=Links)
    http: Http = Field(default_factory=Http)
    api: ApiSettings = Field(default_factory=ApiSettings)
    dns: Dns = Field(default_factory=Dns)
    delivery: Delivery = Field(default_factory=Delivery)
    forms: Forms = Field(default_factory=Forms)
    reports: Reports = Field(default_factory=Reports)
    rates: Rates = Field(default_factory=Rates)
    brake: Brake = Field(default_factory=Brake)
    contacts: Contacts = Field(default_factory=Contacts)
    accounts: Accounts = Field(default_factory=Accounts)
    domains: Domains = Field(default_factory=Domains)
    contests: Contests = Field(default_factory=Contests)
    webhooks: Webhooks = Field(default_factory=Webhooks)
    feedback: Feedback = Field(default_factory=Feedback)
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
    policies: Policies = Field(default_factory=Policies)
    policy: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    quota: QuotaSettings = Field(default_factory=QuotaSettings)
    plans: Annotated[Mapping[str, Plan], BeforeValidator(_with_built_in_plans)] = Field(default_factory=dict)
    consent: ConsentSettings = Field(default_factory=ConsentSettings)
    retention: Retention = Field(default_factory=Retention)
    log: LogSettings = Field(default_factory=LogSettings)

    @model_validator(mode="before")
    @classmethod
    def _links_from_hostname(cls, document: Any) -> Any:
        """Fill in what `[links]` leaves empty, so that readers need no second rule."""
        if not isinstance(document, dict):
            return document
        server, links = document.get("server"), document.get("links", {})
        hostname = server.get("hostname") if isinstance(server, dict) else None
        if not isinstance(hostname, str) or not isinstance(links, dict):
            return document
        try:
            hostname = domain_name(hostname)
        except ValueError:
            return document
        given = {name: value for name, value in links.items() if value != ""}
        return {**document, "links": {"base_url": f"https://{hostname}", "mail_domain": hostname, **given}}

    @property
    def database(self) -> Path:
        """SQLite's file; with a server, of no other use than that files of this machine lie beside it."""
        return self.server.data_dir / "relay.db"

    @property
    def stored(self) -> Path | str:
        """Where all that is kept: SQLite's file, or the URL of a server's database."""
        return self.store.url or self.database

    @property
    def operator_mail(self) -> Path:
        """A Maildir for letters to the operator where nobody is named to get them."""
        return self.server.data_dir / "operator-mail"

    @property
    def secrets_file(self) -> Path:
        return self.server.data_dir / "secrets"
