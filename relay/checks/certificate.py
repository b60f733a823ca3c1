"""The server's certificate: readable, with its key, in force, in the relay's name."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from config.names import split_listen
from config.settings import Settings
from relay.certificates import due
from relay.certificates.chosen import files_in_use
from relay.certificates.leaf import leaf_of
from relay.certificates.place import CertificatePlace
from relay.certificates.state import read_state
from relay.checks.files import private_file
from relay.checks.result import CheckResult, Level, bad, ok, warn

WHAT = "certificate"
AUTHORITY = "certificate's authority"
SOON = dt.timedelta(days=14)


def check_certificate(settings: Settings, now: dt.datetime) -> Iterator[CheckResult]:
    """``now`` is a time with zone."""
    if settings.tls.acme:
        yield from check_authority(settings, now)
    files = files_in_use(settings)
    if files is None:
        yield from _none(settings)
        return
    certificate, key = files
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    except OSError as error:
        yield bad(WHAT, f"{certificate}: {error.strerror}", "correct tls.certificate, or make it readable")
    except ValueError:
        yield bad(WHAT, f"{certificate} holds no PEM certificate", "give the certificate, then its chain, as PEM")
    else:
        yield from _certificate(chain[0], settings, now)
        yield from _key(chain, certificate, key)


def _none(settings: Settings) -> Iterator[CheckResult]:
    listen = settings.listen
    if settings.tls.acme:
        yield ok(WHAT, "none as yet: a self-signed one is made when the relay starts")
    elif listen.submissions or listen.https:
        name, ports = ("submissions", ", ".join(listen.submissions)) if listen.submissions else ("https", listen.https)
        yield bad(WHAT, f"none, but listen.{name} ({ports}) needs one", "set tls.certificate and tls.key, or tls.acme")
    else:
        yield warn(WHAT, "none: no TLS is offered", "set tls.certificate and tls.key, or tls.acme")


def check_authority(settings: Settings, now: dt.datetime) -> Iterator[CheckResult]:
    """How it goes with the authority of ``tls.acme``: what failed, when the next certificate is got."""
    place = CertificatePlace(settings.server.data_dir)
    state, leaf = read_state(place), leaf_of(place.certificate)
    host = urlsplit(settings.tls.acme).netloc
    if state.failures:
        again = dt.datetime.fromtimestamp(state.next_try_at, dt.UTC)
        times = "once" if state.failures == 1 else f"{state.failures} times"
        told = bad if due.ends_soon(leaf, now.timestamp()) and state.failures > 1 else warn
        yield told(
            AUTHORITY,
            f"{host} gave none, {times} in a row: {state.error}",
            f"mend that; next try {again:%Y-%m-%d %H:%M} UTC, at once with `relay cert renew`",
        )
    elif leaf is None:
        yield warn(AUTHORITY, f"{host} has not been asked as yet", "start the relay: it asks by itself")
    else:
        renewal = dt.datetime.fromtimestamp(due.renews_at(leaf, state), dt.UTC)
        yield ok(AUTHORITY, f"{host}, renewed by itself on {renewal:%Y-%m-%d}")


def _certificate(leaf: x509.Certificate, settings: Settings, now: dt.datetime) -> Iterator[CheckResult]:
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d}"
    if now > leaf.not_valid_after_utc:
        yield bad(WHAT, f"expired on {until}", "renew it, then `systemctl reload relay`")
    elif now < leaf.not_valid_before_utc:
        yield bad(WHAT, f"not in force before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC", "set the clock right")
    elif settings.tls.acme and leaf.issuer != leaf.subject:
        yield ok(WHAT, f"until {until}")  # how its renewal goes is told with the authority
    elif leaf.not_valid_after_utc - now < SOON:
        days = (leaf.not_valid_after_utc - now).days
        yield warn(
            WHAT,
            f"expires on {until}, in {days} day{'' if days == 1 else 's'}",
            "renew it, then `systemctl reload relay`",
        )
    elif leaf.issuer == leaf.subject and not _only_loopback(settings):
        todo = "get one from a CA: set tls.acme, or tls.certificate"
        if settings.tls.acme:
            todo = "it is shown until the authority has given one"
        yield warn(WHAT, f"self-signed, until {until}: applications that verify it refuse", todo)
    else:
        yield ok(WHAT, f"until {until}" + (", self-signed" if leaf.issuer == leaf.subject else ""))
    names = due.names_of(leaf)
    if not any(_covers(name, settings.server.hostname) for name in names):
        held = ", ".join(names[:5]) or "no name"
        yield warn(WHAT, f"is for {held}, not for {settings.server.hostname}", "get one for server.hostname")


def _key(chain: list[x509.Certificate], certificate: Path, path: Path) -> Iterator[CheckResult]:
    what = "certificate's key"
    found = private_file(what, path)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError:
        yield found
        return
    except TypeError:
        yield bad(what, f"{path} has a passphrase", f"take it off: `openssl pkey -in {path} -out NEW`")
        return
    except (ValueError, UnsupportedAlgorithm):
        yield bad(what, f"{path} holds no usable PEM private key", "correct tls.key")
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = key.public_key().public_bytes(*form)
    if public == chain[0].public_key().public_bytes(*form):
        yield found if found.level is not Level.OK else ok(what, f"{found.detail}, fits")
    elif any(public == other.public_key().public_bytes(*form) for other in chain[1:]):
        yield bad(what, f"{path} fits a later certificate of {certificate}", "put the server's own certificate first")
    else:
        yield bad(what, f"{path} doesn't fit the certificate", "give the key that the certificate was made for")


def _covers(name: str, hostname: str) -> bool:
    """RFC 9525 §6.3: a wildcard stands for one whole label, the leftmost."""
    return name == hostname or (name.startswith("*.") and name[2:] == hostname.partition(".")[2])


def _only_loopback(settings: Settings) -> bool:
    listen = settings.listen
    return all(
        is_loopback(split_listen(text).host) for text in (*listen.submission, *listen.submissions, *listen.inbound)
    )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
