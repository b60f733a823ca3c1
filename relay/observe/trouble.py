"""What can be wrong with a mail process, as a number that goes through shared memory, and in words for the operator."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Trouble(IntEnum):
    NONE = 0
    DISK = 1
    WRITES = 2
    GONE = 3
    FULL = 4
    DAMAGED = 5
    WAITING = 6
    FILES = 7
    AWAY = 8


WORDS: Final[dict[Trouble, str]] = {
    Trouble.DISK: "the disk of server.data_dir is nearly full: mail is refused for now (452) until there is room",
    Trouble.WRITES: "the database refuses writes: mail is refused for now (451); the log and `relay check` say why",
    Trouble.GONE: "the database's file was deleted or replaced: stop the relay, put the file back, start it again",
    Trouble.FULL: "the disk of server.data_dir is full: nothing can be written; make room",
    Trouble.DAMAGED: "the database is damaged: `relay check` says where; stop the relay, keep a copy, restore a backup",
    Trouble.FILES: "no more files or connections can be opened: raise LimitNOFILE= (`ulimit -n`), or fs.file-max",
    Trouble.AWAY: "the database server can't be reached: mail is refused (451), and taken again once it is back",
    Trouble.WAITING: "a write has been waiting for the disk or for another program's lock for more than 10 s",
}
