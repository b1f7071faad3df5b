"""Delivery of guest interrupts: where, with what state, and what is lost (Power ISA III 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import MSR, ByteOrder
from emu.engine import InterruptLocation, InterruptTaken

from .machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

SRR1_ILLEGAL, SRR1_PRIVILEGED, SRR1_TRAP = 0x80000, 0x40000, 0x20000
# Every vector reports its own number in R31 and stops.
VECTORS = "\n".join(
    f".org {vector:#x}\n li r31,{vector:#x}\n sc 1"
    for vector in (
        *(0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800),
        *(0x900, 0xC00, 0xD00, 0xF20, 0xF40, 0xF60),
    )
)
HERE = 0x4000


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.load(VECTORS)
        yield machine


def interrupted(cpu: Bare, code: str, msr: int = REAL, **gprs: int) -> int:
    """Run `code` at HERE and give the vector it ends in."""
    cpu.run(f"_start: {code}\n sc 1", msr, at=HERE, r31=0, **gprs)
    return cpu.registers.gpr(31)


@pytest.mark.parametrize(
    ("code", "vector", "srr1"),
    [
        ("trap", 0x700, SRR1_TRAP),
        (".long 0", 0x700, SRR1_ILLEGAL),
        (".long 0x00000001", 0x700, SRR1_ILLEGAL),
        ("mtspr 318,r3", 0x700, SRR1_PRIVILEGED),
        ("hrfid", 0x700, SRR1_PRIVILEGED),
        ("fadd f1,f2,f3", 0x800, 0),
        ("vaddubm v1,v2,v3", 0xF20, 0),
        ("xxlor vs1,vs2,vs3", 0xF40, 0),
    ],
)
def test_an_instruction_that_cannot_complete_interrupts_at_itself(
    cpu: Bare, code: str, vector: int, srr1: int
) -> None:
    assert interrupted(cpu, code) == vector
    assert cpu.registers.spr("srr0") == HERE
    assert cpu.registers.spr("srr1") == REAL | srr1


def test_system_call_interrupts_behind_itself(cpu: Bare) -> None:
    assert interrupted(cpu, "sc 0") == 0xC00
    assert cpu.registers.spr("srr0") == HERE + 4


def test_reserved_bits_of_the_system_call_level_are_ignored(cpu: Bare) -> None:
    assert interrupted(cpu, "sc 2") == 0xC00
    assert interrupted(cpu, "sc 3") == 0


def test_single_step_traces_behind_the_instruction(cpu: Bare) -> None:
    assert interrupted(cpu, "nop", REAL.replace(SE=1)) == 0xD00
    assert cpu.registers.spr("srr0") == HERE + 4


def test_a_load_outside_storage_gives_a_data_storage_interrupt_with_the_exact_address(
    cpu: Bare,
) -> None:
    assert interrupted(cpu, "lbz r4,0(r3)", r3=0x7654_3210) == 0x300
    assert cpu.registers.spr("dar") == 0x7654_3210
    assert cpu.registers.spr("dsisr") == 0x0800_0000


def test_a_store_outside_storage_says_so_in_dsisr(cpu: Bare) -> None:
    assert interrupted(cpu, "stb r4,0(r3)", r3=0x7654_3210) == 0x300
    assert cpu.registers.spr("dsisr") == 0x0A00_0000


def test_a_branch_outside_storage_gives_an_instruction_storage_interrupt(cpu: Bare) -> None:
    assert interrupted(cpu, "mtctr r3\n bctr", r3=0x7654_3210) == 0x400
    assert cpu.registers.spr("srr0") == 0x7654_3210


def test_an_interrupt_clears_what_the_handler_must_not_inherit(cpu: Bare) -> None:
    before = REAL.replace(EE=1, FP=1, VEC=1, VSX=1, ME=1, RI=1)
    assert interrupted(cpu, "sc 0", before) == 0xC00
    assert cpu.registers.msr == REAL.replace(ME=1)
    assert cpu.registers.spr("srr1") == before


def test_interrupts_go_little_endian_when_the_partition_asked_for_it(cpu: Bare) -> None:
    cpu.engine.set_interrupts_little_endian(True)
    cpu.load("li r31,7\n sc 1", 0xC00, ByteOrder.LITTLE)
    cpu.load("sc 0", HERE)
    cpu.enter(HERE)
    assert cpu.registers.gpr(31) == 7
    assert cpu.registers.msr == REAL.replace(LE=1)


def test_interrupt_location_applies_only_while_translation_is_on(cpu: Bare) -> None:
    cpu.engine.set_interrupt_location(InterruptLocation.OFFSET_C000000000004000)
    assert interrupted(cpu, "sc 0") == 0xC00
    taken: list[InterruptTaken] = []
    cpu.engine.observe_interrupts(taken.append)
    cpu.registers.msr = REAL.replace(IR=1, DR=1)
    cpu.registers.nip = HERE
    cpu.engine.run(cpu.engine.time_base + 100)  # no table: an endless instruction storage interrupt
    assert taken[0].vector == 0x400
    assert cpu.registers.nip == 0xC000_0000_0000_4400


def test_an_interrupt_loses_the_reservation(cpu: Bare) -> None:
    cpu.load("rfid", 0xC00)
    cpu.run(
        "lwarx r4,0,r3\n sc 0\n stwcx. r4,0,r3\n mfcr r6\n sc 1",
        r3=0x8000,
    )
    assert cpu.registers.gpr(6) >> 28 & 0b0010 == 0
    cpu.run("lwarx r4,0,r3\n stwcx. r4,0,r3\n mfcr r6\n sc 1", r3=0x8000)
    assert cpu.registers.gpr(6) >> 28 & 0b0010


def test_external_interrupt_waits_for_ee_and_stays_until_the_input_falls(cpu: Bare) -> None:
    cpu.engine.set_external_interrupt(True)
    assert interrupted(cpu, "nop\n nop") == 0
    assert interrupted(cpu, "nop", REAL.replace(EE=1)) == 0x500
    assert cpu.registers.spr("srr0") == HERE
    cpu.engine.set_external_interrupt(False)
    assert interrupted(cpu, "nop", REAL.replace(EE=1)) == 0


def test_enabling_interrupts_takes_a_pending_one_at_the_next_instruction(cpu: Bare) -> None:
    cpu.engine.set_external_interrupt(True)
    code = "li r3,0\n ori r3,r3,0x8000\n mtmsrd r3,1\n li r30,1\n b 0f\n0: nop"
    assert interrupted(cpu, code, r30=0) == 0x500
    assert cpu.registers.gpr(30) == 0


def test_system_reset_is_taken_whatever_the_state(cpu: Bare) -> None:
    cpu.engine.system_reset()
    assert interrupted(cpu, "nop") == 0x100


def test_privileged_instructions_are_refused_to_problem_state(cpu: Bare) -> None:
    for code in ("mfmsr r3", "mtdec r3", "mfdec r3", "rfid", "tlbsync"):
        cpu.memory.write_u32(HERE, int.from_bytes(assemble(code).image(), "big"))
        taken: list[InterruptTaken] = []
        cpu.engine.observe_interrupts(taken.append)
        cpu.identity_map()
        cpu.enter(HERE, PROBLEM)
        assert taken[0].vector == 0x700, code
        assert taken[0].srr1 & SRR1_PRIVILEGED, code


# ---- system call vectored ------------------------------------------------------------------

SCV_ENABLED = 1 << 12


def test_scv_is_refused_until_fscr_enables_it(cpu: Bare) -> None:
    cpu.registers.set_spr("fscr", 0)
    assert interrupted(cpu, ".long 0x44000001") == 0xF60
    assert cpu.registers.spr("fscr") >> 56 == 12


def test_scv_keeps_the_return_state_in_lr_and_ctr_and_rfscv_goes_back(cpu: Bare) -> None:
    cpu.registers.set_spr("fscr", SCV_ENABLED)
    state = REAL.replace(EE=1, RI=1)
    cpu.load("mflr r28\n mfctr r29\n mfmsr r27\n rfscv", 0x17060)
    cpu.run("scv 3\n li r30,77\n sc 1", state, at=HERE)
    assert cpu.registers.gpr(30) == 77
    assert cpu.registers.gpr(28) == HERE + 4
    assert cpu.registers.gpr(29) == state
    assert MSR(cpu.registers.gpr(27)) == state
    assert cpu.registers.msr == state


def test_what_only_the_hypervisor_may_use_is_illegal(cpu: Bare) -> None:
    assert interrupted(cpu, "msgsndp r3") == 0x700
    assert cpu.registers.spr("srr1") & SRR1_ILLEGAL


def test_an_atomic_operation_that_is_not_there_is_a_data_storage_interrupt(cpu: Bare) -> None:
    assert interrupted(cpu, "lwat r4,r3,9", r3=0x5000, r9=0x123) == 0x300
    assert cpu.registers.spr("dsisr") == 0x80000
    assert cpu.registers.spr("dar") == 0x5000
    assert cpu.registers.spr("srr0") == HERE
