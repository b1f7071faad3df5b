"""The programs of `small`, for x86-64: compiled by the host's own compiler, and run."""

from __future__ import annotations

import functools
import platform
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import X86_64
from lx86.cpu import Exit, Preempted, SystemCall
from lx86.options import Options
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Page, Storage
from lx86.translating_cpu import TranslatingCpu

from . import small

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.cpu import Cpu

COMPILER = "gcc" if platform.machine() == "x86_64" else "x86_64-linux-gnu-gcc"
FLAGS = [flag for flag in small.FLAGS if flag != "-march=i686"]
_STACK, _STACK_TOP = 0xBFF0_0000, 0xBFFF_E000
_LOAD = 1
_EXIT, _WRITE = 60, 1


def available() -> bool:
    return shutil.which(COMPILER) is not None


def options(**changes: object) -> Options:
    return Options(architecture=X86_64, **changes)  # type: ignore[arg-type]


def translating(storage: Storage) -> TranslatingCpu:
    return TranslatingCpu(storage, options=options())


@functools.cache
def build(name: str, *flags: str) -> Path:
    """The x86-64 program of that name."""
    out = Path(small._directory().name) / "-".join((name, "64", *flags))  # noqa: SLF001
    sources = [str(small.SOURCES / f"{name}.c"), str(small.SOURCES / "small.c")]
    subprocess.run([COMPILER, *FLAGS, *flags, *sources, "-o", str(out)], check=True)
    return out


def load(storage: Storage, program: Path, *arguments: str) -> tuple[int, int]:
    """Where it begins, and its stack."""
    image = program.read_bytes()
    entry, headers = struct.unpack_from("<QQ", image, 24)
    (count,) = struct.unpack_from("<H", image, 56)
    for n in range(count):
        kind, flags, offset, address, _, in_file, size, _ = struct.unpack_from(
            "<IIQQQQQQ", image, headers + 56 * n
        )
        if kind == _LOAD:
            first, end = address & -PAGE, (address + size + PAGE - 1) & -PAGE
            permissions = Page(0)
            for bit, permission in ((4, READ), (2, WRITE), (1, EXECUTE)):
                if flags & bit:
                    permissions |= permission
            storage.map(first, end - first, permissions)
            storage.load(address, image[offset : offset + in_file])
    storage.map(_STACK, 0x000F_F000, READ | WRITE)
    texts, at = [], _STACK_TOP + 0x800
    for argument in (program.name, *arguments):
        texts.append(at)
        storage.write(at, argument.encode() + b"\0")
        at += len(argument) + 1
    storage.write(_STACK_TOP, struct.pack(f"<{len(texts) + 3}Q", len(texts), *texts, 0, 0))
    return entry, _STACK_TOP


def run(
    make: Callable[[Storage], Cpu],
    program: Path,
    *arguments: str,
    budget: int = 1 << 40,
    look: Callable[[Cpu], None] | None = None,
) -> small.Outcome:
    """Run a program to its end; `look` sees the processor then."""
    storage = Storage()
    cpu = make(storage)
    try:
        cpu.state.eip, cpu.state.esp = load(storage, program, *arguments)
        outcome = serve(cpu, storage, budget)
        if look:
            look(cpu)
        return outcome
    finally:
        cpu.close()
        storage.close()


def serve(cpu: Cpu, storage: Storage, budget: int = 1 << 40) -> small.Outcome:
    output = b""
    while True:
        why: Exit = cpu.run(budget)
        if isinstance(why, Preempted):
            continue
        if not isinstance(why, SystemCall):
            return small.Outcome(output, why)
        s = cpu.state
        if s.eax == _EXIT:
            return small.Outcome(output, s.edi)
        if s.eax == _WRITE:
            output += storage.read(s.esi, s.edx)
            s.eax = s.edx
