"""What LOCK promises to processes that share storage."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lx86.linux.compiled import compiled, for_each_architecture
from tests.lx86.linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

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
@for_each_architecture
def test_locked_instructions_are_whole_to_other_processes(
    architecture: str, tmp_path: Path
) -> None:
    program = compiled(architecture, "locks", tmp_path / "locks", "-O2")
    if architecture == "x86-64":
        native = subprocess.run([program], capture_output=True, text=True, check=True)
        assert native.stdout == SAID
    done = x86(str(program))
    assert done.stdout == SAID, done.stderr
