"""A fault in the midst of 64-bit code, or a stop there, finds the registers as they were."""

from __future__ import annotations

import platform
import random
from dataclasses import replace

import pytest

from lx86.cpu import Access, Fault, Preempted

from . import cases, cases64, pieces64, small64
from .test_faults import NOWHERE, boundaries

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not small64.available(),
    reason="64-bit code is made by the host's compiler",
)
COUNT = 1500
FAULTING = {
    "890c2544000000": Access.WRITE,  # mov [44h], ecx
    "ff342544000000": Access.READ,  # push qword [44h]
    "48110c2544000000": Access.READ,  # adc [44h], rcx
    "0fc10c2544000000": Access.READ,  # xadd [44h], ecx
}
NAMES = [name if name[1:].isdigit() else f"e{name[1:]}" for name in cases64.NAMES]


def registers(runner: cases.Runner) -> tuple[int, ...]:
    return tuple(getattr(runner.cpu.state, name) for name in NAMES)


def test_registers_of_64_bits_are_as_before_the_instruction() -> None:
    rng = random.Random(1)
    written, accesses = [], []
    for seed in range(COUNT):
        case = pieces64.case(seed)
        cut = rng.choice(list(boundaries(case.code, long=True)))
        before, behind = case.code[:cut], case.code[cut:]
        faulting, access = rng.choice(list(FAULTING.items()))
        code = before + bytes.fromhex(faulting) + behind
        written += [replace(case, code=before), replace(case, code=code)]
        accesses.append(access)
    runner = cases64.runner(written)
    try:
        wrong = []
        for seed in range(COUNT):
            right = runner.run(2 * seed)
            assert isinstance(right, cases.Answer)
            why = runner.run(2 * seed + 1)
            found = list(registers(runner))
            found[4] -= 8
            if why != Fault(NOWHERE, accesses[seed]) or tuple(found) != right.registers:
                wrong.append((seed, why))
    finally:
        runner.close()
    assert not wrong


# A loop whose registers have 32 bits on every way: mov eax, edi; sub ebx, 1; add ecx, ebx;
# lea edx, [rcx+rax]; xor eax, edx; neg esi; mov r8d, ecx; imul r9d, r8d, -3; add edi, eax;
# test ebx, ebx; jne; mov [44h], ecx
_LOOP = bytes.fromhex("89f883eb0101d98d140131d0f7de4189c8456bc8fd01c785db75e5890c2544000000")
_ENTERED = bytes.fromhex("89c989d289db89f689ff4589c0")  # mov ecx, ecx ...: before it
_WORD = 0xFFFF_FFFF


def _states(rounds: int) -> set[tuple[int, ...]]:
    """RAX, RCX, RDX, RBX, RSI, RDI, R8, R9 between any two instructions of the loop."""
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
        runner = cases64.runner([case])
        try:
            why: object = runner.run(0, budget)
            while isinstance(why, Preempted):
                reached.add(_eight(runner))
                why = runner.cpu.run(budget)
            assert why == Fault(NOWHERE, Access.WRITE)
            reached.add(_eight(runner))
        finally:
            runner.close()
    assert reached <= right
    assert len(reached) >= 9


def _eight(runner: cases.Runner) -> tuple[int, ...]:
    found = registers(runner)
    return (*found[:4], *found[6:10])
