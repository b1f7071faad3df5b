"""Hashes of return addresses, where DEXCR asks for them (Power ISA v3.1B, I 3.3.17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.isa_level import IsaLevel
from tests.emu.machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import MSR

HERE, STACK = 0x4000, 0x9000
ILLEGAL, PRIVILEGED, TRAP = 0x80000, 0x40000, 0x20000
OWN_BITS = 0x783F_0000
PROBLEM_CHECKS, CHECKS, CHECKS_OF_SYSTEM = 1 << 26, 1 << 58, 1 << 57
"""NPHIE of problem state and of privileged state; PHIE."""

# What QEMU's POWER10 stores for RA, RB and the key.
HASHES = [
    (0x0010_0000, 0, 0, 0xA777_02F4_B878_3A36),
    (0x0010_0000, 0, 1, 0xFD9E_B043_76A7_48AF),
    (0x0376_7C40, 0x5BC8_FBBC_BDE5_C099, 0xB0C1_1FDE_CB91_CE37, 0x2115_0B65_55F0_CABA),
    (0xF000_0000_0370_C220, 0x621A_EF57_E4CC_4132, 0x0585_A01C_4C7D_6DF0, 0xB66E_90A2_8C3B_9114),
    (0x5000_0000_00BC_FF00, 0xD141_2584_4D25_DEB3, 0x960D_5A8F_9A65_6AAF, 0x1E54_9CE9_FB6C_66B8),
]


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.engine.set_isa_level(IsaLevel.V3_1)
        machine.identity_map()
        for vector in (0x300, 0x700):
            machine.load(f"li r31,{vector}\n mfsrr1 r30\n sc 1", vector)
        yield machine


def outcome(cpu: Bare, text: str, msr: MSR = REAL, **gprs: int) -> tuple[int, int] | None:
    """The interrupt that a program takes, with its own bits of SRR1."""
    registers = cpu.run(f"{text}\n sc 1", msr, at=HERE, r30=0, r31=0, **gprs)
    vector = registers.gpr(31)
    return (vector, registers.gpr(30) & OWN_BITS) if vector else None


def stored(cpu: Bare) -> int:
    return int.from_bytes(cpu.memory.read(STACK - 8, 8), "big")


@pytest.mark.parametrize(("ra", "rb", "key", "expected"), HASHES)
def test_the_hash_is_that_of_power10(ra: int, rb: int, key: int, expected: int) -> None:
    # A narrow address leaves the upper half of RA to the hash.
    at = ra & 0xFFFF_FFFF
    with bare(at + 0x1000 - at % 0x1000 + 0x10_0000) as larger:
        larger.engine.set_isa_level(IsaLevel.V3_1)
        larger.registers.set_spr("dexcr", CHECKS)
        larger.registers.set_spr("hashkeyr", key)
        larger.run(
            "hashst r4,-512(r3)\n hashchk r4,-512(r3)\n sc 1", REAL.replace(SF=0), r3=ra, r4=rb
        )
        assert int.from_bytes(larger.memory.read(at - 512, 8), "big") == expected


@pytest.mark.parametrize(
    ("msr", "asks"), [(REAL, CHECKS), (PROBLEM, PROBLEM_CHECKS)], ids=["privileged", "problem"]
)
def test_each_state_checks_if_its_half_of_dexcr_says_so(cpu: Bare, msr: MSR, asks: int) -> None:
    for dexcr in (~asks & (1 << 64) - 1, asks):
        cpu.registers.set_spr("dexcr", dexcr)
        cpu.memory.write_u64(STACK - 8, 0x1234)
        wrong = outcome(cpu, "hashchk r4,-8(r3)", msr, r3=STACK, r4=5)
        assert wrong == ((0x700, TRAP) if dexcr == asks else None)
        assert outcome(cpu, "hashst r4,-8(r3)", msr, r3=STACK, r4=5) is None
        assert (stored(cpu) != 0x1234) is (dexcr == asks)
        assert outcome(cpu, "hashchk r4,-8(r3)", msr, r3=STACK, r4=5) is None


def test_the_systems_own_hashes_have_another_key_and_another_switch(cpu: Bare) -> None:
    cpu.registers.set_spr("hashkeyr", 7)
    cpu.registers.set_spr("dexcr", CHECKS)
    assert outcome(cpu, "hashstp r4,-8(r3)", r3=STACK, r4=5) is None
    assert stored(cpu) == 0
    cpu.registers.set_spr("dexcr", CHECKS | CHECKS_OF_SYSTEM)
    assert outcome(cpu, "hashstp r4,-8(r3)\n hashchkp r4,-8(r3)", r3=STACK, r4=5) is None
    assert outcome(cpu, "hashchk r4,-8(r3)", r3=STACK, r4=5) == (0x700, TRAP)
    for name in ("hashstp", "hashchkp"):
        assert outcome(cpu, f"{name} r4,-8(r3)", PROBLEM, r3=STACK) == (0x700, PRIVILEGED)


def test_its_access_is_to_storage_like_any_other(cpu: Bare) -> None:
    cpu.registers.set_spr("dexcr", PROBLEM_CHECKS)
    taken = outcome(cpu, "hashst r4,-8(r3)", PROBLEM, r3=0x20_0000)
    assert taken is not None
    assert taken[0] == 0x300
    assert cpu.registers.spr("dar") == 0x20_0000 - 8


@pytest.mark.parametrize("name", ["hashst", "hashchk", "hashstp", "hashchkp"])
def test_before_3_1_they_are_reserved_no_ops(cpu: Bare, name: str) -> None:
    cpu.registers.set_spr("dexcr", (1 << 64) - 1)
    for level in (IsaLevel.V2_07, IsaLevel.V3_0):
        cpu.engine.set_isa_level(level)
        assert outcome(cpu, f"{name} r4,-8(r3)", PROBLEM, r3=STACK) is None
        assert stored(cpu) == 0
    cpu.engine.set_isa_level(IsaLevel.V2_06)
    assert outcome(cpu, f"{name} r4,-8(r3)", PROBLEM, r3=STACK) == (0x700, ILLEGAL)
