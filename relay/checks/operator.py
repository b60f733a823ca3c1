"""Who gets mail to ``postmaster@`` and ``abuse@`` (RFC 5321 §4.5.1, RFC 2142), and the operator's calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from config.names import split_listen
from config.settings import Settings
from relay.checks.certificate import is_loopback
from relay.checks.result import CheckResult, bad, ok, warn
from relay.feedback.handed_on import circular
from relay.feedback.operator_letter import kept

WHAT = "operator"


def check_operator_mail(settings: Settings) -> Iterator[CheckResult]:
    """One line; none where no mail comes in."""
    if not settings.listen.inbound:
        return
    wrong = circular(settings)
    waiting = 0
    with suppress(OSError):  # told with data_dir
        waiting, _ = kept(settings.operator_mail)
    held = f"; {waiting} kept in {settings.operator_mail} so far" if waiting else ""
    if wrong:
        detail = f"{', '.join(wrong)} lead back to this relay: letters to the operator would go round{held}"
        yield bad(WHAT, detail, "name a mailbox elsewhere in [operator] notify")
    elif not settings.operator.called:
        detail = f"nobody gets mail to postmaster@ and abuse@: it is kept in {settings.operator_mail}{held}"
        if all(is_loopback(split_listen(text).host) for text in settings.listen.inbound):
            yield ok(WHAT, detail)  # a relay for trying out
            return
        yield warn(WHAT, detail, "name a mailbox in [operator] notify; a Maildir is read by `mutt -f DIRECTORY`")
    else:
        yield ok(WHAT, f"{', '.join(settings.operator.called)}{held}")
