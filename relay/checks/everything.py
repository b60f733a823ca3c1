"""All that can be looked at on this machine: what ``relay check`` and ``relay doctor --offline`` and the desk show."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator

from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok
from relay.store.contract import Tx


def of_settings(settings: Settings, now: dt.datetime, *, whole: bool = True) -> Iterable[CheckResult]:
    """Files, store (``whole``: all pages of its file, too), policies, certificate, ports; how fast the program is."""
    from relay.checks.certificate import check_certificate
    from relay.checks.files import check_files
    from relay.checks.oidc import check_oidc
    from relay.checks.operator import check_operator_mail
    from relay.checks.ports import check_ports
    from relay.checks.program import check_program
    from relay.checks.registration import check_registration
    from relay.checks.resolvers import check_named, check_private
    from relay.checks.store import check_store

    yield from check_files(settings)
    yield from check_store(settings, whole=whole)
    yield from policies(settings)
    yield from check_certificate(settings, now)
    yield from check_ports(settings)
    yield from check_named(settings)
    yield from check_private(settings)
    yield from check_operator_mail(settings)
    yield from check_oidc(settings)
    yield from check_registration(settings)
    yield check_program()


def policies(settings: Settings) -> Iterable[CheckResult]:
    """Whether each policy in the order is installed and takes its settings."""
    from relay.checks.policies import check_left_out
    from relay.pipeline.registry import PolicyError, load_from

    try:
        built = load_from(settings)
    except PolicyError as error:
        for line in str(error).splitlines():
            yield bad("policies", line, "correct [policies] order or that table; `relay policies` shows the order")
    else:
        yield ok("policies", ", ".join(policy.name for policy in built) or "none")
    yield from check_left_out(settings)


def here(settings: Settings, *, whole: bool = True) -> Iterable[CheckResult]:
    """The same, with clock, disk and limits of the machine."""
    from relay.checks import machine
    from relay.checks.ports import relay_process

    yield from (one for one in of_settings(settings, dt.datetime.now(dt.UTC), whole=whole) if one.what != "relay")
    yield machine.check_running(relay_process(settings.server.data_dir))
    yield machine.check_clock(time.time())
    yield machine.check_sync(settings.server.data_dir)
    yield from machine.check_limits(settings)


def stored(conn: Tx, now: float) -> Iterator[CheckResult]:
    """Whether mail is late, and how old the newest backup is."""
    from relay.checks.machine import check_lateness
    from relay.checks.walk import backup_age

    yield from check_lateness(conn, now)
    yield backup_age(conn, now)
