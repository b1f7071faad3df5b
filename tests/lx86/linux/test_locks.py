"""What LOCK promises to processes that share storage."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lx86 import small
from tests.lx86.linux.test_run import x86

SAID = """\
360000 120000 4294367296 120000 120000
0 0 54464 192 1d4c00001d4c0
840000 54464 1d4c00001d4c0
0 1 1
80000000 0 0
0 80000000
0
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 host")
@pytest.mark.parametrize("compiler", [(small.COMPILER, "-march=i686"), ("gcc",)])
def test_locked_instructions_are_whole_to_other_processes(
    compiler: tuple[str, ...], tmp_path: Path
) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not there")
    program = tmp_path / "locks"
    source = Path(__file__).with_name("locks.c")
    subprocess.run([*compiler, "-O2", "-static", source, "-o", program], check=True)
    if compiler[0] == "gcc":
        native = subprocess.run([program], capture_output=True, text=True, check=True)
        assert native.stdout == SAID
    done = x86(str(program))
    assert done.stdout == SAID, done.stderr
