"""The build: pure Python, and compiled by mypyc what ``[tool.relay]`` in pyproject.toml names, where that can be done.

``RELAY_COMPILE=0`` leaves all of it pure Python, ``RELAY_COMPILE=1`` fails where compiling can't be done; else it
falls back; it says which in one line. An editable install is never compiled: compiled modules would hide what is
edited. See docs/decisions/0012-compiled.md.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
WISH = os.environ.get("RELAY_COMPILE", "")
BUILDING = {"build", "build_ext", "bdist_wheel", "install"}
"""Commands that need the compiled modules; the others only ask for metadata, or install in editable form."""
GENERATED = "build/mypyc"
LEVEL = "1"
"""Of the C compiler; higher ones take longer to build."""


class Impossible(Exception):
    """Why the modules can't be compiled, in one line."""


def modules() -> list[str]:
    """Paths of the modules to compile."""
    table: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["relay"]
    found = {path for pattern in table["compiled"] for one in _alternatives(pattern) for path in ROOT.glob(one)}
    found -= {ROOT / path for path in table["interpreted"]}
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def _alternatives(pattern: str) -> list[str]:
    """``a/{b,c}.py`` as ``a/b.py`` and ``a/c.py``."""
    before, brace, rest = pattern.partition("{")
    inner, _, after = rest.partition("}")
    return [before + one + after for one in inner.split(",")] if brace else [pattern]


def extensions() -> list[Extension]:
    """C sources of all modules, as one group. Raises Impossible."""
    try:
        from mypyc.build import mypycify
    except ImportError:
        raise Impossible("mypy isn't there") from None
    _probe()
    options = ["--config-file=", "--ignore-missing-imports", f"--cache-dir={GENERATED}/cache"]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            made: list[Extension] = mypycify(
                [*options, *modules()],
                opt_level=LEVEL,
                debug_level="0",
                multi_file=True,
                target_dir=GENERATED,
                group_name="relay",
            )
    except SystemExit as stop:
        raise Impossible(f"mypyc refuses the sources ({stop.code}); it said why above") from None
    except Exception as error:  # a fault of mypyc's own
        raise Impossible(f"mypyc failed ({error!r})") from error
    return made


def rsa8() -> list[Extension]:
    """The extension that makes RSA signatures together, where Intel's library is there to be linked into it."""
    library, header = (
        _installed("ipp-crypto-static", "libcrypto_mb.a"),
        _installed("ipp-crypto-include", "crypto_mb/rsa.h"),
    )
    if library is None or header is None:
        return []
    return [
        Extension(
            "relay.keys._rsa8",
            ["relay/keys/_rsa8.c"],
            include_dirs=[str(header.parent.parent)],
            extra_objects=[str(library)],
            extra_compile_args=["-O1", "-Wno-unused-parameter"],
            extra_link_args=["-Wl,--exclude-libs,ALL"],
        )
    ]


def _installed(package: str, end: str) -> Path | None:
    """A file that a package of the build's environment brought along."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(file.locate()) for file in files if file.as_posix().endswith(end)]
    return found[0].resolve() if found and found[0].exists() else None


def _probe() -> None:
    """Compile an empty module, so that a machine without a compiler or Python's headers is told at once."""
    from distutils.ccompiler import new_compiler
    from distutils.sysconfig import customize_compiler

    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "probe.c")
        source.write_text("#include <Python.h>\nint relay_probe(void) { return 0; }\n")
        compiler: Any = new_compiler()
        customize_compiler(compiler)
        compiler.add_include_dir(sysconfig.get_path("include"))
        try:
            compiler.compile([str(source)], output_dir=directory)
        except Exception as error:  # each compiler class has its own
            raise Impossible(f"no working C compiler with Python's headers ({error})") from None


def fall_back(why: object) -> None:
    """Go on in pure Python, or end where compiling was demanded."""
    text = " ".join(str(why).split())
    if WISH == "1":
        raise SystemExit(f"relay: not compiled, {text}; RELAY_COMPILE=1 demands it")
    tell(f"relay: pure Python, not compiled: {text}")


def tell(text: str) -> None:
    """One line on stderr. pip keeps that to itself unless it is called with -v: then the terminal gets it too."""
    print(text, file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        return
    with contextlib.suppress(OSError), Path("/dev/tty").open("w") as terminal:
        terminal.write(f"\r\n{text}\r\n")


def announced(made: list[Extension]) -> list[Extension]:
    """The same, once it is said what the next minutes are for."""
    names = modules()
    parts = sorted({Path(name).parent.as_posix().replace("/", ".") for name in names})
    more = ", and what makes RSA signatures eight at a time" if any("_rsa8" in one.name for one in made) else ""
    tell(f"relay: compiling {len(names)} modules by mypyc, a minute or two ({', '.join(parts)}){more}")
    return made


class Modules(build_py):
    """Starts from an empty directory: what an earlier build left there would be installed too."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class Compiled(build_ext):
    """All modules or none: half a group can't be imported."""

    def build_extensions(self) -> None:
        # The group is one extension of many C files, which setuptools would compile one after the other, and all again.
        one_by_one = self.compiler.compile
        headers = max((path.stat().st_mtime for path in Path(GENERATED).rglob("*.h")), default=0.0)

        def one(source: str, output_dir: str, options: dict[str, Any]) -> list[str]:
            made: list[str] = self.compiler.object_filenames([source], output_dir=output_dir)
            newest = max(headers, Path(source).stat().st_mtime)
            if all(Path(path).exists() and Path(path).stat().st_mtime > newest for path in made):
                return made
            return list(one_by_one([source], output_dir=output_dir, **options))

        def at_once(sources: list[str], output_dir: str, **options: Any) -> list[str]:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                return [
                    path for made in pool.map(lambda source: one(source, output_dir, options), sources) for path in made
                ]

        self.compiler.compile = at_once
        super().build_extensions()

    def run(self) -> None:
        try:
            super().run()
            if self.extensions:
                tell("relay: compiled")
        except Exception as error:
            for made in self.get_outputs():
                Path(made).unlink(missing_ok=True)
            self.extensions = self.distribution.ext_modules = []
            fall_back(error)


def wanted() -> list[Extension]:
    if WISH not in ("", "0", "1"):
        raise SystemExit(f"relay: RELAY_COMPILE is {WISH!r}; give 0, 1 or nothing")
    if WISH == "0" or not BUILDING & set(sys.argv[1:]):
        return []
    try:
        return announced([*extensions(), *rsa8()])
    except Impossible as why:
        fall_back(why)
        return []


if __name__ == "__main__":
    os.chdir(ROOT)
    setup(ext_modules=wanted(), cmdclass={"build_py": Modules, "build_ext": Compiled})
