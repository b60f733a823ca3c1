"""Mail for the operator: what came to ``postmaster@`` and ``abuse@``, and reports that concern no one person.

It is handed on as a letter of the relay's own with the mail attached; or kept
in a Maildir where nobody is named in ``[operator]``. Nobody who writes gets an
answer, and what answers our own letters isn't handed on: nothing goes round.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets as random
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from relay.feedback.complaint import address_in
from relay.feedback.letter import own_words
from relay.feedback.mime import Mail, readable
from relay.mail.address import AddressError, parse_address
from relay.mail.slots import clean, encoded_words
from relay.queue import letters
from relay.queue.operator import EXPIRE_S, OPERATOR, Operator
from relay.store.contract import Tx
from relay.values.ids import encode_id, new_submission_id

MAX_ATTACHED: Final = 512 * 1024
MAX_SHOWN: Final = 4000
MAX_KEPT: Final = 1000
MAX_KEPT_OCTETS: Final = 64 * 1024 * 1024
"""What the Maildir holds; then it is full, and who writes has to come again."""
MAX_HOPS: Final = 30
MARK: Final = "X-Relay-Handed-On"
"""In every letter to the operator: whatever brings it back is not handed on again."""


class Full(Exception):
    """The Maildir holds as much as it may."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail that the operator should see; ``why`` is one sentence."""

    mail: Mail
    raw: bytes
    reverse_path: str
    to: str
    ip: str
    why: str


def comes_back(mail: Mail, raw: bytes, hostname: str) -> bool:
    """Whether a mail answers, returns or repeats a letter that we handed on, or has gone round too often."""
    if f"{MARK}: {hostname}".lower().encode() in raw[:256_000].lower():
        return True
    if sum(name == "received" for name, _ in mail.top.fields) > MAX_HOPS:
        return True
    answered = f"{mail.get('in-reply-to')} {mail.get('references')}".lower()
    submitted = mail.get("auto-submitted").strip().lower()
    return submitted not in ("", "no") and f"@{hostname}>" in answered


def put(conn: Tx, operator: Operator, incoming: Incoming, now: float) -> int:
    """Queue a letter to each address of the operator, in the caller's transaction; how many."""
    for address in operator.notify:
        id_ = new_submission_id(now, random.randbits)
        message_id = f"<{encode_id(id_)}@{operator.hostname}>"
        to = parse_address(address)
        subject = clean(f"[{operator.hostname}] {readable(incoming.mail.get('subject'))[:150] or '(no subject)'}")
        letter = letters.ready(
            _letter(operator, incoming, str(to), subject, message_id, now),
            id=id_, tenant_id=OPERATOR, to=to, from_domain=operator.hostname, subject=subject, message_id=message_id,
            now=now, expires_at=now + EXPIRE_S,
        )  # fmt: skip
        letters.put(conn, letter, note="handed on to the operator")
    return len(operator.notify)


def keep(directory: Path, incoming: Incoming) -> None:
    """Write it into a Maildir, durably; the same mail is kept once. Raises Full, or OSError."""
    for path in (directory, *(directory / name for name in ("tmp", "new", "cur"))):
        path.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.sha256(incoming.raw).hexdigest()[:32] + ".relay"
    count, octets = kept(directory)
    if count >= MAX_KEPT or octets + len(incoming.raw) > MAX_KEPT_OCTETS:
        raise Full
    head = f"Return-Path: <{clean(incoming.reverse_path)}>\nDelivered-To: {clean(incoming.to)}\n"
    head += f"X-Relay-Why: {clean(incoming.why)}\n"
    tmp = directory / "tmp" / f"{name}.{os.getpid()}"
    with os.fdopen(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(head.encode("utf-8", "replace") + incoming.raw.replace(b"\r\n", b"\n"))
        file.flush()
        os.fsync(file.fileno())
    tmp.rename(directory / "new" / name)
    handle = os.open(directory / "new", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def kept(directory: Path) -> tuple[int, int]:
    """How many letters the Maildir holds, read and unread, and their octets; counted up to a bit more than it may."""
    count = octets = 0
    for name in ("new", "cur"):
        try:
            with os.scandir(directory / name) as entries:
                for entry in entries:
                    count += 1
                    octets += _size(entry)
                    if count > MAX_KEPT:
                        return count, octets
        except FileNotFoundError:
            continue
    return count, octets


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # read and deleted meanwhile
        return 0


def _letter(operator: Operator, incoming: Incoming, to: str, subject: str, message_id: str, now: float) -> bytes:
    """ASCII throughout: the mail is attached as octets, so that no line, charset or boundary of it matters."""
    boundary = "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32]
    words = subject if subject.isascii() else " ".join(word.decode("ascii") for word in encoded_words(subject))
    fields = (
        f"From: postmaster@{operator.hostname}",
        *_reply_to(incoming.mail),
        f"To: <{to}>",
        f"Subject: {words}",
        f"Date: {format_datetime(datetime.fromtimestamp(now, UTC))}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-generated",
        f"{MARK}: {operator.hostname}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
    )
    parts = (
        _part("text/plain; charset=utf-8", _text(incoming).encode()),
        _part(
            'application/octet-stream; name="message.eml"',
            incoming.raw[:MAX_ATTACHED],
            'attachment; filename="message.eml"',
        ),
    )
    body = "".join(f"--{boundary}\r\n{part}" for part in parts) + f"--{boundary}--\r\n"
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode("ascii", "replace")


def _reply_to(mail: Mail) -> tuple[str, ...]:
    """So that the operator's answer goes to who wrote, and never to this relay."""
    try:
        author = parse_address(address_in(readable(mail.get("reply-to") or mail.get("from"))[:400]))
    except AddressError:
        return ()
    return (f"Reply-To: <{author}>",) if str(author).isascii() else ()


def _text(incoming: Incoming) -> str:
    mail = incoming.mail
    lines = [
        incoming.why,
        "",
        f"To:          {clean(incoming.to)}",
        f"From:        {clean(readable(mail.get('from')))[:320]}",
        f"Came from:   {incoming.ip or 'this machine'}, reverse-path <{clean(incoming.reverse_path)}>",
        f"Subject:     {clean(readable(mail.get('subject')))[:320]}",
        "",
        *_shown(own_words(mail)[:MAX_SHOWN]),
        "",
        "The mail itself is attached"
        + (f", its first {MAX_ATTACHED} octets." if len(incoming.raw) > MAX_ATTACHED else "."),
        "Nobody was answered.",
    ]
    return "\r\n".join(lines) + "\r\n"


def _shown(text: str) -> Sequence[str]:
    """Quoted, printable and wrapped."""
    lines = [clean(line) for line in text.split("\n")[:100]]
    return [f"> {piece}" for line in lines for piece in (textwrap.wrap(line, 90) or [""])]


def _part(kind: str, data: bytes, disposition: str = "inline") -> str:
    body = base64.encodebytes(data).decode("ascii").replace("\n", "\r\n")
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: {disposition}\r\n\r\n"
    return head + body
