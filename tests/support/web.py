"""An HTTP side to test against: a store with a tenant, and the real process on a loopback port."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark, link_token
from relay.mail.address import parse_address
from relay.people import consents, topics
from relay.store.database import connect, migrate, transaction
from relay.tenants import api_tokens, tenants
from relay.web.server.process import PagePorts, bind, run
from tests.support import store
from tests.support.store import dump

START_TIMEOUT_S = 60


@dataclass
class Shop:
    """A store with the tenant ``acme``, its API token, and shorthands to ask the database."""

    settings: Settings
    secrets: Secrets
    conn: sqlite3.Connection
    tenant_id: int
    token: str

    @classmethod
    def create(cls, directory: Path, **tables: object) -> Shop:
        url = store.url_of_a_new_one()
        settings = cls.settings_of(directory, url, **tables)
        if url:
            settings.database.write_text(url)  # for tests that name the file
        migrate(settings.stored)
        secrets = Secrets.create(settings.secrets_file)
        shop = cls(settings, secrets, connect(settings.database), 0, "")
        shop.tenant_id, shop.token = shop.add_tenant("acme")
        return shop

    @staticmethod
    def settings_of(directory: Path, url: str = "", **tables: object) -> Settings:
        return Settings.model_validate(
            {
                "server": {"hostname": "relay.example.com", "data_dir": str(directory)},
                "listen": {"http": "127.0.0.1:0"},
                "links": {"base_url": "https://relay.example.com"},
                "store": {"url": url},
                **tables,
            }
        )

    def add_tenant(self, name: str) -> tuple[int, str]:
        """(tenant id, API token)"""
        now = time.time()
        with transaction(self.conn):
            tenant = tenants.add(self.conn, name, parse_address(f"hello@{name}.example"), actor="test", now=now)
            _, token = api_tokens.add(self.conn, self.secrets, tenant, actor="test", now=now)
        return tenant.id, token

    def consent(self, email: str, topic: str, *, tenant_id: int = 0, at: float | None = None) -> int:
        """Give consent; the subscriber's id."""
        now = time.time()
        tenant_id = tenant_id or self.tenant_id
        with transaction(self.conn):
            if topics.find(self.conn, tenant_id, topic) is None:
                self.conn.execute("INSERT INTO topic (tenant_id, name) VALUES (?, ?)", (tenant_id, topic))
            consents.give(
                self.conn,
                self.secrets,
                tenant_id,
                parse_address(email),
                topic=topic,
                source="sign-up form on acme.example",
                wording="Yes, write to me.",
                means="form",
                given_at=at or now - 86_400,
                now=now,
            )
        sql = "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?"
        return int(self.value(sql, tenant_id, parse_address(email).canonical))

    def topic_id(self, name: str) -> int:
        return int(self.value("SELECT id FROM topic WHERE tenant_id = ? AND name = ?", self.tenant_id, name))

    def link(self, subscriber_id: int, topic_id: int = 0, submission_id: int = 0, number: int = 0) -> str:
        return link_token(self.secrets, Mark(subscriber_id, topic_id, submission_id, number))

    def value(self, sql: str, *values: object) -> int:
        row = self.conn.execute(sql, values).fetchone()
        return 0 if row is None or row[0] is None else row[0]

    def live(self, subscriber_id: int) -> set[str]:
        """Topics with a live consent."""
        sql = (
            "SELECT topic.name FROM consent c JOIN topic ON topic.id = c.topic_id"
            " WHERE c.subscriber_id = ? AND c.withdrawn_at IS NULL"
        )
        return {row[0] for row in self.conn.execute(sql, (subscriber_id,))}

    def dump(self) -> str:
        """Every row of every table: two dumps are equal if nothing changed."""
        return "\n".join(dump(self.conn))


@dataclass
class Served:
    """The running HTTP process."""

    url: str
    port: int
    pid: int
    client: httpx.Client
    process: multiprocessing.process.BaseProcess


def _serve(settings: Settings, sock: socket.socket, pipe: Connection) -> None:
    run(settings, lambda: pipe.send(os.getpid()), PagePorts(sock))


@contextmanager
def serving(shop: Shop) -> Iterator[Served]:
    """``relay.web.server.process.run`` in a process of its own, ended by SIGTERM."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sock = bind(shop.settings.listen.http)
    port = sock.getsockname()[1]
    process = context.Process(target=_serve, args=(shop.settings, sock, there), daemon=True)
    process.start()
    sock.close()
    try:
        if not here.poll(START_TIMEOUT_S):
            raise RuntimeError("the HTTP process didn't say that it is ready")
        pid = here.recv()
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            yield Served(url, port, pid, client, process)
    finally:
        process.terminate()
        process.join(20)
        if process.is_alive():
            process.kill()
            process.join(20)
