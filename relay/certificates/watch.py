"""While the relay runs: certificates are got and renewed when it is time, and shown as soon as they are there.

One process of a relay sees to the authority (``renew``); each that shows the certificate looks whether there is a new
one (``follow``).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from config.settings import Settings
from relay.certificates import due
from relay.certificates.chosen import wanted_names
from relay.certificates.context import Certificate, CertificateError
from relay.certificates.leaf import leaf_of
from relay.certificates.place import CertificatePlace
from relay.certificates.state import CertificateState, read_state
from relay.processes.own import own_python
from relay.queue import operator
from relay.queue.operator import Operator
from relay.store.database import connect, transaction
from relay.store.thread import to_its_end
from relay.store.words import failed

_log = logging.getLogger("relay.certificates")

LOOK_S: Final = 30.0
FOLLOW_S: Final = 2.0
TALK_S: Final = 600.0
"""The program that talks with the authority is ended after so long."""
CALL_AFTER: Final = 3
"""Failures in a row; the first ones are DNS that isn't there yet, or a moment of the network's."""
CALL_AGAIN_S: Final = 86_400.0


async def follow(certificate: Certificate) -> None:
    """Until cancelled."""
    told = ""
    while True:
        await asyncio.sleep(FOLLOW_S)
        try:
            if certificate.renewed():
                _log.info("a new certificate is shown")
            told = ""
        except CertificateError as error:
            if str(error) != told:
                told = str(error)
                _log.error("the certificate is kept as it was: %s", error)


async def renew(settings: Settings, clock: Callable[[], float] = time.time) -> None:
    """Until cancelled. By one process of a relay."""
    while True:
        try:
            if await to_its_end(_wanted, settings, clock()):
                told = await _talk(settings)
                if told["done"]:
                    _log.info("%s", told["done"])
                if told["error"]:
                    await to_its_end(_fails, settings, clock())
        except Exception as error:
            failed(_log, "the certificate can't be seen to, trying again", error, settings.stored)
        await asyncio.sleep(LOOK_S)


def _wanted(settings: Settings, now: float) -> bool:
    place = CertificatePlace(settings.server.data_dir)
    state, leaf = read_state(place), leaf_of(place.certificate)
    return bool(due.reason(leaf, wanted_names(settings), state, now)) or (leaf is not None and now >= state.ask_at)


async def _talk(settings: Settings) -> dict[str, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "relay.certificates.obtain",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=own_python(),
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(child.communicate(pickle.dumps(settings)), TALK_S)
    except TimeoutError:
        return {"done": "", "error": f"it took more than {TALK_S:.0f} s"}
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        told: dict[str, str] = json.loads(out)
    except ValueError:
        return {"done": "", "error": f"the program for it ended with {child.returncode}"}
    return told


def _fails(settings: Settings, now: float) -> None:
    """On record is the reason; people are called when time gets short."""
    place = CertificatePlace(settings.server.data_dir)
    state, leaf = read_state(place), leaf_of(place.certificate)
    again = dt.datetime.fromtimestamp(state.next_try_at, dt.UTC)
    _log.error("no certificate could be got: %s; next try at %s UTC", state.error, f"{again:%Y-%m-%d %H:%M}")
    if state.failures < CALL_AFTER or not due.ends_soon(leaf, now):
        return
    until = f"runs out on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC" if leaf else "was never got"
    with closing(connect(settings.stored)) as conn, transaction(conn):
        operator.call(
            conn,
            Operator.of(settings),
            "certificate",
            f"the certificate of {settings.server.hostname} {until}",
            _letter(settings, state, until, again),
            now=now,
            once_s=CALL_AGAIN_S,
        )


def _letter(settings: Settings, state: CertificateState, until: str, again: dt.datetime) -> list[str]:
    names = ", ".join(wanted_names(settings))
    return [
        f"The certificate for {names} {until}, and the relay could not get one from {settings.tls.acme},"
        f" {state.failures} times in a row.",
        f"What the last try said: {state.error}",
        f"It tries again at {again:%Y-%m-%d %H:%M} UTC by itself. `relay cert status` tells how it stands,"
        " `relay cert renew` tries at once. Without it, applications and people's browsers refuse to connect.",
    ]
