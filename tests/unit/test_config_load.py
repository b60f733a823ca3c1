"""Reading settings: every fault at once, each with its path."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.load import ConfigError, find, load, validate
from config.plans import PLANS
from config.settings import Settings
from tests.support.peers import open_directory

MINIMAL = {"server": {"hostname": "relay.example.com"}}
ROOT = Path(__file__).parents[2]


def faults(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        validate({**MINIMAL, **document})
    return {fault.path: fault.text for fault in caught.value.faults}


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "relay.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- what is right ---------------------------------------------------------------


def test_a_minimal_file_has_all_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, '[server]\nhostname = "Relay.Example.com"\n'))
    assert settings.server.hostname == "relay.example.com"
    assert settings.database == tmp_path / "data" / "relay.db"
    assert settings.secrets_file == tmp_path / "data" / "secrets"
    assert settings.listen.submission == ("*:587",)
    assert settings.delivery.retry == (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0)
    assert settings.limits.message_octets == 25 * 1024 * 1024
    assert settings.links.base_url == "https://relay.example.com"
    assert settings.links.mail_domain == "relay.example.com"
    assert settings.server.node_name == "relay.example.com"
    assert settings.tls.certificate is None
    assert settings.plans["free"].messages == 3000
    assert set(settings.plans) == set(PLANS)


def test_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[server]\nhostname="h.example"\ndata_dir="/var/lib/relay"\n[tls]\ncertificate="c.pem"\nkey="../k.pem"\n'
    (tmp_path / "etc").mkdir()
    written(tmp_path / "etc", text)
    monkeypatch.chdir(tmp_path)
    settings = load("etc/relay.toml")
    assert settings.server.data_dir == Path("/var/lib/relay")
    assert settings.tls.certificate == tmp_path / "etc" / "c.pem"
    assert settings.tls.key == tmp_path / "etc" / "../k.pem"


def test_values_are_normalised() -> None:
    settings = validate(
        {
            **MINIMAL,
            "links": {"base_url": "https://Links.Example/", "mail_domain": ""},
            "dns": {"nameservers": ["127.0.0.1"], "timeout": "2s"},
            "delivery": {"routes": {"Bücher.example": "127.0.0.1:2600"}, "retry": [1, "2m"], "idle": 0},
            "http": {"trusted_proxies": ["10.0.0.1"]},
            "policy": {"rate": {"per_second": 5}},
            "plans": {"small": {"price": 5}, "own": {"messages": 7, "days": 90}},
        }
    )
    assert settings.links.base_url == "https://links.example"
    assert settings.links.mail_domain == "relay.example.com"
    assert settings.dns.nameservers == ("127.0.0.1:53",)
    assert settings.delivery.routes == {"xn--bcher-kva.example": "127.0.0.1:2600"}
    assert settings.delivery.retry == (1.0, 120.0)
    assert settings.http.trusted_proxies == ("10.0.0.1/32",)
    assert settings.policy == {"rate": {"per_second": 5}}
    assert (settings.plans["small"].messages, settings.plans["small"].price) == (10_000, 5.0)
    assert (settings.plans["own"].messages, settings.plans["own"].days) == (7, 90)


def test_settings_can_not_be_changed() -> None:
    settings = validate(MINIMAL)
    with pytest.raises(ValidationError):
        settings.server.hostname = "other.example"


# --- finding the file ----------------------------------------------------------------


def test_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "etc" / "relay.toml"
    monkeypatch.setattr("config.load.SEARCHED", (Path("relay.toml"), system))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no settings file; make one with `relay init`"):
        find()
    system.parent.mkdir()
    system.touch()
    assert find() == system
    Path("relay.toml").touch()
    assert find() == Path("relay.toml")
    with pytest.raises(ConfigError, match=r"other\.toml: no such settings file"):
        find("other.toml")


# --- what is wrong -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nhostname = \n", "line 2, column 12: Invalid value"),
        ("[server]\nhostname = 'a'\nhostname = 'b'\n", "line 3, column 15: Cannot overwrite a value"),
        ("[server\n", "line 1, column 8: Expected ']'"),
        ("[server]\nx = [1,\n", "line 2: Invalid value at the end of the file"),
        (b"[server]\n# caf\xe9\n", "line 2: not UTF-8"),
        ("x = " + "[" * 100_000, "nested too deep"),
        ("x = " + "9" * 5000, "a number of too many digits"),
        ("#" * (1 << 20) + "\n", "not a settings file"),
        ("", "server: is required"),
    ],
    ids=["value", "twice", "bracket", "end", "latin-1", "deep", "digits", "large", "empty"],
)
def test_unreadable_files_say_where(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert load(written(tmp_path, b'\xef\xbb\xbf[server]\nhostname = "h.example"\n')).server.hostname == "h.example"


@contextmanager
def not_root() -> Iterator[None]:
    """Root may read all, so be nobody meanwhile."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_without_permission() -> None:
    directory = open_directory()
    try:
        path = written(directory, '[server]\nhostname = "h.example"\n')
        with not_root():
            assert load(path).server.hostname == "h.example"
        path.chmod(0)
        with not_root(), pytest.raises(ConfigError, match="Permission denied"):
            load(path)
    finally:
        shutil.rmtree(directory)


def test_all_faults_at_once() -> None:
    found = faults(
        {
            "server": {"hostname": "256.1.1.1", "workers": True, "dtaa_dir": "x"},
            "listn": {},
            "listen": {"submission": ["0.0.0.0:587", "127.0.0.1:587", "bad", 5], "http": 5},
            "tls": {"certificate": "a", "foo": 1},
            "limits": {"message_octets": "1GiB", "recipients": 0, "hops": 1.5},
            "delivery": {"retry": [], "jitter": 2, "tls": "maybe"},
            "policies": {"order": ["a", "b", "a"]},
        }
    )
    assert found == {
        "server.hostname": '"256.1.1.1" is not a domain name, such as relay.example.com',
        "server.workers": "should be a whole number",
        "server.dtaa_dir": "unknown setting; did you mean server.data_dir?",
        "listn": "unknown table; did you mean listen?",
        "listen.submission[1]": '"127.0.0.1:587" is taken by listen.submission[0] already',
        "listen.submission[2]": '"bad" is not HOST:PORT, such as 127.0.0.1:25 or [::1]:25',
        "listen.submission[3]": "should be text in quotes",
        "listen.http": "should be text in quotes",
        "tls.key": "is missing: tls.certificate needs it; give both or neither",
        "tls.foo": "unknown setting; docs/SETTINGS.md lists all",
        "limits.memory_octets": "is less than limits.message_octets: the largest message would never fit",
        "limits.recipients": "must be 1 or more",
        "limits.hops": "should be a whole number",
        "delivery.retry": "must not be empty",
        "delivery.jitter": "must be 1 or less",
        "delivery.tls": 'must be one of "opportunistic", "required", "none"',
        "policies.order": '"a" is there twice',
    }


@pytest.mark.parametrize(
    ("document", "path", "text"),
    [
        ({"server": {}}, "server.hostname", "is required"),
        ({"server": 5}, "server", "should be a table"),
        ({"server": {"hostname": "h.example", "data_dir": 5}}, "server.data_dir", "should be a path in quotes"),
        ({"server": {"hostname": "h.example", "data_dir": "a\0"}}, "server.data_dir", "should be a path in quotes"),
        ({"hostname": "x"}, "hostname", "unknown setting; did you mean server.hostname?"),
        ({"limits": {"nameservers": []}}, "limits.nameservers", "unknown setting; did you mean dns.nameservers?"),
        ({"listen": {"submission": "0.0.0.0:587"}}, "listen.submission", "should be a list: [ … ]"),
        ({"auth": {"plaintext_on_loopback": 1}}, "auth.plaintext_on_loopback", "should be true or false"),
        ({"limits": {"parts": "5"}}, "limits.parts", "should be a whole number"),
        ({"limits": {"header_octets": "26MiB"}}, "limits.header_octets", "is more than limits.message_octets"),
        ({"delivery": {"jitter": float("nan")}}, "delivery.jitter", "must be 1 or less"),
        ({"limits": {"parts": 10**30}}, "limits.parts", "must be 1000000000 or less"),
        ({"limits": {"memory_octets": 10**5000}}, "limits.memory_octets", "a number of so many digits is not between"),
        ({"delivery": {"retry": ["0s"]}}, "delivery.retry[0]", "must be more than 0"),
        ({"delivery": {"routes": {"b_ad": "a:25"}}}, "delivery.routes.b_ad", '"b_ad" is not a domain name, such as'),
        ({"delivery": {"routes": {"a.example": "x"}}}, 'delivery.routes."a.example"', '"x" is not HOST:PORT'),
        (
            {"delivery": {"routes": {"example": {"com": "127.0.0.1:25"}}}},
            "delivery.routes.example",
            "a domain with dots stands in quotes",
        ),
        ({"delivery": {"source_addresses": ["1.2.3"]}}, "delivery.source_addresses[0]", '"1.2.3" is not an IP address'),
        ({"delivery": {"smart_host_user": "u"}}, "delivery.smart_host_password_file", "is missing"),
        ({"delivery": {"connections": 5, "connections_per_site": 6}}, "delivery.connections_per_site", "is more than"),
        ({"http": {"trusted_proxies": ["x"]}}, "http.trusted_proxies[0]", '"x" is not a network'),
        ({"links": {"base_url": "relay.example.com"}}, "links.base_url", "is not http(s)://HOST"),
        ({"policy": {"quota": 5}}, "policy.quota", "should be a table"),
        ({"plans": {"x": {"mesages": 1}}}, "plans.x.mesages", "unknown setting; did you mean plans.x.messages?"),
        ({"plans": {"free": 5}}, "plans.free", "should be a table"),
        ({"plans": 5}, "plans", "should be a table"),
        ({"tls": {"key": "k"}}, "tls.certificate", "is missing: tls.key needs it"),
    ],
)
def test_each_fault_names_its_path(document: dict[str, Any], path: str, text: str) -> None:
    found = faults(document)
    assert path in found
    assert text in found[path]


@pytest.mark.parametrize(
    ("listen", "clash"),
    [
        ({"submission": ["0.0.0.0:2525"], "inbound": ["127.0.0.1:2525"]}, "listen.inbound[0]"),
        ({"submission": ["127.0.0.1:2525"], "inbound": ["0.0.0.0:2525"]}, "listen.inbound[0]"),
        ({"submission": ["[::1]:2525", "[::]:2525"]}, "listen.submission[1]"),
        ({"submission": ["127.0.0.1:8080"]}, "listen.http"),
        ({"submission": ["127.0.0.1:2525", "127.0.0.2:2525"]}, None),
        ({"submission": ["0.0.0.0:2525", "[::]:2525"]}, None),
        ({"submission": ["*:2525"], "inbound": ["127.0.0.1:2525"]}, "listen.inbound[0]"),
        ({"submission": ["[::1]:2525"], "inbound": ["*:2525"]}, "listen.inbound[0]"),
        ({"submission": ["*:2525"], "inbound": ["*:2525"]}, "listen.inbound[0]"),
        ({"submission": ["*:2525"], "inbound": ["*:2526"]}, None),
        ({"submission": ["127.0.0.1:0", "127.0.0.1:0"], "http": ""}, None),
    ],
)
def test_ports_taken_twice(listen: dict[str, Any], clash: str | None) -> None:
    if clash is None:
        validate({**MINIMAL, "listen": listen})
    else:
        assert list(faults({"listen": listen})) == [clash]


def test_the_text_lists_every_fault_with_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        validate({"server": {"hostname": ""}, "x": 1}, source="/etc/relay/relay.toml")
    first, *rest = str(caught.value).splitlines()
    assert first == "/etc/relay/relay.toml: 2 faults"
    assert [line.split(":")[0] for line in rest] == ["  server.hostname", "  x"]


PLACED = """\
# A relay.
[server]
hostname = "relay.example"

[delivery]
# In steps.
retry = [
    "1s",  # soon
    "no time",
]
port = 0

[limits]

[delivery.routes]
"a.example" = "nowhere:x"

[tls]
certificate = '''
x'''
"""


def test_the_line_of_each_fault_is_told(tmp_path: Path) -> None:
    for text in (PLACED, PLACED.replace("\n", "\r\n"), "\ufeff" + PLACED):
        with pytest.raises(ConfigError) as caught:
            load(written(tmp_path, text))
        found = {fault.path: fault.line for fault in caught.value.faults}
        assert found == {"delivery.retry[1]": 7, "delivery.port": 11, 'delivery.routes."a.example"': 16, "tls.key": 18}
        assert "  delivery.port: must be 1 or more (line 11)" in str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server = 5", 1),
        ("[server]", 1),
        ("[tls]\nkey = 'x'", 0),  # a table that isn't there
        ("[server]\nhostname = 'a.example'\n[plans.x]\n\n[plans.y]\nmessages = -1", 6),
        ("[server]\nhostname = 'a.example'\nretyr = 1", 3),
        ("server.hostname = 'a.example'\n\nserver.workers = 'x'", 3),
    ],
)
def test_lines_of_all_sorts_of_faults(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert line in {fault.line for fault in caught.value.faults}


def test_a_file_of_odd_size_is_told_without_lines_or_soon(tmp_path: Path) -> None:
    rows = ",\n".join(["'x'"] * 3000)
    for more in (f"x = [\n{rows}\n]\nport = 1", f"# {'long ' * 40_000}\nport = 1"):
        with pytest.raises(ConfigError) as caught:
            load(written(tmp_path, f"[server]\nhostname = 'a.example'\n{more}"))
        assert "server.port: unknown setting" in str(caught.value)


def test_loading_needs_neither_engine_nor_policies() -> None:
    code = (
        "import sys, config.load; print([m for m in sys.modules if m.split('.')[0] in ('relay', 'policies', 'idna')])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"


def test_every_setting_has_its_sentence() -> None:
    from config.example import tables

    for name, model in tables():
        assert model.__doc__, name
        for key, field in model.model_fields.items():
            assert field.description, f"{name}.{key}"
            assert field.description.endswith("."), f"{name}.{key}"
    assert Settings.__doc__
