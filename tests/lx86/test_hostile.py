"""Bytes that nobody meant as code: each ends in a way that Linux can tell the program of."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.cpu import Fault, Preempted, SystemCall, Trap
from lx86.cpuid import DEFAULT, MODELS, Model, More
from lx86.options import Options
from lx86.storage import EXECUTE, PAGE, READ, WRITE
from lx86.three_bytes import FORMS
from lx86.translating_cpu import TranslatingCpu
from tests.lx86.spaces import storage_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CODE, DATA = 0x0804_8000, 0x0806_0000
LENGTH, BUDGET = 96, 3000
# Some that took more registers than there were.
SEEDS = {I386: [*range(500), 7637], X86_64: [f"64 {n}" for n in range(600)]}
LATER_SEEDS = [f"later {n}" for n in range(250)]
LATER = replace(MODELS["westmere"], more=MODELS["westmere"].more | More.MOVBE)
_OTHERS = (b"\x0f\x7c", b"\x0f\x7d", b"\x0f\xd0", b"\x0f\x12", b"\x0f\xf0", b"\x0f\xb8", b"\xdb")
_OPCODES = [opcode.to_bytes(3, "big") for opcode in FORMS] + list(_OTHERS)

of_each_architecture = pytest.mark.parametrize(
    "architecture", [I386, X86_64], ids=lambda its: its.name
)


def _all_end(
    architecture: Architecture,
    model: Model,
    seeds: Sequence[int | str],
    code: Callable[[random.Random], bytes],
    register: Callable[[random.Random], int],
) -> None:
    """The code of each seed, started with such registers, ends in one of the four ways."""
    storage = storage_for(architecture)
    cpu = TranslatingCpu(storage, model, Options(architecture))
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.map(DATA, 2 * PAGE, READ | WRITE)
    try:
        for seed in seeds:
            rng = random.Random(seed)
            storage.load(CODE, code(rng))
            for name in architecture.registers:
                setattr(cpu.state, name, register(rng))
            cpu.state.eip = CODE
            cpu.state.eflags = 0x202 | rng.choice((0, 0x400, 0x8D5))
            why = cpu.run(BUDGET)
            assert isinstance(why, Fault | Trap | Preempted | SystemCall), (seed, why)
    finally:
        cpu.close()
        storage.close()


@of_each_architecture
def test_random_bytes_run_until_a_fault_a_trap_or_their_time_is_up(
    architecture: Architecture,
) -> None:
    def code(rng: random.Random) -> bytes:
        return bytes(rng.getrandbits(8) for _ in range(LENGTH))

    def register(rng: random.Random) -> int:
        any_word = rng.getrandbits(architecture.bits)
        usual = (DATA + 0x800, DATA + 0xFFE, any_word, rng.getrandbits(8))
        return rng.choice((*usual, CODE + rng.randrange(LENGTH)))

    _all_end(architecture, DEFAULT, SEEDS[architecture], code, register)


@of_each_architecture
def test_random_bytes_with_later_sets_run_until_a_fault_a_trap_or_their_time_is_up(
    architecture: Architecture,
) -> None:
    """Much of what came after SSE2 is among the bytes."""

    def code(rng: random.Random) -> bytes:
        found = b""
        while len(found) < LENGTH:
            if rng.random() < 0.8:
                prefix = rng.choice((b"", b"\x66", b"\x66", b"\xf2", b"\xf3"))
                found += prefix + rng.choice(_OPCODES)
            found += bytes(rng.getrandbits(8) for _ in range(rng.randrange(1, 5)))
        return found

    def register(rng: random.Random) -> int:
        return rng.choice((DATA + 0x800, DATA + 0xFFE, DATA + 0x400, rng.getrandbits(8)))

    _all_end(architecture, LATER, LATER_SEEDS, code, register)


@of_each_architecture
def test_branches_to_where_no_code_can_be_take_none_of_the_translators_storage(
    architecture: Architecture,
) -> None:
    """In 64-bit mode these addresses reach further than there are tables."""
    storage = storage_for(architecture)
    cpu = TranslatingCpu(storage, options=Options(architecture))
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.load(CODE, b"\xff\xe0")  # jmp rax
    try:
        for n in range(200):
            cpu.state.eax = n * 0x0123_4567_89AB_C000 % (1 << architecture.bits) | 0x44
            cpu.state.eip = CODE
            assert isinstance(cpu.run(BUDGET), Fault)
        assert not cpu.cache.counts.slots
    finally:
        cpu.close()
        storage.close()
