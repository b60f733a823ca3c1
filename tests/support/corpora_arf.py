"""Figures of complaint reading over the ARF corpora: ``python -m tests.support.corpora_arf [DIRECTORY ...]``.

Each file is read as it is, and with its feedback type changed, its fields
folded, its boundary broken, its report as base64 and as quoted text: a
complaint must stay one, and ``not-spam`` must never be one.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from relay.feedback import loops, mime
from relay.feedback.complaint import Meaning

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "arf"
_TYPE = re.compile(rb"^Feedback-Type:[ \t]*[^\r\n]*", re.I | re.M)
_PART = re.compile(rb"(?<=\n)(Feedback-Type:.*?|User-Agent:.*?)(?=\n\n?--)", re.I | re.S)
Change = Callable[[bytes], bytes]


def _typed(value: bytes) -> Change:
    return lambda raw: _TYPE.sub(b"Feedback-Type: " + value, raw)


def _base64(raw: bytes) -> bytes:
    """The report's part in base64."""

    def coded(found: re.Match[bytes]) -> bytes:
        return base64.encodebytes(found.group(1)).rstrip()

    head = rb"(?i)(message/feedback-report[^\n]*\n(?:[^\n]+\n)*?)(?:Content-Transfer-Encoding:[^\n]*\n)"
    plain = re.sub(head, rb"\1", raw)
    named = re.sub(
        rb"(?i)message/feedback-report", rb"message/feedback-report\nContent-Transfer-Encoding: base64", plain
    )
    return _PART.sub(coded, named, count=1)


CHANGES: tuple[tuple[str, Change, Meaning], ...] = (
    ("as it is", lambda raw: raw, Meaning.COMPLAINT),
    ("CRLF", lambda raw: raw.replace(b"\n", b"\r\n"), Meaning.COMPLAINT),
    ("comment", _typed(b"abuse (user)"), Meaning.COMPLAINT),
    ("parameter", _typed(b"Abuse; x=y"), Meaning.COMPLAINT),
    ("folded", _typed(b"\n abuse"), Meaning.COMPLAINT),
    ("boundary", lambda raw: re.sub(rb'boundary="[^"]*"', b'boundary="=_another"', raw), Meaning.COMPLAINT),
    ("base64", _base64, Meaning.COMPLAINT),
    ("opt-out", _typed(b"opt-out"), Meaning.OPT_OUT),
    ("not-spam", _typed(b"not-spam"), Meaning.NOT_SPAM),
    ("not-spam with a comment", _typed(b"Not-Spam (moved)"), Meaning.NOT_SPAM),
    ("auth-failure", _typed(b"auth-failure"), Meaning.OPERATOR),
)


def readings(directories: Sequence[Path]) -> Iterator[tuple[str, str, Meaning, list[Meaning]]]:
    """File, change, what is right, what was read."""
    for path in (path for directory in directories for path in sorted(directory.rglob("*.eml"))):
        raw = path.read_bytes().replace(b"\r\n", b"\n")
        for name, change, right in CHANGES:
            found = [report.meaning for report in loops.reports(mime.parse(change(raw)))]
            yield path.name, name, right, found


def main(arguments: Sequence[str]) -> int:
    """Prints the figures; 1 if fewer than 97 % were read, or any not-spam was a complaint."""
    rows = list(readings([Path(text) for text in arguments] or [CORPUS]))
    if not rows:
        print("no reports here", file=sys.stderr)
        return 1
    wrong = [row for row in rows if row[3] != [row[2]]]
    reproach = [row for row in wrong if row[2] is Meaning.NOT_SPAM and Meaning.COMPLAINT in row[3]]
    right_ones = len(rows) - len(wrong)
    print(f"complaint reports read right: {right_ones} of {len(rows)} ({100 * right_ones / len(rows):.1f} %)")
    print(f"not-spam taken for a complaint: {len(reproach)}")
    for file, change, right, found in wrong:
        print(f"  {file}, {change}: {right} read as {', '.join(found) or 'nothing'}")
    return 1 if reproach or len(wrong) > 0.03 * len(rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
