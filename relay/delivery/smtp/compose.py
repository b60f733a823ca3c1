"""A recipient's own copy: slot values, rendering, reverse-path and signature.

Deterministic for a given lease: a retry makes the same copy again (but for
the signature's time), so none needs to be stored.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from relay.audit.permission import Permissions
from relay.campaigns import record
from relay.delivery.smtp.sign import Signer
from relay.keys import dkim_keys, tokens
from relay.keys.secrets import Secrets
from relay.keys.tokens import SHARED, Mark
from relay.keys.tracked_tokens import CopyMark, copy_token
from relay.mail.render import Rendered, Renderer
from relay.mail.template import Template
from relay.queue.lease import load_template
from relay.queue.values import Lease
from relay.store.as_of import AsOf
from relay.store.contract import Tx
from relay.tenants.parts import DomainRecord
from relay.tracking.consents import Law
from relay.tracking.copies import Agreed, TrackedMessage
from relay.tracking.hosts import TrackingHosts

MOST_MESSAGES = 500
"""Compiled messages kept in memory between the copies of one submission, besides the bound in octets."""
LARGE_OCTETS = 1024 * 1024
_LINKS: Final = {"unsubscribe_url": "u", "preferences_url": "p", "why_url": "why", "report_url": "report"}


@dataclass(frozen=True, slots=True)
class LinkBase:
    """Where the relay's links and its own addresses point."""

    base_url: str
    mail_domain: str
    tracking: TrackingHosts | None = None
    """None: where the relay's pages are."""
    law: Law = "required"
    """Who may be tracked."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A message ready to render, with what the remote must be able to take."""

    renderer: Renderer
    needs_8bit: bool
    needs_smtputf8: bool
    octets: int
    """About what it takes in memory."""
    tracked: TrackedMessage | None = None

    @classmethod
    def of(cls, template: Template, octets: int, secrets: Secrets, submission_id: int) -> Compiled:
        """``octets``: of the encoded template; the canonical body is kept beside it."""
        renderer = Renderer(template)
        tracked = TrackedMessage(secrets, submission_id, template, renderer.names)
        return cls(
            renderer,
            template.needs_8bit,
            template.needs_smtputf8,
            (3 if tracked.any else 2) * octets,
            tracked if tracked.any else None,
        )


class Composer:
    """Keeps what many copies share: messages by submission, signers by domain, topic ids."""

    def __init__(
        self, conn: Tx, secrets: Secrets, links: LinkBase, most_octets: int, clock: Callable[[], float]
    ) -> None:
        self._octets = 0
        self._most_octets = most_octets
        self._conn = conn
        self._secrets = secrets
        self._links = links
        self._permissions = Permissions(conn, clock)
        self._agreed = Agreed(conn, links.law)
        self._messages: OrderedDict[int, Compiled] = OrderedDict()
        self._signers: dict[int, tuple[DomainRecord, Signer | None]] = {}
        self._topics: dict[tuple[int, str], int] = {}
        self.tracks = False
        """Of the copy that was rendered last: its openings or clicks will be known."""

    # -- what is shared ----------------------------------------------------------

    def remember(self, submission_id: int, template: Template, octets: int) -> None:
        """Keep a template that was just compiled, so that it isn't read back; a large one isn't worth the room."""
        if octets <= LARGE_OCTETS:
            self._keep(submission_id, Compiled.of(template, octets, self._secrets, submission_id))

    def forget(self, submission_id: int) -> None:
        found = self._messages.pop(submission_id, None)
        if found is not None:
            self._octets -= found.octets

    def message(self, submission_id: int) -> Compiled | None:
        """None if the body is gone (the submission was finished or cancelled)."""
        found = self._messages.get(submission_id)
        if found is None:
            encoded = load_template(self._conn, submission_id)
            if encoded is None:
                return None
            template = Template.decode(encoded)
            found = self._keep(submission_id, Compiled.of(template, len(encoded), self._secrets, submission_id))
        return found

    def _keep(self, submission_id: int, message: Compiled) -> Compiled:
        self.forget(submission_id)
        self._messages[submission_id] = message
        self._octets += message.octets
        while self._octets > self._most_octets or len(self._messages) > MOST_MESSAGES:
            _, oldest = self._messages.popitem(last=False)
            self._octets -= oldest.octets
        return message

    def signer(self, domain: DomainRecord | None) -> Signer | None:
        """The domain's keys, opened once and again after a change of its tenant."""
        if domain is None or not domain.keys:
            return None
        kept = self._signers.get(domain.id)
        if kept is None or kept[0] is not domain:
            signer = Signer([dkim_keys.open_key(self._secrets, domain.name, key) for key in domain.keys])
            kept = self._signers[domain.id] = (domain, signer)
        return kept[1]

    def topic_id(self, tenant_id: int, topic: str) -> int:
        """0 for none; topics are never deleted, so an id found once stays."""
        if not topic:
            return 0
        found = self._topics.get((tenant_id, topic))
        if found is None:
            row = self._conn.execute(
                "SELECT id FROM topic WHERE tenant_id = ? AND name = ?", (tenant_id, topic)
            ).fetchone()
            if row is None:
                return 0
            found = self._topics[(tenant_id, topic)] = int(row[0])
        return found

    # -- one copy ------------------------------------------------------------------

    def mark(self, lease: Lease, shared: bool = False) -> Mark:
        """``shared``: of a copy for several recipients, which speaks of the submission alone."""
        submission = lease.submission
        topic_id = self.topic_id(submission.tenant_id, submission.topic)
        if shared:
            return Mark(0, topic_id, submission.id, SHARED)
        return Mark(lease.subscriber_id, topic_id, submission.id, lease.number)

    def mail_domain(self, domain: DomainRecord | None) -> str:
        """Under the tenant's domain where its record is in place, else the operator's."""
        return f"rp.{domain.name}" if domain is not None and domain.return_path else self._links.mail_domain

    def reverse_path(self, mark: Mark, domain: DomainRecord | None) -> str:
        return f"{tokens.local_part(self._secrets, 'b', mark)}@{self.mail_domain(domain)}"

    def render(
        self, message: Compiled, lease: Lease, mark: Mark, domain: DomainRecord | None, as_of: AsOf, *, hashed: bool
    ) -> Rendered:
        """``as_of``: the latest look at the store; ``hashed``: the copy will be signed."""
        values = dict(lease.slots)
        renderer = message.renderer
        names = renderer.names
        if not names.isdisjoint(_LINKS):
            token = tokens.link_token(self._secrets, mark)
            for name, path in _LINKS.items():
                values[name] = f"{self._links.base_url}/{path}/{token}"
        if "permission" in names:
            values["permission"] = self._permissions.of_copy(mark, as_of)
        if "unsubscribe_mailto" in names:
            local = tokens.local_part(self._secrets, "u", mark)
            values["unsubscribe_mailto"] = f"{local}@{self.mail_domain(domain)}"
        self.tracks = False
        if message.tracked is not None:
            submission_id = lease.submission.id
            self.tracks = self._agreed.tracked(submission_id, lease.number, lease.subscriber_id, as_of)
            if self.tracks:
                values.update(self._tracked(message.tracked, lease, domain))
            else:
                renderer = message.tracked.untracked()
        return renderer.render(values, hashed=hashed)

    def _tracked(self, message: TrackedMessage, lease: Lease, domain: DomainRecord | None) -> Mapping[str, str]:
        submission, links = lease.submission, self._links
        tenant_id = submission.tenant_id
        mark = CopyMark(tenant_id, submission.campaign_id or 0, lease.subscriber_id, submission.id, lease.number)
        hosts = links.tracking or TrackingHosts(links.base_url)
        own = domain.name if domain is not None and domain.links else ""
        proved = bool(own) or not hosts.apart_url or record.of(self._conn, tenant_id).released > 0
        return message.tracked(hosts.of(own, proved), copy_token(self._secrets, mark))
