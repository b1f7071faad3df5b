"""Blocks of translated code, whose place is bounded."""

from __future__ import annotations

import functools

import pytest

from lx86.code_cache import SMALLEST
from lx86.cpu import SystemCall
from lx86.machine import Called, Machine
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu

CODE, STACK = 0x0804_8000, 0x0900_0000
PIECES, STEP = 150, 128


def piece(n: int, *, indirect: bool) -> bytes:
    """Adds n to EAX in some hundred POWER instructions, and goes on with the next piece."""
    following = CODE + (n + 1) * STEP
    rotate = bytes.fromhex("d3d3")  # rcl ebx, cl
    work = rotate * 28 + b"\x05" + n.to_bytes(4, "little")  # add eax, n
    if indirect:  # push following; ret
        return work + b"\x68" + following.to_bytes(4, "little") + b"\xc3"
    return work + b"\xe9" + (STEP - len(work) - 5).to_bytes(4, "little")


@functools.cache
def program(kind: str) -> bytes:
    pieces = [piece(n, indirect=kind == "indirect" or n % 3 == 0) for n in range(PIECES)]
    # dec edx; jz out; jmp near CODE; out: int 80h
    back = bytes.fromhex("4a 7405 e9") + (-PIECES * STEP - 8 & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join(p.ljust(STEP, b"\x90") for p in pieces) + back + b"\xcd\x80"


@pytest.mark.parametrize("kind", ["indirect", "mixed"])
def test_the_oldest_code_goes_where_there_is_no_place_and_results_stay_right(kind: str) -> None:
    rounds, code = 3, program(kind)
    results = []
    for limit in (SMALLEST, 16 * SMALLEST):
        storage = Storage()
        storage.map(CODE, len(code) + PAGE & -PAGE, READ | EXECUTE)
        storage.load(CODE, code)
        storage.map(STACK, PAGE, READ | WRITE)
        cpu = TranslatingCpu(storage, code_limit=limit)
        cpu.state.eip, cpu.state.edx, cpu.state.esp = CODE, rounds, STACK + PAGE
        assert cpu.run(1_000_000) == SystemCall()
        results.append((cpu.state.eax, cpu.cache.counts.evicted > 0, cpu.cache.used <= limit))
        cpu.close()
        storage.close()
    total = rounds * sum(range(PIECES))
    assert results == [(total, True, True), (total, False, True)]


def test_code_that_was_written_across_the_end_of_other_code_is_forgotten_as_all_is() -> None:
    storage = Storage()
    machine = Machine(storage)
    first = machine.places.code
    call, nop = (word.to_bytes(4, "little") for word in (0x4400_0022, 0x6000_0000))
    machine.write_code(first, call * 4)
    machine.write_code(first + 8, call * 4)
    assert machine.run(first + 20, 10) == Called(first + 20)
    machine.write_code(first + 20, nop + call)
    assert machine.run(first + 20, 10) == Called(first + 24)
    machine.close()
    storage.close()
