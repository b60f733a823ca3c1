"""Which certificate is shown, and for which names one is got."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from config.names import domain_name
from config.settings import Settings
from relay.certificates.place import CertificatePlace


class CertificateFiles(NamedTuple):
    """PEM; both may be one file."""

    certificate: Path
    key: Path


def files_in_use(settings: Settings) -> CertificateFiles | None:
    """Those of the authority as soon as there are some, before them the given ones, else the one to begin with."""
    given = settings.tls
    if given.acme:
        place = CertificatePlace(settings.server.data_dir)
        if place.certificate.exists():
            return CertificateFiles(place.certificate, place.certificate)
        if given.certificate is None or given.key is None:
            return CertificateFiles(place.beginning, place.beginning) if place.beginning.exists() else None
    if given.certificate is None or given.key is None:
        return None
    return CertificateFiles(given.certificate, given.key)


def wanted_names(settings: Settings) -> tuple[str, ...]:
    """Of the machine, its pages and tracked links, and those of ``tls.acme_names``; each once, the machine's first."""
    return tuple(dict.fromkeys(_names(settings)))


def _names(settings: Settings) -> Iterator[str]:
    yield settings.server.hostname
    for url in (settings.links.base_url, settings.tracking.apart_url):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            try:
                yield domain_name(parts.hostname)
            except ValueError:
                continue  # an address: of those no certificate is got
    yield from settings.tls.acme_names
