"""The world outside, in the package's test: takes every message and keeps it as a file.

``/opt/relay/bin/python3 sink.py DIRECTORY``; listens on 127.0.0.1:10026.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path
from typing import Any

from aiosmtpd.controller import UnthreadedController


class Keeper:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        beside = self.directory / f".{uuid.uuid4()}"
        beside.write_bytes(envelope.content)
        beside.rename(beside.with_name(beside.name[1:]))
        return "250 2.0.0 ok"


async def main() -> None:
    loop = asyncio.get_running_loop()
    controller = UnthreadedController(Keeper(Path(sys.argv[1])), hostname="127.0.0.1", port=10026, loop=loop)
    controller.server = await controller._create_server()
    await asyncio.Event().wait()


asyncio.run(main())
