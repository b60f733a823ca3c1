"""``relay init --system``: asks what is missing, says each step, and what is to be published."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click

from config.names import base_url, mail_address
from config.settings import Settings
from relay.cli.common import fail, print_json, say
from relay.install.errors import InstallError
from relay.install.layout import InstallRoot
from relay.install.records import operator_records, own_addresses
from relay.install.steps import InstallStep
from relay.install.system import InstallAnswers, install, refuse, there
from relay.intake.smtp.listeners import ListenError, bind
from relay.observe.escape import escaped
from relay.tenants.domains import zone_line

WIDTH = 14
LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"


class InstallWords(NamedTuple):
    """What the command line said."""

    hostname: Callable[[], str]
    """Finds out, or asks; called only where no settings are there yet."""
    contact: str
    certificate: tuple[Path, Path] | None
    acme: str | None
    """Directory of an authority; None: nothing was said of one."""
    start: bool


def install_here(root: Path, asked: InstallWords, as_json: bool) -> None:
    place = InstallRoot(root.absolute())
    steps: list[InstallStep] = []
    try:
        refuse(place)
        found = there(place)
        if found is None:
            hostname, contact = asked.hostname(), _contact(asked.contact)
            acme = "" if asked.certificate is not None and asked.acme is None else _authority(asked.acme)
            answers = InstallAnswers(hostname, contact, asked.certificate, asked.start, acme)
        else:
            _same(found, asked)
            answers = InstallAnswers(
                found.server.hostname, found.operator.contact, asked.certificate, asked.start, found.tls.acme
            )
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


def prompted(text: str, default: str, wanted: Callable[[str], str]) -> str:
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
        return prompted("Your mail address (calls of the relay, postmaster@ and abuse@ go there)", "", mail_address)
    if not given:
        fail("nobody to call: pass --contact with the address where calls of the relay, postmaster@ and abuse@ go")
    try:
        return mail_address(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--contact'") from error


def _authority(given: str | None) -> str:
    """The directory of one, or ""; on a terminal it is asked for, with yes proposed where ports 80 and 443 are free."""
    if given is None:
        if not at_terminal():
            return ""
        text = "Get the certificate from Let's Encrypt, and renew it (you agree to its terms; ports 80 and 443)"
        return LETS_ENCRYPT if click.confirm(text, default=_free(80) and _free(443), err=True) else ""
    try:
        url = base_url(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--acme'") from error
    if not url.startswith("https://"):
        raise click.BadParameter(f"{url} is not https://…", param_hint="'--acme'")
    return url


def _free(port: int) -> bool:
    try:
        bind(f"0.0.0.0:{port}", "").close()
    except ListenError:
        return False
    return True


def _same(found: Settings, asked: InstallWords) -> None:
    """Answers that differ from what is there aren't taken in silence."""
    if asked.acme is not None and asked.acme != found.tls.acme:
        fail(
            f"the settings are there already, with the authority {found.tls.acme or 'left out'}; change [tls] acme and"
            " [listen] https and acme there, say this again without --acme, then restart the relay"
        )
    contact = asked.contact
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
