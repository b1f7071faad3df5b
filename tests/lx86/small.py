"""Programs without a C library, built from `programs/` and run with two system calls."""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.cpu import Exit, Preempted, SystemCall
from lx86.spaces import SPACE_32, SPACE_64_TWICE
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Page, Storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.cpu import Cpu

SOURCES = Path(__file__).parent / "programs"
INTEGER = ("fib", "crc32", "dhry", "qsortb", "sha256", "sieve", "vm", "i64")
COMPILER = "i686-linux-gnu-gcc"
FLAGS = [
    "-O2",
    "-march=i686",
    "-static",
    "-nostdlib",
    "-fno-builtin",
    "-fno-tree-vectorize",
    "-fno-stack-protector",
    "-fno-pie",
    "-no-pie",
    "-s",
    "-w",
]
_STACK, _STACK_TOP = 0xBFF0_0000, 0xBFFF_E000
_LOAD, _64_BIT = 1, 2
_CALLS = {False: (1, 4, "ebx", "ecx"), True: (60, 1, "edi", "esi")}
"""Whether a program has 64 bits: the numbers of exit and write, and where their operands are."""


def available() -> bool:
    return shutil.which(COMPILER) is not None


@functools.cache
def directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-programs-")


@functools.cache
def build(name: str) -> Path:
    """The i386 program of that name."""
    out = Path(directory().name) / name
    sources = [str(SOURCES / f"{name}.c"), str(SOURCES / "small.c")]
    subprocess.run([COMPILER, *FLAGS, *sources, "-lgcc", "-o", str(out)], check=True)
    return out


@dataclass
class Outcome:
    """What a program wrote, and its status, or why it ended otherwise."""

    output: bytes
    ended: int | Exit


def is_long(program: Path) -> bool:
    """Whether it has 64 bits, by its class."""
    with program.open("rb") as file:
        return file.read(5)[4] == _64_BIT


def load(storage: Storage, program: Path, *arguments: str) -> tuple[int, int]:
    """Where it begins, and its stack."""
    image = program.read_bytes()
    long = is_long(program)
    entry, headers = struct.unpack_from("<QQ" if long else "<II", image, 24)
    (count,) = struct.unpack_from("<H", image, 56 if long else 44)
    for n in range(count):
        if long:
            kind, flags, offset, address, _, in_file, size, _ = struct.unpack_from(
                "<IIQQQQQQ", image, headers + 56 * n
            )
        else:
            kind, offset, address, _, in_file, size, flags, _ = struct.unpack_from(
                "<8I", image, headers + 32 * n
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
    form = f"<{len(texts) + 3}{'Q' if long else 'I'}"
    storage.write(_STACK_TOP, struct.pack(form, len(texts), *texts, 0, 0))
    return entry, _STACK_TOP


def run(
    make: Callable[[Storage], Cpu],
    program: str | Path,
    *arguments: str,
    budget: int = 1 << 40,
    look: Callable[[Cpu], None] | None = None,
) -> Outcome:
    """Run a program, one of `build`'s by its name, to its end; `look` sees the processor then.

    `make` may give it a second storage.
    """
    file = build(program) if isinstance(program, str) else program
    storage = Storage(SPACE_64_TWICE if is_long(file) else SPACE_32)
    cpu = make(storage)
    try:
        cpu.state.eip, cpu.state.esp = load(storage, file, *arguments)
        outcome = serve(cpu, storage, budget, long=is_long(file))
        if look:
            look(cpu)
        return outcome
    finally:
        cpu.close()
        storage.close()


def serve(cpu: Cpu, storage: Storage, budget: int = 1 << 40, *, long: bool = False) -> Outcome:
    leave, write, first, second = _CALLS[long]
    output = b""
    while True:
        why = cpu.run(budget)
        if isinstance(why, Preempted):
            continue
        if not isinstance(why, SystemCall):
            return Outcome(output, why)
        s = cpu.state
        if s.eax == leave:
            return Outcome(output, getattr(s, first))
        if s.eax == write:
            output += storage.read(getattr(s, second), s.edx)
            s.eax = s.edx
