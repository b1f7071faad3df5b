"""Code that is written by other addresses than it runs at, by files, and by other processes."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lx86 import small
from tests.lx86.linux.test_run import x86


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 host")
@pytest.mark.parametrize("compiler", [(small.COMPILER, "-march=i686"), ("gcc",)])
def test_code_that_others_write_is_what_they_wrote(
    compiler: tuple[str, ...], tmp_path: Path
) -> None:
    if not (shutil.which(compiler[0]) and shutil.which("gcc")):
        pytest.skip("needs both compilers")
    program, own = tmp_path / "aliases", tmp_path / "own"
    source = Path(__file__).with_name("aliases.c")
    for command, out in ((compiler, program), (("gcc",), own)):
        subprocess.run([*command, "-O1", "-w", "-static", source, "-o", out], check=True)
    native = subprocess.run([own], capture_output=True, text=True, check=True).stdout
    done = x86(str(program))
    assert (done.returncode, done.stdout) == (0, native), done.stderr
