"""Programs in C that stand beside the tests, for either architecture."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lx86 import small, small64

COMPILERS = {"i386": small.COMPILER, "x86-64": small64.COMPILER}
for_each_architecture = pytest.mark.parametrize("architecture", COMPILERS)


def compiled(
    architecture: str, name: str, program: Path, *options: str, link: str = "-static"
) -> Path:
    """`program`, made of NAME.c; skips without a compiler."""
    compiler = COMPILERS[architecture]
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = Path(__file__).with_name(f"{name}.c")
    command = [compiler, "-O1", "-w", "-msse2", link, *options, "-o", program, source]
    subprocess.run(command, check=True)
    return program
