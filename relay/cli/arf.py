"""``relay arf``: feedback reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import json_option, open_store, pairs, print_json, say

if TYPE_CHECKING:
    from relay.feedback.explain import Explained, Explanation
    from relay.feedback.letter import Word
    from relay.keys.secrets import Secrets
    from relay.keys.tokens import Mark

MOST_OCTETS = 10 * 1024 * 1024
_TAG = {
    "valid": "one of ours, unforged",
    "shared": "one of ours, of a copy that several people had: it stops nobody by itself",
    "several": "of several people: nobody can tell whom it is about, so it counts for nobody",
    "forged": "forged or damaged: it counts for nobody",
    "none": "none of ours is inside: it counts only where it comes to a signed address",
    "unchecked": "not checked: the relay's secrets aren't at hand",
}


@click.group()
def command() -> None:
    """Feedback reports: what was understood of one."""


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@json_option
@click.pass_context
def explain(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Tell what a mail says as a feedback report, whom it is about, and why; `-` reads standard input.

    Tags inside are checked with the relay's secrets, where they are at hand. Nothing is changed.
    """
    from relay.feedback.explain import explain as explained

    with click.open_file(str(file), "rb") as opened:
        raw = opened.read(MOST_OCTETS)
    secrets, address_of = _at_hand(ctx)
    found = explained(raw, secrets, address_of)
    if as_json:
        print_json(_plain(found))
    else:
        _print(found)


def _at_hand(ctx: click.Context) -> tuple[Secrets | None, Callable[[Mark], str]]:
    """Secrets and people of the relay, if there is one that this user may read."""
    from config.load import ConfigError
    from relay.feedback.record import address_of
    from relay.keys.secrets import SecretsError
    from relay.store.database import StoreError

    try:
        store = open_store(ctx)
    except (ConfigError, SecretsError, StoreError, OSError):
        return None, lambda mark: ""
    return store.secrets, lambda mark: address_of(store.conn, mark.subscriber_id) or ""


def _print(found: Explanation) -> None:
    if not found.reports:
        say("no feedback report")
    for number, one in enumerate(found.reports, 1):
        if len(found.reports) > 1:
            say(f"{chr(10) if number > 1 else ''}report {number} of {len(found.reports)}")
        pairs((name, value) for name, value in _fields(one) if value)
    if not found.reports:
        verdict = "counts" if found.letter.counts else "doesn't count"
        say(f"as a letter to an unsubscribe address it {verdict}: {found.letter.sign}")


def _fields(one: Explained) -> list[tuple[str, str]]:
    report = one.report
    return [
        ("form", report.form),
        ("type", report.type or "(none)"),
        ("meaning", f"{report.meaning}: {report.why}"),
        ("effect", _effect(one)),
        ("recipients", ", ".join(report.recipients)),
        ("reverse-path", report.reverse_path),
        ("tag", _TAG[one.found] + (f", found in {one.tags.place}" if one.tags.place else "")),
        ("person", one.address),
    ]


def _effect(one: Explained) -> str:
    from relay.feedback.explain import EFFECTS, TagSearch

    personal = one.report.meaning in ("complaint", "unsubscribe")
    if personal and not one.counts:
        return "told, stops nobody" if one.found is TagSearch.SHARED else "none by its tag"
    return EFFECTS[one.report.meaning]


def _plain(found: Explanation) -> dict[str, object]:
    """The first report's fields stand on top too, for those who send one at a time."""
    rows = [_row(one) for one in found.reports]
    first = rows[0] if rows else _no_report(found.letter)
    letter = {"counts": found.letter.counts, "why": found.letter.sign}
    return {**first, "report": bool(rows), "reports": rows, "letter": letter}


def _no_report(letter: Word) -> dict[str, object]:
    """A letter that asks to be unsubscribed, as mail programs write it on a click, means the same as an opt-out."""
    if not letter.counts or not letter.asked:
        return {"type": "", "meaning": "none", "counts": False, "recipients": [], "why": ""}
    effect = "ends the person's consent to the topic (R3), where it comes to an unsubscribe address"
    return {
        "form": "letter",
        "type": "opt-out",
        "meaning": "unsubscribe",
        "counts": True,
        "effect": effect,
        "why": letter.sign,
        "recipients": [],
    }


def _row(one: Explained) -> dict[str, object]:
    report = one.report
    return {
        "form": report.form,
        "type": report.type,
        "known": report.known,
        "meaning": report.meaning.value,
        "counts": one.counts,
        "effect": _effect(one),
        "why": report.why,
        "recipients": list(report.recipients),
        "reverse_path": report.reverse_path,
        "tag": one.found.value,
        "tag_in": one.tags.place,
        "person": one.address,
    }
