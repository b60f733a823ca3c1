"""Mutated bounces through the reader of what comes back: ``python -m tests.fuzz.feedback --n 20000 --seed 1``.

A run fails on any exception, on a run over one second, and on a finding that couldn't be stored.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from relay.feedback import mime
from relay.feedback.analyse import MAX_DIAGNOSTIC, analyse, automatic
from relay.feedback.letter import word
from relay.feedback.understand import open_mail
from relay.keys.secrets import Secrets

SECRETS = Secrets({1: b"k" * 32}, 1)
ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests" / "samples" / "bounces", ROOT.parent / "shared" / "corpora")
SCRAPS = (
    b"\r\n",
    b"\r\n\r\n",
    b"--",
    b"--limit--",
    b"=",
    b"=?utf-8?q?",
    b"\0",
    b"\xff\xfe",
    b"<",
    b">",
    b"@",
    b" " * 200,
    b"5.1.1",
    b"550 5.1.1",
    b"Content-Type: multipart/mixed; boundary=",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Action: failed\r\n",
    b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"X-HmXmrOriginalRecipient: <a@b.example>\r\n",
    b'{"notificationType":"Complaint","complaint":{"complainedRecipients":[{}]},"mail":{"headers":[{}]}}',
    b"Original-Mail-From: <b-" + b"a" * 50 + b"@relay.example>\r\n",
    b"unsubscribe",
)


def mutate(message: bytes, rng: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(message)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(0, 60))
        kind = rng.randrange(4)
        if kind == 0:
            data[at:end] = b""
        elif kind == 1:
            data[at:at] = rng.choice(SCRAPS)
        elif kind == 2:
            data[at:at] = data[at:end] * rng.randint(1, 20)
        else:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            data[at:end] = other[start : start + rng.randint(0, 2000)]
    return bytes(data)


def run(count: int, seed: int) -> dict[str, int]:
    """``count`` mutated messages; raises AssertionError that names run and seed."""
    rng = random.Random(seed)
    seeds = [p.read_bytes() for folder in FOLDERS for p in sorted(folder.rglob("*")) if p.is_file()]
    outcomes: dict[str, int] = {}
    for number in range(count):
        message = mutate(rng.choice(seeds), rng, seeds)
        start = time.process_time()
        mail = mime.parse(message)
        finding = analyse(mail, "ann@example.net")
        automatic(mail, "ann@example.net")
        judged = word(mail, "ann@example.net")
        opened = open_mail(SECRETS, message, loop=True)
        taken = time.process_time() - start
        where = f"run {number} of seed {seed}"
        assert taken < 1, f"{where} took {taken:.1f} s"
        assert judged.sign, where
        assert not any(tags.marks for _, tags in opened.inside), f"{where} made a tag of ours"
        assert len(finding.diagnostic) <= MAX_DIAGNOSTIC, where
        f"{finding.diagnostic}{finding.remote}{finding.type}".encode()
        outcomes[finding.kind] = outcomes.get(finding.kind, 0) + 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(run(options.n, options.seed), file=sys.stderr)


if __name__ == "__main__":
    main()
