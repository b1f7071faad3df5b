"""Bytes that nobody meant as code: each ends in a way that Linux can tell the program of."""

from __future__ import annotations

import random

from lx86.cpu import Fault, Preempted, SystemCall, Trap
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu

CODE, DATA = 0x0804_8000, 0x0806_0000
LENGTH, BUDGET = 96, 3000
REGISTERS = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
# Some that took more registers than there were.
SEEDS = [*range(500), 7637]


def test_random_bytes_run_until_a_fault_a_trap_or_their_time_is_up() -> None:
    storage = Storage()
    cpu = TranslatingCpu(storage)
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.map(DATA, 2 * PAGE, READ | WRITE)
    try:
        for seed in SEEDS:
            rng = random.Random(seed)
            storage.load(CODE, bytes(rng.getrandbits(8) for _ in range(LENGTH)))
            for name in REGISTERS:
                usual = (DATA + 0x800, DATA + 0xFFE, rng.getrandbits(32), rng.getrandbits(8))
                value = rng.choice((*usual, CODE + rng.randrange(LENGTH)))
                setattr(cpu.state, name, value)
            cpu.state.eip = CODE
            cpu.state.eflags = 0x202 | rng.choice((0, 0x400, 0x8D5))
            why = cpu.run(BUDGET)
            assert isinstance(why, Fault | Trap | Preempted | SystemCall), seed
    finally:
        cpu.close()
        storage.close()
