"""The image's layout: every blob is what its digest says, and it runs as nobody's root."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging" / "oci.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, bytes]]:
    """The root that went in, and what is in the archive by name."""
    directory = tmp_path_factory.mktemp("image")
    root = directory / "root.tar"
    with tarfile.open(root, "w") as tar:
        entry = tarfile.TarInfo("opt/relay/bin/relay")
        entry.size = 300_000
        tar.addfile(entry, io.BytesIO(b"x" * 300_000))
    image = directory / "image.tar"
    subprocess.run([sys.executable, SCRIPT, root, image, "1.2.3", "amd64"], check=True, timeout=60)
    found = {}
    with tarfile.open(image) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return root.read_bytes(), found


def blob(found: dict[str, bytes], about: dict[str, Any]) -> bytes:
    data = found[f"blobs/{about['digest'].replace(':', '/')}"]
    assert about["size"] == len(data)
    return data


def test_every_blob_is_what_its_name_says(made: tuple[bytes, dict[str, bytes]]) -> None:
    blobs = {name: data for name, data in made[1].items() if name.startswith("blobs/")}
    assert len(blobs) == 3
    assert {name: f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for name, data in blobs.items()} == {
        name: name for name in blobs
    }
    assert json.loads(made[1]["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_the_layer_is_the_root(made: tuple[bytes, dict[str, bytes]]) -> None:
    root, found = made
    (one,) = json.loads(found["index.json"])["manifests"]
    manifest = json.loads(blob(found, one))
    (layer,) = manifest["layers"]
    assert gzip.decompress(blob(found, layer)) == root
    config = json.loads(blob(found, manifest["config"]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(root).hexdigest()}"]
    assert (config["architecture"], config["os"]) == ("amd64", "linux") == tuple(one["platform"].values())


def test_it_runs_as_a_user_and_knows_its_health(made: tuple[bytes, dict[str, bytes]]) -> None:
    found = made[1]
    manifest = json.loads(blob(found, json.loads(found["index.json"])["manifests"][0]))
    config = json.loads(blob(found, manifest["config"]))["config"]
    assert config["User"] == "10025:10025"
    assert [*config["Entrypoint"], *config["Cmd"]] == ["/opt/relay/bin/relay", "serve"]
    assert "/readyz" in config["Healthcheck"]["Test"][-1]
    compile(config["Healthcheck"]["Test"][-1], "health", "exec")
