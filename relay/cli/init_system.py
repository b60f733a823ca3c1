"""``relay init --system``: asks what is missing, says each step, and what is to be published."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import click

from config.names import mail_address
from config.settings import Settings
from relay.cli.common import fail, print_json, say
from relay.install.errors import InstallError
from relay.install.layout import InstallRoot
from relay.install.records import operator_records, own_addresses
from relay.install.steps import InstallStep
from relay.install.system import InstallAnswers, install, refuse, there
from relay.observe.escape import escaped
from relay.tenants.domains import zone_line

WIDTH = 14


def install_here(
    root: Path,
    hostname: Callable[[], str],
    contact: str,
    certificate: tuple[Path, Path] | None,
    start: bool,
    as_json: bool,
) -> None:
    """``hostname`` finds out, or asks; it is called only where no settings are there yet."""
    place = InstallRoot(root.absolute())
    steps: list[InstallStep] = []
    try:
        refuse(place)
        found = there(place)
        if found is None:
            answers = InstallAnswers(hostname(), _contact(contact), certificate, start)
        else:
            _same(found, contact)
            answers = InstallAnswers(found.server.hostname, found.operator.contact, certificate, start)
        for step in install(place, answers, dt.datetime.now(dt.UTC)):
            steps.append(step)
            if not as_json:
                say(f"{step.what:<{WIDTH}} {step.state}: {escaped(step.detail)}")
    except InstallError as error:
        fail(str(error))
    settings = there(place)
    assert settings is not None
    addresses = own_addresses() if place.live else []
    if as_json:
        print_json(_result(settings, steps, addresses))
    else:
        say(_published(settings, addresses))


def asked(text: str, default: str, wanted: Callable[[str], str]) -> str:
    """The answer of a person at the terminal, asked again until it will do."""

    def right(answer: str) -> str:
        try:
            return wanted(answer.strip())
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    answer: str = click.prompt(text, default=default or None, value_proc=right, err=True)
    return answer


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _contact(given: str) -> str:
    if not given and at_terminal():
        return asked("Your mail address (calls of the relay, postmaster@ and abuse@ go there)", "", mail_address)
    if not given:
        fail("nobody to call: pass --contact with the address where calls of the relay, postmaster@ and abuse@ go")
    try:
        return mail_address(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--contact'") from error


def _same(found: Settings, contact: str) -> None:
    """Answers that differ from what is there aren't taken in silence."""
    if contact and contact != found.operator.contact:
        fail(
            f"the settings are there already, with the contact {found.operator.contact or 'left out'}; change"
            " [operator] contact there, then `relay reload`"
        )


def _next(settings: Settings) -> list[str]:
    return ["relay check dns", "relay check", "relay doctor", "relay tenant add NAME --contact EMAIL"]


def _result(settings: Settings, steps: list[InstallStep], addresses: list[str]) -> dict[str, object]:
    records = [
        {"name": record.name, "type": record.type, "value": record.value, "purpose": record.purpose}
        for record in operator_records(settings, addresses)
    ]
    return {
        "hostname": settings.server.hostname,
        "steps": [{"what": step.what, "state": str(step.state), "detail": step.detail} for step in steps],
        "records": records,
        "next": _next(settings),
    }


def _published(settings: Settings, addresses: list[str]) -> str:
    hostname = settings.server.hostname
    lines = ["", "Publish in DNS:"]
    if not addresses:
        lines.append(f"  ; A and AAAA of {hostname}, and PTR of these addresses back to it (your provider sets PTR)")
    for record in operator_records(settings, addresses):
        hint = "  ; your provider sets it" if record.type == "PTR" else ""
        lines.append(f"  {zone_line(record)}{hint}")
    lines += ["", "Then, as the relay's user (`sudo -u relay relay check dns`):"]
    said = (
        "looks the records up",
        "settings, ports, certificate",
        "the machine and its place in the world",
        "the first customer",
    )
    lines += [f"  {step:<42} {what}" for step, what in zip(_next(settings), said, strict=True)]
    return "\n".join(lines)
