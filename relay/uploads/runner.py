"""Gives lists that wait to processes of their own, a few at a time, and forgets what was kept long enough.

Threads of the process that answers pages do no more than wait. Whatever ends, a process or this one, leaves a row
without a beat, which whoever comes next takes up.
"""

from __future__ import annotations

import logging
import pickle
import secrets as random
import subprocess
import sys
import threading
import time
from typing import Final

from config.settings import Settings
from relay.processes.own import own_python
from relay.store.contract import Failure
from relay.store.pool import Storage, Unavailable
from relay.uploads import book
from relay.uploads.files import UploadFiles
from relay.uploads.values import JobKind, ListJob
from relay.uploads.work import WorkOrder

TOGETHER: Final = 2
"""Lists of different tenants at a time."""
LOOK_S: Final = 10.0
"""For lists that another process left."""
STOP_S: Final = 3.0
CLEAN_S: Final = 600.0

_log = logging.getLogger("relay.lists")


class ListRunner:
    """Call ``wake`` when a list was put into the book."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._files = UploadFiles(settings.server.data_dir)
        self._changed = threading.Condition()
        self._news = 0
        self._stopped = False
        self._children: set[subprocess.Popen[bytes]] = set()
        self._threads: list[threading.Thread] = []
        self._cleaned = 0.0

    def begin(self) -> None:
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(TOGETHER)]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End what runs; it begins anew with the next process."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            children = [*self._children]
        for child in children:
            child.terminate()
        for thread in self._threads:
            thread.join(STOP_S)

    def _work(self) -> None:
        seen = 0
        while not self._stopped:
            job, word = None, random.token_hex(8)
            try:
                self._clean()
                with self._storage.write() as conn:
                    job = book.claim(conn, word, self._here, time.time())
            except (Unavailable, Failure) as error:
                _log.warning("lists can't be looked for: %s", error)
            if job is not None:
                self._run(job, word)
                self.wake()  # of the same tenant another may wait
                continue
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._stopped or self._news != seen, LOOK_S)  # type: ignore[misc]
                seen = self._news

    def _here(self, job: ListJob) -> bool:
        """The file stands on the machine that it was handed to."""
        return job.kind is JobKind.UNDO or self._files.list_of(job.id, job.file).exists()

    def _run(self, job: ListJob, word: str) -> None:
        order = pickle.dumps(WorkOrder(self._settings, job, word))
        words = [sys.executable, "-m", "relay.uploads.work"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=own_python()) as child:
            with self._changed:
                self._children.add(child)
                if self._stopped:
                    child.terminate()
            try:
                assert child.stdin is not None
                child.stdin.write(len(order).to_bytes(8, "big") + order)
                child.stdin.flush()
                child.wait()
            except OSError:
                pass  # it ended before it was told: its row has no beat then
            finally:
                with self._changed:
                    self._children.discard(child)
        if child.returncode and not self._stopped:
            _log.warning("the process of list %d ended with %d; the list is begun anew", job.id, child.returncode)

    def _clean(self) -> None:
        """Lists and reports that were kept long enough, and files that nobody knows of."""
        now = time.time()
        if now - self._cleaned < CLEAN_S:
            return
        self._cleaned = now
        with self._storage.write() as conn:
            for job in book.stale(conn, now - self._settings.lists.keep):
                self._files.drop(job.id)
                book.remove(conn, job.id)
            known = book.numbers(conn)
        self._files.clean(known)
