"""Programs that compute with the x87 and with SSE: results, and how many instructions it takes."""

from __future__ import annotations

import functools
import itertools
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lx86.storage import Storage
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from .. import small

if TYPE_CHECKING:
    from lx86.cpu import Cpu
    from lx86.options import Options

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

_VECTORS = ["-O3", "-ftree-vectorize", "-msse2", "-mfpmath=sse", "-DFT=float"]
VARIANTS = {
    "x87": ["-mfpmath=387"],
    "x87 single": ["-mfpmath=387", "-DFT=float"],
    "x87 extended": ["-mfpmath=387", "-DFT=long double"],
    "sse": ["-msse2", "-mfpmath=sse"],
    "sse single": ["-msse2", "-mfpmath=sse", "-DFT=float"],
    "sse vectors": _VECTORS,
    "sse fast": [*_VECTORS, "-ffast-math"],
}


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-floats-")


@functools.cache
def build(source: str, variant: str) -> Path:
    out = Path(_directory().name) / f"{source}-{variant.replace(' ', '-')}"
    sources = [str(small.SOURCES / f"{source}.c"), str(small.SOURCES / "small.c")]
    flags = [*small.FLAGS, *VARIANTS[variant]]
    subprocess.run([small.COMPILER, *flags, *sources, "-lgcc", "-o", str(out)], check=True)
    return out


def run(cpu: Cpu, storage: Storage, program: Path, *arguments: str) -> small.Outcome:
    cpu.state.eip, cpu.state.esp = small.load(storage, program, *arguments)
    return small.serve(cpu, storage)


def translated(
    program: Path, *arguments: str, options: Options | None = None
) -> tuple[small.Outcome, int]:
    """What a program wrote, and how many POWER instructions that took."""
    storage = Storage()
    cpu = TranslatingCpu(storage, options=options)
    try:
        return run(cpu, storage, program, *arguments), cpu.machine.instructions
    finally:
        cpu.close()
        storage.close()


def x86_instructions(program: Path, *arguments: str) -> int:
    storage, count = Storage(), itertools.count()
    cpu = UnicornCpu(storage)
    cpu.on_instruction(lambda: (next(count), None)[1])
    try:
        run(cpu, storage, program, *arguments)
        return next(count)
    finally:
        cpu.close()
        storage.close()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_program_computes_what_it_computes_on_this_hosts_processor(variant: str) -> None:
    program = build("floats", variant)
    try:
        native = subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout
    except OSError:
        pytest.skip("this host does not run i386 programs")
    outcome, _ = translated(program)
    assert outcome.ended == 0
    assert outcome.output == native
