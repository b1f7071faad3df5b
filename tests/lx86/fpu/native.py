"""This host's processor as an oracle: cases go to `native.c`, built for i386 and for x86-64."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.cpu import FloatingState

from .. import small, small64

STORAGE = 0x1000_0000
CODE = 0x1100_0000
LONGEST = 31
"""Bytes of code: `native.c` has room for one more, the RET."""
USED = {I386: (0, 1, 2, 3), X86_64: (0, 2, 3, 8, 9, 10, 12, 13, 14, 15)}
"""General registers that are looked at: SYSCALL, with which code ends, replaces RCX and R11."""
_CASES = {I386: struct.Struct("<32s4III128s512s"), X86_64: struct.Struct("<32s16QQQ128s512s")}


@dataclass
class Case:
    code: bytes
    floating: FloatingState = field(default_factory=FloatingState)
    general: list[int] = field(default_factory=lambda: [0] * 4)
    """EAX, ECX, EDX, EBX; of x86-64 all sixteen, and in what became of it those of `USED`."""
    eflags: int = 0x202
    storage: bytes = bytes(128)
    signal: int = 0
    """Linux's number for it, if the instruction trapped."""
    architecture: Architecture = I386


def fxsave_image(s: FloatingState) -> bytes:
    valid = sum((s.tags >> 2 * n & 3 != 3) << n for n in range(8))
    top = s.status >> 11 & 7
    image = struct.pack("<HHHHQQII", s.control, s.status, valid, 0, 0, 0, s.mxcsr, 0xFFFF)
    image += b"".join(s.registers[top + i & 7].to_bytes(16, "little") for i in range(8))
    image += b"".join(x.to_bytes(16, "little") for x in s.xmm)
    return image.ljust(512, b"\0")


def from_fxsave(image: bytes, vectors: int = 8) -> FloatingState:
    """Tags only say what is empty.  `vectors`: how many XMM registers there are."""
    control, status, valid, _, _, _, mxcsr, _ = struct.unpack_from("<HHHHQQII", image)
    s = FloatingState(control=control, status=status, mxcsr=mxcsr)
    s.tags = sum((0 if valid >> n & 1 else 3) << 2 * n for n in range(8))
    top = status >> 11 & 7
    for i in range(8):
        at = 32 + 16 * i
        s.registers[top + i & 7] = int.from_bytes(image[at : at + 10], "little")
    s.xmm = [int.from_bytes(image[160 + 16 * n :][:16], "little") for n in range(vectors)]
    return s


def build(directory: Path, architecture: Architecture = I386) -> Path:
    """The oracle; skips the test where this host cannot have it."""
    long = architecture.long
    if long and platform.machine() != "x86_64":
        pytest.skip("only an x86-64 host tells what is right")
    compiler = small64.COMPILER if long else small.COMPILER
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} to build the oracle with")
    binary = directory / f"native-{architecture.name}"
    source = Path(__file__).with_name("native.c")
    flags = ["-O1", "-static", "-w", "-fno-pie", "-no-pie"]
    subprocess.run([compiler, *flags, "-o", binary, source], check=True)
    try:
        subprocess.run([binary], input=b"", check=True)
    except OSError:
        pytest.skip(f"this host does not run {architecture.name} programs")
    return binary


def run(binary: Path, cases: list[Case]) -> list[Case]:
    """What this host's processor makes of cases for one architecture, `build`'s."""
    ((architecture, _),) = groupby(cases, lambda case: case.architecture)
    layout, used = _CASES[architecture], USED[architecture]
    data = b"".join(
        layout.pack(
            case.code + b"\xc3", *case.general, case.eflags, 0, case.storage,
            fxsave_image(case.floating),
        )
        for case in cases
    )  # fmt: skip
    output = subprocess.run([binary], input=data, capture_output=True, check=True).stdout
    results = []
    for case, fields in zip(cases, layout.iter_unpack(output), strict=True):
        eflags, signal, storage, image = fields[-4:]
        floating = from_fxsave(image, architecture.vectors)
        general = [fields[1 + n] for n in used]
        results.append(Case(case.code, floating, general, eflags, storage, signal, architecture))
    return results
