"""Code that is written by other addresses than it runs at, by files, and by other processes."""

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
@for_each_architecture
def test_code_that_others_write_is_what_they_wrote(architecture: str, tmp_path: Path) -> None:
    program = compiled(architecture, "aliases", tmp_path / "aliases")
    own = compiled("x86-64", "aliases", tmp_path / "own")
    native = subprocess.run([own], capture_output=True, text=True, check=True).stdout
    done = x86(str(program))
    assert (done.returncode, done.stdout) == (0, native), done.stderr
