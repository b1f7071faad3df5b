"""Random blocks, translated and on this host's processor, until so many were compared.

    python -m tests.lx86.random_blocks COUNT [SEED]

Three quarters are pieces of integer code, the others short sequences of x87, MMX and SSE.  One
process of native code runs a whole batch.  What differs is printed with what makes it again; the
status is the number of differences, at most 100.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from lx86.decoder import decode
from lx86.translating_cpu import TranslatingCpu

from . import cases, pieces, small
from .fpu import native
from .fpu.cases import cases as floating_cases
from .fpu.compare import ESTIMATES, INACCURATE, differences
from .fpu.test_translated import SHARED, Translated

BATCH = 4000
_LONGEST = 15
"""Bytes of a sequence: native.c has room for one more, the RET."""
_UNTOLD = 0x212
"""Of the x87's status: C1, and denormal and underflow exceptions of exact results."""
_UNTOLD_SSE = 0x32
"""Of MXCSR: these, and inexactness of conversions to integers that are invalid."""
_NAN = 0x7FFF << 64 | 3 << 62


def oracle(directory: Path) -> Path:
    """The program that runs integer cases on this host's own processor."""
    out = directory / "oracle"
    flags = ["-O1", "-static", "-fno-pie", "-no-pie", "-fno-stack-protector", "-w"]
    source = small.SOURCES / "oracle.c"
    subprocess.run([small.COMPILER, *flags, str(source), "-o", str(out)], check=True)
    return out


def integer_differences(program: Path, seeds: range | list[int]) -> list[str]:
    """Of the cases with these seeds: what translation makes other than the processor."""
    written = [pieces.case(seed) for seed in seeds]
    runner = cases.Runner(TranslatingCpu, written)
    try:
        expected = cases.on_the_processor(program, written)
        if len(expected) != len(written):
            return [f"seeds from {seeds[0]}: only {len(expected)} of {len(written)} came back"]
        return [
            f"seed {seed}: {found}"
            for n, (seed, piece, right) in enumerate(zip(seeds, written, expected, strict=True))
            if (found := cases.difference(piece, right, runner.run(n)))
        ]
    finally:
        runner.close()


def sequences(r: Random, kind: str, count: int) -> list[native.Case]:
    """Cases of some instructions each, all of them such as give one exact result."""
    found: list[native.Case] = []
    parts = floating_cases(r, kind, 2 * count, denormals_are_zero=False)
    code = b""
    for case in parts:
        i = decode(case.code, native.CODE)
        if i.name == "simd" and i.opcode in (*ESTIMATES, 0x0FAE):  # and STMXCSR
            continue
        if i.name == "x87" and (
            (i.opcode == 0xD9 and i.modrm in INACCURATE)
            or (i.opcode, i.modrm) in ((0xD9, 0x36), (0xD9, 0x2E), (0xDD, 0x3E), (0xDF, 0xE0))
        ):  # FNSTENV, FLDCW and FNSTSW show addresses and flags that CAVEATS.md tells of
            continue
        if len(code) + len(case.code) > _LONGEST or (code and r.random() < 0.3):
            case.code, code = code, b""
            found.append(case)
        else:
            code += case.code
    return found


def _one_nan(register: int) -> int:
    """The register, or for any quiet NaN that NaN: which of two is the result differs."""
    return _NAN if register & _NAN == _NAN else register


def floating_differences(program: Path, machine: Translated, r: Random, count: int) -> list[str]:
    """Of sequences of x87, MMX and SSE; what CAVEATS.md says of flags and NaNs is no difference."""
    wrong = []
    for kind in ("x87", "simd"):
        tried = sequences(r, kind, count // 2)
        status = 0xFFFF & ~(_UNTOLD if kind == "x87" else SHARED | _UNTOLD)
        mxcsr = 0xFFFF & ~(SHARED if kind == "x87" else _UNTOLD_SSE)
        for case, wanted in zip(tried, native.run(program, tried), strict=True):
            got = machine.run(case)
            for each in (got, wanted) if kind == "x87" else ():
                each.floating.registers = [_one_nan(n) for n in each.floating.registers]
            found = differences(case, got, wanted, mxcsr=mxcsr, status=status)
            if found:
                wrong.append(f"{case.code.hex()}: {'; '.join(found)}")
    return wrong


def main(count: int, seed: int) -> int:
    began, done, wrong = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        programs = oracle(Path(name)), native.build(Path(name))
        while done < count:
            batch = min(BATCH, count - done)
            if done // BATCH % 4 < 3:
                first = seed + done
                found = integer_differences(programs[0], range(first, first + batch))
            else:
                machine = Translated()
                r = Random(f"blocks {seed + done}")
                found = floating_differences(programs[1], machine, r, batch)
                machine.close()
                found = [f"sequences of {seed + done}: {text}" for text in found]
            done, wrong = done + batch, wrong + len(found)
            for text in found:
                print(text, flush=True)
            if done // BATCH % 25 == 0 or done >= count:
                rate = done / (time.monotonic() - began)
                print(f"{done} blocks, {wrong} differences, {rate:.0f} a second", flush=True)
    return min(wrong, 100)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
