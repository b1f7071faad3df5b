"""A fault in the midst of code finds the program as it was before the instruction that faulted."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from lx86.cpu import Access, Fault
from lx86.decoder import decode
from lx86.translating_cpu import TranslatingCpu

from . import cases, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 1500
NOWHERE = 0x44
FAULTING = {
    "890d44000000": Access.WRITE,  # mov [44h], ecx
    "ff3544000000": Access.READ,  # push dword [44h]
    "8f0544000000": Access.WRITE,  # pop dword [44h]
    "110d44000000": Access.READ,  # adc [44h], ecx
    "0fc10d44000000": Access.READ,  # xadd [44h], ecx
    "860d44000000": Access.READ,  # xchg [44h], cl
    "c70544000000efbeadde": Access.WRITE,  # mov dword [44h], 0deadbeefh
}


def boundaries(code: bytes, *, long: bool = False) -> Iterator[int]:
    """Between which instructions one can be put in without a branch going astray."""
    at, branched = 0, False
    while at < len(code) and not branched:
        yield at
        i = decode(code[at : at + 15], cases.CODE + at, long=long)
        at, branched = at + i.length, i.target is not None


def test_registers_and_storage_are_as_before_the_instruction() -> None:
    rng = random.Random(1)
    written, accesses = [], []
    for seed in range(COUNT):
        case = pieces.case(seed)
        cut = rng.choice(list(boundaries(case.code)))
        before, behind = case.code[:cut], case.code[cut:]
        faulting, access = rng.choice(list(FAULTING.items()))
        written += [
            replace(case, code=before),
            replace(case, code=before + bytes.fromhex(faulting) + behind),
        ]
        accesses.append(access)
    runner = cases.Runner(TranslatingCpu, written)
    try:
        wrong = []
        for seed in range(COUNT):
            right = runner.run(2 * seed)
            assert isinstance(right, cases.Answer)
            why = runner.run(2 * seed + 1)
            s = runner.cpu.state
            found = (s.eax, s.ecx, s.edx, s.ebx, s.esp - 4, s.ebp, s.esi, s.edi)
            data = bytearray(runner.storage.read(cases.DATA, cases.SIZE))
            flags = right.registers[4] - cases.DATA  # where the first one stored them
            if 0 <= flags <= cases.SIZE - 4:
                data[flags : flags + 4] = right.data[flags : flags + 4]
            if why != Fault(NOWHERE, accesses[seed]) or (found, data) != (
                right.registers,
                right.data,
            ):
                wrong.append((seed, why))
    finally:
        runner.close()
    assert not wrong
