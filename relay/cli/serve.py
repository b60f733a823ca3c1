"""``relay serve``: the service itself, in the foreground."""

from __future__ import annotations

import click

from relay.cli.common import config_path, fail, load_settings


@click.command("serve")
@click.pass_context
def command(ctx: click.Context) -> int:
    """Run the relay in the foreground: log on stderr, READY once all ports listen.

    SIGTERM or Ctrl-C ends it cleanly, SIGHUP reads settings and certificate again, as `relay reload`.
    """
    from relay.intake.smtp.listeners import ListenError
    from relay.processes.process import standard_streams
    from relay.serve import ServeError, serve

    standard_streams()
    settings = load_settings(ctx)
    try:
        return serve(settings, config_path(ctx))
    except (ServeError, ListenError) as error:
        fail(str(error))
