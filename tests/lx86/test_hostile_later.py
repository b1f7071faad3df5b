"""As `test_hostile`, with what came after SSE2 there, and much of it among the bytes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from lx86.cpu import Fault, Preempted, SystemCall, Trap
from lx86.cpuid import MODELS, More
from lx86.options import Options
from lx86.storage import EXECUTE, PAGE, READ, SPACE_32, SPACE_64_LOW, WRITE, Storage
from lx86.three_bytes import FORMS
from lx86.translating_cpu import TranslatingCpu

from . import small64
from .test_hostile import BUDGET, CODE, DATA, LENGTH

_MODEL = replace(MODELS["nehalem"], more=MODELS["nehalem"].more | More.MOVBE)
_OTHERS = (b"\x0f\x7c", b"\x0f\x7d", b"\x0f\xd0", b"\x0f\x12", b"\x0f\xf0", b"\x0f\xb8", b"\xdb")
_OPCODES = [opcode.to_bytes(3, "big") for opcode in FORMS] + list(_OTHERS)


def _bytes(rng: random.Random) -> bytes:
    code = b""
    while len(code) < LENGTH:
        if rng.random() < 0.8:
            code += rng.choice((b"", b"\x66", b"\x66", b"\xf2", b"\xf3")) + rng.choice(_OPCODES)
        code += bytes(rng.getrandbits(8) for _ in range(rng.randrange(1, 5)))
    return code


@pytest.mark.parametrize("long", [False, True], ids=["32", "64"])
def test_random_bytes_with_later_sets_run_until_a_fault_a_trap_or_their_time_is_up(
    long: bool,
) -> None:
    storage = Storage(SPACE_64_LOW if long else SPACE_32)
    cpu = TranslatingCpu(storage, _MODEL, small64.options() if long else Options())
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.map(DATA, 2 * PAGE, READ | WRITE)
    try:
        for seed in range(250):
            rng = random.Random(f"later {seed}")
            storage.load(CODE, _bytes(rng))
            for name in cpu.architecture.registers:
                near = (DATA + 0x800, DATA + 0xFFE, DATA + 0x400, rng.getrandbits(8))
                setattr(cpu.state, name, rng.choice(near))
            cpu.state.eip = CODE
            cpu.state.eflags = 0x202 | rng.choice((0, 0x400, 0x8D5))
            why = cpu.run(BUDGET)
            assert isinstance(why, Fault | Trap | Preempted | SystemCall), (seed, why)
    finally:
        cpu.close()
        storage.close()
