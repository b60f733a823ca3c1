"""Mutated messages through scan, compile and render: ``python -m tests.fuzz.mail --n 20000 --seed 1``.

A run fails on any exception but Malformed, on a run over one second of CPU, on a bare CR, LF or NUL or a line over
998 octets in what is rendered, on a body hash that isn't the body's, and on a header line that nobody wrote.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import re
import sys
import time
from pathlib import Path

from relay.mail.additions import Additions
from relay.mail.address import AddressError
from relay.mail.canon import relaxed_body
from relay.mail.downgrade import downgrade
from relay.mail.mend import mended
from relay.mail.render import Renderer
from relay.mail.scan import Malformed, ScanLimits, Scanned, addresses_of, decode_field, find_bare, scan
from relay.mail.template import Template, compile_template

ROOT = Path(__file__).resolve().parents[2]
ADDITIONS = Additions(
    "{{reason}}\nAus: {{unsubscribe_url}}\n--b1\n--\nfür {{evil}}",
    '<p>{{reason}}<br><a href="{{unsubscribe_url}}">Aus</a> für {{evil}}</p>',
    (("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"), ("X-Evil", "a {{evil}} b")),
)
VALUES = {
    "reason": "Ты подписан на «новости» & <b>",
    "evil": "--b1\r\nBcc: x@y\r\n\r\n.\r\nQUIT \0 \u2028 =\t",
    "unsubscribe_url": "https://relay.example.com/u/" + "k" * 42,
    "preferences_url": "https://relay.example.com/p/" + "k" * 42,
    "unsubscribe_mailto": "u-" + "k" * 52 + "@mail.example.com",
}
LIMITS = ScanLimits()
SCRAPS = [
    b"{{unsubscribe_url}}", b"{{relay_footer}}", b"%7B%7Bpreferences_url%7D%7D", b"=7B=7Brelay_footer}}", b"\r\n--b1",
    b"\r\n--b1--", b"\r\n--b1\r\n", b"\r\n\r\n", b"\r\n ", b"=\r\n", b"=", b"==", b"=3D", b"=C3=A4", b" ", b"\t",
    b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Type: multipart/alternative; boundary=b1\r\n",
    b"Content-Type: text/plain; charset=iso-2022-jp; format=flowed\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Type: text/plain; charset=shift_jis\r\n",
    b"Content-Disposition: attachment\r\n", b"Content-Type: message/rfc822\r\n", b"From: a@b.example\r\n", b"\xff",
    b"\xc3\xa4", b"-- \r\n",
    b"x" * 1200, b"<!--", b"-->", b"</body>", b"<style>", b"<script>", b'"', b"(", b")", b"\\", b";", b"charset=",
    b"boundary=",
]  # fmt: skip


def corpus() -> list[bytes]:
    """The golden messages, and the shared corpus where it is present; CRLF line ends, one From each."""
    files = sorted((ROOT / "tests/golden/mail").glob("*.in.eml"))
    shared = ROOT.parent / "shared/corpora"
    files += sorted(one for one in shared.glob("*/*/*") if one.is_file() and one.name != "LICENSE")
    found = []
    for one in files:
        octets = re.sub(rb"\r\n|\r|\n", b"\r\n", one.read_bytes().replace(b"\0", b""))
        head = re.sub(rb"\AFrom [^\r]*\r\n", b"", octets)[:200_000]
        if not re.search(rb"(?im)^From[ \t]*:", head.partition(b"\r\n\r\n")[0]):
            head = b"From: a@b.example\r\n" + head
        found.append(head)
    return found


def mutate(message: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5, 8))):
        at = rng.randrange(len(message) + 1)
        to = min(len(message), at + rng.choice((0, 1, 2, 5, 20, 100, 1000)))
        kind = rng.randrange(6)
        if kind == 0:
            message = message[:at] + rng.choice(SCRAPS) + message[at:]
        elif kind == 1:
            message = message[:at] + message[to:]
        elif kind == 2:
            message = message[:to] + message[at:to] * rng.choice((1, 2, 10)) + message[to:]
        elif kind == 3:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            message = message[:at] + other[begin : begin + 2000] + message[to:]
        elif kind == 4:
            message = message[:at] + bytes([rng.choice((0x20, 0x3D, 0x2D, 0x7B, 0x80, 0xFF, 0x0A))]) + message[at + 1 :]
        else:
            lines = message.split(b"\r\n")
            line = rng.randrange(len(lines))
            lines.insert(rng.randrange(len(lines) + 1), lines.pop(line))
            message = b"\r\n".join(lines)
    return re.sub(rb"\r\n|\r|\n", b"\r\n", message.replace(b"\0", b""))


def _names(fields: tuple[bytes, ...]) -> list[bytes]:
    block = b"".join(fields)
    return [line.partition(b":")[0].strip().lower() for line in block.split(b"\r\n")[:-1] if line[:1] not in b" \t"]


def _long(octets: bytes) -> bool:
    """Whether a line is over 998 octets; a regular expression would take seconds for many that are nearly so."""
    return any(len(line) > 998 for line in octets.split(b"\r\n"))


def _check(scanned: Scanned, additions: Additions) -> None:
    template = Template.decode(compile_template(scanned, additions, frozenset(), [VALUES]).encode())
    copy = Renderer(template).render(VALUES, (b"Received: x\r\n",))
    whole = b"".join(copy.fields) + b"\r\n" + copy.body
    assert find_bare(whole) is None, "bare CR, LF or NUL"
    assert copy.clean, "not known to be clean"
    assert not (copy.dotless and b"\r\n." in b"\r\n" + whole), "a dot at the start of a line"
    assert copy.body_hash == hashlib.sha256(relaxed_body(copy.body)).digest(), "body hash"
    assert not _long(whole), "a line over 998 octets"
    assert copy.body == b"" or copy.body.endswith(b"\r\n"), "no CRLF at the end"
    assert b"bcc" not in _names(copy.fields), "a header line that nobody wrote"
    assert len(_names(copy.fields)) == len(copy.fields), "a field that is more than one"
    if not template.needs_8bit:
        assert copy.body.isascii(), "needs_8bit"
    again = scan(whole, ScanLimits(header_octets=10**6, header_fields=2000, parts=2000, depth=60, hops=100))
    if not template.wrapped:
        assert [part.content_type for part in again.parts] == [part.content_type for part in scanned.parts], "parts"
    lower = downgrade(copy.fields, copy.body) if template.needs_8bit else None
    if lower is not None:
        assert lower.body.isascii() and find_bare(lower.body) is None and not _long(lower.body), "downgrade"
    if not (additions.footer_text or template.placeholders or _long(scanned.message)):
        assert copy.body == scanned.message[scanned.body_start :], "an untouched body changed"


def one(message: bytes) -> str:
    """Run one message; how it went."""
    try:
        scanned = mended(scan(message, LIMITS), LIMITS, smtputf8=True)
        for field in scanned.fields:
            assert not re.search("[\0-\x1f]", decode_field(scanned.value(field))), "control in a decoded field"
        with contextlib.suppress(AddressError):
            addresses_of(scanned.first(b"from") or b"")
        _check(scanned, ADDITIONS)
        _check(scanned, Additions())
    except Malformed:
        return "malformed"
    return "done"


def run(count: int, seed: int) -> dict[str, int]:
    """``count`` mutated messages; raises AssertionError with the message that fails kept beside."""
    rng = random.Random(seed)
    seeds = corpus()
    outcomes: dict[str, int] = {}
    for number in range(count):
        message = mutate(rng.choice(seeds), rng, seeds)
        start = time.process_time()
        try:
            outcome = one(message)
        except Exception as error:
            kept = Path(f"/tmp/fuzz-mail-{seed}-{number}.eml")
            kept.write_bytes(message)
            raise AssertionError(f"run {number} of seed {seed}: {error!r}; message in {kept}") from error
        taken = time.process_time() - start
        if taken > 1:
            kept = Path(f"/tmp/fuzz-mail-{seed}-{number}.eml")
            kept.write_bytes(message)
            raise AssertionError(f"run {number} of seed {seed} took {taken:.1f} s; message in {kept}")
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(run(options.n, options.seed), file=sys.stderr)


if __name__ == "__main__":
    main()
