"""Start and stop the relay for a side-by-side benchmark.

All policies are in force and 1,000,000 consents are in the database, of an
established tenant (staging looks and lets pass). ``hold`` accepts durably and
delivers nothing, ``relay`` delivers, signed too, since nothing leaves
this relay unsigned; ``dkim`` is the same beside peers that sign with the same
rsa-2048 key, ``own`` is bulk mail: each recipient's copy has its own
footer, header fields, reverse-path and signature. ``-tls`` after a mode asks
for STARTTLS and AUTH, whose user name and password ``login`` prints. ``idle``
is ``hold`` with room for thousands of sessions. It runs compiled where
``scripts/compile`` has made a copy of these sources. After ``--postgres`` its
store is on a PostgreSQL server of its own. The environment says where:
BENCH_STATE, BENCH_PORT, BENCH_SINK_PORT, BENCH_DOMAIN, BENCH_SELECTOR,
BENCH_KEY, BENCH_CERTIFICATE, BENCH_CERTIFICATE_KEY, PEERS_DIR (a cache for the
filled database), BENCH_UNDER, a command that the relay is to run under,
BENCH_SETTINGS, more for relay.toml, and BENCH_TRACK: in ``own``, so many of ten people agreed to openings and clicks
being known, which the stream asks for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from bench import database
from relay.audit import log
from relay.store.contract import Tx
from relay.store.copy.run import copy_store
from relay.store.database import connect, migrations, transaction
from relay.store.engines import StoreAddress

ROOT = Path(__file__).resolve().parent.parent
RELAY = [sys.executable, "-m", "relay.cli.main"]
MODES = ("hold", "relay", "dkim", "own", "hold-tls", "relay-tls", "dkim-tls", "idle")
HOLDING = ("hold", "hold-tls", "idle")
CONSENTS = 1_000_000
LIKELY = 2000
"""(N)user@rcpt.example for N up to this, among the consents."""


def relay(directory: Path, *args: str) -> None:
    subprocess.run([*RELAY, "-c", str(directory / "relay.toml"), *args], check=True, cwd=ROOT)


def environment() -> dict[str, str]:
    """For ``serve``: the compiled copy comes before the sources, where there is one and it is wanted."""
    find = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "compile"), "--find"], stdout=subprocess.PIPE, text=True
    )
    copy = find.stdout.strip()
    return {**os.environ, "PYTHONPATH": copy, "PYTHONSAFEPATH": "1"} if copy else dict(os.environ)


def settings(directory: Path, mode: str, port: str, sink: str, store: StoreAddress) -> None:
    tls = mode.endswith("-tls")
    certificate = os.environ["BENCH_CERTIFICATE"] if tls else ""
    key = os.environ["BENCH_CERTIFICATE_KEY"] if tls else ""
    (directory / "relay.toml").write_text(
        f"""
[server]
hostname = "relay.bench.example"
data_dir = "data"
workers = {os.environ.get("RELAY_WORKERS", os.cpu_count() or 1)}
[store]
url = "{store if isinstance(store, str) else ""}"
[listen]
submission = ["127.0.0.1:{port}"]
submissions = []
inbound = []
http = ""
[tls]
certificate = "{certificate}"
key = "{key}"
[limits]
sessions_per_address = 5000
[delivery]
smart_host = "127.0.0.1:{sink}"
tls = "none"
enabled = {"false" if mode in HOLDING else "true"}
[log]
level = "{os.environ.get("RELAY_LOG", "warning")}"
{os.environ.get("BENCH_SETTINGS", "")}
"""
    )


def fill(path: Path) -> None:
    """A million people who agreed to the newsletter, straight into the tables."""
    conn = sqlite3.connect(path)
    now = time.time() - 86400
    tenant = conn.execute("SELECT id FROM tenant WHERE name = 'bench'").fetchone()[0]
    with conn:
        topic = conn.execute("INSERT INTO topic (tenant_id, name) VALUES (?, 'news')", (tenant,)).lastrowid
        wording = conn.execute(
            "INSERT INTO wording (tenant_id, text, created_at) VALUES (?, 'Yes, send me the news', ?)", (tenant, now)
        ).lastrowid
        names = ["user", *(f"{n}user" for n in range(LIKELY))]
        names += [f"person{n}" for n in range(CONSENTS - len(names))]
        conn.executemany(
            "INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES (?, ?, ?, ?)",
            ((i, tenant, f"{name}@rcpt.example", now) for i, name in enumerate(names, 1)),
        )
        conn.executemany(
            "INSERT INTO consent (subscriber_id, topic_id, given_at, source, wording_id, means, recorded_at)"
            " VALUES (?, ?, ?, 'form on tenant.example', ?, 'import', ?)",
            ((i, topic, now, wording, now) for i in range(1, len(names) + 1)),
        )
        conn.executemany(
            "INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?)",
            (
                (tenant, "delivered/bulk", 100000),
                (tenant, "campaigns/established", 1),
                (tenant, "campaigns/proven-at", int(time.time())),
            ),
        )
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def prepared(peers: Path, domain: str, selector: str, key: str) -> Path:
    """A directory with tenant, keys and consents, made once for each schema, domain and key."""
    made_of = ["".join(sql for _, sql in migrations()), domain, selector, Path(key).read_text()]
    digest = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:12]
    cache = peers / f"relay-prepared-4-{digest}"
    if (cache / "done").exists():
        return cache
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True)
    subprocess.run([*RELAY, "init", "--dir", str(cache), "--hostname", "relay.bench.example"], check=True, cwd=ROOT)
    relay(cache, "tenant", "add", "bench", "--contact", f"post@{domain}", "--plan", "unlimited", "--transactional")
    relay(cache, "domain", "add", "bench", domain, "--key", key, "--selector", selector)
    relay(cache, "domain", "verify", "bench", domain, "--vouch", "benchmark")
    # Word for word the same to thousands: what the relay keeps as bulk until the operator has admitted it.
    relay(cache, "content", "permit", "bench", "service-mail", "--document", "bench/README.md", "--reason", "benchmark")
    fill(cache / "data" / "relay.db")
    with contextlib.closing(connect(cache / "data" / "relay.db")) as conn, transaction(conn):
        on_record(conn)
    relay(cache, "audit", "head")
    (cache / "done").touch()
    return cache


def on_server(peers: Path, prepared_: Path, state: Path) -> str:
    """URL of a server that runs in ``state`` with the same store, which was copied there once for each schema."""
    cache = peers / f"{prepared_.name}-postgres"
    if not (cache / "done").exists():
        cluster = database.made(state)
        copy_store(prepared_ / "data" / "relay.db", database.url(cluster))
        cluster.stop()
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()
        database.copied(state / "pg", cache / "pg")
        (cache / "done").touch()
    return database.url(database.taken(cache, state))


def on_record(conn: Tx) -> None:
    """How those whom mail goes to agreed, each with a leaf of the audit log, as it is when people agree themselves."""
    agreed = conn.execute(
        "SELECT subscriber_id, topic_id, given_at, wording_id FROM consent WHERE subscriber_id <= ?", (LIKELY + 1,)
    ).fetchall()
    for person, topic, at, wording in agreed:
        evidence = {"means": "form", "source": "form on tenant.example", "wording_id": wording, "ip": "192.0.2.1"}
        log.history(conn, person, topic, "given", at, at, json.dumps(evidence))


def agreed(conn: Tx, tenths: int) -> None:
    """To tracking: so many of ten of those whom mail goes to."""
    conn.execute(
        "INSERT INTO tracking_consent (subscriber_id, given_at, means, recorded_at)"
        " SELECT id, created_at, 'import', created_at FROM subscriber WHERE id <= ? AND id % 10 < ?",
        (LIKELY + 1, tenths),
    )


def credential(state: Path, mode: str, stream: str) -> None:
    """What lets the load in: its address, or in the TLS modes a password."""
    add = [*RELAY, "-c", str(state / "relay.toml"), "credential", "add", "bench", "--stream", stream]
    if not mode.endswith("-tls"):
        subprocess.run([*add, "--ip", "127.0.0.1/32"], check=True, cwd=ROOT)
        return
    told = json.loads(subprocess.run([*add, "--json"], check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout)
    (state / "login").write_text(f"{told['username']} {told['password']}")


def start(mode: str, postgres: bool) -> int:
    if mode not in MODES:
        return 3
    if postgres and not database.installed():
        print("PostgreSQL is not installed; as root on Debian: scripts/peers", file=sys.stderr)
        return 4
    env = os.environ
    state = Path(env["BENCH_STATE"])
    peers = Path(env.get("PEERS_DIR") or Path(env.get("TMPDIR") or "/tmp") / "peers")
    cache = prepared(peers, env["BENCH_DOMAIN"], env["BENCH_SELECTOR"], env["BENCH_KEY"])
    shutil.copytree(cache / "data", state / "data")
    store: StoreAddress = on_server(peers, cache, state) if postgres else state / "data" / "relay.db"
    settings(state, mode, env["BENCH_PORT"], env["BENCH_SINK_PORT"], store)
    stream = "transactional"
    if mode == "own":
        stream = "news"
        relay(state, "stream", "add", "bench", stream, "--kind", "bulk", "--topic", "news")
        if env.get("BENCH_TRACK"):
            relay(state, "stream", "set", "bench", stream, "--track", "all")
    credential(state, mode, stream)
    # The peers sign with one rsa-2048 key, or not at all; nothing leaves this relay unsigned.
    with contextlib.closing(connect(store)) as conn, transaction(conn):
        conn.execute("DELETE FROM dkim_key WHERE algorithm <> 'rsa-sha256'")
        if track := env.get("BENCH_TRACK"):
            agreed(conn, int(track))
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(
            [*shlex.split(env.get("BENCH_UNDER", "")), *RELAY, "-c", str(state / "relay.toml"), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
        )
    (state / "pid").write_text(str(process.pid))
    return 0


def stop(postgres: bool) -> int:
    state = Path(os.environ["BENCH_STATE"])
    pid = int((state / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if postgres and (state / "pg" / "data" / "postmaster.pid").exists():
        database.at(state).stop()
    return 0


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--postgres"]
    postgres = len(words) < len(sys.argv) - 1
    match words:
        case ["port"]:
            print(os.environ["BENCH_PORT"])
            return 0
        case ["login"]:
            print((Path(os.environ["BENCH_STATE"]) / "login").read_text())
            return 0
        case ["start", mode]:
            return start(mode, postgres)
        case ["stop"]:
            return stop(postgres)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
