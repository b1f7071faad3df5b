"""Random blocks, translated and on this host's processor, until so many were compared.

    python -m tests.lx86.random_blocks COUNT [SEED]

Three quarters are pieces of integer code, the others short sequences of x87, MMX and SSE; each is
translated once and compared with several states, each of which counts.  What differs is printed
with what makes it again; the status is the number of differences, at most 100.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from lx86.decoder import decode
from lx86.options import GRADUAL, Options

from . import many, pieces
from .fpu import cases, native
from .fpu.compare import ESTIMATES, INACCURATE, differences
from .fpu.translated import SHARED, Translated

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES, FLOATING_STATES = 16, 8
"""That each block is compared with; those of x87, MMX and SSE take more time."""
_BATCH, _WORKERS, _KIND = 2000, 2, 4
_LONGEST = 15
"""Bytes of a sequence: native.c has room for one more, the RET."""
_UNTOLD = 0x212
"""Of the x87's status: C1, and denormal and underflow exceptions of exact results."""
_UNTOLD_SSE = 0x32
"""Of MXCSR: these, and inexactness of conversions to integers that are invalid."""
_NAN = 0x7FFF << 64 | 3 << 62


def integer_differences(
    seeds: range | list[int], states: int, options: Options | None = None
) -> list[str]:
    """Of the pieces with these seeds: what translation makes other than the processor."""
    written = [pieces.case(seed) for seed in seeds]
    options = replace(options or Options(), exact_flags=True)  # each is branched to by a register
    return [f"seed {seeds[n]}, {what}" for n, what in many.differences(written, states, options)]


def sequences(r: Random, kind: str, count: int) -> list[native.Case]:
    """Cases of some instructions each, all of them such as give one exact result."""
    found: list[native.Case] = []
    parts = cases.cases(r, kind, 2 * count, denormals_are_zero=False)
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


class _Pool:
    """Values that further states are made of."""

    def __init__(self, r: Random) -> None:
        self._r = r
        self._extended = [cases.extended(r) for _ in range(4096)]
        self._vectors = [cases.vector(r) for _ in range(4096)]

    def state(self, case: native.Case) -> native.Case:
        """The same code and the same words, with other registers and storage."""
        r = self._r
        registers, xmm = r.choices(self._extended, k=8), r.choices(self._vectors, k=8)
        storage = b"".join(v.to_bytes(16, "little") for v in r.choices(self._vectors, k=8))
        if r.random() < 0.5:
            storage = registers[0].to_bytes(10, "little") + storage[10:]
        return native.Case(
            case.code, replace(case.floating, registers=registers, xmm=xmm),
            [r.getrandbits(32) for _ in range(4)], 0x202 | r.getrandbits(16) & 0x8D5, storage,
        )  # fmt: skip

    def states(self, case: native.Case, count: int) -> Iterator[native.Case]:
        """The first one is the case's own."""
        yield case
        for _ in range(count - 1):
            yield self.state(case)


def floating_differences(
    program: Path, machine: Translated, r: Random, count: int, states: int
) -> tuple[int, list[str]]:
    """Of about `count` sequences: how many they were in fact, and what differs.

    What CAVEATS.md says of flags and NaNs is no difference.
    """
    done, wrong, pool = 0, [], _Pool(r)
    for kind in ("x87", "simd"):
        tried = sequences(r, kind, count)
        done += len(tried)
        every = [state for case in tried for state in pool.states(case, states)]
        status = 0xFFFF & ~(_UNTOLD if kind == "x87" else SHARED | _UNTOLD)
        mxcsr = 0xFFFF & ~(SHARED if kind == "x87" else _UNTOLD_SSE)
        for n, (case, wanted) in enumerate(zip(every, native.run(program, every), strict=True)):
            got = machine.run(case, again=n % states > 0)
            for each in (got, wanted) if kind == "x87" else ():
                each.floating.registers = [_one_nan(n) for n in each.floating.registers]
            found = differences(case, got, wanted, mxcsr=mxcsr, status=status)
            if found:
                wrong.append(f"{case.code.hex()}, state {n % states}: {'; '.join(found)}")
    return done, wrong


def _batch(program: Path, kind: int, seed: int) -> tuple[int, int, list[str]]:
    """Of blocks with these seeds: how many, how many states of them, and what differs."""
    if kind < _KIND - 1:
        options = GRADUAL if kind else Options()
        found = integer_differences(range(seed, seed + _BATCH), STATES, options)
        return _BATCH, _BATCH * STATES, found
    machine = Translated()
    try:
        r = Random(f"blocks {seed}")
        done, found = floating_differences(program, machine, r, _BATCH, FLOATING_STATES)
    finally:
        machine.close()
    return done, done * FLOATING_STATES, [f"sequences of {seed}: {text}" for text in found]


def main(count: int, seed: int) -> int:
    began, blocks, states, wrong = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(_WORKERS) as workers:
        program = native.build(Path(name))
        number = 0
        while states < count:
            numbers = range(number, number := number + 2 * _KIND)
            seeds = [seed + n * _BATCH for n in numbers]
            kinds = [n % _KIND for n in numbers]
            for more, tried, found in workers.map(_batch, repeat(program), kinds, seeds):
                blocks, states, wrong = blocks + more, states + tried, wrong + len(found)
                for text in found:
                    print(text, flush=True)
            rate = states / (time.monotonic() - began)
            print(
                f"{blocks} blocks, {states} states of them, {wrong} differences, {rate:.0f} a "
                "second", flush=True,
            )  # fmt: skip
    return min(wrong, 100)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
