"""All settings: one frozen type per TOML table, in the file of its subject, each key with default and meaning.

The defaults, sentences and limits here are the only source: the example file
and docs/SETTINGS.md are made from them. Durations are float seconds, sizes
are octets, paths are absolute once loaded. ``config.load`` reads a file;
``config.load.validate`` takes a plain mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from config.accounts import Accounts
from config.api import ApiSettings
from config.brake import Brake
from config.conduct import Contacts, Contests, Domains, Feedback, Policies, Rates, Reports
from config.keeping import ConsentSettings, Retention
from config.kinds import Table
from config.machine import (
    Auth,
    Limits,
    Listen,
    LogSettings,
    ObserveSettings,
    OperatorSettings,
    Server,
    StoreSettings,
    Tls,
)
from config.names import domain_name
from config.pages import Forms, Http, Links, Lists, TrackingSettings
from config.plans import Plan, with_built_in_plans
from config.quota import QuotaSettings
from config.sending import Delivery, Dns, Webhooks
from config.staff import Oidc


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
    lists: Lists = Field(default_factory=Lists)
    reports: Reports = Field(default_factory=Reports)
    rates: Rates = Field(default_factory=Rates)
    brake: Brake = Field(default_factory=Brake)
    contacts: Contacts = Field(default_factory=Contacts)
    accounts: Accounts = Field(default_factory=Accounts)
    oidc: Oidc = Field(default_factory=Oidc)
    domains: Domains = Field(default_factory=Domains)
    contests: Contests = Field(default_factory=Contests)
    webhooks: Webhooks = Field(default_factory=Webhooks)
    feedback: Feedback = Field(default_factory=Feedback)
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
    policies: Policies = Field(default_factory=Policies)
    policy: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    quota: QuotaSettings = Field(default_factory=QuotaSettings)
    plans: Annotated[Mapping[str, Plan], BeforeValidator(with_built_in_plans)] = Field(default_factory=dict)
    consent: ConsentSettings = Field(default_factory=ConsentSettings)
    retention: Retention = Field(default_factory=Retention)
    log: LogSettings = Field(default_factory=LogSettings)
    observe: ObserveSettings = Field(default_factory=ObserveSettings)

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
    def challenge(self) -> str:
        """How names are shown to be ours: ``http-01`` or ``tls-alpn-01``."""
        if self.tls.acme_challenge != "auto":
            return self.tls.acme_challenge
        return "tls-alpn-01" if self.listen.https and not self.listen.acme else "http-01"

    @property
    def operator_mail(self) -> Path:
        """A Maildir for letters to the operator where nobody is named to get them."""
        return self.server.data_dir / "operator-mail"

    @property
    def secrets_file(self) -> Path:
        return self.server.secrets or self.server.data_dir / "secrets"
