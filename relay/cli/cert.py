"""``relay cert``: the certificate that an authority gives (ACME), how it stands and what is done about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.common import done, fail, json_option, load_settings, show, shown

if TYPE_CHECKING:
    from config.settings import Settings

YOUNG_S: Final = 86_400.0


@click.group()
def command() -> None:
    """The certificate that an authority gives: status, obtain, renew.

    It is got by ACME (`[tls] acme`). A running relay does all that by itself: it gets one, renews it when two thirds of
    its life are over or when the authority asks for it, and shows the new one without ending a session.
    """


@command.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show which certificate is shown, for which names and until when, and how the last try went."""
    show(ctx, _standing(load_settings(ctx)), as_json)


@command.command()
@json_option
@click.pass_context
def obtain(ctx: click.Context, as_json: bool) -> None:
    """Get a certificate now, if there is none, if names are missing in it or if it is time.

    The relay has to run: it answers what the authority asks.
    """
    settings = _with_authority(load_settings(ctx))
    _step(ctx, settings, as_json, force=_due(settings))


@command.command()
@click.option("--force", is_flag=True, help="Even where the present one is younger than a day.")
@json_option
@click.pass_context
def renew(ctx: click.Context, force: bool, as_json: bool) -> None:
    """Get a new certificate now, whatever time the present one has left. The relay has to run."""
    from relay.certificates.leaf import leaf_of
    from relay.certificates.place import CertificatePlace

    settings = _with_authority(load_settings(ctx))
    leaf = leaf_of(CertificatePlace(settings.server.data_dir).certificate)
    young = leaf is not None and time.time() - leaf.not_valid_before_utc.timestamp() < YOUNG_S
    if young and not force and not _due(settings):
        fail("the certificate is younger than a day; authorities give few of the same: add --force if you mean it")
    _step(ctx, settings, as_json, force=True)


def _with_authority(settings: Settings) -> Settings:
    if not settings.tls.acme:
        fail("no authority is named: set [tls] acme, such as https://acme-v02.api.letsencrypt.org/directory")
    return settings


def _due(settings: Settings) -> bool:
    """Whatever failed before: a person asks."""
    from relay.certificates import due
    from relay.certificates.chosen import wanted_names
    from relay.certificates.leaf import leaf_of
    from relay.certificates.place import CertificatePlace
    from relay.certificates.state import CertificateState

    leaf = leaf_of(CertificatePlace(settings.server.data_dir).certificate)
    return bool(due.reason(leaf, wanted_names(settings), CertificateState(), time.time()))


def _step(ctx: click.Context, settings: Settings, as_json: bool, *, force: bool) -> None:
    from relay.certificates.errors import CertificateFailed
    from relay.certificates.obtain import step
    from relay.checks.ports import relay_process

    if relay_process(settings.server.data_dir) is None:
        fail(f"no relay runs on {settings.server.data_dir}, and it answers what the authority asks: start it")
    try:
        text = step(settings, force=force)
    except CertificateFailed as error:
        fail(str(error))
    standing = _standing(settings)
    nothing = "" if text else f"nothing is to be done: it is renewed by itself, {shown(standing['renewal_at'])}"
    done(ctx, text or nothing, standing, as_json)


def _standing(settings: Settings) -> dict[str, Any]:
    from relay.certificates import due
    from relay.certificates.chosen import files_in_use, wanted_names
    from relay.certificates.leaf import leaf_of
    from relay.certificates.place import CertificatePlace
    from relay.certificates.state import read_state

    place, files, authority = CertificatePlace(settings.server.data_dir), files_in_use(settings), settings.tls.acme
    state, leaf = read_state(place), leaf_of(files.certificate) if files else None
    own = leaf_of(place.certificate) if authority else None
    return {
        "file": str(files.certificate) if files else None,
        "names": due.names_of(leaf) if leaf else [],
        "issuer": leaf.issuer.rfc4514_string() if leaf else None,
        "begins_at": leaf.not_valid_before_utc.timestamp() if leaf else None,
        "ends_at": leaf.not_valid_after_utc.timestamp() if leaf else None,
        "authority": authority or None,
        "wanted": list(wanted_names(settings)) if authority else [],
        "challenge": settings.challenge if authority else None,
        "renewal_at": due.renews_at(own, state) if own else None,
        "failures": state.failures if authority else 0,
        "error": state.error or None if authority else None,
        "next_try_at": state.next_try_at if authority and state.failures else None,
    }
