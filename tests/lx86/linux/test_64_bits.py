"""Programs of 64 bits say what they say on this host's x86."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lx86.linux.test_run import PYPHYP, x86

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("gcc") is None,
    reason="needs an x86-64 host with gcc",
)
_KINDS = {"static": ["-static"], "pie": ["-pie", "-fPIE"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the host's C library, and each program in all its kinds."""
    root = tmp_path_factory.mktemp("root")
    here = Path(__file__).parent
    for name in ("edges", "threads", "canonical", "high"):
        for kind, options in _KINDS.items():
            command = ["gcc", "-O1", "-w", "-pthread", *options, "-o", root / f"{name}-{kind}"]
            subprocess.run([*command, here / f"{name}.c"], check=True)
    listed = subprocess.run(["ldd", root / "edges-pie"], capture_output=True, text=True, check=True)
    found = ["gcc", "-print-file-name=libgcc_s.so.1"]  # threads that are cancelled ask for it
    unwinder = subprocess.run(found, capture_output=True, text=True, check=True).stdout.strip()
    (root / "lib").mkdir()
    shutil.copy(unwinder, root / "lib" / "libgcc_s.so.1")
    for library in re.findall(r"(/\S+)", listed.stdout):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    return root


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize(
    ("name", "engine"),
    # Unicorn's own x86 does half of a store whose second half faults.
    [
        ("edges", "translator"),
        ("canonical", "translator"),
        ("high", "translator"),
        ("threads", "translator"),
        ("threads", "reference"),
    ],
)
def test_a_64_bit_program_says_what_it_says_on_this_hosts_processor(
    root: Path, name: str, kind: str, engine: str
) -> None:
    native = subprocess.run([root / f"{name}-static"], capture_output=True, text=True, check=False)
    options = ("--engine", engine, "--root", str(root))
    done = x86(*options, f"/{name}-{kind}", timeout=300)
    assert done.stdout.splitlines() == native.stdout.splitlines()
    assert (done.returncode, done.stderr) == (native.returncode, "")
    assert native.returncode == 42


_MEASURED = """import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_what_a_program_reserves_takes_none_of_the_hosts_storage(root: Path) -> None:
    # 100 GiB that can be written, 16 TiB that cannot be accessed
    program = [*PYPHYP, "x86", "--no-cache", "--root", root, "/high-static"]
    # what its parent holds counts as a process's own until it is another program
    measured = [sys.executable, "-c", _MEASURED, *program]
    done = subprocess.run(measured, capture_output=True, text=True, check=True)
    status, most = map(int, done.stdout.split())
    assert status == 42
    assert most < 300 << 10  # KiB
