"""DKIM keys of OpenDKIM: its settings, KeyTable and SigningTable (opendkim.conf(5)), with the selectors in DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from relay.takeover.main_cf import read
from relay.takeover.plan import CarriedDomain, TakeoverError, TakeoverPlan

CONF = "etc/opendkim.conf"


class _Key(NamedTuple):
    domain: str
    selector: str
    file: str
    source: str


def find_keys(plan: TakeoverPlan, root: Path) -> None:
    """All that it signs with; nothing where there is no OpenDKIM."""
    if not (root / CONF).exists():
        plan.look("DKIM", f"no /{CONF}: `relay domain add TENANT DOMAIN --key FILE --selector S` takes a key over")
        return
    taken: set[str] = set()
    for key in _keys(plan, root, _settings(read(root / CONF))):
        if key.domain in taken:
            plan.left(key.source, f"{key.domain} has a key already, and begins with one")
            continue
        try:
            pem = key.file.encode() if "PRIVATE KEY" in key.file else read(root / key.file.lstrip("/")).encode()
        except TakeoverError as error:
            plan.look(key.source, str(error))
            continue
        taken.add(key.domain)
        plan.domains.append(CarriedDomain(key.domain, key.selector, pem, key.source))


def _settings(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        words = line.split("#")[0].split(None, 1)
        if len(words) == 2:
            found[words[0].lower()] = words[1].strip()
    return found


def _keys(plan: TakeoverPlan, root: Path, given: dict[str, str]) -> Iterator[_Key]:
    if "keytable" not in given:
        selector, file = given.get("selector", ""), given.get("keyfile", "")
        for domain in re.split(r"[\s,]+", given.get("domain", "")):
            if domain and selector and file:
                yield _Key(domain.lower(), selector, file, "opendkim.conf Domain")
        return
    keys = dict(_rows(plan, root, given["keytable"], "KeyTable"))
    used: set[str] = set()
    for pattern, name in _rows(plan, root, given.get("signingtable", ""), "SigningTable"):
        signer = pattern.rpartition("@")[2].lower()
        what = f"SigningTable {pattern}"
        if name not in keys:
            plan.look(what, f"names {name}, which KeyTable has not")
            continue
        key = _key(name, keys[name], signer)
        if key is None:
            plan.look(f"KeyTable {name}", f"{keys[name][:80]!r} is not DOMAIN:SELECTOR:FILE")
            continue
        if signer not in (key.domain, "*", "") and key.domain != "%":
            plan.look(
                what,
                f"was signed as {key.domain}; the relay signs as the domain of From: add {signer.lstrip('*.')} too",
            )
        if name not in used:
            used.add(name)
            yield key
    for name in keys.keys() - used:
        key = _key(name, keys[name], "")
        if key is not None and key.domain:
            yield key


def _key(name: str, value: str, signer: str) -> _Key | None:
    parts = value.split(":", 2)
    if len(parts) != 3 or not all(part.strip() for part in parts):
        return None
    domain = signer if parts[0].strip() == "%" else parts[0].strip().lower()
    return _Key(domain, parts[1].strip(), parts[2].strip(), f"KeyTable {name}")


def _rows(plan: TakeoverPlan, root: Path, spec: str, what: str) -> Iterator[tuple[str, str]]:
    """Of ``file:`` (or nothing before the path), ``refile:`` and ``csl:``."""
    kind, sign, path = spec.partition(":")
    if not sign or kind.startswith("/"):
        kind, path = "file", spec
    if not path:
        return
    if kind == "csl":
        lines = path.split(",")
    elif kind in ("file", "refile"):
        try:
            lines = read(root / path.lstrip("/")).splitlines()
        except TakeoverError as error:
            plan.look(what, str(error))
            return
    else:
        plan.look(
            what,
            f"{kind}: can't be read here: take its keys by `relay domain add TENANT DOMAIN --key FILE --selector S`",
        )
        return
    for line in lines:
        words = re.split(r"\s+|=", line.split("#")[0].strip(), maxsplit=1)
        if len(words) == 2 and words[0]:
            yield words[0], words[1].strip()
