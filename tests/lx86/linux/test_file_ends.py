"""Maps of files that grow and are cut, and what a program then finds there."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lx86.linux.compiled import compiled, for_each_architecture
from tests.lx86.linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 host")
@pytest.mark.parametrize("engine", ["translator", "reference"])
@for_each_architecture
def test_a_program_sees_a_files_end_where_it_is(
    architecture: str, engine: str, tmp_path: Path
) -> None:
    program = compiled(architecture, "file_ends", tmp_path / "file-ends")
    own = compiled("x86-64", "file_ends", tmp_path / "own")
    done = subprocess.run([own], capture_output=True, text=True, check=True, cwd=tmp_path)
    native = done.stdout
    done = x86("--engine", engine, "--bind", f"{tmp_path}:/tmp", "-C", "/tmp", str(program))
    assert done.stdout == native, done.stderr
    assert native.count("signal") == 12
