"""``relay trace``: one message's whole story."""

from __future__ import annotations

from dataclasses import asdict

import click

from relay.cli import layout
from relay.cli.common import fail, hold_row, iso, json_option, note, open_store, pairs, print_json, say, stage_terms
from relay.cli.moments import brief, shown
from relay.cli.printing import room
from relay.observe.escape import escaped
from relay.queue.trace import MessageTrace, TraceStep, find, trace
from relay.values.ids import encode_id

WIDE = 100
"""Columns from which a step's time is told with its seconds and zone."""


@click.command()
@click.argument("id_or_message_id", metavar="ID_OR_MESSAGE_ID")
@json_option
@click.pass_context
def command(ctx: click.Context, id_or_message_id: str, as_json: bool) -> None:
    """One message's whole story: each step with its time and reason."""
    store = open_store(ctx)
    conn = store.conn
    found = find(conn, id_or_message_id)
    if not found:
        fail(f"there is no message {id_or_message_id}: give the id of the 250 reply, or the Message-ID")
    story, others = trace(conn, found[0], stage_terms(store), who=True), [encode_id(other) for other in found[1:]]
    if as_json:
        print_json(_plain(story) | {"same_message_id": others})
        return
    _print(story)
    if others:
        note(f"the same Message-ID came {len(others)} times before: {', '.join(others)}")


def _print(story: MessageTrace) -> None:
    head = {
        "queue id": story.queue_id,
        "message-id": story.message_id,
        "tenant": f"{story.tenant}, stream {story.stream}" if story.stream else story.tenant,
        "topic": story.topic,
        "campaign": story.campaign,
        "reverse-path": f"<{story.reverse_path}>",
        "subject": story.subject,
        "client": story.client,
        "size": f"{story.size_octets} octets",
        "tag": story.tag,
        "meta": ", ".join(f"{name}={value}" for name, value in story.meta.items()),
    }
    pairs((name, value) for name, value in head.items() if value)
    say("")
    _steps(story.steps)
    for copy in story.copies:
        tried = f" ({copy.attempts} attempt{'s' * (copy.attempts > 1)})" if copy.attempts else ""
        say(f"\n{copy.number}  {escaped(copy.address)}: {copy.state}{tried}")
        _steps(copy.steps)
        for one in copy.holds:
            until = f" until {shown(one.until)}" if one.until is not None else ""
            why = f": {escaped(one.why)}" if one.why else ""
            line = f"held by {one.by}{until}{why}; ends: {escaped(one.ends)}"
            wrapped = [line] if (columns := room()) is None else layout.wrap(line, columns - 4)
            for number, part in enumerate(wrapped):
                say(f"  {part}" if number == 0 else f"    {part}")


def _steps(steps: tuple[TraceStep, ...]) -> None:
    narrow = room()
    time_of = shown if narrow is None or narrow >= WIDE else brief
    rows = [[time_of(step.at), escaped(step.what), escaped(step.why)] for step in steps]
    for line in layout.trailing(rows, narrow, indent="  "):
        say(line)


def _plain(story: MessageTrace) -> dict[str, object]:
    fields = asdict(story)
    fields["id"] = fields.pop("queue_id")
    del fields["submission_id"]
    fields["steps"] = [_step(step) for step in story.steps]
    fields["recipients"] = [
        {
            "number": copy.number,
            "address": copy.address,
            "state": copy.state,
            "attempts": copy.attempts,
            "steps": [_step(step) for step in copy.steps],
            "holds": [hold_row(one) for one in copy.holds],
        }
        for copy in story.copies
    ]
    del fields["copies"]
    return {"id": fields.pop("id")} | fields


def _step(step: TraceStep) -> dict[str, str]:
    return {"at": iso(step.at, timespec="milliseconds"), "what": step.what, "why": step.why}
