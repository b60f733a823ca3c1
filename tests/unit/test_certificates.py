"""When a certificate is to be got, which one is shown, what a client says first, and what is told of failures."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from config.load import ConfigError, validate
from config.settings import Settings
from relay.certificates import due, watch
from relay.certificates.begin import begin_certificate
from relay.certificates.chosen import CertificateFiles, files_in_use, wanted_names
from relay.certificates.context import Certificate, CertificateError
from relay.certificates.place import CertificatePlace
from relay.certificates.self_signed import self_signed
from relay.certificates.state import FIRST_WAIT_S, LAST_WAIT_S, CertificateState, read_state, write_state
from relay.checks.certificate import check_certificate
from relay.checks.result import Level
from relay.web.server.hello import ClientHello, HelloError, read_hello
from tests.unit.records import NOW, open_shop

DAY = 86_400.0
URL = "https://ca.example/directory"


def settings(base: Path, **tables: dict[str, object]) -> Settings:
    document: dict[str, dict[str, object]] = {
        "server": {"hostname": "relay.example", "data_dir": str(base)},
        "tls": {"acme": URL},
    }
    for name, values in tables.items():
        document.setdefault(name, {}).update(values)
    return validate(document, base=base)


def leaf(names: list[str], begins: float, days: float, serial: int = 1 << 31) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    start = dt.datetime.fromtimestamp(begins, dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )


FINE = CertificateState()


@pytest.mark.parametrize(
    ("age_days", "days", "state", "why"),
    [
        (0, 90, FINE, ""),
        (57, 90, FINE, ""),
        (60, 90, FINE, "time to renew"),
        (89, 90, FINE, "time to renew"),
        (91, 90, FINE, "time to renew"),
        (3.8, 6, FINE, ""),  # short-lived ones of Let's Encrypt
        (4.01, 6, FINE, "time to renew"),
        (0.1, 90, CertificateState(renew_at=NOW - 1), "time to renew"),  # revoked: the authority wants it renewed now
        (70, 90, CertificateState(renew_at=NOW + DAY), ""),
        (70, 90, CertificateState(failures=1, tried_at=NOW - 60, next_try_at=NOW + 60), ""),
        (70, 90, CertificateState(failures=1, tried_at=NOW - 660, next_try_at=NOW - 60), "time to renew"),
        (
            70,
            90,
            CertificateState(failures=1, tried_at=NOW + DAY, next_try_at=NOW + 2 * DAY),
            "time to renew",
        ),  # clock set
    ],
)
def test_when_it_is_renewed(age_days: float, days: float, state: CertificateState, why: str) -> None:
    found = due.reason(leaf(["relay.example"], NOW - age_days * DAY, days), ["relay.example"], state, NOW)
    assert why in found if why else not found


def test_not_all_at_once() -> None:
    """Of certificates that were given at one moment some are renewed sooner than others, none late."""
    times = [due.renews_at(leaf(["a"], NOW, 90, serial), FINE) for serial in (1, 1 << 30, 1 << 31, (1 << 32) - 1)]
    assert times == sorted(times, reverse=True) and len(set(times)) == 4
    assert times[-1] >= NOW + 57 * DAY and times[0] <= NOW + 60 * DAY


@pytest.mark.parametrize(
    ("held", "wanted", "why"),
    [
        (["relay.example"], ["relay.example", "r.example"], "r.example is not in it"),
        (["r.example", "RELAY.example"], ["relay.example", "r.example"], ""),
        ([], ["a.example", "b.example"], "a.example, b.example are not in it"),
    ],
)
def test_names_that_are_missing(held: list[str], wanted: list[str], why: str) -> None:
    assert due.reason(leaf(held, NOW, 90), wanted, FINE, NOW) == why
    assert due.reason(None, wanted, FINE, NOW) == "there is none as yet"


def test_waits_double_up_to_a_bound_and_keep_to_what_the_authority_says(tmp_path: Path) -> None:
    state, waits = FINE, []
    for _ in range(12):
        state = state.failed("no route", NOW, 0)
        waits.append(state.next_try_at - NOW)
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S] and waits[-1] == LAST_WAIT_S
    assert FINE.failed("too many", NOW, NOW + 5 * DAY).next_try_at == NOW + 5 * DAY
    place = CertificatePlace(tmp_path)
    write_state(place, state)
    assert read_state(place) == state
    place.state.write_text('{"failures": "many", "error": 3, "other": 1, "tried_at": 5}')
    assert read_state(place) == CertificateState(tried_at=5)
    place.state.write_text("{")
    assert read_state(place) == FINE


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        ({}, ("relay.example",)),
        ({"links": {"base_url": "https://go.r.example/x"}}, ("relay.example", "go.r.example")),
        ({"links": {"base_url": "http://127.0.0.1:8080"}}, ("relay.example",)),
        ({"links": {"base_url": "https://192.0.2.1"}}, ("relay.example",)),
        ({"tracking": {"apart_url": "https://new.r.example"}}, ("relay.example", "new.r.example")),
        ({"tls": {"acme_names": ["MX.r.example", "relay.example"]}}, ("relay.example", "mx.r.example")),
    ],
)
def test_names_of_the_certificate(tmp_path: Path, tables: dict[str, dict[str, object]], names: tuple[str, ...]) -> None:
    assert wanted_names(settings(tmp_path, **tables)) == names


@pytest.mark.parametrize(
    ("listen", "tls", "fault"),
    [
        ({"http": ""}, {}, "listen.acme: is missing"),
        ({"http": "", "https": "*:443"}, {}, ""),
        ({"http": "", "acme": "*:80"}, {}, ""),
        ({}, {"acme_challenge": "tls-alpn-01"}, "tls.acme_challenge: tls-alpn-01 needs listen.https"),
        ({"acme": "*:443", "https": "*:443"}, {}, "is taken by"),
        ({}, {"acme": "http://ca.example/dir"}, "is not https://"),
        ({}, {"acme_key_id": "kid"}, "tls.acme_key_file: is missing"),
        ({}, {"acme_key_file": "eab"}, "tls.acme_key_id: is missing"),
        ({}, {"acme_names": ["no name"]}, "tls.acme_names"),
        ({}, {"acme_challenge": "dns-01"}, "tls.acme_challenge"),
    ],
)
def test_settings_that_cannot_work(
    tmp_path: Path, listen: dict[str, object], tls: dict[str, object], fault: str
) -> None:
    if not fault:
        settings(tmp_path, listen=listen, tls=tls)
        return
    with pytest.raises(ConfigError, match=fault):
        settings(tmp_path, listen=listen, tls=tls)


@pytest.mark.parametrize(
    ("listen", "challenge"),
    [
        ({}, "http-01"),
        ({"https": "*:443"}, "tls-alpn-01"),
        ({"https": "*:443", "acme": "*:80"}, "http-01"),
        ({"acme": "*:80"}, "http-01"),
    ],
)
def test_how_names_are_shown_to_be_ours(tmp_path: Path, listen: dict[str, object], challenge: str) -> None:
    assert settings(tmp_path, listen=listen).challenge == challenge


def test_which_one_is_shown(tmp_path: Path) -> None:
    """The authority's, before it the given one, else one to begin with; another file is taken as soon as it is seen."""
    chain, key = self_signed("relay.example", dt.datetime.now(dt.UTC))
    (tmp_path / "c.pem").write_bytes(chain)
    (tmp_path / "k.pem").write_bytes(key)
    bare = settings(tmp_path)
    assert files_in_use(bare) is None
    begin_certificate(bare)
    place = CertificatePlace(tmp_path)
    assert files_in_use(bare) == (place.beginning, place.beginning)
    assert place.folder.stat().st_mode & 0o777 == 0o700 and place.beginning.stat().st_mode & 0o777 == 0o600
    given = settings(tmp_path, tls={"certificate": "c.pem", "key": "k.pem"})
    assert files_in_use(given) == (tmp_path / "c.pem", tmp_path / "k.pem")
    shown = Certificate.of(given)
    assert shown is not None and not shown.renewed()
    place.write(place.certificate, key + chain)
    assert files_in_use(given) == files_in_use(bare) == (place.certificate, place.certificate)
    assert shown.renewed() and not shown.renewed()
    place.write(place.certificate, b"no certificate")
    with pytest.raises(CertificateError):
        shown.renewed()
    without = settings(tmp_path, tls={"acme": "", "certificate": "c.pem", "key": "k.pem"})
    assert files_in_use(without) == CertificateFiles(tmp_path / "c.pem", tmp_path / "k.pem")


@pytest.mark.parametrize("token", ["", "short", "../../secrets", "a" * 300, "x" * 20 + "/y", "x" * 20 + "\n", "ä" * 20])
def test_odd_tokens_name_no_file(tmp_path: Path, token: str) -> None:
    place = CertificatePlace(tmp_path)
    place.put_answer("t" * 22, "answer")
    assert place.answer("t" * 22) == "answer" and place.answer(token) is None
    place.forget_challenges()
    assert place.answer("t" * 22) is None


@pytest.mark.parametrize("name", ["", "..", "../x", ".hidden", "a/b", "other.example"])
def test_odd_names_have_no_hello(tmp_path: Path, name: str) -> None:
    place = CertificatePlace(tmp_path)
    place.put_hello("relay.example", b"pem")
    assert place.hello("relay.example") is not None and place.hello(name) is None


# --- what a client says first --------------------------------------------------------------------------------------


def first_words(name: str | None, protocols: list[str]) -> bytes:
    """Of OpenSSL itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


@pytest.mark.parametrize(
    ("name", "protocols"),
    [
        ("relay.example", ["acme-tls/1"]),
        ("Relay.Example", ["h2", "http/1.1"]),
        ("relay.example", []),
        (None, ["http/1.1"]),
        (None, []),
    ],
)
def test_what_a_client_says_first(name: str | None, protocols: list[str]) -> None:
    said = first_words(name, protocols)
    assert read_hello(said) == ClientHello((name or "").lower(), tuple(protocols))
    for cut in range(1, len(said)):
        assert read_hello(said[:cut]) is None
    parts = [said[5:][at : at + 50] for at in range(0, len(said) - 5, 50)]
    split = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
    assert read_hello(split) == ClientHello((name or "").lower(), tuple(protocols))


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n", b"\x80\x2e\x01", b"\x16\x02\x00", b"EHLO x\r\n", b"\x00"])
def test_what_is_no_tls(said: bytes) -> None:
    with pytest.raises(HelloError):
        read_hello(said)


def test_odd_octets_never_raise_anything_else() -> None:
    said = bytearray(first_words("relay.example", ["h2"]))
    for at in range(5, len(said)):
        for value in (0, 1, 0x7F, 0xFF):
            changed = bytes(said[:at]) + bytes([value]) + bytes(said[at + 1 :])
            found = read_hello(changed + b"\x00" * 17_000)
            assert isinstance(found, ClientHello)


# --- what is told ----------------------------------------------------------------------------------------------------


def told(found: Settings, now: float) -> dict[str, tuple[Level, str]]:
    results = check_certificate(found, dt.datetime.fromtimestamp(now, dt.UTC))
    return {one.what: (one.level, f"{one.detail} {one.todo}") for one in results}


def test_checks_tell_how_it_goes_with_the_authority(tmp_path: Path) -> None:
    found = settings(tmp_path)
    begin_certificate(found)
    now = dt.datetime.now(dt.UTC).timestamp()
    assert told(found, now)["certificate's authority"][0] is Level.WARN
    place = CertificatePlace(tmp_path)
    write_state(place, FINE.failed("relay.example: no such host", now, 0))
    level, text = told(found, now)["certificate's authority"]
    assert level is Level.WARN and "ca.example gave none, once in a row: relay.example: no such host" in text
    write_state(place, FINE.failed("x", now, 0).failed("no such host", now, 0))
    level, text = told(found, now)["certificate's authority"]
    assert level is Level.FAIL and "2 times in a row" in text and "relay cert renew" in text


@pytest.mark.parametrize(
    ("failures", "left_days", "called"), [(2, 5, False), (3, 5, True), (3, 13.9, True), (3, 20, False), (3, None, True)]
)
def test_the_operator_gets_a_letter_when_time_gets_short(
    tmp_path: Path, failures: int, left_days: float | None, called: bool
) -> None:
    conn = open_shop(tmp_path / "relay.db")
    found = settings(tmp_path, operator={"contact": "ops@example.com"})
    place = CertificatePlace(tmp_path)
    if left_days is not None:
        one = leaf(["relay.example"], NOW - (90 - left_days) * DAY, 90)
        place.write(place.certificate, one.public_bytes(Encoding.PEM))
    state = FINE
    for _ in range(failures):
        state = state.failed("port 80: connection refused", NOW, 0)
    write_state(place, state)
    for _ in range(2):  # once a day
        watch._fails(found, NOW)
    rows = conn.execute("SELECT count(*) FROM recipient WHERE address = 'ops@example.com'").fetchone()
    assert rows == (int(called),)


def test_a_talk_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers there; the program that talks is ended with its time."""
    monkeypatch.setattr(watch, "TALK_S", 0.0)
    said = asyncio.run(watch._talk(settings(tmp_path)))
    assert "it took more than" in said["error"]
