"""The service's certificate: the given one, or one to begin with."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from config.load import validate
from config.settings import Settings
from relay.certificates.self_signed import self_signed
from relay.checks.certificate import check_certificate
from relay.checks.result import Level
from relay.install.errors import InstallError
from relay.install.files import write_over
from relay.install.layout import InstallRoot
from relay.install.steps import InstallStep, Owner, StepState

WHAT = "certificate"
GivenCertificate = tuple[Path, Path]
"""PEM files with the chain and with the key."""


def install_certificate(
    root: InstallRoot, settings: Settings, given: GivenCertificate | None, owner: Owner | None, now: dt.datetime
) -> InstallStep:
    """Where the settings say. A given one takes the place of what is there; raises InstallError if it won't do."""
    if settings.tls.certificate is None or settings.tls.key is None:
        return InstallStep(WHAT, StepState.LEFT, "the settings have none ([tls] certificate and key)")
    certificate, key = root.at(settings.tls.certificate), root.at(settings.tls.key)
    there = certificate.exists() and key.exists()
    if given is None and there:
        return InstallStep(WHAT, StepState.THERE, str(certificate))
    if given is None and (certificate.exists() or key.exists()):
        raise InstallError(f"of {certificate} and {key} only one is there; bring the other, or move it away")
    chain, secret = _read(given) if given else self_signed(settings.server.hostname, now)
    if given is not None:
        _fits(settings, chain, secret, now)
        if there and (certificate.read_bytes(), key.read_bytes()) == (chain, secret):
            return InstallStep(WHAT, StepState.THERE, str(certificate))
    write_over(key, secret, 0o600, owner)
    write_over(certificate, chain, 0o644)
    said = "" if given else f", self-signed for {settings.server.hostname}{_advice(settings)}"
    return InstallStep(WHAT, StepState.CHANGED if there else StepState.MADE, f"{certificate}{said}")


def _advice(settings: Settings) -> str:
    if settings.tls.acme:
        return ", until the authority has given one"
    return ": get one from a CA before customers connect"


def _read(given: GivenCertificate) -> tuple[bytes, bytes]:
    return given[0].read_bytes(), given[1].read_bytes()


def _fits(settings: Settings, chain: bytes, secret: bytes, now: dt.datetime) -> None:
    """Asks what ``relay check`` asks, of copies that nobody else can read."""
    with tempfile.TemporaryDirectory() as beside:
        paths = {name: Path(beside, f"{name}.pem") for name in ("certificate", "key")}
        for path, content in zip(paths.values(), (chain, secret), strict=True):
            path.touch(0o600)
            path.write_bytes(content)
        tls = {name: str(path) for name, path in paths.items()}
        asked = validate({"server": {"hostname": settings.server.hostname}, "tls": tls}, base=Path(beside))
        faults = [one for one in check_certificate(asked, now) if one.level is Level.FAIL]
        texts = [f"{one.what}: {one.detail}: {one.todo}" for one in faults]
    for name, path in paths.items():
        texts = [text.replace(str(path), f"--{name}'s file") for text in texts]
    if texts:
        raise InstallError("; ".join(texts))
