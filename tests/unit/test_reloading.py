"""Which settings a reload takes: all but those that the parent holds, each told by its name."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from config.load import validate
from config.reloading import FIXED, differing, with_fixed
from config.settings import Settings
from relay.again import Kept, Listening
from relay.reload import answer

BASE: dict[str, dict[str, Any]] = {"server": {"hostname": "relay.test"}}


def settings(**tables: dict[str, Any]) -> Settings:
    return validate({**BASE, **{name: {**BASE.get(name, {}), **table} for name, table in tables.items()}})


CHANGES: list[tuple[dict[str, dict[str, Any]], list[str], list[str]]] = [
    ({}, [], []),
    ({"limits": {"parts": 5}}, ["limits.parts"], []),
    ({"log": {"level": "debug"}}, ["log.level"], []),
    ({"server": {"hostname": "other.test"}}, ["server.hostname", "links.base_url", "links.mail_domain"], []),
    ({"delivery": {"routes": {"a.test": "127.0.0.1:25"}}}, ["delivery.routes"], []),
    ({"policy": {"consent": {"x": 1}}}, ["policy.consent"], []),
    ({"plans": {"gold": {"messages": 5}}}, ["plans.gold"], []),
    ({"server": {"workers": 4}}, [], ["server.workers"]),
    ({"server": {"data_dir": "/elsewhere"}}, [], ["server.data_dir"]),
    ({"listen": {"http": ""}}, [], ["listen.http"]),
    ({"listen": {"inbound": []}, "limits": {"parts": 5}}, ["limits.parts"], ["listen.inbound"]),
    ({"store": {"url": "postgresql://relay@/relay"}}, [], ["store.url"]),
    ({"delivery": {"stop_grace": 5, "port": 26}}, ["delivery.port"], ["delivery.stop_grace"]),
]


@pytest.mark.parametrize(("tables", "taken", "restart"), CHANGES)
def test_what_is_taken_and_what_takes_a_restart(
    tables: dict[str, dict[str, Any]], taken: list[str], restart: list[str]
) -> None:
    running = settings()
    wanted, named = with_fixed(running, settings(**tables))
    assert differing(running, wanted) == taken
    assert named == restart


def test_what_is_fixed_is_there() -> None:
    for table, names in FIXED.items():
        assert set(names) <= type(getattr(settings(), table)).model_fields.keys()


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    told, wanted = answer(settings(), tmp_path / "relay.toml")
    assert told["ok"] is False and wanted is None and told["faults"]


def test_settings_go_through_a_file_of_the_kernel() -> None:
    kept = Kept(settings(), Listening([1], [2], [3], None), 4, [])
    fd = os.memfd_create("x")
    os.pwrite(fd, pickle.dumps(kept), 0)
    assert pickle.loads(os.pread(fd, os.fstat(fd).st_size, 0)) == kept
    os.close(fd)
