"""``relay policies``: the order in force."""

from __future__ import annotations

import click

from relay.cli.common import json_option, load_settings, output
from relay.pipeline.registry import hooks, load

COLUMNS = ("order", "name", "module", "hooks")


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Show the policies in force, in their order, with the moments at which each is asked."""
    settings = load_settings(ctx)
    rows = [
        {"order": number, "name": policy.name, "module": type(policy).__module__, "hooks": hooks(policy)}
        for number, policy in enumerate(load(settings.policies.order, settings.policy), 1)
    ]
    output(ctx, rows, COLUMNS, as_json)
