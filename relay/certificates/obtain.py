"""What is to be done with the authority now is done: a new certificate, or only asked when it wants one renewed.

As a program of its own (``python -m relay.certificates.obtain``, the pickled settings on stdin): what the library
brings along, and its waiting, are nothing for a process that takes mail.
"""

from __future__ import annotations

import datetime as dt
import json
import pickle
import sys
import time
from dataclasses import replace

from cryptography import x509

from config.settings import Settings
from relay.certificates import due
from relay.certificates.authority import Authority
from relay.certificates.chosen import CertificateFiles, wanted_names
from relay.certificates.context import CertificateError, load_context
from relay.certificates.errors import CertificateFailed
from relay.certificates.leaf import leaf_of
from relay.certificates.place import CertificatePlace
from relay.certificates.state import CertificateState, read_state, write_state


def step(settings: Settings, *, force: bool = False) -> str:
    """What was done, in words; empty: nothing was to be done. Raises CertificateFailed, which is on record then.

    ``force``: whatever there is, and however lately a try failed.
    """
    place = CertificatePlace(settings.server.data_dir)
    with place.alone() as free:
        if not free:
            raise CertificateFailed("another process talks with the authority already: wait for it")
        state, now = read_state(place), time.time()
        leaf, names = leaf_of(place.certificate), wanted_names(settings)
        why = "it was asked for" if force else due.reason(leaf, names, state, now)
        if not why and (leaf is None or now < state.ask_at):
            return ""
        try:
            with Authority.talk(settings, place, now) as authority:
                if why:
                    content = authority.obtain(names)
                    _keep(place, content)
                    state = CertificateState(tried_at=now, obtained_at=now)
                content = place.certificate.read_bytes()
                renew_at, ask_at = authority.asks_to_renew(content)
        except CertificateFailed as error:
            if why:
                write_state(place, state.failed(str(error), now, error.not_before))
                raise
            write_state(place, replace(state, ask_at=now + 6 * 3600.0))
            return ""
        write_state(place, replace(state, renew_at=renew_at, ask_at=ask_at))
        return f"a certificate for {', '.join(names)} was got from the authority: {why}" if why else ""


def _keep(place: CertificatePlace, content: bytes) -> None:
    """Tried before it takes the place of the one that works."""
    beside = place.folder / "new.pem"
    place.write(beside, content)
    try:
        load_context(CertificateFiles(beside, beside))
        leaf = x509.load_pem_x509_certificate(content[content.index(b"-----BEGIN CERTIFICATE") :])
        if leaf.not_valid_after_utc < dt.datetime.now(dt.UTC):
            raise CertificateFailed("the authority gave a certificate that has expired: is the clock right?")
        beside.replace(place.certificate)
    except CertificateError as error:
        raise CertificateFailed(f"what the authority gave can't be used: {error}") from error
    finally:
        beside.unlink(missing_ok=True)


def main() -> None:
    settings: Settings = pickle.loads(sys.stdin.buffer.read())
    try:
        told = {"done": step(settings), "error": ""}
    except CertificateFailed as error:
        told = {"done": "", "error": str(error)}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
