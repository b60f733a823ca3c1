"""``relay migrate``: bring the database to this release's schema."""

from __future__ import annotations

import click

from relay.cli.common import done, fail, json_option, load_settings
from relay.store.database import migrate


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Bring the database to this release's schema; harmless if it is there already."""
    database = load_settings(ctx).database
    if not database.exists():
        fail(f"no database at {database}; make one with `relay init`")
    before, after = migrate(database)
    text = f"schema {after}: up to date" if before == after else f"schema {before} brought to {after}"
    done(ctx, text, {"before": before, "after": after}, as_json)
