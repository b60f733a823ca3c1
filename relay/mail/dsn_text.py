"""The words of a delivery status notification: what happened, what to do.

Plain text for the person who sent the message, made only from the facts of
the report. Lines are without line ends; the builder cleans and encodes them.
"""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.mail.dsn_report import Notification, RecipientReport

_WIDTH = 72

_CAUSES = {
    "1.1": ("The address does not exist there.", "Check the spelling of the address, or ask the person for a new one."),
    "1.2": ("The domain of the address takes no mail.", "Check the part of the address after the @."),
    "1.3": ("The address is not written as an address can be.", "Check the spelling of the address."),
    "1.6": ("The person has moved and left no new address.", "Ask the person for the new address."),
    "1.10": ("The domain of the address takes no mail at all.", "Ask the person for another address."),
    "2.1": ("The mailbox is closed and takes no mail.", "Ask the person for another address."),
    "2.2": ("The mailbox is full.", "Try again in some days, or tell the person in another way."),
    "3.4": ("The message is too large for that mailbox.", "Send it without large attachments."),
    "2.3": ("The message is too large for that mailbox.", "Send it without large attachments."),
    "4.4": ("No server could be found for the domain.", "Check the part of the address after the @."),
    "4.6": ("The message went in a circle between servers.", "The receiving side must mend its forwarding."),
    "4.7": ("It could not be delivered in time.", "The receiving server did not take it; try again later."),
}
_SUBJECTS = {
    "1": ("Something is wrong with the address.", "Check the address, or ask the person for another one."),
    "2": ("Something is wrong with the mailbox.", "Try again later, or ask the person for another address."),
    "4": ("The receiving server could not be reached.", "Try again later; if it goes on, ask your administrator."),
    "6": ("The receiving server can't handle a message of this form.", "Send it in a simpler form."),
    "7": (
        "The receiving server refuses the message by its rules.",
        "The answer above tells its reason; show it to your administrator.",
    ),
}
_OTHER = ("The receiving server gave no clearer reason.", "Try again later, or ask the person for another address.")

_INTRO = {
    "failed": "Your message could not be delivered to:",
    "delayed": "Your message could not be delivered yet to:",
    "delivered": "Your message was delivered to:",
    "relayed": "Your message was handed on, to a server that sends no reports, for:",
}


def explain(note: Notification) -> list[str]:
    """The readable part, as lines."""
    lines = [f"This is the mail relay at {note.reporting_mta}.", ""]
    for action, intro in _INTRO.items():
        group = [r for r in note.recipients if r.action == action]
        if not group:
            continue
        lines += [intro, ""]
        for recipient in group:
            lines += [*_recipient(recipient), ""]
    if note.original:
        lines.append("The details for programs, and the headers or the text of your message, follow.")
    else:
        lines.append("The details for programs follow.")
    return lines


def _recipient(r: RecipientReport) -> list[str]:
    lines = [f"  {r.final_recipient}"]
    if r.action == "delivered" or r.action == "relayed":
        return lines
    if r.diagnostic:
        lines += ["", f"    {_who(r)}", *_wrapped(r.diagnostic[:2000], "      ")]
    if r.action == "delayed":
        return [*lines, "", *_wrapped(_patience(r), "    ")]
    klass, _, detail = r.status.partition(".")
    if klass == "4":
        cause, advice = _CAUSES["4.7"]
    else:
        cause, advice = _CAUSES.get(detail) or _SUBJECTS.get(detail.partition(".")[0], _OTHER)
    return [*lines, "", *_wrapped(f"What it means: {cause}", "    "), *_wrapped(f"What you can do: {advice}", "    ")]


def _who(r: RecipientReport) -> str:
    if not r.remote_mta:
        return "The reason:"
    if r.diagnostic[:3].isdecimal():
        return f"The server {r.remote_mta} answered:"
    return f"What happened with the server {r.remote_mta}:"


def _patience(r: RecipientReport) -> str:
    if r.will_retry_until is None:
        return "You need not do anything: the relay goes on trying, and reports if it gives up."
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(r.will_retry_until))
    return f"You need not do anything: the relay goes on trying until {until}, and reports if it gives up then."


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ) or [indent.rstrip()]
