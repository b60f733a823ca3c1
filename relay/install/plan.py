"""What a new relay is made from, and its settings file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SETTINGS = """\
# Settings of this relay: those to look at first.
# All others, with their defaults: docs/SETTINGS.md and relay.toml.example. `relay check` finds what is wrong.

[server]
# Full name of this machine; its address should point back to it (PTR), or many servers refuse our mail.
hostname = "{hostname}"
data_dir = {data_dir}
{operator}
[listen]
# Submission by applications: with STARTTLS, and with TLS from the first octet.
submission = ["{address}:{submission}"]
submissions = ["{address}:{submissions}"]
# Bounces and unsubscribe mails come back here.
inbound = ["{address}:{inbound}"]
# Unsubscribe pages and API{proxy}.
http = "127.0.0.1:{http}"
{pages}
[tls]
{authority}certificate = "tls/certificate.pem"
key = "tls/key.pem"
{auth}
{store}[links]
# Where recipients reach the unsubscribe pages.
base_url = "{base_url}"
{delivery}"""

PAGES = """\
# The same by TLS, so that no proxy is needed; and what the authority below asks at port 80.
https = "*:443"
acme = "*:80"
"""

AUTHORITY = """\
# Gives the certificate, which the relay gets and renews by itself; whoever sets it agrees to the authority's terms.
acme = {url}
# Shown until then, self-signed.
"""

SELF_SIGNED = """\
# Self-signed: applications that verify it need {advice}.
"""

STORE = """
[store]
url = {url}

"""

OPERATOR = """
[operator]
# Who is called when something needs a person, and gets what is written to postmaster@ and abuse@.
contact = {contact}
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
    contact: str = ""
    """The operator's address; "" leaves it out."""
    data_dir: str = "data"
    """As the settings name it."""
    acme: str = ""
    """Directory of an authority that gives the certificate; "" for none."""

    @property
    def base_url(self) -> str:
        return "http://127.0.0.1:10088" if self.dev else f"https://{self.hostname}"

    def settings(self) -> str:
        if self.dev:
            # Browsers refuse 10080, where Amanda is (Fetch standard, "port blocking").
            ports = {"submission": 10587, "submissions": 10465, "inbound": 10025, "http": 10088}
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
        words["pages"] = PAGES if self.acme else ""
        advice = words.pop("advice")
        words["authority"] = (
            AUTHORITY.format(url=json.dumps(self.acme)) if self.acme else SELF_SIGNED.format(advice=advice)
        )
        words["data_dir"] = json.dumps(self.data_dir)
        words["operator"] = OPERATOR.format(contact=json.dumps(self.contact)) if self.contact else ""
        words["store"] = STORE.format(url=json.dumps(self.store)) if self.store else ""
        return SETTINGS.format(hostname=self.hostname, base_url=self.base_url, **ports, **words)

    @property
    def mode(self) -> int:
        """Of the settings file: it may hold a password."""
        return 0o600 if self.store else 0o644
