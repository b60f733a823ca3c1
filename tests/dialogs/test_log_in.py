"""AUTH PLAIN and LOGIN (RFC 4954, RFC 4616): what is right, what is malformed, who has to wait."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.dialogs.conftest import House
from tests.dialogs.test_end_of_data import rest
from tests.dialogs.test_replies import MAIL, starts
from tests.support.relay import Relay
from tests.support.smtp import Dialog

WRONG = "535 5.7.8"
MALFORMED = "501 5.5.2"


def plain(*parts: str) -> str:
    return base64.b64encode("\0".join(parts).encode()).decode()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relay, tuple[str, str], str]]:
    made = Relay(tmp_path_factory.mktemp("log-in"), {"auth": {"failures": 100_000}})
    made.tenant()
    user, password = made.credential(stream="bulk")
    other = made.credential(stream="transactional")[0]
    made.start()
    yield made, (user, password), other
    made.kill()


@pytest.mark.parametrize("how", ["initial response", "after 334"])
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("nobody named", "235 2.7.0"),
        ("the same", "235 2.7.0"),
        ("another of the tenant", WRONG),
        ("somebody", WRONG),
        ("root", WRONG),
        ("the same in upper case", WRONG),
        ("the same and a space", WRONG),
        ("the same and a domain", WRONG),
    ],
)
def test_nobody_acts_for_another(relay: tuple[Relay, tuple[str, str], str], who: str, expected: str, how: str) -> None:
    running, (user, password), other = relay
    identity = {
        "nobody named": "",
        "the same": user,
        "another of the tenant": other,
        "somebody": "somebody@acme.example",
        "root": "root",
        "the same in upper case": user.upper(),
        "the same and a space": user + " ",
        "the same and a domain": f"{user}@relay.test",
    }[who]
    with Dialog(running.submission) as s:
        s.ehlo()
        response = plain(identity, user, password)
        if how == "after 334":
            starts(s.say("AUTH PLAIN"), "334 ")
            starts(s.say(response), expected)
        else:
            starts(s.say(f"AUTH PLAIN {response}"), expected)
        starts(s.say(MAIL), "250 " if expected.startswith("2") else "530 5.7.0")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("*", "501 5.7.0"),
        ("", MALFORMED),
        ("=", MALFORMED),
        ("====", MALFORMED),
        ("not base64!", MALFORMED),
        ("QUJ", MALFORMED),
        (plain("a"), MALFORMED),
        (plain("", "user"), MALFORMED),
        (plain("", "user", "password", ""), MALFORMED),
        (plain("", "", ""), WRONG),
        (plain("", "user", ""), WRONG),
        (plain("", "", "password"), WRONG),
        (base64.b64encode(b"\0\xff\xfe\0\xff").decode(), MALFORMED),
        (plain("", "u" * 600, "p"), WRONG),
        (plain("", "u", "p" * 600), WRONG),
        (plain("", "user", "pass\r\nword"), WRONG),
        (plain("", "us\x1b[2Jer", "password"), WRONG),
        (plain("", "user", "password") + "\r", MALFORMED),
        (plain("", "user", "password") + " x", MALFORMED),
    ],
)
def test_what_is_no_right_response(relay: tuple[Relay, tuple[str, str], str], response: str, expected: str) -> None:
    running, (user, password), _ = relay
    with Dialog(running.submission) as s:
        s.ehlo()
        starts(s.say("AUTH PLAIN"), "334 ")
        starts(s.say(response), expected)
        starts(s.say(MAIL), "530 5.7.0")
        starts(s.login(user, password), "235 ")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["*"], "501 5.7.0"),
        (["!"], MALFORMED),
        (["USER", "*"], "501 5.7.0"),
        (["USER", "!"], MALFORMED),
        (["USER", ""], WRONG),
        (["USER", "="], WRONG),
        (["=", "PASSWORD"], WRONG),
        (["", "PASSWORD"], WRONG),
        (["USER", "PASSWORD"], "235 2.7.0"),
    ],
)
def test_log_in_by_two_lines(relay: tuple[Relay, tuple[str, str], str], lines: list[str], expected: str) -> None:
    running, login, _ = relay
    user, password = (base64.b64encode(one.encode()).decode() for one in login)
    with Dialog(running.submission) as s:
        s.ehlo()
        starts(s.say("AUTH LOGIN"), "334 VXNlciBOYW1lAA==")
        for line in lines[:-1]:
            starts(s.say({"USER": user}.get(line, line)), "334 UGFzc3dvcmQA")
        starts(s.say({"PASSWORD": password}.get(lines[-1], lines[-1])), expected)


def test_order(relay: tuple[Relay, tuple[str, str], str]) -> None:
    running, (user, password), _ = relay
    response = plain("", user, password)
    with Dialog(running.submission) as s:
        starts(s.say(f"AUTH PLAIN {response}"), "503 5.5.1")  # EHLO first
        starts(s.say("HELO x"), "250")
        starts(s.say(f"AUTH PLAIN {response}"), "503 5.5.1")
        s.ehlo()
        starts(s.say("AUTH"), "504 5.5.4")
        starts(s.say("AUTH GSSAPI"), "504 5.5.4")
        starts(s.say("AUTH PLAIN"), "334 ")
        starts(s.say("NOOP"), MALFORMED)  # a command is no response
        starts(s.say(f"AUTH PLAIN {response}"), "235 ")
        starts(s.say(f"AUTH PLAIN {response}"), "503 5.5.1")
        starts(s.say(MAIL), "250 ")
        starts(s.say(f"AUTH PLAIN {response}"), "503 5.5.1")


def test_a_response_without_crlf_is_none(relay: tuple[Relay, tuple[str, str], str]) -> None:
    running, (user, password), _ = relay
    with Dialog(running.submission) as s:
        s.ehlo()
        starts(s.say("AUTH PLAIN"), "334 ")
        s.send(plain("", user, password).encode() + b"\n")
        starts(s.read(), "500 5.5.2")
        starts(s.say(MAIL), "530 5.7.0")


def test_a_response_without_an_end_ends_the_session(relay: tuple[Relay, tuple[str, str], str]) -> None:
    with Dialog(relay[0].submission) as s:
        s.ehlo()
        starts(s.say("AUTH PLAIN"), "334 ")
        s.send(b"QUFB" * 10_000)
        (reply,) = rest(s)
        starts(reply, "500 5.5.6")


def test_who_guesses_behind_the_same_address_locks_nobody_out(house: House) -> None:
    """Who logged in from there lately is let in; all others there wait, whatever they say."""
    source = "127.0.0.77"

    def session() -> Dialog:
        s = Dialog(house.relay.submissions, tls=True, source=source)
        s.ehlo()
        return s

    with session() as s:
        starts(s.login(*house.bulk), "235 ")
    for _ in range(5):
        with session() as s:
            starts(s.login("nobody", "wrong"), WRONG)
    with session() as s:
        starts(s.login("nobody", "wrong"), "421 4.7.0")
    with session() as s:
        starts(s.login(*house.news), "421 4.7.0")  # right, but never seen there
    with session() as s:
        starts(s.login(*house.bulk), "235 ")
    with session() as s:
        starts(s.login(house.bulk[0], "wrong"), WRONG)


def test_a_session_ends_with_its_password(house: House) -> None:
    house.relay.cli("stream", "add", "acme", "reset", "--kind", "bulk", "--topic", "news")
    login = house.relay.credential(stream="reset")
    with house.session(login) as s:
        starts(s.say(MAIL), "250 ")
        s.say("RSET")
        new = house.relay.json("credential", "reset", login[0])
        starts(s.say(MAIL), "530 5.7.0")
        starts(s.login(*login), WRONG)
        starts(s.login(login[0], new["password"]), "235 ")
