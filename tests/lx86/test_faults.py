"""A fault in the midst of code, or a stop there, finds the program as it was.

That is, as before the instruction that faulted, or between two.
"""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.cpu import Access, Fault, Preempted
from lx86.decoder import decode
from lx86.options import Options
from lx86.translating_cpu import TranslatingCpu

from . import cases, pieces, pieces64

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COUNT = 1500
NOWHERE = 0x44
_EITHER = [
    ("89", 1, "", Access.WRITE),  # mov [44h], ecx
    ("ff", 6, "", Access.READ),  # push dword or qword [44h]
    ("8f", 0, "", Access.WRITE),  # pop dword or qword [44h]
    ("11", 1, "", Access.WRITE),  # adc [44h], ecx
    ("0fc1", 1, "", Access.WRITE),  # xadd [44h], ecx
    ("86", 1, "", Access.WRITE),  # xchg [44h], cl
    ("c7", 0, "efbeadde", Access.WRITE),  # mov dword [44h], 0deadbeefh
]
FAULTING = {I386: _EITHER, X86_64: [*_EITHER, ("4811", 1, "", Access.WRITE)]}  # adc [44h], rcx
"""Opcode, ModRM's reg field, immediate operand, and what is said of the access."""
CASE = {I386: pieces.case, X86_64: pieces64.case}


def _faulting(rng: random.Random, architecture: Architecture) -> tuple[bytes, Access]:
    opcode, reg, immediate, access = rng.choice(FAULTING[architecture])
    modrm = bytes([reg << 3 | 4, 0x25]) if architecture.long else bytes([reg << 3 | 5])
    address = struct.pack("<I", NOWHERE)
    return bytes.fromhex(opcode) + modrm + address + bytes.fromhex(immediate), access


def _boundaries(code: bytes, *, long: bool) -> Iterator[int]:
    """Between which instructions one can be put in without a branch going astray."""
    at, branched = 0, False
    while at < len(code) and not branched:
        yield at
        i = decode(code[at : at + 15], cases.CODE + at, long=long)
        at, branched = at + i.length, i.target is not None


def _runner(written: Sequence[cases.Case], architecture: Architecture) -> cases.Runner:
    options = Options(architecture)
    return cases.Runner(
        lambda storage: TranslatingCpu(storage, options=options), written, architecture
    )


def _registers(runner: cases.Runner, names: Sequence[str]) -> list[int]:
    return [getattr(runner.cpu.state, name) for name in names]


@pytest.mark.parametrize("architecture", [I386, X86_64], ids=lambda its: its.name)
def test_registers_and_storage_are_as_before_the_instruction(architecture: Architecture) -> None:
    rng = random.Random(1)
    written, accesses = [], []
    for seed in range(COUNT):
        case = CASE[architecture](seed)
        cut = rng.choice(list(_boundaries(case.code, long=architecture.long)))
        before, behind = case.code[:cut], case.code[cut:]
        faulting, access = _faulting(rng, architecture)
        written += [replace(case, code=before), replace(case, code=before + faulting + behind)]
        accesses.append(access)
    runner = _runner(written, architecture)
    try:
        wrong = []
        for seed in range(COUNT):
            right = runner.run(2 * seed)
            assert isinstance(right, cases.Answer)
            why = runner.run(2 * seed + 1)
            found = _registers(runner, architecture.registers)
            found[4] -= architecture.word
            data = bytearray(runner.storage.read(cases.DATA, cases.SIZE))
            flags = right.registers[4] - cases.DATA  # where the first one stored them
            if 0 <= flags <= cases.SIZE - architecture.word:
                stored = slice(flags, flags + architecture.word)
                data[stored] = right.data[stored]
            expected = Fault(NOWHERE, accesses[seed]), right.registers, right.data
            if (why, tuple(found), bytes(data)) != expected:
                wrong.append((seed, why))
    finally:
        runner.close()
    assert not wrong


# A loop whose registers have 32 bits on every way: mov eax, edi; sub ebx, 1; add ecx, ebx;
# lea edx, [rcx+rax]; xor eax, edx; neg esi; mov r8d, ecx; imul r9d, r8d, -3; add edi, eax;
# test ebx, ebx; jne; mov [44h], ecx
_LOOP = bytes.fromhex("89f883eb0101d98d140131d0f7de4189c8456bc8fd01c785db75e5890c2544000000")
_ENTERED = bytes.fromhex("89c989d289db89f689ff4589c0")  # mov ecx, ecx ...: before it
_NAMES = ("eax", "ecx", "edx", "ebx", "esi", "edi", "r8", "r9")
_WORD = 0xFFFF_FFFF


def _states(rounds: int) -> set[tuple[int, ...]]:
    """`_NAMES` between any two instructions of the loop."""
    eax, ecx, edx, ebx, esi, edi, r8, r9 = 2**63 | 1, 0x8000_0001, 3, rounds, 5, _WORD, 7, 1 << 40
    found: set[tuple[int, ...]] = set()

    def seen() -> None:
        found.add((eax, ecx, edx, ebx, esi, edi, r8, r9))

    seen()
    while ebx:
        eax = edi
        seen()
        ebx -= 1
        seen()
        ecx = ecx + ebx & _WORD
        seen()
        edx = ecx + eax & _WORD
        seen()
        eax ^= edx
        seen()
        esi = -esi & _WORD
        seen()
        r8 = ecx
        seen()
        r9 = r8 * -3 & _WORD
        seen()
        edi = edi + eax & _WORD
        seen()
    return found


def test_a_loop_of_32_bit_results_is_stopped_with_whole_registers() -> None:
    start = [2**63 | 1, 0x8000_0001, 3, 9, cases.STACK, 0, 5, _WORD, 7, 1 << 40, *[0] * 6]
    case = replace(pieces64.case(0), code=_ENTERED + _LOOP, registers=start)
    right = _states(9)
    reached = set()
    for budget in range(1, 60):
        runner = _runner([case], X86_64)
        try:
            why: object = runner.run(0, budget)
            while isinstance(why, Preempted):
                reached.add(tuple(_registers(runner, _NAMES)))
                why = runner.cpu.run(budget)
            assert why == Fault(NOWHERE, Access.WRITE)
            reached.add(tuple(_registers(runner, _NAMES)))
        finally:
            runner.close()
    assert reached <= right
    assert len(reached) >= 9
