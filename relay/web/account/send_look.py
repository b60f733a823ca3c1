"""A mailing as one person would see it, footer and all: judged and made by the mail process, stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anyio import from_thread

from relay.exemplars import as_read, sample
from relay.intake.api.handed import HandedLook
from relay.intake.api.line import DoorShut
from relay.mail.stored import Template
from relay.mailings import audience
from relay.mailings.audience import AudienceMember
from relay.mailings.mailings import MailingContent
from relay.mailings.running import handing
from relay.store.contract import Tx
from relay.templates.personal import Unfilled
from relay.values.errors import RegistryError
from relay.values.sandbox import SANDBOX
from relay.web.inside.gate import PageRequest

OPEN_S: Final = 1.0
"""So long a mail process is looked for: somebody waits for the page."""
STAND_IN: Final = AudienceMember(0, f"delivered@{SANDBOX}", {})
"""In whose place it is made while nobody has agreed yet."""


@dataclass(frozen=True, slots=True)
class MailingLook:
    """``looked`` None: it wouldn't be taken, and ``fault`` says why."""

    looked: HandedLook | None
    fault: str = ""


def _reader(conn: Tx, tenant_id: int, content: MailingContent) -> AudienceMember:
    """The first person who would get it. Raises RegistryError."""
    who = audience.of(conn, tenant_id, content.topic, content.groups)
    return next(iter(audience.batch(conn, who, 0, audience.last(conn, who), 1)), STAND_IN)


def look(asked: PageRequest, content: MailingContent) -> MailingLook:
    """Ask the mail process, for the first person who would get it. In a worker thread of the HTTP process."""
    line = asked.context.line
    if line is None:
        return MailingLook(None, _BUSY)
    try:
        with asked.context.storage.read() as conn:
            member = _reader(conn, asked.tenant_id, content)
        handed = handing.message_of(content, asked.tenant_id, [member], look=True)
        told = from_thread.run(line.hand, handed, OPEN_S)
    except (RegistryError, Unfilled) as error:
        return MailingLook(None, str(error))
    except DoorShut:
        return MailingLook(None, _BUSY)
    return MailingLook(told.looked, "" if told.looked is not None else f"{told.code}: {told.detail}")


_BUSY: Final = "the mail process doesn't answer now; try again in a moment"


def document(asked: PageRequest, found: MailingLook, *, dark: bool, as_text: bool) -> str:
    """The copy, or why there is none, as a page of its own."""
    looked = found.looked
    if looked is None:
        return as_read.notice(found.fault, dark=dark)
    content = sample.rendered(Template.decode(looked.template), looked.slots, asked.context.views.base_url)
    return as_read.page(content, dark=dark, as_text=as_text)
