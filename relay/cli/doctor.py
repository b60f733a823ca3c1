"""``relay doctor``: what is wrong with this machine, and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing

import click

from config.settings import Settings
from relay.checks import everything
from relay.checks.result import CheckResult, Level, bad, ok
from relay.cli import check
from relay.cli.common import config_path, json_option, load_settings, say
from relay.store.contract import Failure
from relay.store.database import StoreError, connect


@click.command()
@click.option("--all", "whole", is_flag=True, help="Show what is well, too.")
@click.option("--offline", is_flag=True, help="Ask nobody else: no DNS, no other server.")
@json_option
@click.pass_context
def command(ctx: click.Context, whole: bool, offline: bool, as_json: bool) -> int:
    """Find what is wrong with this machine and its place in the world.

    Settings, files, disk, clock, memory, ports, certificate, store and queue; the records of all domains, reverse DNS,
    the resolver, and whether port 25 is open outwards. Each with what to do; exit status 1 if something has to be
    mended. It changes nothing and can run beside the relay.
    """
    found = list(_found(ctx, offline))
    shown = found if whole or as_json else [one for one in found if one.level is not Level.OK]
    status = check.report(shown, as_json)
    if not as_json:
        wrong = sum(one.level is Level.FAIL for one in found)
        odd = sum(one.level is Level.WARN for one in found)
        say(f"{len(found)} things looked at: {wrong} to mend, {odd} to know" if wrong or odd else "all is well")
    return status


def _found(ctx: click.Context, offline: bool) -> Iterator[CheckResult]:
    from config.load import ConfigError

    try:
        settings = load_settings(ctx)
    except ConfigError:
        yield from check.local(ctx)
        return
    yield ok("settings", str(config_path(ctx)))
    yield from everything.here(settings)
    yield from _stored(settings, offline)


def _stored(settings: Settings, offline: bool) -> Iterable[CheckResult]:
    """What is asked of the store, and of others about what is in it."""
    try:
        with closing(connect(settings.stored, readonly=True)) as conn:
            yield from everything.stored(conn, time.time())
            if not offline:
                from relay.checks.outbound import check_outbound
                from relay.tenants.lookup import LookupFailed, resolver

                try:
                    lookup = resolver(settings)
                except LookupFailed as error:
                    yield bad("resolver", str(error), "set [dns] nameservers")
                    return
                yield from check.records(conn, settings, lookup)
                yield from check_outbound(settings, conn, lookup)
    except (StoreError, Failure):
        return  # told by the look at the database
