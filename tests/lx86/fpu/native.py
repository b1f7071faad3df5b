"""This host's processor as an oracle: cases go to `native.c`, built for i386."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lx86.cpu import FloatingState

COMPILER = "i686-linux-gnu-gcc"
STORAGE = 0x1000_0000
CODE = 0x1100_0000
_CASE = struct.Struct("<16s4III128s512s")


@dataclass
class Case:
    code: bytes
    floating: FloatingState = field(default_factory=FloatingState)
    general: list[int] = field(default_factory=lambda: [0] * 4)
    """EAX, ECX, EDX, EBX."""
    eflags: int = 0x202
    storage: bytes = bytes(128)
    signal: int = 0
    """Linux's number for it, if the instruction trapped."""


def fxsave_image(s: FloatingState) -> bytes:
    valid = sum((s.tags >> 2 * n & 3 != 3) << n for n in range(8))
    top = s.status >> 11 & 7
    image = struct.pack("<HHHHQQII", s.control, s.status, valid, 0, 0, 0, s.mxcsr, 0xFFFF)
    image += b"".join(s.registers[top + i & 7].to_bytes(16, "little") for i in range(8))
    image += b"".join(x.to_bytes(16, "little") for x in s.xmm)
    return image.ljust(512, b"\0")


def from_fxsave(image: bytes) -> FloatingState:
    """Tags only say what is empty."""
    control, status, valid, _, _, _, mxcsr, _ = struct.unpack_from("<HHHHQQII", image)
    s = FloatingState(control=control, status=status, mxcsr=mxcsr)
    s.tags = sum((0 if valid >> n & 1 else 3) << 2 * n for n in range(8))
    top = status >> 11 & 7
    for i in range(8):
        at = 32 + 16 * i
        s.registers[top + i & 7] = int.from_bytes(image[at : at + 10], "little")
        s.xmm[i] = int.from_bytes(image[160 + 16 * i :][:16], "little")
    return s


def build(directory: Path) -> Path:
    if shutil.which(COMPILER) is None:
        pytest.skip(f"no {COMPILER} (package gcc-i686-linux-gnu) to build the oracle with")
    binary = directory / "native"
    source = Path(__file__).with_name("native.c")
    subprocess.run([COMPILER, "-O1", "-static", "-w", "-o", binary, source], check=True)
    try:
        subprocess.run([binary], input=b"", check=True)
    except OSError:
        pytest.skip("this host does not run i386 programs")
    return binary


def run(binary: Path, cases: list[Case]) -> list[Case]:
    """What this host's processor makes of them."""
    data = b"".join(
        _CASE.pack(
            case.code + b"\xc3", *case.general, case.eflags, 0, case.storage,
            fxsave_image(case.floating),
        )
        for case in cases
    )  # fmt: skip
    output = subprocess.run([binary], input=data, capture_output=True, check=True).stdout
    results = []
    for case, fields in zip(cases, _CASE.iter_unpack(output), strict=True):
        _, a, c, d, b, eflags, signal, storage, image = fields
        results.append(Case(case.code, from_fxsave(image), [a, c, d, b], eflags, storage, signal))
    return results
