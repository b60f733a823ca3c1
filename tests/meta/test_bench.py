"""The benchmark's cheap half: arguments, counting, tables and comparison from recorded results. No load is made."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relay.lists.list_file import Entry, open_list
from relay.store.database import connect, migrate
from tests.meta.tree import ROOT

BENCH = ROOT / "bench"


def part(name: str) -> Any:
    """A module of the harness; it is no package of the product."""
    return importlib.import_module(f"bench.harness.{name}")


def bench(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.harness.main", *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def load(contestant: str, test: str, rate: float, **more: object) -> dict[str, object]:
    return {
        "kind": "load",
        "contestant": contestant,
        "test": test,
        "size": 10240,
        "round": 0,
        "sent": 1000,
        "seconds": 2.0,
        "rate": rate,
        "cpu_per_1000": 1.25,
        "memory_mib": 50.0,
        "memory_kind": "pss",
        "processes": 2,
        "steal": 0.0,
        "surplus": 0,
        **more,
    }


def recorded(path: Path, *loads: Mapping[str, object], date: str = "2026-03-01T10:00:00+00:00") -> Path:
    machine = {
        "kind": "machine",
        "date": date,
        "commit": "abc1234",
        "cpus": 2,
        "cpu": "A processor",
        "kernel": "6.1",
        "python": "3.11.7",
        "filesystem": "ext4",
        "postfix": "Postfix 3.7.11",
        "cpu_from": "cgroup",
        "rounds": 3,
        "seconds": 2.5,
        "sessions": 30,
    }
    limit = {"kind": "limit", "round": 0, "fsync_us": 200.0, "rsa_one": 1000.0, "rsa_all": 2000.0, "tools": 9000.0}
    path.write_text("".join(json.dumps(record) + "\n" for record in (machine, limit, *loads)))
    return path


RUN = (
    load("relay", "dkim-kept", 900.0),
    load("relay", "dkim-kept", 1000.0),
    load("relay", "dkim-kept", 1300.0, steal=0.2),
    load("postfix", "dkim-kept", 200.0),
    load("relay", "own", 1500.0),
)


# --- arguments --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--tests", "dkim,nonsense"], "no work 'nonsense'; there are accept,"),
        (["--contestants", "relay,sendmail"], "no contestant 'sendmail'; there are relay,"),
        (["--sizes", "10q"], "write sizes from 1k"),
        (["--sizes", "1"], "write sizes from 1k"),
        (["--rounds", "0"], "not a whole number above 0"),
        (["--seconds", "0"], "more than 0"),
        (["--against", "results.jsonl"], "--against needs"),
    ],
)
def test_wrong_arguments_are_told(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        part("options").parse(args)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_arguments_and_their_defaults() -> None:
    plain = part("options").parse([])
    assert plain.contestants == ("relay", "postfix", "haraka", "exim")
    assert [work.name for work in plain.works] == list(part("works").WORKS)
    assert (plain.rounds, plain.sizes) == (3, (10240,))
    quick = part("options").parse(["--quick", "--tests", "own,dkim", "--sizes", "1k,50k"])
    assert (quick.contestants, quick.rounds, quick.sizes) == (("relay", "postfix"), 3, (1024, 51200))
    assert [work.name for work in quick.works] == ["own", "dkim"]


def test_all_contestants_that_are_named_are_there() -> None:
    for name in ("relay", "postfix", "haraka", "exim"):
        assert part("contestant").script_of(name) is not None, name
    assert part("contestant").script_of("README.md") is None


@pytest.mark.parametrize("name", ["postfix", "haraka", "exim"])
def test_a_contestant_says_what_it_has_not(name: str, tmp_path: Path) -> None:
    script = BENCH / "contestants" / name
    state = tmp_path / "state"
    environment = {**os.environ, "BENCH_STATE": str(state), "BENCH_PORT": "2", "BENCH_PEERS": str(tmp_path)}

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, *args], env=environment, capture_output=True, text=True, timeout=20)

    assert call("start", "own").returncode == 3
    assert call("port").stdout == "2\n"
    assert call("launch").returncode == 2
    assert call("stop").returncode == 0
    if name != "postfix":
        missing = call("start", "hold")
        assert missing.returncode == 4
        assert "bench/contestants/install" in missing.stderr
    assert not state.exists()


def test_without_postfix_it_says_what_to_install(tmp_path: Path) -> None:
    main = part("main")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main.shutil, "which", lambda name: None)
        with pytest.raises(main.BenchError, match="install Postfix"), main.prepared(part("options").parse([])):
            pass


def test_a_directory_in_memory_is_refused() -> None:
    machine = part("machine")
    assert machine.is_disk("ext4") and not machine.is_disk("tmpfs")
    assert machine.filesystem(Path("/proc/self")) == "proc"


# --- counting ---------------------------------------------------------------------


def test_the_sinks_counter() -> None:
    count = part("target").last_count
    assert count(b"") is None
    assert count(b"sess=0 quit=0 mesg=1\rsess=1 quit=1 mesg=12\r") == 12
    assert count(b"sess=0 quit=0 mesg=7\rsess=1 quit=1 mesg=1") == 7  # more digits may follow


@pytest.mark.parametrize("step", [1, 5, 13, 14, 1000])
def test_recipients_in_a_dump_that_grows(step: int) -> None:
    dump = b"X-Mail-Args: <a@b.example>\nX-Rcpt-Args: <1@c.example>\nX-Rcpt-Args: <2@c.example>\n" * 40
    dump += b"Subject: about X-Rcpt-Args: <no>\n\n"
    counter = part("target").RecipientCount()
    for start in range(0, len(dump), step):
        counter.add(dump[start : start + step])
    assert counter.value == 80


def test_the_dump_may_begin_with_a_recipient() -> None:
    counter = part("target").RecipientCount()
    counter.add(b"X-Rcpt-Args: <1@c.example>\n")
    assert counter.value == 1


@pytest.mark.parametrize(
    ("elapsed", "arrived", "want", "wait"),
    [
        (1.0, 0, 1000, 0.004),  # nothing is to arrive, or nothing has: the rate isn't known
        (0.1, 10, 1000, 0.05),
        (1.0, 900, 1000, 1 / 36),  # 0.11 s are left: a quarter of them
        (1.0, 999, 1000, 0.004),
        (1.0, 1000, 1000, 0.004),
    ],
)
def test_looks_at_the_target_are_few_until_the_end_is_near(
    elapsed: float, arrived: int, want: int, wait: float
) -> None:
    assert part("load").pause(elapsed, arrived, want) == pytest.approx(wait)


@pytest.mark.parametrize("octets", [1024, 10240, 51200])
def test_the_message_is_the_same_each_time_and_of_its_size(octets: int) -> None:
    text: bytes = part("works").message(octets)
    assert text == part("works").message(octets)
    assert abs(len(text) - octets) < 0.15 * octets
    assert text.startswith(b"From: ") and text.endswith(b"--\n") and b"\r" not in text
    assert max(map(len, text.split(b"\n"))) < 80


def test_memory_and_processor_time_of_processes() -> None:
    processes = part("processes")
    found = processes.memory([os.getpid(), 2**22 + 1])  # the second can't exist
    assert found.processes == 1
    assert found.octets > 2**20


# --- tables and comparison --------------------------------------------------------


def test_the_table_of_recorded_results(tmp_path: Path) -> None:
    absent = {"kind": "absent", "contestant": "exim", "mode": "hold", "why": "exim: not installed"}
    bulk = load("relay", "bulk", 5000.0)  # 100 messages a second, each signed once
    shown = bench("--show", str(recorded(tmp_path / "a.jsonl", *RUN, bulk, absent, absent)))
    assert shown.returncode == 0, shown.stderr
    cells = [line.split() for line in shown.stdout.splitlines()]
    # medians, lowest and highest, times Postfix, part of the RSA rate
    assert ["dkim-kept", "10k", "relay", "1000", "msg/s", "900-1300", "1.25", "50", "-", "5.00", "0.50", "20%"] in cells
    assert ["dkim-kept", "10k", "postfix+opendkim", "200", "msg/s", "1.25", "50", "-", "1.00", "0.10", "0%"] in cells
    assert ["own", "10k", "relay", "1500", "rcpt/s", "1.25", "50", "-", "-", "0.75", "0%"] in cells
    assert ["bulk", "10k", "relay", "5000", "rcpt/s", "1.25", "50", "-", "-", "0.05", "0%"] in cells
    assert "RSA-2048 1000/s on one core, 2000/s on all" in shown.stdout
    assert shown.stdout.count("left out: exim: not installed") == 1
    assert "noisy: the hypervisor took 20%" in shown.stdout
    assert "commit abc1234" in shown.stdout


@pytest.mark.parametrize(("factor", "status"), [(0.7, 1), (0.8, 0), (1.5, 0)])
def test_a_ratio_that_fell_by_more_than_a_quarter(tmp_path: Path, factor: float, status: int) -> None:
    before = recorded(tmp_path / "a.jsonl", *RUN)
    slower = recorded(
        tmp_path / "b.jsonl",
        load("relay", "dkim-kept", 500.0 * factor),  # all on half a machine
        load("postfix", "dkim-kept", 100.0),
        load("relay", "own", 1500.0),
        load("relay", "accept", 10.0),  # not among the earlier results
    )
    shown = bench("--show", str(slower), "--against", str(before))
    assert shown.returncode == status, shown.stderr
    compared = shown.stdout.partition("ratios of the relay")[2]
    assert ("FELL" in compared) is (status == 1)
    assert f"5.00 -> {5 * factor:8.2f}" in compared
    assert "0.75 ->     0.75    +0%" in compared
    assert "accept " not in compared


def test_the_last_results_are_those_with_the_newest_date(tmp_path: Path) -> None:
    results = part("results")
    assert results.last(tmp_path) is None
    recorded(tmp_path / "2026-03-01-fff.jsonl", date="2026-03-01T09:00:00+00:00")
    newest = recorded(tmp_path / "2026-03-01-aaa.jsonl", date="2026-03-01T11:00:00+00:00")
    (tmp_path / "2026-03-02-bbb.jsonl.tmp").write_text("unfinished")
    assert results.last(tmp_path) == newest


def test_the_page_shows_results_that_are_kept(tmp_path: Path) -> None:
    """docs/BENCHMARKS.md is as ``--write-docs`` left it."""
    docs, results = part("docs"), part("results")
    page, kept = tmp_path / "page.md", ROOT / "bench" / "results"
    text = (ROOT / "docs" / "BENCHMARKS.md").read_text("utf-8")
    shown = re.search(r"^(\S+), commit (\w+);", text, re.M)
    assert shown is not None
    page.write_text(f"one\n{docs.BEGIN}\nof old\n{docs.END}\ntwo\n", "utf-8")
    docs.write(page, results.read(kept / f"{shown[1]}-{shown[2]}.jsonl"), docs.last_queues(kept / "queue"))
    before, _, rest = text.partition(docs.BEGIN)
    written, _, after = rest.partition(docs.END)
    assert page.read_text("utf-8") == f"one\n{docs.BEGIN}{written}{docs.END}\ntwo\n"
    assert before and after


def test_the_page_of_recorded_results(tmp_path: Path) -> None:
    docs, results = part("docs"), part("results")
    queue = tmp_path / "queue"
    queue.mkdir()
    for n, date, first in ((1000, "2026-03-01", "2 s"), (1000, "2026-03-02", "1 s"), (10, "2026-02-01", "0 s")):
        figures = [("start", first, "< 10 s", True)]
        (queue / f"{date}-{n}.json").write_text(json.dumps({"n": n, "date": date, "commit": "c", "figures": figures}))
    made = docs.generated(results.read(recorded(tmp_path / "a.jsonl", *RUN)), docs.last_queues(queue))
    assert "| accept, DKIM rsa-2048, deliver, kept | 1000 msg/s | 200 | 5.00 | ≥ 5 | yes |" in made
    assert "| `own` | 10k | relay | 1500 rcpt/s | - | 1.25 | 50 | - |" in made
    assert made.index("### A queue of 10 (2026-02-01") < made.index("### A queue of 1,000 (2026-03-02")
    assert "| start | 1 s | < 10 s |" in made and "2 s" not in made
    (queue / "x.json").write_text("{")
    with pytest.raises(part("errors").BenchError, match="can't be read"):
        docs.last_queues(queue)


def test_a_page_without_its_marks_stays_as_it_is(tmp_path: Path) -> None:
    docs = part("docs")
    page = tmp_path / "page.md"
    page.write_text("no marks here")
    with pytest.raises(part("errors").BenchError, match="missing"):
        docs.write(page, [], [])
    assert page.read_text() == "no marks here"


@pytest.mark.parametrize(("name", "line"), [("micro_mail", "compile "), ("micro_registry", "by id ")])
def test_single_parts_are_measured(name: str, line: str) -> None:
    # So many people that a fill which looks through all of them for each one is never through.
    arguments = ["--people", "60000"] if name == "micro_registry" else []
    ran = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert line in ran.stdout


def test_what_is_no_results_file_is_refused(tmp_path: Path) -> None:
    for text in ("", "not json\n", "[1]\n", "{}\n"):
        (tmp_path / "x.jsonl").write_text(text)
        shown = bench("--show", str(tmp_path / "x.jsonl"))
        assert shown.returncode == 1
        assert shown.stderr.startswith("bench: ") and shown.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("siblings", "threads"), [("0", 1), ("0-1", 2), ("0,64", 2), ("0-1,64-65", 4), ("", None), ("x", None)]
)
def test_threads_of_a_core(tmp_path: Path, siblings: str, threads: int | None) -> None:
    (tmp_path / "thread_siblings_list").write_text(siblings + "\n")
    assert part("machine").threads_per_core(tmp_path) == threads


def test_threads_of_a_core_are_unknown_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    assert part("machine").threads_per_core(tmp_path) is None


@pytest.mark.parametrize(
    ("threads", "together", "text"),
    [
        (1, 2000.0, "2 x A processor"),
        (2, 2000.0, "2 x A processor, 2 threads a core"),
        (1, 1200.0, "2 x A processor (busy together, each gives 60% of what it gives alone)"),
    ],
)
def test_machine_line_says_whether_cpus_share_cores(threads: int, together: float, text: str) -> None:
    machine = {"kind": "machine", "cpus": 2, "cpu": "A processor", "threads_per_core": threads}
    limits = {"kind": "limit", "rsa_one": 1000.0, "rsa_all": together}
    assert part("results").cpus_text([machine, limits]) == text


def queue(name: str) -> Any:
    return importlib.import_module(f"bench.backlog.{name}")


def test_queue_is_filled_as_wanted(tmp_path: Path) -> None:
    database = tmp_path / "relay.db"
    migrate(database)
    conn = connect(database)
    conn.execute("INSERT INTO tenant (name, contact, plan_started_at, created_at) VALUES ('big', 'a@b.example', 0, 0)")
    conn.execute(
        "INSERT INTO stream (tenant_id, name, kind, consent, created_at)"
        " VALUES (1, 'transactional', 'transactional', 'exempt', 0)"
    )
    wanted = queue("fill").Part("big", "transactional", 1020, "rcpt.example", "news@shop.example", 5000.0)
    queue("fill").fill(database, [wanted])
    sizes = [row[0] for row in conn.execute("SELECT open_recipients FROM submission ORDER BY id")]
    assert sum(sizes) == 1020
    assert (sizes.count(50), sizes.count(1)) == (18, 120)
    due = conn.execute("SELECT MIN(due_at), MAX(due_at), COUNT(*) FROM recipient WHERE state = 0").fetchone()
    assert due[0] == 5000.0
    assert 5000.0 < due[1] < 6800.0
    assert due[2] == 1020
    conn.close()


def test_queue_without_room_is_refused_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = queue("main")
    monkeypatch.setattr(main.machine, "filesystem", lambda directory: "ext4")
    monkeypatch.setattr(main.shutil, "disk_usage", lambda directory: SimpleNamespace(free=1 << 30))
    with pytest.raises(part("errors").BenchError, match="are free, 1000000 recipients need"):
        main.room(tmp_path, 1_000_000)


def test_queue_figures_are_judged() -> None:
    main, scenes = queue("main"), queue("scenes")
    spent = scenes.Cost(1.0, 1.3, 310.0)
    found = scenes.Rush(1.0, 2.0, None, None, 9.5, 20.0, 90.0)
    judged = {what: (figure, met) for what, figure, _, met in main.figures(1000, spent, found)}
    assert judged["start to first delivery"] == ("2.0 s", True)
    assert judged["memory at the peak"] == ("310 MiB", False)
    assert judged["ratio"] == ("1.30", False)
    assert judged["small tenant's deferred mail, first copy leaves"] == ("not within 45 s", None)


def frame(title: str, y: int, x: int, width: int) -> str:
    return (
        f'<g><title>{title} ({width} samples, 1.00%)</title><rect x="0%" y="{y}" width="1%" height="15"'
        f' fill="rgb(1,2,3)" fg:x="{x}" fg:w="{width}"/></g>'
    )


def test_samples_belong_to_the_innermost_frame_of_the_relay() -> None:
    flames = importlib.import_module("bench.flames.shares")
    svg = (
        frame("all", 36, 0, 100)
        + frame("run (asyncio/runners.py:1)", 52, 0, 90)
        + frame("read (relay/intake/smtp/channel.py:5)", 68, 0, 60)
        + frame("submit (relay/store/sqlite/committer.py:7)", 84, 0, 40)
        + frame("dumps (json/__init__.py:9)", 100, 10, 20)
        + frame("look (policies/consent.py:3)", 84, 40, 5)
    )
    found = dict(flames.shares(flames.frames(svg)))
    assert found == {"elsewhere": 0.4, "relay/store/sqlite/": 0.4, "relay/intake/smtp/": 0.15, "policies/": 0.05}


def test_flame_graph_tells_no_command_line() -> None:
    flames = importlib.import_module("bench.flames.shares")
    svg = "<text>/opt/someone/bin/py-spy record --pid 1</text>"
    svg += frame("process 12:&quot;/opt/someone/python -m relay&quot;", 52, 0, 9)
    svg += "<text>process 12:&quot;/opt/someone/python -m rel..</text>"  # cut to the frame's width
    svg += frame(" sys.exit(resume(sys.argv[2])) /opt/someone {}&quot;", 68, 0, 9)
    svg += '<text x="1"> sys.exit(resume(sys.argv[2])) /opt/someone..</text>'
    kept = '<text id="details"> </text><script>a > b; c(d)</script>'
    assert "someone" not in flames.nameless(svg + kept)
    assert flames.nameless(svg + kept).endswith(kept)
    assert flames.frames(flames.nameless(svg))[0].title == "process 12"


def test_flame_graph_without_frames_is_an_error() -> None:
    with pytest.raises(part("errors").BenchError, match="has no frames"):
        importlib.import_module("bench.flames.shares").frames("<svg></svg>")


def people(name: str) -> Any:
    return importlib.import_module(f"bench.people.{name}")


def registry(path: Path) -> Path:
    migrate(path)
    conn = connect(path)
    conn.execute(
        "INSERT INTO tenant (name, contact, plan_started_at, created_at) VALUES ('bench', 'a@b.example', 0, 0)"
    )
    conn.close()
    return path


def test_a_filled_registry_is_what_an_import_makes(tmp_path: Path) -> None:
    filled, imported = registry(tmp_path / "filled.db"), registry(tmp_path / "imported.db")
    people("fill").fill(filled, 1, 1000)
    conn = connect(filled)
    assert conn.execute("SELECT count(*) FROM suppression").fetchone()[0] == 20
    assert people("fill").difference(filled, imported, 1, 1000) == ""
    conn.execute("UPDATE consent SET means = 'hand' WHERE subscriber_id = 77")
    conn.close()
    assert people("fill").address(77) in people("fill").difference(filled, registry(tmp_path / "again.db"), 1, 1000)


def test_lookups_of_a_registry_are_measured(tmp_path: Path) -> None:
    filled = registry(tmp_path / "filled.db")
    people("fill").fill(filled, 1, 1000)
    found = people("lookups").lookups(filled, 1, 1000)
    assert len(found) == 8
    assert all(0 < p50 <= p99 for p50, p99 in found.values())


@pytest.mark.parametrize("kind", ["txt", "csv", "xlsx"])
def test_lists_for_the_registry_are_lists(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"list.{kind}"
    getattr(people("lists"), f"write_{kind}")(path, 5, 20)
    found = [entry.address.canonical for entry in open_list(path).read() if isinstance(entry, Entry)]
    assert found == [people("fill").address(number) for number in range(5, 25)]


def test_registry_without_room_is_refused_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = people("main")
    monkeypatch.setattr(main.machine, "filesystem", lambda directory: "ext4")
    monkeypatch.setattr(main.shutil, "disk_usage", lambda directory: SimpleNamespace(free=1 << 30))
    with pytest.raises(part("errors").BenchError, match="are free, 10000000 people need"):
        main.room(tmp_path, 10_000_000, 1_000_000)
    with pytest.raises(SystemExit):
        main.parse(["--n", "10"])


def test_registry_figures_are_judged() -> None:
    one = {"lines": 1_000_000, "seconds": 61.0, "memory_mib": 90.0, "wait_p99_ms": 20.0, "wait_most_ms": 40.0}
    one |= {"commit_p50_ms": 1.0, "commit_p99_ms": 2.0}
    found = {
        "lookups": {"known": (19.0, 50.0), "unknown": (21.0, 60.0), "suppressed": (40.0, 90.0)},
        **{f"import_{kind}": one for kind in ("txt", "csv", "xlsx", "into_full")},
        "commits_alone": {"p50": 1.0, "p99": 2.0},
        "export": {"rows": 1000, "seconds": 2.0, "memory_mib": 60.0},
        "commands": {"consent show": 0.4},
        "api": {"/v1/consents": (3.0, 8.0)},
        "bombs": {"one": (0.5, 40.0, "why"), "another": (2.5, 40.0, "why")},
    }
    judged = {what: (figure, met) for what, figure, _, met in people("judge").figures(10, 10, 1 << 20, found)}
    assert judged["look-up: known, p50 / p99"] == ("19.0 / 50.0 µs", True)
    assert judged["look-up: unknown, p50 / p99"] == ("21.0 / 60.0 µs", False)
    assert judged["look-up: suppressed, p50 / p99"] == ("40.0 / 90.0 µs", None)
    assert judged["import of 1000000 lines, TXT"] == ("61.0 s", False)
    assert judged["export, CSV"] == ("2.0 s, 500 rows/s", None)
    assert judged["refused: one"] == ("0.50 s, 40 MiB", True)
    assert judged["refused: another"] == ("2.50 s, 40 MiB", False)


def test_functions_whose_instructions_are_counted_exist() -> None:
    sources = [path.read_text() for path in (ROOT / "relay").rglob("*.py")]
    for name in importlib.import_module("bench.instructions").PARTS.values():
        owner, _, function = name.partition("___")
        found = [one for one in sources if f"def {function}(" in one]
        assert found and any(owner[:1].islower() or f"class {owner}" in one for one in found), (owner, function)
