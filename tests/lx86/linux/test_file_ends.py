"""Maps of files that grow and are cut, and what a program then finds there."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lx86 import small
from tests.lx86.linux.test_run import x86


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 host")
@pytest.mark.parametrize("engine", ["translator", "reference"])
@pytest.mark.parametrize("compiler", [(small.COMPILER, "-march=i686"), ("gcc",)])
def test_a_program_sees_a_files_end_where_it_is(
    compiler: tuple[str, ...], engine: str, tmp_path: Path
) -> None:
    if not (shutil.which(compiler[0]) and shutil.which("gcc")):
        pytest.skip("needs both compilers")
    program, own = tmp_path / "file-ends", tmp_path / "own"
    source = Path(__file__).with_name("file_ends.c")
    for command, out in ((compiler, program), (("gcc",), own)):
        subprocess.run([*command, "-O1", "-w", "-static", source, "-o", out], check=True)
    done = subprocess.run([own], capture_output=True, text=True, check=True, cwd=tmp_path)
    native = done.stdout
    done = x86("--engine", engine, "--bind", f"{tmp_path}:/tmp", "-C", "/tmp", str(program))
    assert done.stdout == native, done.stderr
    assert native.count("signal") == 12
