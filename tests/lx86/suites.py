"""Test programs of Valgrind's and QEMU's: their sources come through apt and stay in the cache."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from guests.cache import cache_directory, is_intact, locked
from guests.packages import Apt

from . import small, small64

if TYPE_CHECKING:
    from collections.abc import Callable

VALGRIND = ("basic", "cmov", "fpu", "mmx", "mmxext", "sse", "sse2")
"""Of its none/tests/x86/insn_*.def."""
VALGRIND_LATER = ("sse3", "ssse3")
"""Of both, for a processor that has those."""
VALGRIND_64 = ("basic", "fpu", "mmx", "sse", "sse2")
"""Of its none/tests/amd64/insn_*.def."""
_KEPT = {
    "valgrind": ("/none/tests/x86/", "/none/tests/amd64/", "/include/"),
    "qemu": ("/tests/tcg/i386/",),
}


_ALIGNED = """\
#include <stdlib.h>
static void *memalign16(size_t size) { return aligned_alloc(16, (size + 15) & ~15ul); }
"""


class _Silent:
    def step(self, description: str, fraction: float | None) -> None:
        pass


def _fetched(name: str) -> Path:
    """The archive of the source of `name`.  Raises `GuestFilesError`."""
    home = cache_directory() / "sources" / name
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock", _Silent()):
        listed = home / "list.json"
        files: dict[str, str] = json.loads(listed.read_text()) if listed.exists() else {}
        if not files or not all(is_intact(home / file, sum_) for file, sum_ in files.items()):
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                apt = Apt(Path(scratch) / "apt", "i386", _Silent(), source_packages=True)
                apt.update()
                package = apt.source(name)
                apt.download_source(package, home)
            listed.write_text(json.dumps(package.files))
            files = package.files
    return next(home / file for file in files if ".orig.tar." in file)


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-suites-")


@functools.cache
def _sources(name: str) -> Path:
    """Where what is wanted of the source of `name` was unpacked."""
    into = Path(_directory().name) / name
    with tarfile.open(_fetched(name)) as archive:
        kept = [m for m in archive if any(part in m.name for part in _KEPT[name]) and m.isfile()]
        archive.extractall(into, kept, filter="data")
    return next(into.iterdir())


def _compiled(
    name: str, make: Callable[[Path], list[str | Path]], compiler: str = small.COMPILER
) -> Path:
    out = Path(_directory().name) / name
    if not out.exists():
        arguments = make(out)
        flags = ["-static", "-w", "-fno-pie", "-no-pie"]
        if compiler == small.COMPILER:
            flags += ["-msse2", "-mfpmath=387"]
        command = [compiler, *flags, *arguments, "-o", out, "-lm"]
        subprocess.run(command, check=True, capture_output=True)
    return out


def valgrind(name: str) -> Path:
    """The program that insn_`name`.def becomes.  Raises `GuestFilesError`."""
    return _valgrind(name, "x86", small.COMPILER)


def valgrind_64(name: str) -> Path:
    """The same, for x86-64."""
    return _valgrind(name, "amd64", small64.COMPILER)


def valgrind_sse4() -> Path:
    """The program of none/tests/amd64/sse4-64.c, which shows what each instruction does."""
    source = _sources("valgrind")
    program = source / "none" / "tests" / "amd64" / "sse4-64.c"
    headers = Path(_directory().name) / "headers"  # its own wants what `configure` makes
    (headers / "tests").mkdir(parents=True, exist_ok=True)
    (headers / "tests" / "malloc.h").write_text(_ALIGNED)
    arguments = ["-O1", "-msse4.2", "-I", headers, "-I", source / "include", program]
    return _compiled("sse4-64", lambda _: arguments, small64.COMPILER)


def _valgrind(name: str, architecture: str, compiler: str) -> Path:
    source = _sources("valgrind")

    def make(out: Path) -> list[str | Path]:
        tests = source / "none" / "tests" / architecture
        written = out.with_suffix(".c")
        with (tests / f"insn_{name}.def").open() as cases, written.open("w") as to:
            generator = ["perl", tests / "gen_insn_test.pl"]
            subprocess.run(generator, stdin=cases, stdout=to, check=True, cwd=tests)
        return ["-O1", "-I", source / "include", "-I", source, written]

    return _compiled(f"insn_{name}-{architecture}", make, compiler)


def qemu(name: str) -> Path:
    """The program of tests/tcg/i386/test-i386-`name`.c.  Raises `GuestFilesError`."""
    source = _sources("qemu") / "tests" / "tcg" / "i386" / f"test-i386-{name}.c"
    return _compiled(f"test-i386-{name}", lambda out: ["-O2", source])


def qemu_integer() -> Path:
    """The program that test-i386.c becomes.  Raises `GuestFilesError`."""
    source = _sources("qemu") / "tests" / "tcg" / "i386"
    files = [source / f"test-i386{part}" for part in (".c", "-code16.S", "-vm86.S")]
    return _compiled("test-i386", lambda out: ["-O2", "-fno-builtin", *files])


def available() -> bool:
    return small.available() and bool(shutil.which("apt-get")) and bool(shutil.which("perl"))
