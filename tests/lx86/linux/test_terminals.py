"""Pseudo-terminals of x86 programs: their own are there, others are not."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.lx86.linux.compiled import compiled, for_each_architecture
from tests.lx86.linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

STRANGE = ["somebody else's: 1", "its state: -1"]


@for_each_architecture
def test_a_program_has_its_own_terminals_as_on_this_host_and_no_others(
    tmp_path: Path, architecture: str
) -> None:
    program = compiled(architecture, "terminals", tmp_path / "terminals")
    master, terminal = os.openpty()
    try:
        name = os.ttyname(terminal)
        native = subprocess.run([program, name], capture_output=True, text=True, check=True)
        done = x86("--root", str(tmp_path), "/terminals", name)
    finally:
        os.close(master)
        os.close(terminal)
    assert native.stdout.splitlines()[-2:] == ["somebody else's: 0", "its state: 0"]
    assert done.stdout.splitlines() == native.stdout.splitlines()[:-2] + STRANGE
    assert (done.returncode, done.stderr) == (0, "")
