#!/usr/bin/env python3
"""Checks a consent proof, or another proof of the relay's audit log, without the relay.

    python proof_check.py [--key KEYID] [--head FILE] FILE
    python proof_check.py --mail MAIL [--key KEYID] [--url URL | DOCUMENT]

FILE is what `relay consent proof` wrote (HTML or JSON), or the JSON of
`relay audit prove` or `relay audit head`. --key names the key that you trust
(16 hex digits). --head is a head kept elsewhere: the proof's head must be the
same one, or pass --consistency FILE as well, made by `relay audit prove --from`. It may be
what `relay audit head` prints, with or without --json, or the line of the relay's log.
--mail takes a mail with a field `Permission` (PERMISSION.md). The document that shows its consent in the log is fetched
from URL (the relay's base address, e.g. https://relay.example.com), or read from a file. The mail's own DKIM signature,
which covers the field, is the business of your mail program.
Exit status 0: genuine; 1: not, with the reason; 2: wrong use.

Needs Python 3.9 or newer and the package `cryptography`. The format is described in PROOF.md.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEAD = ("at_us", "key", "previous", "root", "size")


class Wrong(Exception):
    """The proof proves nothing; the text says why."""


def need(condition, why):
    if not condition:
        raise Wrong(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def included(hash_, number, size, path):
    """The root that a leaf's hash and its path give (RFC 9162, 2.1.3.2)."""
    need(0 <= number < size, "a leaf's number lies outside the tree")
    fn, sn, r = number, size - 1, hash_
    for p in path:
        need(sn != 0, "a path is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "a path is too short")
    return r


def consistent(first, second, first_root, path):
    """The root of the second tree, if the first one is its beginning (RFC 9162, 2.1.4.2)."""
    if first == second:
        need(not path, "a path is too long")
        return first_root
    need(0 < first < second and path, "the trees' sizes are wrong")
    rest = list(path) if first & (first - 1) else [first_root, *path]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = rest[0]
    for c in rest[1:]:
        need(sn != 0, "a path is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "a path is too short")
    need(fr == first_root, "the older tree is not the beginning of the newer one")
    return sr


def hashes(path):
    found = [bytes.fromhex(one) for one in path]
    need(all(len(one) == 32 for one in found), "a path holds what is no hash")
    return found


def key_id(public):
    return hashlib.sha256(public).hexdigest()[:16]


def signed(public, signature, data, what):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature, validate=True), data)
    except InvalidSignature:
        raise Wrong("the signature of " + what + " is wrong: it was changed, or another key signed it") from None


def check_head(head, trusted=None):
    """A head's signature; returns its size and root."""
    need(set(head) - {"type", "at"} == {*HEAD, "public_key", "signature"}, "a head has other fields than it should")
    public = base64.b64decode(head["public_key"], validate=True)
    need(key_id(public) == head["key"], "a head's key is not the one it names")
    need(
        not trusted or head["key"] in trusted, "the head is signed by the key " + head["key"] + ", which isn't trusted"
    )
    data = b"relay audit head v1\n" + canonical({name: head[name] for name in HEAD})
    signed(public, head["signature"], data, "the head")
    need(type(head["size"]) is int, "a head's size is no integer")
    return head["size"], bytes.fromhex(head["root"])


def check_leaf(entry, size, root):
    need(type(entry["number"]) is int, "a leaf's number is no integer")
    found = included(leaf_hash(canonical(entry["leaf"])), entry["number"], size, hashes(entry["path"]))
    need(found == root, f"leaf {entry['number']} is not in the tree as it stands here")


def commitment(entry):
    if "erased" in entry:
        return bytes.fromhex(entry["erased"])
    salt = bytes.fromhex(entry["salt"])
    need(len(salt) == 16, "a salt is not of 16 octets")
    return sha256(salt + canonical(entry["record"]))


def check_record(entry, size, root):
    """A record in its leaf, and the leaf in the tree."""
    leaf = entry["leaf"]
    found = included(leaf_hash(commitment(entry)), entry["place"], leaf["records"], hashes(entry["batch"]))
    need(found.hex() == leaf["root"], f"a record is not what leaf {entry['number']} stands for")
    check_leaf(entry, size, root)


def check_consent(document, trusted):
    """All of a consent proof; returns what it says."""
    size, root = check_head(document["head"], trusted)
    public = base64.b64decode(document["public_key"], validate=True)
    need(not trusted or key_id(public) in trusted, "the document is signed by a key that isn't trusted")
    rest = {name: value for name, value in document.items() if name != "signature"}
    signed(public, document["signature"], b"relay consent proof v1\n" + canonical(rest), "the document")
    before = (-1, -1)
    for entry in document["entries"]:
        check_record(entry, size, root)
        record = entry["record"]
        need(record["address"] == document["address"], "an entry is about another person")
        need(record["tenant"] == document["tenant"]["name"], "an entry is about another tenant")
        need(record["topic"] in (document["topic"], "*"), "an entry is about another topic")
        need((entry["number"], entry["place"]) > before, "the entries are not in the order they were written")
        before = entry["number"], entry["place"]
        if record["wording"]:
            text = document["wordings"].get(record["wording"])
            need(text is not None, "a wording is missing")
            need(hashlib.sha256(text.encode()).hexdigest() == record["wording"], "a wording was changed")
    for entry in document["attestations"] + document.get("freed", []):
        check_record(entry, size, root)
    need(document["state"] == state_of(document["entries"]), "the state is not what the entries come to")
    return told(document)


def state_of(entries):
    """What the entries come to (PROOF.md, State)."""
    consent = withdrawal = None
    suppressed = set()
    for place, entry in enumerate(entries):
        record = entry["record"]
        action = record["action"].removeprefix("tracking-")
        if action == "given" and (consent is None or withdrawal is not None):
            consent, withdrawal = place, None
        elif action in ("withdrawn", "undone") and withdrawal is None:
            withdrawal = place
        elif record["action"] == "suppressed":
            suppressed.add(json.loads(record["evidence"])["reason"])
        elif record["action"] == "lifted":
            suppressed.discard(json.loads(record["evidence"])["reason"])
    live = consent is not None and withdrawal is None
    return {"live": live, "consent": consent, "withdrawal": withdrawal, "suppressed": sorted(suppressed)}


def told(document):
    state, head = document["state"], document["head"]
    place = state["consent"] if state["consent"] is not None else 0
    record = document["entries"][place]["record"]
    at = datetime.fromtimestamp(record["at_us"] // 1_000_000, timezone.utc)  # noqa: UP017 - Python 3.9 has no UTC
    return (
        f"{document['address']} agreed to {document['topic']!r} of {document['tenant']['name']}"
        f" at {at:%Y-%m-%d %H:%M:%S} UTC, {'in force' if state['live'] else 'withdrawn'};"
        f" entries {len(document['entries'])}, tree of {head['size']} leaves, key {head['key']}"
    )


def check_inclusion(document, trusted):
    size, root = check_head(document["head"], trusted)
    check_leaf(document, size, root)
    row = [leaf_hash(commitment(entry)) for entry in document["records"]]
    need(len(row) == document["leaf"]["records"], "the leaf stands for another number of records")
    need(tree(row).hex() == document["leaf"]["root"], "a record is not what the leaf stands for")
    return f"leaf {document['number']} ({document['leaf']['action']}) is in the tree of {size} leaves"


def tree(row):
    if not row:
        return sha256(b"")
    if len(row) == 1:
        return row[0]
    middle = 1 << (len(row) - 1).bit_length() - 1
    return node_hash(tree(row[:middle]), tree(row[middle:]))


def check_consistency(document, trusted):
    # The older head may be signed by a key that was retired since.
    first, first_root = check_head(document["first"])
    second, second_root = check_head(document["head"], trusted)
    found = consistent(first, second, first_root, hashes(document["path"]))
    need(found == second_root, "the newer tree is not grown from the older one")
    return f"the tree of {first} leaves is the beginning of the one of {second}"


def permission_of(mail):
    """The token of a mail's field `Permission`."""
    head = re.split(r"\r?\n\r?\n", mail, maxsplit=1)[0]
    found = re.findall(r"(?im)^permission:[ \t]*((?:[A-Za-z0-9_-]|\r?\n[ \t]+)+)[ \t]*\r?$", head)
    need(len(found) == 1, f"the mail has {len(found)} fields `Permission` with a token; it takes one")
    return re.sub(r"\s", "", found[0])


def check_permission(document, trusted, token=None):
    """A mail's consent stood in the log that was signed before the mail, and that log is the beginning of today's."""
    token = token or document["permission"]
    need(document["permission"] == token, "the document is about another mail's permission")
    parts = struct.unpack(">B6s6sQ8s32s32s32s64s", base64.urlsafe_b64decode(token))
    version, leaf, size, at_us, key, bound, root, previous, signature = parts
    need(version == 1, "the permission's version is not known")
    then = document["then"]
    said = {
        "size": int.from_bytes(size, "big"),
        "root": root.hex(),
        "at_us": at_us,
        "key": key.hex(),
        "previous": "" if previous == bytes(32) else previous.hex(),
        "signature": base64.b64encode(signature).decode(),
    }
    need({name: then[name] for name in said} == said, "the document's older head is not the one that the mail names")
    check_head(then, trusted)
    need(document["number"] == int.from_bytes(leaf, "big"), "the document is about another leaf")
    kept = document["leaf"]
    need(kept["action"] in ("consent-given", "consents-given", "adopted"), "the leaf holds no consent")
    found = included(leaf_hash(bound), document["place"], kept["records"], hashes(document["batch"]))
    need(found.hex() == kept["root"], "the leaf doesn't hold the consent that the mail names")
    check_leaf(document, then["size"], root)
    today, today_root = check_head(document["head"])
    grown = consistent(then["size"], today, root, hashes(document["consistency"]))
    need(grown == today_root, "today's log is not grown from the one that the mail names: its history was written anew")
    at = datetime.fromtimestamp(kept["at_us"] // 1_000_000, timezone.utc)  # noqa: UP017 - Python 3.9 has no UTC
    return (
        f"the mail's consent is in leaf {document['number']}, recorded at {at:%Y-%m-%d %H:%M:%S} UTC, under a head of"
        f" {then['size']} leaves by the key {then['key']}; today's log of {today} leaves has it too"
    )


def fetched(base, token):
    address = base.rstrip("/") + "/permission/" + token
    need(address.startswith(("https://", "http://")), "--url is no address of a page")
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.loads(answer.read(10_000_000))


def check(document, trusted=None):
    """What the document proves, in words; raises Wrong."""
    checks = {
        "relay-consent-proof": check_consent,
        "relay-audit-inclusion": check_inclusion,
        "relay-audit-consistency": check_consistency,
        "relay-permission": check_permission,
        "relay-audit-head": lambda head, keys: f"head of {check_head(head, keys)[0]} leaves",
    }
    try:
        kind = document["type"]
        need(kind in checks, f"this is a document of the kind {kind!r}, which is not known")
        need(kind == "relay-audit-head" or document["version"] == 1, "the document's version is not known")
        return checks[kind](document, trusted)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise Wrong(f"the document is not complete or not well-formed ({error!r})") from error


def check_kept(document, kept, bridge):
    """The proof's head is the kept one, or grown from it."""
    check_head(kept)
    head = document.get("head", document)  # a head is its own
    same = [name for name in HEAD if kept[name] == head[name]]
    if len(same) == len(HEAD):
        return
    need(bridge is not None, "the proof's head is not the kept one; give --consistency as well")
    check(bridge)
    need(all(bridge["first"][n] == kept[n] for n in HEAD), "--consistency doesn't begin at the kept head")
    need(all(bridge["head"][n] == head[n] for n in HEAD), "--consistency doesn't end at the proof's head")


def read(path):
    text = Path(path).read_text("utf-8")
    found = re.search(r'<script type="application/json" id="proof">(.*?)</script>', text, re.S)
    try:
        return json.loads(found.group(1) if found else text)
    except RecursionError:
        raise ValueError("it is nested too deeply for a proof") from None


def read_head(path):
    """A head as JSON, as a terminal or the relay's log shows it, or out of a proof."""
    text = Path(path).read_text("utf-8")
    try:
        found = read(path)
    except ValueError:
        found = None
    if isinstance(found, dict) and ("root" in found or "head" in found):
        return found.get("head", found)
    words = text.replace("public key", "public_key").replace("at us", "at_us")
    found = dict(
        re.findall(r'(?<![\w-])(at_us|key|previous|public_key|root|signature|size)(?:=|[ \t]+)([^\s"]+)', words)
    )
    need({*HEAD, "public_key", "signature"} <= set(found), f"{path} holds no head")
    return {**found, "at_us": int(found["at_us"]), "size": int(found["size"]), "previous": found["previous"].strip("-")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--mail", metavar="MAIL", help="a mail with a field `Permission`")
    parser.add_argument("--url", metavar="URL", help="the relay's base address, for --mail")
    parser.add_argument("--key", action="append", metavar="KEYID", help="a key that you trust; may be given repeatedly")
    parser.add_argument("--head", metavar="FILE", help="a head kept elsewhere (JSON)")
    parser.add_argument("--consistency", metavar="FILE", help="what `relay audit prove --from HEAD --json` printed")
    given = parser.parse_args()
    if bool(given.file) == bool(given.mail and given.url):
        parser.error("name a FILE, or --mail with a FILE or --url")
    try:
        token = permission_of(Path(given.mail).read_text("utf-8", "replace")) if given.mail else None
        documents = fetched(given.url, token) if token and given.url else read(given.file)
        documents = documents if isinstance(documents, list) else [documents]
        if token:
            need(all(one.get("permission") == token for one in documents), "the document is about another mail")
        need(documents, "there is nothing in it")
        told = [check(document, given.key) for document in documents]
        if given.head:
            bridge = read(given.consistency) if given.consistency else None
            for document in documents:
                check_kept(document, read_head(given.head), bridge)
    except Wrong as error:
        sys.exit(f"NOT GENUINE: {error}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"can't be read: {error}")
    for text in told:
        print("genuine: " + text)
    if not given.key:
        print("signed by the key it brings along; --key KEYID says which one you trust")


if __name__ == "__main__":
    main()
