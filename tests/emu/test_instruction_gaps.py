"""Instructions that the core lacks or does otherwise than the Power ISA says."""

from __future__ import annotations

import pytest

from emu.bits import MSR

from .machine import REAL, bare

FLOATING = MSR(0).replace(SF=1, FP=1, VEC=1, VSX=1)
DARN_RESERVED = ".long 0x7cc305e6"  # darn r6,3
INFINITY = 0x7FF0_0000_0000_0000


def test_random_numbers_follow_from_the_seed() -> None:
    seen = []
    for seed in (1, 1, 2):
        with bare() as machine:
            machine.engine.seed_random(seed)
            registers = machine.run(
                f"_start: darn r3,1\n darn r4,1\n darn r5,0\n {DARN_RESERVED}\n sc 1"
            )
            seen.append([registers.gpr(n) for n in (3, 4, 5, 6)])
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]
    assert seen[0][0] != seen[2][0]
    assert seen[0][2] < 1 << 32
    assert seen[0][3] == (1 << 64) - 1


@pytest.mark.parametrize(
    "word", [0x7C64_2A15, 0x7C64_0774 | 0x1F << 11, 0x7C64_282F, 0x7C60_0026 | 0x800]
)
def test_reserved_bits_are_ignored(word: int) -> None:
    """add. has none; extsb with RB, lwzx with Rc, mfcr with one of its own."""
    with bare() as machine:
        machine.run(f"_start: .long {word:#x}\n sc 1", r4=0x5000, r5=0)


def test_a_number_too_large_becomes_the_largest_integer() -> None:
    with bare() as machine:
        machine.memory.write_u64(0x5000, INFINITY)
        source = (
            "lfd f1,0(r3)\n fctidz f2,f1\n stfd f2,8(r3)\n fctiwz f3,f1\n stfiwx f3,r3,r4\n sc 1"
        )
        machine.run(f"_start: {source}", FLOATING, r3=0x5000, r4=16)
        assert int.from_bytes(machine.memory.read(0x5008, 8), "big") == (1 << 63) - 1
        assert int.from_bytes(machine.memory.read(0x5010, 4), "big") == (1 << 31) - 1


def test_rotate_and_insert_keeps_what_is_not_under_the_mask() -> None:
    with bare() as machine:
        machine.registers.set_vsr(34, 0x0581_738D_E0E5_2625 << 64)
        machine.registers.set_vsr(35, 0x7FFF_FFFF_352D_92C0 << 64)
        machine.run("_start: vrldmi v2,v3,v3\n sc 1", FLOATING)
        assert machine.registers.vsr(34) >> 64 == 0x7FFF_F38D_E0E5_92C0


def test_nothing_is_pasted_where_there_is_no_accelerator() -> None:
    with bare() as machine:
        registers = machine.run(
            "_start: copy r3,r4\n paste. r3,r4\n mfcr r5\n cpabort\n sc 1", REAL, r3=0x5000, r4=0
        )
        assert registers.gpr(5) >> 28 & 0b0010 == 0


def test_decimal_assists() -> None:
    with bare() as machine:
        registers = machine.run(
            "_start: cbcdtd r4,r3\n cdtbcd r5,r4\n addg6s r6,r3,r3\n sc 1", r3=0x0012_3456_0098_7654
        )
        assert registers.gpr(5) == 0x0012_3456_0098_7654
        assert registers.gpr(6) == 0x6666_6666_6600_6666
