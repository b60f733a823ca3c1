"""docs/POLICIES.md: its examples run, and do what the text beside them says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from config.conduct import Policies
from policies import skeleton
from relay.mail.content import Content
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.pipeline.chain import Chain
from relay.pipeline.contract import PASS, Policy, Reject
from relay.pipeline.judged import Accepted, Judged
from relay.pipeline.registry import left_out, waits
from tests.support.packages import ROOT, installed
from tests.unit.test_policies import BULK, message, rcpt, txn

EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "POLICIES.md").read_text(), re.M | re.S)
PERSON = rcpt()
RAW = b'From: a@b.example\r\nContent-Type: text/html\r\n\r\n<a href="https://shop.example/x">x</a>\r\n'


def example(name: str) -> Any:
    """The policy class of the example of that name."""
    found: dict[str, Any] = {}
    (text,) = (one for one in EXAMPLES if f'name = "{name}"' in one)
    exec(compile(text, f"docs/POLICIES.md: {name}", "exec"), found)
    return found["Policy"]


def test_every_example_is_tried_here() -> None:
    assert [re.findall(r'name = "(\w+)"', text) for text in EXAMPLES] == [["asks"], ["counts"], ["office_hours"]]


def test_office_hours() -> None:
    policy = example("office_hours")({})
    office = replace(BULK, name="office")
    assert policy.on_recipient(txn(office, now=12 * 3600.0), PERSON) == PASS
    refused = policy.on_recipient(txn(office, now=3 * 3600.0), PERSON)
    assert isinstance(refused, Reject) and "8 to 18 UTC" in refused.status.reply
    with pytest.raises(ValueError, match="unknown key"):
        example("office_hours")({"x": 1})


@pytest.mark.parametrize(("answer", "passes"), [(b"ok\n", True), (b"no\n", False), (b"", False)])
def test_one_that_asks_a_service_about_links(answer: bytes, passes: bool) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(answer)
        writer.close()

    async def run() -> object:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            policy: Policy = example("asks")({"port": server.sockets[0].getsockname()[1]})
            assert waits(policy, "on_message")
            judging = Chain([policy]).message(
                txn(recipients=(PERSON,)),
                message(content=Content(scan(RAW, ScanLimits()))),
                [Accepted(PERSON, {}, (), None)],
            )
            assert isinstance(judging, Coroutine)
            return await judging

    assert isinstance(asyncio.run(run()), Judged) is passes
    assert asked == [b"https://shop.example/x\n"]


def test_one_that_counts() -> None:
    scanned = scan(RAW, ScanLimits())
    judged = Chain([example("counts")({})]).message(
        txn(recipients=(PERSON,)), message(content=Content(scanned)), [Accepted(PERSON, {}, (), None)]
    )
    assert isinstance(judged, Judged)
    values = [one.slots for one in judged.accepted]
    body = Renderer(compile_template(scanned, judged.additions, frozenset(), values)).render(values[0]).body
    assert body.startswith(b'<a href="https://t.example/0/a@x.example">x</a>')
    assert b'<img src="https://t.example/a@x.example.gif"' in body


def test_the_skeleton_reads_what_a_reader_sees() -> None:
    policy = skeleton.Policy({})

    def judged(body: bytes) -> object:
        raw = b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + body
        return policy.on_message(txn(BULK), message(content=Content(scan(raw, ScanLimits()))))

    assert judged(b"<p>Hello\r\n") == PASS
    refused = judged(b"<p style='display:none'>Hello</p>\r\n")
    assert isinstance(refused, Reject) and "says nothing" in refused.status.reply


# --- those that protect people ----------------------------------------------------------


def test_policies_that_protect_people_are_never_left_out_unnoticed() -> None:
    order = list(Policies().order)
    assert left_out(order) == []
    protecting = [name for name, _ in left_out([])]
    assert protecting == ["consent", "sender_identity", "unsubscribe_footer"]
    for name in protecting:
        ((told, without),) = left_out([other for other in order if other != name])
        assert told == name and without
    assert {point.name for point in entry_points(group="relay.policies")} >= set(protecting)


def test_the_example_package_is_found_where_it_is_installed(tmp_path: Path) -> None:
    environment = installed(ROOT / "examples" / "gatekeeper", tmp_path)
    assert str(tmp_path) in environment["PYTHONPATH"]
    (metadata,) = tmp_path.glob("*.dist-info/entry_points.txt")
    assert metadata.read_text() == "[relay.policies]\ngatekeeper = gatekeeper.policy:Policy\n"
