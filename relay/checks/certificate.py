"""The server's certificate: readable, with its key, in force, in the relay's name."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from config.names import split_listen
from config.settings import Settings
from relay.checks.files import private_file
from relay.checks.result import CheckResult, Level, bad, ok, warn

WHAT = "certificate"
SOON = dt.timedelta(days=14)


def check_certificate(settings: Settings, now: dt.datetime) -> Iterator[CheckResult]:
    """``now`` is a time with zone."""
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None or key is None:
        if settings.listen.submissions:
            ports = ", ".join(settings.listen.submissions)
            yield bad(WHAT, f"none, but listen.submissions ({ports}) needs one", "set tls.certificate and tls.key")
        else:
            yield warn(WHAT, "none: no TLS is offered", "set tls.certificate and tls.key")
        return
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    except OSError as error:
        yield bad(WHAT, f"{certificate}: {error.strerror}", "correct tls.certificate, or make it readable")
    except ValueError:
        yield bad(WHAT, f"{certificate} holds no PEM certificate", "give the certificate, then its chain, as PEM")
    else:
        yield from _certificate(chain[0], settings, now)
        yield from _key(chain, certificate, key)


def _certificate(leaf: x509.Certificate, settings: Settings, now: dt.datetime) -> Iterator[CheckResult]:
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d}"
    if now > leaf.not_valid_after_utc:
        yield bad(WHAT, f"expired on {until}", "renew it, then `systemctl reload relay`")
    elif now < leaf.not_valid_before_utc:
        yield bad(WHAT, f"not in force before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC", "set the clock right")
    elif leaf.not_valid_after_utc - now < SOON:
        days = (leaf.not_valid_after_utc - now).days
        yield warn(
            WHAT,
            f"expires on {until}, in {days} day{'' if days == 1 else 's'}",
            "renew it, then `systemctl reload relay`",
        )
    elif leaf.issuer == leaf.subject and not _only_loopback(settings):
        yield warn(WHAT, f"self-signed, until {until}: applications that verify it refuse", "get one from a CA")
    else:
        yield ok(WHAT, f"until {until}" + (", self-signed" if leaf.issuer == leaf.subject else ""))
    names = _names(leaf)
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


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


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
