"""What the machine can do at best: fsync, RSA-2048, and the tools without a contestant between them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_NOT_DISKS = {"tmpfs", "ramfs"}


def stolen() -> tuple[float, float]:
    """CPU seconds of all cores since start: (taken by the hypervisor, all)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[7] / _TICKS, sum(fields) / _TICKS


def cpus() -> int:
    return len(os.sched_getaffinity(0))


def threads_per_core(topology: Path = Path("/sys/devices/system/cpu/cpu0/topology")) -> int | None:
    """As the kernel sees it, and lscpu; a hypervisor may hide that its CPUs share a core. None: not told."""
    try:
        text = (topology / "thread_siblings_list").read_text().strip()
        bounds = [[int(number) for number in part.split("-")] for part in text.split(",")]
    except (OSError, ValueError):
        return None
    return sum(part[-1] - part[0] + 1 for part in bounds)


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def filesystem(directory: Path) -> str:
    """Type of the file system that holds the directory, as in /proc/mounts."""
    best, kind = "", "?"
    path = str(directory.resolve())
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, found = line.split()[:3]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def is_disk(kind: str) -> bool:
    return kind not in _NOT_DISKS


def fsync_us(directory: Path, rounds: int = 300) -> float:
    """Median time in µs to append 10 KB and have it on the disk."""
    path, block, took = directory / "fsync", os.urandom(10_240), []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(rounds):
            begin = time.perf_counter()
            os.write(descriptor, block)
            os.fsync(descriptor)
            took.append(time.perf_counter() - begin)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took) * 1e6


def rsa_rates() -> tuple[float, float]:
    """RSA-2048 signatures a second: (on one core, on all cores at once)."""
    return _rsa(1), _rsa(cpus())


def _rsa(processes: int) -> float:
    """By processes of their own, and the sum of what each measured."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "bench.harness.machine"]

    def one(_: int) -> float:
        return float(subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=60).stdout)

    with ThreadPoolExecutor(processes) as pool:
        return sum(pool.map(one, range(processes)))


def _sign_for(seconds: float) -> float:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    key = rsa.generate_private_key(65537, 2048)
    data = os.urandom(300)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        key.sign(data, padding.PKCS1v15(), SHA256())
        count += 1
    return count / (time.perf_counter() - begin)


if __name__ == "__main__":
    print(_sign_for(0.7))
