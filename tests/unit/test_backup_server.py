"""`relay backup` of a relay whose store is on a PostgreSQL server, and back: into an empty database, or into a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from relay.cli.main import relay as program
from relay.store.database import connect, transaction
from tests.support.postgres import server

pytestmark = pytest.mark.peers


def run(*words: object) -> Any:
    said = CliRunner().invoke(program, [str(word) for word in (*words, "--json")])
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def test_one_moment_of_a_server_is_kept_and_comes_back(tmp_path: Path) -> None:
    home, url = tmp_path / "home", server().empty()
    run("init", "--dir", home, "--hostname", "relay.test", "--dev", "--store", url)
    config = home / "relay.toml"
    run("-c", config, "tenant", "add", "acme", "--contact", "post@acme.example")
    conn = connect(url)
    with transaction(conn):  # somebody who writes is not waited for
        conn.execute("UPDATE tenant SET title = 'later' WHERE name = 'acme'")
        made = run("-c", config, "backup", tmp_path / "kept")
    conn.close()
    assert made["tenants"] == 1

    said = CliRunner().invoke(program, ["-c", str(config), "restore", str(tmp_path / "kept")])
    assert said.exit_code == 1 and "nothing was replaced" in said.stderr  # it isn't empty
    assert run("-c", config, "tenant", "show", "acme")["title"] == "later"

    empty = server().empty()
    config.write_text(config.read_text().replace(url, empty))
    run("-c", config, "restore", tmp_path / "kept")
    assert run("-c", config, "tenant", "show", "acme")["title"] != "later"
    assert run("-c", config, "audit", "verify")["whole"]

    other = run("restore", tmp_path / "kept", "--dir", tmp_path / "file")
    as_file = Path(other["settings"])
    as_file.write_text(as_file.read_text().replace(f'url = "{url}"', ""))
    assert [row["name"] for row in run("-c", as_file, "tenant", "list")] == ["acme"]
