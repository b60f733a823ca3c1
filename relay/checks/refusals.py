"""What keeps `relay serve` from starting, all at once and before a port is opened; `relay check` tells the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing

from config.settings import Settings
from relay.certificates.chosen import files_in_use
from relay.certificates.context import Certificate, CertificateError
from relay.checks.certificate import check_certificate
from relay.checks.result import Level
from relay.delivery.smtp.route import read_login
from relay.keys.belonging import FOREIGN, foreign
from relay.keys.secrets import Secrets, SecretsError
from relay.pipeline import registry as policies
from relay.store.contract import Failure
from relay.store.database import StoreError, connect
from relay.store.engines import shown
from relay.store.files import beside, cause
from relay.store.sqlite.roots import refuse_damaged


def refusals(settings: Settings) -> list[str]:
    """Each says what is wrong and what to do."""
    where = _data_dir(settings)
    found = [where] if where else list(beside(settings.database))
    if found:
        return found
    looks: tuple[Callable[[Settings], Iterator[str]], ...] = (_store, _certificate, _policies, _password)
    return [text for look in looks for text in look(settings)]


def _data_dir(settings: Settings) -> str:
    path = settings.server.data_dir
    if path.is_dir():
        why = cause(path / "any")
        return f"server.data_dir {path} {why}" if why else ""
    if path.exists():
        return f"server.data_dir {path} is not a directory: correct the setting"
    return f"server.data_dir {path} does not exist: correct the setting, mount its disk, or make it with `relay init`"


def _store(settings: Settings) -> Iterator[str]:
    secrets = None
    try:
        secrets = Secrets.load(settings.secrets_file)
    except SecretsError as error:
        yield str(error)
    try:
        with closing(connect(settings.stored)) as conn:
            refuse_damaged(conn, settings.stored)
            if secrets is not None and foreign(conn, secrets):
                yield FOREIGN
    except StoreError as error:
        yield str(error)
    except Failure as error:
        yield f"database {shown(settings.stored)}: {error}; `relay check` tells more"


def _certificate(settings: Settings) -> Iterator[str]:
    if files_in_use(settings) is not None:
        try:
            Certificate.of(settings)
        except CertificateError as error:
            found = check_certificate(settings, dt.datetime.now(dt.UTC))
            told = [f"{one.what}: {one.detail}; {one.todo}" for one in found if one.level is Level.FAIL]
            yield from told or [str(error)]
    elif (settings.listen.submissions or settings.listen.https) and not settings.tls.acme:
        port = "submissions" if settings.listen.submissions else "https"
        yield f"listen.{port} needs a certificate: set tls.certificate and tls.key, or tls.acme"


def _policies(settings: Settings) -> Iterator[str]:
    try:
        policies.load_from(settings)
    except policies.PolicyError as error:
        yield from (f"{line}; correct [policies] order or that table" for line in str(error).splitlines())


def _password(settings: Settings) -> Iterator[str]:
    try:
        read_login(settings.delivery.smart_host_user, settings.delivery.smart_host_password_file)
    except ValueError as error:
        yield str(error)
