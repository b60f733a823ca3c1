"""``python -m relay.texts`` brings the catalogues into step with the English texts.

New texts are added without translation, changed ones are marked fuzzy, gone
ones are dropped. ``--check`` only compares, and exits with 1 if a catalogue is
not complete.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from relay.texts.english import ENGLISH
from relay.texts.language import DEFAULT, LANGUAGES, catalogue

LOCALE = Path(__file__).parent / "locale"
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""The same texts give the same file, whenever and by whichever release of Babel it is made."""
_IDLE = (b'"Generated-By', b'"Last-Tr', b'"Report-', b'"Language-Team', b'"Project-', b'"POT-', b'"PO-')


def updated(code: str) -> bytes:
    """The catalogue's file as it should be."""
    file = LOCALE / f"{code}.po"
    known = {m.context: m for m in read_po(BytesIO(file.read_bytes()), locale=code)} if file.exists() else {}
    fresh = Catalog(
        locale=code,
        project="relay",
        creation_date=_SINCE,
        revision_date=_SINCE,
        fuzzy=False,
        header_comment="# Texts for people. The context is the text's key in relay/texts/english.py.",
    )
    for key, text in ENGLISH.items():
        old = known.get(key)
        fuzzy = old is not None and bool(old.string) and (old.fuzzy or old.id != text)
        fresh.add(text, old.string if old is not None else "", context=key, flags=["fuzzy"] if fuzzy else [])
    out = BytesIO()
    write_po(out, fresh, width=120)
    return b"".join(line for line in out.getvalue().splitlines(keepends=True) if not line.startswith(_IDLE))


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m relay.texts [--check]", file=sys.stderr)
        return 2
    status = 0
    for code in LANGUAGES:
        if code == DEFAULT:
            continue
        file, text = LOCALE / f"{code}.po", updated(code)
        if not arguments:
            file.write_bytes(text)
        elif not file.exists() or file.read_bytes() != text:
            print(f"{file.name} is out of step; run `python -m relay.texts`", file=sys.stderr)
            status = 1
        missing = ENGLISH.keys() - catalogue(code).keys()
        if missing:
            print(f"{file.name} lacks {', '.join(sorted(missing))}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
