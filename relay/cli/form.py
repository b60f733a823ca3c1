"""``relay form``: subscription forms with double opt-in (R4, R8)."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.audit import actions
from relay.cli.common import EMAIL, Store, actor, done, fail, json_option, note, open_store, output, say, show
from relay.cli.uploads import judged, note_suspected
from relay.cli.wording import heed
from relay.conduct import account
from relay.intake.stored import StoredText
from relay.observe.escape import escaped_html
from relay.people import never_ask
from relay.people.mailboxes import mailboxes
from relay.signup import figures, forms
from relay.signup.forms import Form, FormWish
from relay.signup.snippet import frame, snippet
from relay.store.database import transaction
from relay.tenants import tenants
from relay.texts.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from relay.mail.address import Address

COLUMNS = ("name", "topics", "language", "waiting", "confirmed", "url")
MAX_WORDING_OCTETS = 100_000
LANGUAGE = click.Choice(["", *LANGUAGES])


def _options(required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What ``add`` and ``edit`` take; with ``edit`` what is left out stays as it is."""
    options = (
        click.option(
            "--topic", "topics", multiple=True, required=required, help="What can be chosen; may be repeated."
        ),
        click.option("--wording", help="The exact text that people agree to."),
        click.option("--wording-file", type=click.Path(path_type=Path), help="A file with that text (UTF-8)."),
        click.option("--title", help="Heading of the page; without it one that names the tenant."),
        click.option("--language", type=LANGUAGE, help="The form's own language; without it each person's."),
        click.option("--ask-age/--no-ask-age", default=None, help="Ask whether the person is 16 or older."),
        click.option(
            "--ask-tracking/--no-ask-tracking", default=None, help="Ask for consent to tracking by a box of its own."
        ),
        click.option("--redirect", metavar="URL", help="Page of the tenant's site to end at instead of the relay's."),
        click.option("--frame", "frames", multiple=True, metavar="ORIGIN", help="Site that may show it in a frame."),
    )

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return put


@click.group()
def command() -> None:
    """Subscription forms with double opt-in."""


@command.command()
@click.argument("tenant")
@click.argument("name")
@_options(required=True)
@json_option
@click.pass_context
def add(ctx: click.Context, /, tenant: str, name: str, as_json: bool, **given: Any) -> None:
    """Make a form: a page to link to, and HTML to paste into the tenant's own site.

    Who fills it in gets a confirmation mail, and is subscribed only after confirming there. --redirect and --frame take
    addresses on the tenant's verified domains.
    """
    store = open_store(ctx)
    wish = _wish(FormWish((), ""), given)
    if not wish.wording:
        raise click.UsageError("say the wording: --wording TEXT or --wording-file FILE")
    gaps = heed(store, wish.wording)
    owner = account.alive(store.conn, tenants.find(store.conn, tenant))
    suspected = judged(ctx, store, owner, StoredText(f"form {name}", wish.title, wish.wording, ""))
    with transaction(store.conn) as conn:
        form = forms.add(conn, owner, name, wish, languages=LANGUAGES, actor=actor(), now=time.time())
    text = f"form {name} of {tenant} is at {_url(store, form)}; `relay form show {tenant} {name}` prints HTML to paste"
    done(ctx, text, _details(store, form), as_json)
    note(gaps)
    note_suspected(suspected)


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's forms."""
    store = open_store(ctx)
    found = forms.of_tenant(store.conn, tenants.find(store.conn, tenant).id)
    output(ctx, [_details(store, form) for form in found], COLUMNS, as_json)


@command.command("show")
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_context
def show_(ctx: click.Context, tenant: str, name: str, as_json: bool) -> None:
    """Show a form, and the HTML to paste into a page of the tenant's own."""
    store = open_store(ctx)
    details = _details(store, forms.find(store.conn, tenants.find(store.conn, tenant), name))
    if as_json:
        show(ctx, details, True)
        return
    details.pop("wording_id")  # for programs
    blocks = {"wording": details.pop("wording"), "snippet": details.pop("snippet"), "frame": details.pop("frame")}
    show(ctx, details, False)
    heads = {"wording": "wording:", "snippet": "to paste into a page:", "frame": "or, in a frame:"}
    for key, text in blocks.items():
        if text:
            say(f"\n{heads[key]}\n{text if key == 'wording' else escaped_html(str(text))}")


@command.command()
@click.argument("tenant")
@click.argument("name")
@_options(required=False)
@click.option("--no-frames", is_flag=True, help="Let no site show it in a frame any more.")
@json_option
@click.pass_context
def edit(ctx: click.Context, /, tenant: str, name: str, no_frames: bool, as_json: bool, **given: Any) -> None:
    """Change a form; what is left out stays, --redirect '' and --title '' empty it.

    After a new wording paste the HTML anew: until then a person who uses the old one is shown the form once more.
    """
    if no_frames and given["frames"]:
        raise click.UsageError("--frame and --no-frames contradict each other")
    if not no_frames and all(value in (None, ()) for value in given.values()):
        fail("say what to change: see `relay form edit --help`")
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    changed = _wish(FormWish.of(forms.find(store.conn, owner, name)), given)
    suspected = judged(ctx, store, owner, StoredText(f"form {name}", changed.title, changed.wording, ""))
    with transaction(store.conn) as conn:
        before = FormWish.of(forms.find(conn, owner, name))
        wish = _wish(before, given)
        wish = replace(wish, frames=()) if no_frames else wish
        gaps = heed(store, wish.wording) if wish.wording != before.wording else ""
        form = forms.edit(conn, owner, name, wish, languages=LANGUAGES, actor=actor(), now=time.time())
    done(ctx, f"form {name} of {tenant} changed", _details(store, form), as_json)
    note(gaps)
    note_suspected(suspected)


@command.command()
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_context
def remove(ctx: click.Context, tenant: str, name: str, as_json: bool) -> None:
    """Remove a form; requests that wait for a confirmation end, consents stay."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        form = forms.remove(conn, tenants.find(conn, tenant), name, actor=actor(), now=time.time())
    done(ctx, f"form {name} of {tenant} removed", {"tenant": tenant, "name": form.name, "removed": True}, as_json)


@command.command("ask-again")
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--reason", required=True, help="Why, e.g. the person's own word; goes to the audit log.")
@json_option
@click.pass_context
def ask_again(ctx: click.Context, tenant: str, email: Address, reason: str, as_json: bool) -> None:
    """Let a person who said "never ask me again" use the tenant's forms once more."""
    store, now = open_store(ctx), time.time()
    if not reason.strip():
        fail("the reason is empty; say why")
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        if not never_ask.remove(conn, owner.id, mailboxes(store.secrets, email)):
            fail(f"{email.canonical} has not asked {tenant} never to be asked again")
        detail = {"address": email.canonical, "reason": " ".join(reason.split())}
        actions.record(conn, actor(), "form-ask-again", owner.id, detail, now)
    fields = {"tenant": tenant, "email": email.canonical, "ask_again": True}
    done(ctx, f"{email.canonical} can use the forms of {tenant} again", fields, as_json)


def _wish(base: FormWish, given: dict[str, Any]) -> FormWish:
    """``base`` with what was said on the command line."""
    given = dict(given)
    text, file = given.pop("wording"), given.pop("wording_file")
    if text is not None and file is not None:
        raise click.UsageError("--wording and --wording-file contradict each other")
    changes = {key: value for key, value in given.items() if value is not None and value != ()}
    if file is not None:
        text = _read(file)
    return replace(base, **changes, **({} if text is None else {"wording": text}))


def _read(file: Path) -> str:
    with file.open("rb") as source:
        raw = source.read(MAX_WORDING_OCTETS + 1)
    if len(raw) > MAX_WORDING_OCTETS:
        fail(f"{file} is larger than {MAX_WORDING_OCTETS} octets; a wording is a short text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8; save it as UTF-8 text")


def _url(store: Store, form: Form) -> str:
    return f"{store.settings.links.base_url}/s/{form.key}"


def _details(store: Store, form: Form) -> dict[str, object]:
    base_url = store.settings.links.base_url
    return {
        "name": form.name,
        "form": form.key,
        "url": _url(store, form),
        "title": form.title,
        "topics": [topic.name for topic in form.topics],
        "language": form.language,
        "ask_age": form.ask_age,
        "ask_tracking": form.ask_tracking,
        "redirect": form.redirect,
        "frames": list(form.frames),
        "wording_id": form.wording_id,
        "created_at": form.created_at,
        **figures.of_form(store.conn, form.id),
        "wording": form.wording,
        "snippet": snippet(store.secrets, form, base_url, tenants.by_id(store.conn, form.tenant_id).shown),
        "frame": frame(form, base_url),
    }
