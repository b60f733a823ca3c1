"""``relay bounce``: messages that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import json_option, pairs, print_json, say
from relay.observe.escape import escaped

if TYPE_CHECKING:
    from relay.feedback.analyse import Understood
    from relay.feedback.bounce import RecipientFailure

MOST_OCTETS = 10 * 1024 * 1024
_REMEMBERED = "not at once: it stops when the same is said again, a day later or more"


@click.group()
def command() -> None:
    """Messages that came back: what was understood of one."""


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@json_option
def explain(file: Path, as_json: bool) -> None:
    """Tell which recipients a bounce is about, what it says of each, and why; `-` reads standard input.

    FILE is the whole message as it came in. No settings are needed, nothing is changed. The classes are listed in
    docs/BOUNCES.md.
    """
    from relay.feedback.analyse import understand
    from relay.feedback.mime import parse

    with click.open_file(str(file), "rb") as opened:
        understood = understand(parse(opened.read(MOST_OCTETS)))
    if as_json:
        print_json(_plain(understood))
    else:
        _print(understood)


def _plain(understood: Understood) -> dict[str, object]:
    return {
        "kind": _kind(understood),
        "why": understood.why,
        "recipients": [
            {
                "recipient": one.recipient,
                "action": one.action,
                "status": one.judgement.status,
                "reply": one.judgement.reply,
                "class": one.judgement.kind.value,
                "permanent": one.judgement.permanent,
                "suppresses": _suppresses(one),
                "why": one.judgement.why,
                "diagnostic": one.diagnostic,
                "remote": one.remote,
                "source": one.source,
            }
            for one in understood.failures
        ],
    }


def _kind(understood: Understood) -> str:
    """``bounce``, ``delay``, ``delivered``, ``complaint``, ``auto-reply``, ``nothing`` or ``unclassified``."""
    from relay.feedback.analyse import FeedbackKind
    from relay.feedback.bounce import DELIVERED

    if understood.kind is FeedbackKind.COMPLAINT:
        return "complaint"
    if understood.kind is not FeedbackKind.SOFT:
        return understood.kind.value
    actions = {one.action for one in understood.failures}
    if actions and actions <= {*DELIVERED}:
        return "delivered"
    return "delay" if actions and actions <= {*DELIVERED, "delayed"} else "bounce"


def _suppresses(one: RecipientFailure) -> str:
    """``at once``, ``if repeated`` or ``no``."""
    if one.judgement.dead:
        return "at once"
    return "if repeated" if one.judgement.doubt else "no"


def _print(understood: Understood) -> None:
    say(f"{_kind(understood)}: known by {escaped(understood.why)}")
    for one in understood.failures:
        say("")
        pairs((name, value) for name, value in _fields(one) if value)


def _fields(one: RecipientFailure) -> list[tuple[str, str]]:
    judged = one.judgement
    suppresses = _suppresses(one)
    return [
        ("recipient", one.recipient or "not named"),
        ("action", one.action),
        ("class", judged.kind.value),
        ("permanent", "yes" if judged.permanent else "no"),
        ("suppresses", _REMEMBERED if suppresses == "if repeated" else suppresses),
        ("because of", judged.why),
        ("status", judged.status),
        ("reply", "" if judged.reply is None else str(judged.reply)),
        ("said", " ".join(one.diagnostic.split())[:500]),
        ("remote", one.remote),
        ("read from", "the report's fields" if one.source == "report" else "the words"),
    ]
