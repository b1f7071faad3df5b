"""Sequences of x87, or of MMX and SSE, by number, in several states; and what of each differs.

All are of instructions that give one exact result.  What CAVEATS.md says of flags is no difference.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from . import cases, native
from .compare import ESTIMATES, INACCURATE, differences
from .translated import SHARED, Translated, reals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lx86.architecture import Architecture
    from lx86.instruction import Instruction

    from .native import Case

_LENGTHS = (1, 2, 2, 3, 4, 6)
_TOLD = {"x87": (0xFFFF & ~2, 0xFFFF & ~SHARED), "simd": (0xFFFF & ~SHARED, 0xFFFF & ~2)}
"""Bits of the status word and of MXCSR: but for denormal exceptions, and for the other's."""
_NAN = 0x7FFF << 64 | 3 << 62


def _exact(i: Instruction) -> bool:
    if i.name == "simd":
        return i.opcode not in (*ESTIMATES, 0x0FAE)  # and STMXCSR
    # FNSTENV, FLDCW and FNSTSW show addresses and flags that CAVEATS.md tells of.
    return not (
        (i.opcode == 0xD9 and i.modrm in INACCURATE)
        or (i.opcode, i.modrm) in ((0xD9, 0x36), (0xD9, 0x2E), (0xDD, 0x3E), (0xDF, 0xE0))
    )


@functools.cache
def _values() -> tuple[list[int], list[int]]:
    """80 and 128 bits each, that states are made of."""
    r = Random("values")
    return [cases.extended(r) for _ in range(8192)], [cases.vector(r) for _ in range(8192)]


def _state(r: Random, case: Case) -> Case:
    """The same code and the same control words, with other registers and storage."""
    extended, vectors = _values()
    registers, xmm = r.choices(extended, k=8), r.choices(vectors, k=case.architecture.vectors)
    storage = b"".join(v.to_bytes(16, "little") for v in r.choices(vectors, k=8))
    if r.random() < 0.5:
        storage = registers[0].to_bytes(10, "little") + storage[10:]
    return replace(
        case, floating=replace(case.floating, registers=registers, xmm=xmm), storage=storage,
        general=cases.general(r, case.architecture), eflags=0x202 | r.getrandbits(16) & 0x8D5,
    )  # fmt: skip


def sequence(seed: int, kind: str, architecture: Architecture, states: int) -> list[Case]:
    """The sequence of that number: of one code so many cases."""
    r = Random(f"{kind} {architecture.bits} {seed}")
    code, length = b"", r.choice(_LENGTHS)
    for i, more in cases.instructions(r, kind, architecture):
        if not _exact(i):
            continue
        if len(code) + len(more) > native.LONGEST:
            break
        code += more
        if not (length := length - 1):
            break
    words = cases.words(r, denormals_are_zero=False)
    empty = native.Case(code, words, architecture=architecture)
    return [_state(r, empty) for _ in range(states)]


def _one_nan(case: Case) -> Case:
    """With the same one for all quiet NaNs."""
    registers = [_NAN if n & _NAN == _NAN else n for n in case.floating.registers]
    return replace(case, floating=replace(case.floating, registers=registers))


def _different(kind: str, case: Case, got: Case, wanted: Case) -> str:
    if kind == "x87" and got.floating.registers != wanted.floating.registers and reals(case) > 1:
        # Two NaNs, it may be, that both came from storage; a result may have been stored.
        got, wanted = _one_nan(replace(got, storage=wanted.storage)), _one_nan(wanted)
    status, mxcsr = _TOLD[kind]
    return "; ".join(differences(case, got, wanted, status=status, mxcsr=mxcsr))


def compared(
    program: Path, kind: str, written: Sequence[Sequence[Case]], machine: Translated
) -> Iterator[tuple[int, str]]:
    """Numbers of sequences that translation makes something else of, and what; once each.

    `program` is `native.build`'s.
    """
    expected = iter(native.run(program, [case for states in written for case in states]))
    for number, states in enumerate(written):
        found = ""
        for run, case in enumerate(states):
            wanted, got = next(expected), machine.run(case, again=run > 0)
            if not found and (different := _different(kind, case, got, wanted)):
                found = f"run {run}: {different}"
        if found:
            yield number, found
