"""ClamAV and Rspamd are asked: the real daemons of Debian's packages, dead ones, and ones that stand still (R18)."""

from __future__ import annotations

import asyncio
import io
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies import clamav, rspamd
from relay.pipeline.contract import PASS, Continue, Defer, MessageVerdict, Policy, Reject, Suspect, Upload
from relay.values.facts import Kind
from tests.support.content import mail, read
from tests.support.peers import missing, until
from tests.support.ports import free_port
from tests.unit.test_policies import BULK, txn

EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def started(command: list[str], directory: Path, port: int) -> Iterator[int]:
    if shutil.which(command[0]) is None:
        missing(command[0])
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            until(lambda: _listens(port), f"{command[0]} listens", 60)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """With one signature: the test file of the anti-virus makers."""
    home, port = tmp_path_factory.mktemp("clamd"), free_port()
    (home / "test.hdb").write_text("44d88612fea8a8f36de82e1278abb02f:68:Relay.Test.Eicar\n")
    (home / "clamd.conf").write_text(
        f"DatabaseDirectory {home}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nLocalSocket {home}/sock\nForeground yes\n"
        "User root\nStreamMaxLength 1M\n"
    )
    yield from started(["clamd", "-c", str(home / "clamd.conf")], home, port)


@pytest.fixture(scope="module")
def rspamd_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home, port = tmp_path_factory.mktemp("rspamd"), free_port()
    (home / "tld").write_text("com\nexample\n")
    (home / "rspamd.conf").write_text(
        f'options {{ url_tld = "{home}/tld"; pidfile = "{home}/pid"; filters = "regexp"; control_socket = "{home}/ctl";'
        ' dns { nameserver = ["127.0.0.1:9"]; timeout = 0.5s; retransmits = 1; } }\n'
        "actions { reject = 15; add_header = 6; greylist = 100; }\n"
        f'worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}\n'
        'logging { type = "console"; level = "error"; }\n'
    )
    command = ["rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", str(home / "rspamd.conf")]
    yield from started(command, home, port)


def asked(policy: Policy, raw: bytes, stream: object = BULK) -> MessageVerdict:
    async def run() -> MessageVerdict:
        answer = policy.on_message(txn(stream), read(raw))  # type: ignore[arg-type]
        return await answer if asyncio.iscoroutine(answer) else answer

    return asyncio.run(run())


def attached(octets: bytes, name: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Acme <news@acme.example>", "r@x.example", "News"
    made.set_content("See the file.")
    made.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def zipped(octets: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("inner", octets)
        octets = made.getvalue()
    return octets


def inside(raw: bytes) -> bytes:
    head = b"From: Acme <news@acme.example>\r\nSubject: Fw\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
    return head + raw


SERVICE = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)
CARRIERS = {
    "a file": attached(EICAR, "a.com"),
    "a zip": attached(zipped(EICAR), "a.zip"),
    "a zip in a zip": attached(zipped(EICAR, 2), "a.zip"),
    "a message inside": inside(attached(EICAR, "a.com")),
    "a zip in a message inside": inside(attached(zipped(EICAR), "a.zip")),
}


@pytest.mark.peers
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("stream", [BULK, SERVICE], ids=["bulk", "service"])
def test_clamav_finds_it_in_all_it_can_hide_in(clamd: int, carrier: str, stream: object) -> None:
    answer = asked(clamav.Policy({"at": f"127.0.0.1:{clamd}", "timeout": 20}), CARRIERS[carrier], stream)
    assert isinstance(answer, Reject)
    assert answer.status.reply.startswith("550 5.7.1 content: the message holds malware (Relay.Test.Eicar")


@pytest.mark.peers
def test_clamav_lets_the_rest_through_and_tells_its_own_limit(clamd: int) -> None:
    policy = clamav.Policy({"at": f"127.0.0.1:{clamd}", "timeout": 20})
    assert asked(policy, mail("Hello")) == PASS
    large = asked(policy, attached(bytes(range(256)) * 8000, "large.bin"))
    assert isinstance(large, Reject) and "larger than what can be scanned" in large.status.reply
    passing = clamav.Policy({"at": f"127.0.0.1:{clamd}", "timeout": 20, "when_larger": "continue"})
    assert asked(passing, attached(bytes(range(256)) * 8000, "large.bin")) == PASS


@pytest.mark.peers
def test_uploads_are_scanned_too(clamd: int) -> None:
    policy = clamav.Policy({"at": f"127.0.0.1:{clamd}", "timeout": 20})
    refused = asyncio.run(policy.on_upload(Upload("people.csv", EICAR)))
    assert isinstance(refused, Reject) and "people.csv holds malware" in refused.status.reply
    assert asyncio.run(policy.on_upload(Upload("people.csv", b"a@x.example\n"))) == PASS


@pytest.mark.peers
def test_rspamd_refuses_what_it_rejects(rspamd_port: int) -> None:
    policy = rspamd.Policy({"at": f"127.0.0.1:{rspamd_port}", "timeout": 20})
    refused = asked(policy, mail(GTUBE))
    assert isinstance(refused, Reject) and "looks like spam (score 15.0: GTUBE" in refused.status.reply
    assert asked(policy, mail("Hello")) == PASS
    assert asked(policy, mail(GTUBE), SERVICE) == PASS


# --- what a daemon may do wrong --------------------------------------------------------------


def with_daemon(kind: str, answer: bytes | None, **settings: object) -> MessageVerdict:
    """The verdict where a daemon answers so; None: never."""

    async def run() -> MessageVerdict:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100_000)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            made = {"clamav": clamav, "rspamd": rspamd}[kind].Policy({"at": at, "timeout": 0.3, **settings})
            answered: MessageVerdict = await made.on_message(txn(BULK), read(mail("Hello")))
            return answered

    return asyncio.run(run())


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + body


WRONG = [
    ("clamav", None),
    ("clamav", b""),
    ("clamav", b"stream: OK"),
    ("clamav", b"\0"),
    ("clamav", b"stream: broken ERROR\0"),
    ("clamav", b"x" * 100_000),
    ("rspamd", None),
    ("rspamd", b""),
    ("rspamd", b"nonsense"),
    ("rspamd", http(b"")),
    ("rspamd", http(b"[]")),
    ("rspamd", http(b"{}")),
    ("rspamd", http(b'{"score": "1", "action": "reject"}')),
    ("rspamd", http(b'{"score": 1, "action": "no action"}', "500 Oops")),
    ("rspamd", http(b'{"score": true, "action": "x"}')),
    ("rspamd", b"HTTP/1.1 200 OK\r\n" + b"x" * 2_000_000),
]


@pytest.mark.parametrize(("kind", "answer"), WRONG)
def test_a_daemon_that_fails_defers_or_is_passed_over(kind: str, answer: bytes | None) -> None:
    deferred = with_daemon(kind, answer)
    assert isinstance(deferred, Defer) and deferred.status.reply.startswith("450 4.7.1 content: the ")
    assert with_daemon(kind, answer, when_away="continue") == PASS


@pytest.mark.parametrize("kind", ["clamav", "rspamd"])
def test_a_daemon_that_is_not_there(kind: str) -> None:
    policy = {"clamav": clamav, "rspamd": rspamd}[kind].Policy
    for at in (f"127.0.0.1:{free_port()}", "unix:/nowhere/sock"):
        assert isinstance(asked(policy({"at": at}), mail("Hello")), Defer)
        assert asked(policy({"at": at, "when_away": "continue"}), mail("Hello")) == PASS


@pytest.mark.parametrize(
    ("action", "score", "what"),
    [
        ("no action", 1.0, "passes"),
        ("greylist", 4.0, "passes"),
        ("add header", 6.5, "held"),
        ("rewrite subject", 6.5, "held"),
        ("no action", 9.0, "held"),
        ("no action", 15.0, "refused"),
        ("reject", 3.0, "refused"),
        ("soft reject", 1.0, "deferred"),
    ],
)
def test_what_rspamd_says(action: str, score: float, what: str) -> None:
    body = f'{{"score": {score}, "action": "{action}", "symbols": {{"BAD_WORDS": {{"score": 4.5}}, "X": 1}}}}'
    answer = with_daemon("rspamd", http(body.encode()))
    kinds = {"passes": answer == PASS, "refused": isinstance(answer, Reject), "deferred": isinstance(answer, Defer)}
    held = isinstance(answer, Continue) and any(isinstance(one, Suspect) for one in answer.effects)
    assert (kinds | {"held": held})[what]
    if held and isinstance(answer, Continue) and isinstance(answer.effects[0], Suspect):
        assert answer.effects[0].why == f"Rspamd gives score {score:.1f}: BAD_WORDS 4.5"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"at": "nowhere"}, "at must be"),
        ({"at": "127.0.0.1:0"}, "at must be"),
        ({"when_away": "pray"}, "when_away must be one of defer, continue"),
        ({"timeout": 0}, "timeout must be a number"),
        ({"x": 1}, "unknown key x"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], fault: str) -> None:
    for one in (clamav, rspamd):
        with pytest.raises(ValueError, match=fault):
            one.Policy(settings)
