"""Writes an OCI image (image-spec 1.1) with one layer, as an archive that podman, skopeo, containerd and Docker read.

``python3 oci.py ROOT.tar IMAGE.tar VERSION ARCHITECTURE``; prints the image's path.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SECOND_NS = 1_000_000_000
HEALTHY = "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=5)"
"""Status 0 if mail can be taken and stored: urlopen raises for 503."""
COPIED_OCTETS = 1 << 20


def config(version: str, architecture: str, layer: str) -> dict[str, Any]:
    """How it runs; ``layer``: the digest of the root as a tar that isn't compressed."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {
        "created": now,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": "10025:10025",
            "Entrypoint": ["/opt/relay/bin/relay"],
            "Cmd": ["serve"],
            "WorkingDir": "/var/lib/relay",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"],
            "ExposedPorts": {f"{port}/tcp": {} for port in (25, 465, 587, 8080)},
            "Volumes": {"/var/lib/relay": {}},
            "StopSignal": "SIGTERM",
            # Docker's own, which others pass over.
            "Healthcheck": {
                "Test": ["CMD", "/opt/relay/bin/python3", "-c", HEALTHY],
                "Interval": 30 * SECOND_NS,
                "Timeout": 10 * SECOND_NS,
                "StartPeriod": 60 * SECOND_NS,
                "Retries": 3,
            },
            "Labels": {
                "org.opencontainers.image.title": "relay-smtp",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": now, "created_by": "packaging/image"}],
    }


def squeezed(root: Path, out: BinaryIO) -> tuple[str, str, int]:
    """The layer: digest of what is in it, its own digest, and its size in octets."""
    inner, outer = hashlib.sha256(), hashlib.sha256()

    class Counted(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            outer.update(data)
            return out.write(data)

    with root.open("rb") as source, gzip.GzipFile(fileobj=Counted(), mode="wb", compresslevel=6, mtime=0) as zipped:
        while piece := source.read(COPIED_OCTETS):
            inner.update(piece)
            zipped.write(piece)
    return f"sha256:{inner.hexdigest()}", f"sha256:{outer.hexdigest()}", out.tell()


def main(root: str, image: str, version: str, architecture: str) -> None:
    with tempfile.TemporaryFile() as layer, tarfile.open(image, "w") as archive:
        inner, outer, size = squeezed(Path(root), layer)
        layer.seek(0)
        _add(archive, f"blobs/sha256/{outer.removeprefix('sha256:')}", layer, size)
        about = _blob(archive, CONFIG, config(version, architecture, inner))
        layers = [{"mediaType": LAYER, "digest": outer, "size": size}]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": layers}
        found = _blob(archive, MANIFEST, manifest) | {
            "annotations": {"org.opencontainers.image.ref.name": version},
            "platform": {"architecture": architecture, "os": "linux"},
        }
        _text(archive, "index.json", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [found]})
        _text(archive, "oci-layout", {"imageLayoutVersion": "1.0.0"})
    print(image)


def _blob(archive: tarfile.TarFile, kind: str, content: object) -> dict[str, Any]:
    text = json.dumps(content).encode()
    digest = hashlib.sha256(text).hexdigest()
    _add(archive, f"blobs/sha256/{digest}", io.BytesIO(text), len(text))
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(text)}


def _text(archive: tarfile.TarFile, name: str, content: object) -> None:
    text = json.dumps(content).encode()
    _add(archive, name, io.BytesIO(text), len(text))


def _add(archive: tarfile.TarFile, name: str, content: Any, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, content)


if __name__ == "__main__":
    main(*sys.argv[1:])
