"""A leased copy as mail: its rendering and signing."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from relay.delivery.attempt import DeliveryDesk, LeasedCopy
from relay.delivery.outcome import Prepared
from relay.delivery.smtp.compose import Compiled
from relay.mail.downgrade import downgrade
from relay.mail.render import Rendered
from relay.queue.values import Lease, notice

if TYPE_CHECKING:
    from relay.delivery.smtp.compose import Composer
    from relay.delivery.smtp.signatures import Signatures


class MailCopy(LeasedCopy):
    """The engine's ``Attempt`` for a lease."""

    __slots__ = ("_composer", "_message", "_signatures", "group", "orcpt")

    notify = ""
    """The relay reports successes itself, and failures come back to its own reverse-path."""

    def __init__(self, desk: DeliveryDesk, lease: Lease, composer: Composer, signatures: Signatures) -> None:
        super().__init__(desk, lease)
        self._composer = composer
        self._signatures = signatures
        self._message: Compiled | None = None
        self.orcpt = lease.orcpt
        self.group = lease.submission.id if lease.submission.shared and lease.address.isascii() else None

    @property
    def octets(self) -> int:
        return self.lease.submission.size_octets

    def there(self) -> bool:
        return self._found() is not None

    def _found(self) -> Compiled | None:
        if self._message is None:
            self._message = self._composer.message(self.lease.submission.id)
        return self._message

    def prepare(self, eight_bit: bool, shared: bool) -> Prepared | Awaitable[Prepared] | None:
        """Render, and have it signed; None if the message is gone, or may not leave unsigned."""
        desk, lease, composer, message = self._desk, self.lease, self._composer, self._found()
        if message is None:
            return None
        snapshot = desk.snapshots.current()
        domain = snapshot.own_domain(lease.submission.tenant_id, lease.submission.from_domain)
        mark = composer.mark(lease, shared)
        signer = composer.signer(domain)
        if signer is None and not self.may_leave(snapshot):
            return None  # asked before it leaves: that ends it
        rendered = composer.render(message, lease, mark, domain, desk.snapshots.as_of, hashed=signer is not None)
        self._tracked = composer.tracks
        if message.needs_8bit and not eight_bit:
            # What can't be converted goes as it is: servers that mind are extinct, a bounce would be sure.
            rendered = downgrade(rendered.fields, rendered.body) or rendered
        reverse_path = "" if notice(lease.submission) else composer.reverse_path(mark, domain)
        if signer is None:
            return self._made(message, rendered, reverse_path, [])
        pending = signer.prepare(rendered.fields, rendered.body_hash, desk.clock())
        return self._signatures.sign(
            pending, lambda signatures: self._made(message, rendered, reverse_path, signatures)
        )

    def _made(self, message: Compiled, rendered: Rendered, reverse_path: str, signatures: Sequence[bytes]) -> Prepared:
        return Prepared(
            reverse_path=reverse_path,
            data=b"".join((*signatures, *rendered.fields, b"\r\n", rendered.body)),
            smtputf8=message.needs_smtputf8 or not self.address.isascii(),
            eight_bit=message.needs_8bit,
            ret="HDRS",
            clean=rendered.clean,  # signatures are so too, see ``Signer``
            dotless=rendered.dotless,
        )
