"""As `test_hostile`, of 64-bit code."""

from __future__ import annotations

import random

from lx86.architecture import X86_64
from lx86.cpu import Fault, Preempted, SystemCall, Trap
from lx86.storage import EXECUTE, PAGE, READ, SPACE_64_LOW, WRITE, Storage

from . import small64
from .test_hostile import BUDGET, CODE, DATA, LENGTH


def test_random_bytes_as_64_bit_code_run_until_a_fault_a_trap_or_their_time_is_up() -> None:
    storage = Storage(SPACE_64_LOW)
    cpu = small64.translating(storage)
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.map(DATA, 2 * PAGE, READ | WRITE)
    try:
        for seed in range(600):
            rng = random.Random(f"64 {seed}")
            storage.load(CODE, bytes(rng.getrandbits(8) for _ in range(LENGTH)))
            for name in X86_64.registers:
                usual = (DATA + 0x800, DATA + 0xFFE, rng.getrandbits(64), rng.getrandbits(8))
                value = rng.choice((*usual, CODE + rng.randrange(LENGTH)))
                setattr(cpu.state, name, value)
            cpu.state.eip = CODE
            cpu.state.eflags = 0x202 | rng.choice((0, 0x400, 0x8D5))
            why = cpu.run(BUDGET)
            assert isinstance(why, Fault | Trap | Preempted | SystemCall), (seed, why)
    finally:
        cpu.close()
        storage.close()
