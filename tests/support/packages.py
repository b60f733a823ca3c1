"""A package of somebody else's, installed for a process of a test: its modules and its entry points, without pip."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def installed(project: Path, directory: Path) -> Mapping[str, str]:
    """What ``pip install`` would put into site-packages, in ``directory``; the environment in which it is found."""
    told = tomllib.loads((project / "pyproject.toml").read_text())
    about = told["project"]
    for package in told["tool"]["setuptools"]["packages"]:
        shutil.copytree(project / package, directory / package)
    metadata = directory / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    lines = []
    for group, points in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    path = os.pathsep.join(filter(None, (str(directory), str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path}
