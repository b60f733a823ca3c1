"""A certificate to begin with: without any, the ports couldn't be opened that an authority asks at."""

from __future__ import annotations

import datetime as dt
import logging

from config.settings import Settings
from relay.certificates.chosen import files_in_use
from relay.certificates.place import CertificatePlace

_log = logging.getLogger("relay.certificates")


def begin_certificate(settings: Settings) -> None:
    """Self-signed, where there is none at all and an authority is named. May raise OSError."""
    if not settings.tls.acme or files_in_use(settings) is not None:
        return
    from relay.certificates.self_signed import self_signed

    chain, key = self_signed(settings.server.hostname, dt.datetime.now(dt.UTC))
    place = CertificatePlace(settings.server.data_dir)
    place.write(place.beginning, key + chain)
    _log.info("a self-signed certificate is shown until the authority has given one")
