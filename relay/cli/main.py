"""The ``relay`` command: finds the module of a command, and turns errors into one line.

Exit status: 0 done, 1 refused or failed, 2 wrong use. ``RELAY_DEBUG=1`` shows
the traceback of an error instead of its line.

A command module is imported only when its command is called, so the start
costs the same however many commands there are. That is why the summaries in
``COMMANDS`` stand here; a test compares them with the modules.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import click

from relay.cli.common import CommandFailure, Invocation, utc_option
from relay.observe.escape import escaped

COMMANDS: Final[dict[str, str]] = {
    "init": "Set up a new relay: relay.toml, database, secrets and a self-signed certificate.",
    "serve": "Run the relay in the foreground.",
    "reload": "Have the running relay take the settings and the certificate as they are now.",
    "import": "Take over from another mail server: postfix, postal.",
    "cert": "The certificate that an authority gives: status, obtain, renew.",
    "top": "Live figures: rates, queue, sites, tenants, disk.",
    "doctor": "Find what is wrong with this machine and its place in the world.",
    "check": "Check settings, permissions, ports, keys and DNS records.",
    "policies": "Show the policies in force, in their order.",
    "tenant": "Customers: add, edit, list, show, warn, freeze, unfreeze, terminate, reinstate, establish, watch, note.",
    "contact": "Tenants' contact addresses: confirm.",
    "template": "Templates of a tenant: add, list, show, render, remove.",
    "topic": "Topics of a tenant: add, edit, list.",
    "stream": "Channels of a tenant: bulk or transactional.",
    "credential": "Who may submit mail: passwords and addresses.",
    "domain": "Sending domains of a tenant, their keys and DNS records.",
    "plan": "Plans: what they allow, and which one a tenant has.",
    "quota": "What a tenant has used of its plan.",
    "consent": "Consents: add, import, imports, undo, freeze, thaw, show, proof, set, withdraw, erase, export, groups,"
    " demand.",
    "contest": "Contested consents: list, show, answer, concede.",
    "form": "Subscription forms with double opt-in.",
    "wording": "Wordings that people agreed to: list, show, check.",
    "statement": "Statements of reasons: list, show, answer, decide.",
    "reports": "Spam reports, rates of tenants past a figure, answers that wait, second accounts.",
    "evidence": "Evidence of a case: export, check, ask, release, disclosures.",
    "suppression": "People who get nothing more from a tenant.",
    "campaign": "Campaigns: list, show, recipients, release, decline.",
    "mailing": "Mailings written in the account: list, show, stop, resume.",
    "audit": "The audit log: verify, head, prove, list, rotate.",
    "content": "Contents of mail: check, classes, permit, revoke, permits.",
    "queue": "The queue: list, show, hold, release, retry, cancel, stats.",
    "message": "Messages: list what was sent lately.",
    "events": "What happened to a tenant's messages and people.",
    "bounce": "Messages that came back: what was understood of one.",
    "trace": "One message's whole story.",
    "arf": "Feedback reports: what was understood of one.",
    "announce": "Planned work and notices, told to tenants: add, list, show, withdraw.",
    "availability": "How much of each month the relay could be used, and when it could not.",
    "support": "What tenants and staff write to each other: list, show, open, answer, close.",
    "registration": "Registrations for an account: list, show, admit, refuse, correct.",
    "invite": "Invitations to register: add, list, revoke.",
    "user": "People who log in to the pages: add, list, show, reset, disable, enable, remove.",
    "token": "Bearer credentials of the HTTP API.",
    "webhook": "Webhooks: add, list, show, test, replay, rotate, remove.",
    "stats": "Figures of a tenant or a campaign; without a tenant, of all.",
    "completion": "Complete words on the tab key, in bash, zsh and fish.",
    "backup": "Write database, secrets, settings and certificate to FILE.",
    "restore": "Check a backup, then put its data in place of those that are there.",
    "migrate": "Bring the database to this release's schema.",
    "store": "Where all that the relay keeps is: copy, keep.",
    "demo": "Show the whole story on this machine.",
}
"""Command name → summary, in the order of ``relay --help``."""

EXPLAINED: Final[tuple[tuple[str, str], ...]] = (
    ("config.load", "ConfigError"),
    ("relay.store.database", "StoreError"),
    ("relay.keys.secrets", "SecretsError"),
    ("relay.backup.sealing", "BackupError"),
    ("relay.values.errors", "RegistryError"),
    ("relay.audit.errors", "AuditError"),
    ("relay.people.consent_rules", "ConsentRefused"),
    ("relay.pipeline.registry", "PolicyError"),
    ("relay.mail.address", "AddressError"),
)
"""Exceptions whose text is already meant for people: (module, class)."""


def explain(error: BaseException) -> str:
    """One line that says what went wrong and, where known, what to do."""
    if any(isinstance(error, kind) for kind in _explained()):
        text = getattr(error, "inside", "") or str(error) or type(error).__name__
    elif store := _of_store(error):
        text = store
    elif isinstance(error, OSError) and error.strerror:
        why = _explained_by_code(error)
        text = f"{error.filename}: {why}" if error.filename else why
    else:
        text = f"unexpected {type(error).__name__}: {error}; run it again with RELAY_DEBUG=1 to see where"
    return one_line(text)


def _of_store(error: BaseException) -> str:
    """What a failure of the store means, empty for any other error."""
    from relay.store.contract import Failure
    from relay.store.database import is_busy

    if not isinstance(error, Failure):
        return ""
    if is_busy(error):
        return "the database is busy with another write; try again in a moment"
    return f"the database refused: {_explained_by_code(error)}"


def _explained_by_code(error: BaseException) -> str:
    from relay.store.words import explained

    return explained(error, Path("server.data_dir"))


def one_line(text: str) -> str:
    """Line breaks become ``; ``, other control characters are shown as escapes."""
    joined = "; ".join(part.strip() for part in text.splitlines() if part.strip())
    joined = joined.replace(":; ", ": ").replace(",; ", ", ")
    return escaped(joined)


def _explained() -> list[type[BaseException]]:
    # An exception can't be there before its module is, so nothing is imported for this.
    found = (getattr(sys.modules.get(module), name, None) for module, name in EXPLAINED)
    return [kind for kind in found if isinstance(kind, type)]


class Relay(click.Group):
    """Loads one module for the command that is called, and words all errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"relay.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # click looks among commands that are loaded
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def _main_shell_completion(
        self, ctx_args: MutableMapping[str, Any], prog_name: str, complete_var: str | None = None
    ) -> None:
        """A press of the tab key: answered without loading any command."""
        wish = os.environ.get(complete_var or f"_{prog_name}_COMPLETE".replace("-", "_").upper(), "")
        if wish:
            from relay.cli import completion

            sys.exit(completion.answer(wish, prog_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run and exit; an ``int`` that a command returns is the exit status."""
        run: Callable[..., object] = super().main
        if not standalone_mode or os.environ.get("RELAY_DEBUG") == "1":
            return run(*args, standalone_mode=standalone_mode, **extra)
        sys.exit(_guarded(lambda: run(*args, standalone_mode=False, **extra)))


def _guarded(run: Callable[[], object]) -> int:
    try:
        result = run()
        sys.stdout.flush()
        return result if type(result) is int else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        return _say(_usage(error), 2)
    except CommandFailure as error:
        return _say(one_line(error.message), error.exit_code)
    except click.ClickException as error:
        return _say(one_line(error.format_message()), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", 1)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            return _silent()
        if isinstance(error, UnicodeEncodeError) and _is_of_arguments(error):
            return _say("an argument is no text in UTF-8; check the terminal's character set", 2)
        if isinstance(error, OverflowError) and "SQLite" in str(error):
            return _say("a number is larger than any in the store; name a smaller one", 2)
        return _say(explain(error), 1)


def _is_of_arguments(error: UnicodeEncodeError) -> bool:
    """Octets that are no text come in as lone surrogates (PEP 383), and nowhere else."""
    wrong = error.object[error.start : error.end]
    return any(wrong in word for word in sys.argv[1:])


def _usage(error: click.UsageError) -> str:
    where = error.ctx.command_path if error.ctx else "relay"
    text = one_line(error.format_message()).rstrip(".").replace("'[", "'").replace("]'", "'")  # may be left out
    return f"{text[:1].lower()}{text[1:]}; see `{where} --help`"


def _say(text: str, status: int) -> int:
    click.echo(f"relay: {text}", err=True)
    return status


def _silent() -> int:
    # The reader went away; what is still buffered must not complain at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"relay {version('relay-smtp')}")
        except PackageNotFoundError:
            click.echo("relay (not installed: run from its source)")
        ctx.exit()


@click.group(cls=Relay, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@utc_option
@click.option(
    "-c",
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings file; without it ./relay.toml, then /etc/relay/relay.toml.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def relay(ctx: click.Context, config: Path | None) -> None:
    """A mail relay for bulk and transactional mail that people agreed to get."""
    ctx.obj = Invocation(config)


if __name__ == "__main__":
    relay()
