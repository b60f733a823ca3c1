"""The story, scene by scene. Every expectation is checked; what isn't met is told and remembered."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from relay.demo import client, people, signatures
from relay.demo.machine import DemoError, Machine
from relay.demo.mailboxes import ArrivedLetter, Mailboxes
from relay.demo.nameserver import DemoNameserver, quoted
from relay.demo.screen import Screen

LIMIT_S: Final = 30.0
"""Longest wait for any one thing."""
WHOLE_LIMIT_S: Final = 120.0
"""After so long nothing is waited for any more. The story takes about 8 s, on a busy machine ten times that."""
FIRST_STAGE: Final = people.AGREED[:4]
"""Number 1, 11, 21, 31 of the campaign."""


@dataclass(slots=True)
class Story:
    """What the scenes share."""

    screen: Screen
    machine: Machine
    names: DemoNameserver
    mailboxes: Mailboxes
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)
    campaign: int = 0
    order_id: str = ""
    end: float = field(default_factory=lambda: time.monotonic() + WHOLE_LIMIT_S)

    # -- helpers ---------------------------------------------------------------------

    def left_s(self) -> float:
        """How long the next thing may be waited for."""
        return max(0.0, min(LIMIT_S, self.end - time.monotonic()))

    def run(self, *words: str, most: int = 40) -> str:
        """Show a command and its answer; raises DemoError if it fails."""
        self.screen.command("relay", *words)
        ran = self.machine.must(*words)
        self.screen.output(ran.text, most)
        return ran.output

    def login(self, stream: str) -> None:
        words = ("credential", "add", people.TENANT, "--stream", stream)
        self.screen.command("relay", *words)
        made = self.machine.json(*words)
        self.logins[stream] = (made["username"], made["password"])
        self.screen.output(f"username  {made['username']}\npassword  {made['password']}   (shown this once)")

    def application(self, stream: str) -> client.Application:
        certificate = self.machine.directory / "tls" / "certificate.pem"
        return client.Application(self.machine.ports.submission, certificate, *self.logins[stream])

    def wait_for(self, total: int, label: str, shown: int | None = None) -> bool:
        """Wait until ``total`` messages came in all; the bar counts ``shown`` of them."""
        before = total - (total if shown is None else shown)
        with self.screen.progress(label, total - before) as seen:
            return self.mailboxes.wait(total, self.left_s(), lambda there: seen(max(0, there - before)))

    def letter(self, address: str) -> ArrivedLetter:
        found = self.mailboxes.to(address)
        if found is None:
            raise DemoError(f"nothing arrived for {address}")
        return found

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = self.machine.json("campaign", "show", str(self.campaign))
        return found

    def _outcomes(self) -> int:
        figures = self.figures()
        return int(figures["delivered"] + figures["bounced"])

    def live(self, address: str) -> bool:
        """Whether the person's consent still stands."""
        person = self.machine.json("consent", "show", people.TENANT, address)
        return any(consent["topic"] == people.TOPIC and consent["live"] for consent in person["consents"])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.machine.ports.http}"

    # -- scenes ------------------------------------------------------------------------

    def tell(self) -> None:
        """All scenes in their order."""
        for scene in (
            self.a_relay, self.a_tenant, self.consents, self.campaign_goes, self.staged, self.a_copy,
            self.unsubscribing, self.writes_back, self.release, self.refusals, self.transactional, self.figures_told,
        ):  # fmt: skip
            scene()

    def a_relay(self) -> None:
        self.screen.scene("A relay of its own", "Settings, database, secrets and a certificate, all in one directory.")
        self.screen.command("cd", str(self.machine.directory))
        store = ("--store", self.machine.store) if self.machine.store else ()
        self.run("init", "--hostname", people.RELAY_HOST, "--dev", *store, most=6)
        self.machine.adapt_settings()
        ports = self.machine.ports
        self.screen.tell(
            "For this demonstration relay.toml gets other ports, and two neighbours on loopback: a nameserver and a"
            " mailbox provider."
        )
        self.screen.command("relay", "serve")
        self.machine.start()
        self.screen.output("READY")
        self.screen.facts(
            [
                ("submission", f"127.0.0.1:{ports.submission} (STARTTLS), 127.0.0.1:{ports.submissions} (TLS)"),
                ("inbound", f"127.0.0.1:{ports.inbound} (bounces, unsubscribe mails)"),
                ("http", self.base_url),
            ]
        )
        status, body = client.http(f"{self.base_url}/readyz")
        self.screen.expect(status == 200, f"/readyz says {body.strip()}")

    def a_tenant(self) -> None:
        told = (
            "A customer with a domain. The relay makes DKIM keys and prints the DNS records; the customer publishes"
            " them."
        )
        self.screen.scene("A tenant proves its domain", told)
        self.run(
            "tenant", "add", people.TENANT, "--contact", people.CONTACT, "--postal", people.POSTAL, "--transactional"
        )
        words = ("domain", "add", people.TENANT, people.DOMAIN)
        self.screen.command("relay", *words)
        records = self.machine.json(*words)
        self.screen.facts([(f"{r['type']} {r['name']}", _short(r["value"])) for r in records])
        for record in records:
            value = quoted(record["value"]) if record["type"] == "TXT" else f"{record['value']}."
            self.names.publish(record["name"], record["type"], value)
        self.names.publish(people.MAIL_DOMAIN, "MX", f"10 mx.{people.MAIL_DOMAIN}.")
        self.names.publish(f"mx.{people.MAIL_DOMAIN}", "A", "127.0.0.1")
        verified = self.run("domain", "verify", people.TENANT, people.DOMAIN)
        self.screen.expect(verified.rstrip().endswith(f"{people.DOMAIN}: verified"), "the records are found: verified")
        self.login("bulk")
        self.login("transactional")

    def consents(self) -> None:
        told = "Bulk mail needs a consent that can be proved: who, when, which topic, where, and the words agreed to."
        self.screen.scene("Who agreed to what", told)
        (self.machine.directory / "people.csv").write_text(people.list_file(time.time()), "utf-8")
        self.run("topic", "add", people.TENANT, people.TOPIC)
        said = self.run(
            "consent", "import", people.TENANT, "people.csv", "--topic", people.TOPIC, "--source", people.SOURCE,
            "--wording", people.WORDING, "--attest",
        )  # fmt: skip
        counts = f"{len(people.AGREED)} taken, 0 there already, 1 refused"
        self.screen.expect(counts in said, f"{len(people.AGREED)} consents recorded, the broken line named")

    def campaign_goes(self) -> None:
        everyone = [*people.AGREED, *people.STRANGERS]
        told = (
            f"The shop's application connects (Python's smtplib, STARTTLS, AUTH) and sends to its whole list of"
            f" {len(everyone)}. Four of them never agreed: each is refused by name, at RCPT, with the reason."
        )
        self.screen.scene("The campaign", told)
        refused: dict[str, str] = {}
        with self.application("bulk") as session:
            session.begin(people.AUTHOR)
            for address in everyone:
                reply = session.ask(address, shown=False)
                if not reply.startswith("250"):
                    refused[address] = reply
            said = [
                *session.take_said(),
                (f"RCPT TO: {len(everyone) - len(refused)} people who agreed", "250 2.1.5 each"),
            ]
            said += [(f"RCPT TO:<{address}>", reply) for address, reply in refused.items()]
            reply = session.data(people.newsletter(time.time()))
            self.screen.dialog([*said, *session.take_said()])
        no_consent = {a: r for a, r in refused.items() if r.startswith("550 5.7.1 no-consent: ")}
        self.screen.expect(
            tuple(no_consent) == people.STRANGERS == tuple(refused),
            f"{len(people.STRANGERS)} people without consent refused, nobody else",
        )
        self.screen.expect(bool(client.queue_id(reply)), f"one 250 for the rest, after it is safe on disk: {reply}")

    def staged(self) -> None:
        told = (
            "The shop is new here, so its campaign goes in stages: the first few of its day at once (20, here 4), then"
            " one in ten drawn by lot (here none); the rest is held until bounces, complaints and unsubscribes of the"
            " first part have told what it is, or the administrator has decided."
        )
        self.screen.scene("The first stage", told)
        arrived = self.wait_for(len(FIRST_STAGE), "delivered")
        self.campaign = int(self.machine.json("campaign", "list", people.TENANT)[0]["id"])
        self.machine.until(lambda: self.figures()["state"] == "watching", self.left_s())
        self.run("campaign", "list", people.TENANT)
        figures = self.figures()
        held = len(people.AGREED) - len(FIRST_STAGE)
        got = all(self.mailboxes.to(address) for address in FIRST_STAGE)
        self.screen.expect(arrived and got, f"{len(FIRST_STAGE)} copies went: {', '.join(FIRST_STAGE)}")
        self.screen.expect(
            figures["held"] == held and figures["state"] == "watching",
            f"{held} are held, the figures are being watched",
        )

    def a_copy(self) -> None:
        letter = self.letter(people.LEAVES)
        told = f"What {people.LEAVES} got: a copy of its own, with what the shop left out and can't remove."
        self.screen.scene("A copy as it arrived", told)
        names = ("Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "X-Sender-Contact", "Feedback-ID")
        rows = [("reverse-path", f"<{letter.reverse_path}>"), *((name, letter.field(name)) for name in names)]
        self.screen.facts(rows)
        self.screen.blank()
        self.screen.letter(letter.text())
        self.screen.blank()
        unsubscribe = _link(letter, "u")
        html = letter.parsed().get_body(("html",))
        both = unsubscribe in letter.text() and html is not None and unsubscribe in str(html.get_content())
        self.screen.expect(both, "the unsubscribe link stands in text, HTML and header")
        self.screen.expect(people.SOURCE in letter.text(), "the footer says why: topic, day and source of the consent")
        hidden = not any(name.lower().startswith("relay-") for name in letter.parsed())
        self.screen.expect(hidden, "the shop's Relay-* fields are gone")
        self._signatures(letter)

    def _signatures(self, letter: ArrivedLetter) -> None:
        found = signatures.verify(letter.octets, self.machine.ports.dns)
        for signature in found:
            verdict = "valid" if signature.valid else "NOT valid"
            text = f"DKIM {signature.algorithm}, d={signature.domain}, s={signature.selector}: {verdict} (dkimpy)"
            self.screen.expect(signature.valid and signature.domain == people.DOMAIN, text)
        self.screen.expect(
            {s.algorithm for s in found} == {"rsa-sha256", "ed25519-sha256"}, "signed twice, with RSA and Ed25519"
        )
        changed = signatures.verify(letter.octets.replace(b"three new", b"seven new"), self.machine.ports.dns)
        self.screen.expect(not any(s.valid for s in changed), "one word changed on the way: no signature holds")

    def unsubscribing(self) -> None:
        link = _link(self.letter(people.LEAVES), "u")
        told = (
            "Opening the link shows a page and changes nothing, since scanners open links too. The button on the page,"
            " or a mail program's one click, does it."
        )
        self.screen.scene("An unsubscribe", told)
        status, page = client.http(link)
        shown = f"/u/{link.rsplit('/', 1)[1][:12]}..."
        self.screen.dialog([(f"GET  {shown}", f"{status} {_title(page)}")])
        self.screen.expect(status == 200 and self.live(people.LEAVES), "after GET the consent still stands")
        status, page = client.http(link, b"List-Unsubscribe=One-Click")
        self.screen.dialog([(f"POST {shown}", f"{status} {_title(page)}")])
        self.screen.expect(status == 200 and not self.live(people.LEAVES), "after POST (RFC 8058) it is withdrawn")
        with self.application("bulk") as session:
            session.begin(people.AUTHOR)
            session.take_said()
            reply = session.ask(people.LEAVES)
            self.screen.dialog(session.take_said())
        self.screen.expect(reply.startswith("550 5.7.1 unsubscribed: "), "the next RCPT for that person is refused")
        words = (
            "consent", "add", people.TENANT, people.LEAVES, "--topic", people.TOPIC, "--source", people.SOURCE,
            "--wording", people.WORDING,
        )  # fmt: skip
        self.screen.command("relay", *words)
        again = self.machine.command(*words)
        self.screen.output(again.text)
        self.screen.expect(again.status == 1, "and nobody can put the person back on the list")

    def writes_back(self) -> None:
        told = (
            f"{people.WRITES} asks the shop to stop, while that copy is still held. A withdrawal acts on queued mail"
            " too."
        )
        self.screen.scene("A change of mind in time", told)
        self.run("consent", "withdraw", people.TENANT, people.WRITES, "--topic", people.TOPIC, most=1)
        self.screen.expect(not self.live(people.WRITES), "withdrawn")

    def release(self) -> None:
        self.screen.scene("The administrator releases the rest")
        self.run("campaign", "release", str(self.campaign), "--reason", "looks good")
        rest = len(people.AGREED) - len(FIRST_STAGE) - 2
        arrived = self.wait_for(len(FIRST_STAGE) + rest, "delivered", rest)
        total = len(FIRST_STAGE) + rest
        self.machine.until(lambda: self._outcomes() == total + 1, self.left_s())
        self.run("stats", people.TENANT, "--campaign", str(self.campaign))
        figures = self.figures()
        self.screen.expect(arrived and figures["delivered"] == total, f"{total} of {len(people.AGREED)} delivered")
        self.screen.expect(self.mailboxes.to(people.WRITES) is None, f"{people.WRITES} got nothing")
        self.screen.expect(
            figures["bounced"] == 1 and self.mailboxes.to(people.DEAD) is None,
            f"{people.DEAD} bounced: the mailbox doesn't exist",
        )

    def refusals(self) -> None:
        told = "A dead address and a false sender are refused before any mail is taken."
        self.screen.scene("What else is refused", told)
        with self.application("bulk") as session:
            session.begin(people.AUTHOR)
            dead = session.ask(people.DEAD)
            session.reset()
            false = session.begin("manager@bank.example")
            self.screen.dialog(session.take_said()[2:])
        self.screen.expect(dead.startswith("550 5.7.1 suppressed: "), "the bounced address is suppressed")
        self.screen.expect(false.startswith("550 5.7.1 sender: "), "a domain that isn't the shop's can't be used")
        self.run("suppression", "list", people.TENANT)

    def transactional(self) -> None:
        told = (
            f"{people.CUSTOMER} never agreed to news, but bought a book. The order's message may go, on the stream for"
            " such mail."
        )
        self.screen.scene("A message that needs no consent", told)
        with self.application("transactional") as session:
            session.begin(f"orders@{people.DOMAIN}")
            session.ask(people.CUSTOMER)
            reply = session.data(people.order(time.time()))
            self.screen.dialog(session.take_said())
        before = self.mailboxes.count()
        self.order_id = client.queue_id(reply)
        if self.mailboxes.to(people.CUSTOMER) is None:
            self.wait_for(before + 1, "delivered", 1)
        letter = self.mailboxes.to(people.CUSTOMER)
        self.screen.expect(letter is not None, "it arrived")
        if letter is None:
            return
        self.screen.expect("Unsubscribe" not in letter.text(), "without a footer, as it was written")
        contact = letter.field("X-Sender-Contact")
        self.screen.expect(people.CONTACT in contact, f"with the sender's true address: X-Sender-Contact: {contact}")
        self.machine.until(lambda: "delivered" in self.machine.must("trace", self.order_id).output, self.left_s())
        story = self.run("trace", self.order_id)
        self.screen.expect("delivered" in story, "its whole story is on record")

    def figures_told(self) -> None:
        self.screen.scene("What it cost")
        self.run("quota", "show", people.TENANT)
        quota = self.machine.json("quota", "show", people.TENANT)
        self.machine.until(lambda: not any(self._waiting()), self.left_s())
        used = quota["messages_used"]
        text = f"{used} messages: {len(people.AGREED)} copies and 1 order, less the 1 that was never sent"
        self.screen.expect(used == len(people.AGREED) + 1 - 1, text)
        self.screen.expect(quota["messages_limit"] == 3000, "of 3000 a month on the free plan")
        self.screen.expect(self._waiting() == (0, 0), "nothing is left in the queue")

    def _waiting(self) -> tuple[int, int]:
        queue = self.machine.json("queue", "stats")
        return queue["ready"] + queue["deferred"] + queue["leased"], queue["held"]

    # -- afterwards ------------------------------------------------------------------

    def addresses(self) -> None:
        """Where to look and what to try while it stays up."""
        letter = self.letter(FIRST_STAGE[1])
        self.screen.scene("Look around")
        self.screen.addresses(
            [
                ("unsubscribe page", _link(letter, "u")),
                ("preferences", _link(letter, "p")),
                *self._log_ins(),
                ("API", f"{self.base_url}/v1/openapi.json"),
                ("health", f"{self.base_url}/healthz  {self.base_url}/readyz"),
                ("figures", f"{self.base_url}/metrics"),
                ("log", str(self.machine.log)),
            ]
        )
        for page in (_link(letter, "u"), _link(letter, "p"), *(f"{self.base_url}/{p}" for p in PAGES)):
            status, _ = client.http(page)
            if status != 200:
                self.screen.expect(False, f"{page} answers {status}")
        self.screen.expect(True, "all of them answer")

    def _log_ins(self) -> list[tuple[str, str]]:
        """The customer's account and the operator's desk, each with its log-in."""
        found = []
        for label, email, words in (
            ("account", people.CONTACT, ("--tenant", people.TENANT, "--role", "owner")),
            ("desk", people.OPERATOR, ("--role", "operator")),
        ):
            made = self.machine.json("user", "add", email, *words)
            opened = client.opens(f"{self.base_url}/login", {"email": email, "password": made["password"]})
            self.screen.expect(opened == f"/{label}/", f"the log-in of {email} opens the {label}")
            found.append((label, f"{made['url']}  {email}  {made['password']}"))
        return found

    def invite(self) -> None:
        """What to type in another terminal."""
        user, password = self.logins["transactional"]
        script = Path(sys.executable).with_name("relay")
        relay = str(script) if script.exists() else f"{sys.executable} -m relay.cli.main"
        file = self.machine.directory / "relay.toml"
        self.screen.blank()
        self.screen.tell("In another terminal:")
        self.screen.output(
            f"{relay} -c {file} trace {self.order_id}\n"
            f"printf 'From: orders@{people.DOMAIN}\\nSubject: hello\\n\\nHi.\\n' | curl -sS --ssl-reqd"
            f" --cacert {self.machine.directory}/tls/certificate.pem smtp://127.0.0.1:{self.machine.ports.submission}"
            f" -u {user}:{password} --mail-from orders@{people.DOMAIN} --mail-rcpt {people.CUSTOMER} -T -"
        )


PAGES: Final = ("login", "v1/openapi.json", "healthz", "readyz", "metrics")


def _link(letter: ArrivedLetter, kind: str) -> str:
    found = re.search(rf"https?://[^\s<>]+/{kind}/[A-Za-z0-9_-]+", letter.text())
    if found is None:
        raise DemoError(f"the message to {letter.recipient} carries no /{kind}/ link")
    return found.group()


def _title(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
    return " ".join(re.sub(r"<[^>]+>", "", found.group(1)).split()) if found else ""


def _short(value: str) -> str:
    return value if len(value) <= 64 else f"{value[:58]}..."
