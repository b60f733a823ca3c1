"""Traces as a collector gets them: what comes is read by OpenTelemetry's own definitions."""

from __future__ import annotations

import base64
import http.server
import importlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from config.load import ConfigError, load, validate
from relay.telemetry.otlp import LONGEST_AGO_S, CollectorAway, Telling
from relay.telemetry.spans import WalkedCopy, sampled
from tests.support.peers import until
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

json_format: Any = importlib.import_module("google.protobuf.json_format")  # it has no types
ANN, AWAY = "ann@people.example", "bob@away.example"


class Collector:
    """An OTLP receiver; ``answers``: statuses that it gives first."""

    def __init__(self, *answers: int) -> None:
        self.spans: list[Span] = []
        self.asked = 0
        self.raw = b""
        waiting = list(answers)
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.asked += 1
                status = waiting.pop(0) if waiting else 200
                if status == 200:
                    collector.take(self.headers["Content-Type"], self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, kind: str, path: str, body: bytes) -> None:
        assert (kind, path) == ("application/json", "/v1/traces")
        self.raw += body
        # OTLP's JSON has ids in hexadecimal, where the JSON of protocol buffers has base64.
        told = json.loads(body, object_hook=_base64_ids)
        request = json_format.ParseDict(told, ExportTraceServiceRequest())
        for resource in request.resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert about["service.name"] == "relay" and about["service.instance.id"] == "relay.test"
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def traces(self) -> dict[bytes, list[Span]]:
        found: dict[bytes, list[Span]] = defaultdict(list)
        for span in self.spans:
            found[span.trace_id].append(span)
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _base64_ids(part: dict[str, Any]) -> dict[str, Any]:
    for name in ("traceId", "spanId", "parentSpanId"):
        if name in part:
            part[name] = base64.b64encode(bytes.fromhex(part[name])).decode()
    return part


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


def started(directory: Path, sink: Sink, url: str, share: float = 1.0) -> Relay:
    relay = Relay(
        directory,
        {
            "delivery": {
                "routes": {"people.example": f"127.0.0.1:{sink.port}", "away.example": f"127.0.0.1:{free_port()}"},
                "retry": ["1s"], "jitter": 0,
            },
            "observe": {"otlp": url, "otlp_share": share},
        },
    )  # fmt: skip
    relay.tenant()
    return relay.start()


def send(relay: Relay, to: str) -> str:
    login = relay.credential("acme", "transactional")
    with Dialog(relay.submission) as dialog:
        dialog.ehlo()
        dialog.login(*login)
        dialog.say("MAIL FROM:<news@acme.example>")
        dialog.say(f"RCPT TO:<{to}>")
        reply = dialog.data(mail(to=to, subject="Your order"))
    assert reply.code == 250, reply
    return reply.text.split()[1]


def again(relay: Relay) -> None:
    """A collector that is away is told later; what ended long ago no more."""
    collector = Collector(503)
    try:
        relay.configure({"observe": {"otlp": collector.url, "otlp_share": 1.0}})
        telling = Telling(load(relay.config), time.time)
        telling._after = 0
        with pytest.raises(CollectorAway, match="503"):
            telling._turn()
        telling._turn()
        assert len(collector.traces()) == 3
        late = Telling(load(relay.config), lambda: time.time() + 2 * LONGEST_AGO_S)
        late._after = 0
        late._turn()
        assert collector.asked == 2
    finally:
        collector.close()


def attributes(span: Span) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_the_walk_of_a_message_is_a_trace(tmp_path: Path, sink: Sink) -> None:
    collector = Collector(500)  # what it won't have is let go
    relay = started(tmp_path, sink, collector.url)
    try:
        send(relay, ANN)
        until(lambda: collector.asked == 1, "the first is told")
        delivered = send(relay, ANN)
        until(lambda: collector.traces(), "a trace comes")
        waiting = send(relay, AWAY)
        until(lambda: b"deferred" in relay.cli("trace", waiting).encode(), "an attempt fails")
        relay.cli("queue", "cancel", waiting)
        until(lambda: len(collector.traces()) == 2, "another comes")
    finally:
        relay.stop()
        collector.close()
    again(relay)
    by_id = {}
    for spans in collector.traces().values():
        (root,) = [span for span in spans if not span.parent_span_id]
        by_id[attributes(root)["relay.queue_id"]] = (root, [span for span in spans if span is not root])
    root, children = by_id[delivered]
    assert root.name == "message" and attributes(root)["relay.outcome"] == "delivered"
    assert root.status.code == Status.STATUS_CODE_OK
    (child,) = children
    assert child.parent_span_id == root.span_id and len(root.trace_id) == 16 and len(root.span_id) == 8
    assert (
        root.start_time_unix_nano <= child.start_time_unix_nano <= child.end_time_unix_nano <= root.end_time_unix_nano
    )
    assert str(attributes(child)["server.address"]).startswith("127.0.0.1")
    root, children = by_id[waiting]
    assert attributes(root)["relay.outcome"] == "cancelled" and len(children) >= 2
    assert (
        children[0].status.code == Status.STATUS_CODE_ERROR and attributes(children[0])["relay.outcome"] == "deferred"
    )
    assert b"ann" not in collector.raw and b"Your order" not in collector.raw and b"news@" not in collector.raw


def test_the_same_copies_are_drawn_each_time() -> None:
    copies = [WalkedCopy(1, number, 0, "delivered", 0.0) for number in range(20_000)]
    found = list(sampled(copies, 0.1))
    assert found == list(sampled(copies, 0.1)) and 1_700 < len(found) < 2_300
    assert set(found) <= set(sampled(copies, 0.2))
    assert list(sampled(copies, 1.0)) == copies and list(sampled(copies, 0.0)) == []


def test_what_a_collector_is_not() -> None:
    with pytest.raises(ConfigError, match=r"observe\.otlp"):
        validate({"server": {"hostname": "a.example"}, "observe": {"otlp": "localhost:4318"}})
