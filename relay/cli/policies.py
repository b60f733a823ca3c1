"""``relay policies``: the order in force."""

from __future__ import annotations

import click

from relay.cli.common import json_option, load_settings, note, output
from relay.pipeline.registry import hooks, left_out, load_from, waits

COLUMNS = ("order", "name", "module", "hooks", "waits")


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show the policies in force, in their order, with the moments at which each is asked."""
    settings = load_settings(ctx)
    rows = [
        {
            "order": number,
            "name": policy.name,
            "module": type(policy).__module__,
            "hooks": hooks(policy),
            "waits": [hook for hook in hooks(policy) if waits(policy, hook)],
        }
        for number, policy in enumerate(load_from(settings), 1)
    ]
    output(ctx, rows, COLUMNS, as_json)
    for name, without in left_out(settings.policies.order):
        note(f"{name} is not in [policies] order: {without}")
