"""Faults, signals, threads, processes and generated code: the same words as on this host's x86."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lx86.linux.test_run import x86

COMPILER = "i686-linux-gnu-gcc"
LIBRARIES = Path("/usr/i686-linux-gnu/lib")
_KINDS = {"static": ["-static"], "dynamic": ["-no-pie"], "pie": ["-pie", "-fPIE"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with libc and the program in all its kinds."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"no {COMPILER} (packages gcc-i686-linux-gnu, libc6-dev-i386-cross)")
    root = tmp_path_factory.mktemp("root")
    (root / "lib").mkdir()
    for name in ("ld-linux.so.2", "libc.so.6"):
        shutil.copy(LIBRARIES / name, root / "lib" / name)
    source = Path(__file__).with_name("edges.c")
    for kind, options in _KINDS.items():
        command = [COMPILER, "-O1", "-msse2", "-w", "-pthread", *options, "-o", root / kind, source]
        subprocess.run(command, check=True)
    return root


@pytest.mark.parametrize(
    "kind",
    [
        "static",
        pytest.param("dynamic", marks=pytest.mark.slow),
        pytest.param("pie", marks=pytest.mark.slow),
    ],
)
def test_a_program_sees_what_it_sees_on_this_hosts_processor(root: Path, kind: str) -> None:
    native = subprocess.run([root / "static"], capture_output=True, text=True, check=False)
    done = x86("--root", str(root), f"/{kind}")
    assert done.stdout.splitlines() == native.stdout.splitlines()
    assert (done.returncode, done.stderr) == (native.returncode, "")
    assert native.returncode == 42
