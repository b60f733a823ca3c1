"""What the relay adds to a message."""

from __future__ import annotations

import msgspec


class Additions(msgspec.Struct, frozen=True, gc=False):
    """What the relay adds to the message. Texts may hold ``{{name}}`` slots.

    Slots of the engine: ``unsubscribe_url``, ``preferences_url``,
    ``unsubscribe_mailto``, ``report_url``; all others come from the
    recipients' ``Continue.slots``.
    """

    footer_text: str = ""
    footer_html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Field name and value; an existing field of that name is replaced."""
    wrap: bool = True
    """Whether a message that can't take the footer (signed, without a readable part) is put into a multipart with it;
    else the header fields have to do. One that would hide the footer is put there always."""
    amp: bool = True
    """Whether an AMP part gets a footer; else, and where it can't take one, it doesn't leave, and the others do."""
    pixel: str = ""
    """Address of an image of no size, put at the end of the HTML; ``""``: none. Its slots must have values for all."""
    links: tuple[tuple[str, str], ...] = ()
    """Of the HTML's links: where one leads (``Link.url``), and the address to stand there instead; slots as for it."""
