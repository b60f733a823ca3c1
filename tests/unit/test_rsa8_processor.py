"""Signing together asks the processor itself: without AVX-512 IFMA it raises; it would end by SIGILL."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib import metadata, util
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Any

import pytest

from relay.keys import dkim_keys, rsa8

ROOT = Path(__file__).resolve().parents[2]
PRETENDED = "#include <stdint.h>\nuint64_t pretended(void) { return 0; }\n"


def installed(package: str, end: str) -> Path:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())).resolve() for file in files if file.as_posix().endswith(end)]
    if not found or shutil.which("cc") is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or crypto_mb isn't there for this machine")
    return found[0]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module as it is on a processor without AVX-512: another answer is linked in."""
    library = installed("ipp-crypto-static", "libcrypto_mb.a")
    headers = installed("ipp-crypto-include", "crypto_mb/rsa.h").parent.parent
    directory = tmp_path_factory.mktemp("rsa8")
    source, made = directory / "pretended.c", directory / "_rsa8.so"
    source.write_text(PRETENDED)
    subprocess.run(
        [
            *("cc", "-shared", "-fPIC", "-O1", "-Dmbx_get_cpu_features=pretended", "-o", made),
            *(f"-I{headers}", f"-I{sysconfig.get_path('include')}"),
            *(ROOT / "relay/keys/_rsa8.c", source, library, "-Wl,--exclude-libs,ALL"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    loader = ExtensionFileLoader("_rsa8", str(made))
    spec = util.spec_from_loader("_rsa8", loader)
    assert spec is not None
    module = util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_it_says_so_and_signs_nothing(elsewhere: Any) -> None:
    assert elsewhere.usable() is False
    key = elsewhere.Key(*(b"\1" * 128 for _ in range(5)), b"\1" * 256)
    with pytest.raises(RuntimeError, match="AVX-512"):
        elsewhere.sign((key,), (bytes(32),))


def test_those_who_sign_go_on_one_by_one(elsewhere: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dkim_keys.generate(dkim_keys.RSA).key
    key = dkim_keys.SigningKey("example.com", "s", dkim_keys.RSA, made)
    lane = elsewhere.Key(*(b"\1" * 128 for _ in range(5)), b"\1" * 256)
    object.__setattr__(key, "lane", lane)

    def sign(lanes: Sequence[Any], digests: Sequence[bytes]) -> list[bytes]:
        return list(elsewhere.sign(tuple(lanes), tuple(digests)))

    monkeypatch.setattr(rsa8, "sign", sign)
    texts = [b"one", b"two", b"three"]
    assert dkim_keys.sign_all([(key, text) for text in texts]) == [key.sign(text) for text in texts]
