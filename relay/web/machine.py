"""Figures of the machine for ``/metrics``: release, processes, disk, certificate."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric

from config.settings import Settings
from relay.certificates.chosen import files_in_use
from relay.certificates.leaf import leaf_of
from relay.certificates.place import CertificatePlace
from relay.certificates.state import read_state
from relay.observe.trouble import Trouble


class MachineFigures:
    """A Prometheus collector; asks the file system each time."""

    def __init__(
        self, settings: Settings, mail_alive: Callable[[], bool], troubles: Callable[[], Sequence[Trouble]]
    ) -> None:
        self._settings = settings
        self._mail_alive = mail_alive
        self._troubles = troubles

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("relay_info", "1; which release runs.", labels=["version", "python", "store"])
        store = "postgresql" if self._settings.store.url else "sqlite"
        info.add_metric([release(), platform.python_version(), store], 1)
        yield info
        up = int(self._mail_alive())
        yield GaugeMetricFamily("relay_mail_up", "1 if all mail processes answer.", value=up)
        trouble = GaugeMetricFamily("relay_trouble", "1 for what keeps mail from being stored.", labels=["trouble"])
        found = set(self._troubles())
        for one in Trouble:
            if one:
                trouble.add_metric([one.name.lower()], int(one in found))
        yield trouble
        yield from self._disk()
        yield from self._certificate()

    def _disk(self) -> Iterator[Metric]:
        try:
            found = os.statvfs(self._settings.server.data_dir)
        except OSError:
            return
        free, least = found.f_bavail * found.f_frsize, self._settings.limits.free_disk_octets
        yield GaugeMetricFamily("relay_disk_free_bytes", "Free on the disk of data_dir.", value=free)
        yield GaugeMetricFamily("relay_disk_least_bytes", "Below so many free no mail is taken.", value=least)
        if self._settings.store.url:
            return
        database = self._settings.database
        yield GaugeMetricFamily("relay_store_bytes", "Size of the database.", value=_size(database))
        log = database.with_name(f"{database.name}-wal")
        yield GaugeMetricFamily("relay_store_log_bytes", "Size of the database's log.", value=_size(log))

    def _certificate(self) -> Iterator[Metric]:
        files = files_in_use(self._settings)
        leaf = None if files is None else leaf_of(files.certificate)
        if leaf is not None:
            until = leaf.not_valid_after_utc.timestamp()
            text = "Until when the certificate on disk is valid."
            yield GaugeMetricFamily("relay_certificate_expiry_timestamp_seconds", text, value=until)
        failures = 0
        if self._settings.tls.acme:
            failures = read_state(CertificatePlace(self._settings.server.data_dir)).failures
        text = "Tries in a row in which the authority gave no certificate."
        yield GaugeMetricFamily("relay_certificate_failures", text, value=failures)


def release() -> str:
    """Which release this is."""
    try:
        return version("relay-smtp")
    except PackageNotFoundError:
        return "unknown"


def disk(settings: Settings) -> dict[str, int]:
    """Octets: free on the disk of data_dir, below how many no mail is taken, the database's own."""
    found = {}
    try:
        place = os.statvfs(settings.server.data_dir)
        found = {"free": place.f_bavail * place.f_frsize, "least": settings.limits.free_disk_octets}
    except OSError:
        pass
    return found if settings.store.url else found | {"database": _size(settings.database)}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
