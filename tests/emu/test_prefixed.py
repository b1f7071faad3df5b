"""Prefixed instructions are one instruction of eight bytes (Power ISA v3.1, I 1.6.3, III 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import MSR, ByteOrder
from emu.exits import DebugStop, Hypercall, StopKind
from emu.isa_level import IsaLevel
from tests.emu.machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.engine import InterruptTaken

HERE, DATA = 0x4000, 0x9000
FACILITIES = REAL.replace(FP=1, VEC=1, VSX=1)
PREFIXED, BOUNDARY, ILLEGAL = 1 << 29, 1 << 28, 1 << 19
OWN_BITS = 0x783F_0000
FSCR_PREFIX = 1 << 13
PREFIX_FACILITY = 13
TRACE, TRACE_LOAD = 1 << 30, 1 << 28
NOWHERE = 0x20_0000
CROSSING = ".long 0x06000000, 0x38600005"
"""pli r3,5, which the assembler refuses to put across a boundary."""


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.engine.set_isa_level(IsaLevel.V3_1)
        for vector in range(0x300, 0x1000, 0x20):
            machine.load("sc 1", vector)
        yield machine


def interrupts(cpu: Bare, source: str, msr: int = REAL, **gprs: int) -> list[InterruptTaken]:
    taken: list[InterruptTaken] = []
    cpu.engine.observe_interrupts(taken.append)
    cpu.run(source, msr, at=HERE, **gprs)
    return taken


def test_immediates_have_34_bits(cpu: Bare) -> None:
    registers = cpu.run("pli r3,-0x200000000\n pli r4,0x1ffffffff\n paddi r5,r4,-1\n sc 1")
    assert registers.gpr(3) == 2**64 - 0x2_0000_0000
    assert registers.gpr(4) == 0x1_FFFF_FFFF
    assert registers.gpr(5) == 0x1_FFFF_FFFE


def test_addresses_count_from_the_prefix(cpu: Bare) -> None:
    source = "_start: nop\n paddi r3,0,0,1\nat: pld r4,there-at(0),1\n sc 1\nthere: .quad 0x1234"
    registers = cpu.run(source, at=HERE)
    assert registers.gpr(3) == HERE + 4
    assert registers.gpr(4) == 0x1234


@pytest.mark.parametrize("order", ByteOrder)
def test_a_quadword_lies_in_its_registers_as_in_storage(cpu: Bare, order: ByteOrder) -> None:
    cpu.memory.write(DATA, bytes(range(16)))
    entry = cpu.load("plq r4,0(r3)\n pstq r4,16(r3)\n sc 1", HERE, order)
    cpu.enter(entry, REAL.replace(LE=int(order is ByteOrder.LITTLE)), r3=DATA)
    first = int.from_bytes(bytes(range(8)), order.name_for_int)
    assert cpu.registers.gpr(4) == first
    assert cpu.memory.read(DATA + 16, 16) == bytes(range(16))


def test_it_takes_one_tick(cpu: Bare) -> None:
    entry = cpu.load("pli r3,1\n pnop\n nop\n sc 1", HERE)
    before = cpu.engine.time_base
    assert isinstance(cpu.enter(entry), Hypercall)
    assert cpu.engine.time_base - before == 4


def test_a_debugger_steps_over_both_words(cpu: Bare) -> None:
    entry = cpu.load("nop\n pli r3,7\n nop\n sc 1", HERE)
    seen = []
    for step in range(3):
        cpu.engine.debugging.step()
        exit_ = cpu.engine.run(cpu.engine.time_base + 100) if step else cpu.enter(entry)
        assert isinstance(exit_, DebugStop)
        assert exit_.kind is StopKind.STEP
        seen.append(cpu.registers.nip - HERE)
    assert seen == [4, 12, 16]
    assert cpu.registers.gpr(3) == 7


def test_a_trace_stands_behind_both_words(cpu: Bare) -> None:
    cpu.load("rfid", 0xD00)
    taken = interrupts(cpu, "pld r4,0(r3)\n nop\n sc 1", REAL.replace(SE=1), r3=DATA)
    assert [(i.vector, i.srr0 - HERE) for i in taken] == [(0xD00, 8), (0xD00, 12)]
    assert taken[0].srr1 & OWN_BITS == TRACE | TRACE_LOAD | PREFIXED
    assert taken[1].srr1 & OWN_BITS == TRACE


def test_across_a_64_byte_boundary_it_is_an_alignment_interrupt(cpu: Bare) -> None:
    (taken,) = interrupts(cpu, f"b 1f\n .space 56\n1: {CROSSING}\n sc 1", r3=1)
    assert (taken.vector, taken.srr0) == (0x600, HERE + 60)
    assert taken.srr1 & OWN_BITS == PREFIXED | BOUNDARY
    assert cpu.registers.gpr(3) == 1


def test_a_storage_interrupt_names_the_prefix_and_the_operand(cpu: Bare) -> None:
    source = "nop\n pstd r4,16(r3)\n sc 1"
    (taken,) = interrupts(cpu, source, r3=NOWHERE)
    assert (taken.vector, taken.srr0) == (0x300, HERE + 4)
    assert taken.srr1 & OWN_BITS == PREFIXED
    assert cpu.registers.spr("dar") == NOWHERE + 16
    assert cpu.registers.spr("dsisr") & 0x0200_0000


@pytest.mark.parametrize(
    ("source", "vector"),
    [("plfd f1,0(r3)", 0x800), ("plxsd v1,0(r3)", 0xF20), ("plxv vs40,0(r3)", 0xF20),
     ("plxv vs4,0(r3)", 0xF40), ("plxvp vs40,0(r3)", 0xF40), ("xxspltiw vs1,1", 0xF40)],
)  # fmt: skip
def test_it_asks_for_the_facility_of_its_registers(cpu: Bare, source: str, vector: int) -> None:
    (taken,) = interrupts(cpu, f"{source}\n sc 1", r3=DATA)
    assert (taken.vector, taken.srr0, taken.srr1 & OWN_BITS) == (vector, HERE, PREFIXED)
    assert interrupts(cpu, f"{source}\n sc 1", FACILITIES, r3=DATA) == []


def test_problem_state_needs_the_facility_in_fscr(cpu: Bare) -> None:
    cpu.identity_map()
    cpu.registers.set_spr("fscr", 0)
    (taken,) = interrupts(cpu, "pli r3,5\n sc 1", PROBLEM, r3=1)
    assert (taken.vector, taken.srr0) == (0xF60, HERE)
    assert cpu.registers.spr("fscr") >> 56 == PREFIX_FACILITY
    assert cpu.registers.gpr(3) == 1
    cpu.registers.set_spr("fscr", FSCR_PREFIX)
    assert interrupts(cpu, "pli r3,5\n sc 1", PROBLEM) == []
    assert cpu.registers.gpr(3) == 5


@pytest.mark.parametrize("level", [IsaLevel.V2_07, IsaLevel.V3_0])
def test_older_levels_have_none(cpu: Bare, level: IsaLevel) -> None:
    cpu.engine.set_isa_level(level)
    (taken,) = interrupts(cpu, "pli r3,5\n sc 1")
    assert (taken.vector, taken.srr0, taken.srr1 & OWN_BITS) == (0x700, HERE, ILLEGAL)


@pytest.mark.parametrize(
    "words",
    [
        "0x06100000, 0x38640005",  # paddi with R and RA
        "0x04000000, 0xe0600000",  # plq into an odd register
        "0x04000000, 0xe0630000",  # plq into its own base
        "0x07000000, 0x48000000",  # pnop with a branch behind it
        "0x05000000, 0x80080000",  # no such immediate form
        "0x07900000, 0xec000018",  # a matrix instruction on its own accumulator
    ],
)
def test_what_is_no_prefixed_instruction_is_illegal(cpu: Bare, words: str) -> None:
    (taken,) = interrupts(cpu, f".long {words}\n sc 1", FACILITIES, r3=DATA)
    assert (taken.vector, taken.srr0, taken.srr1 & OWN_BITS) == (0x700, HERE, ILLEGAL | PREFIXED)


def test_a_changed_suffix_is_seen(cpu: Bare) -> None:
    entry = cpu.load("pli r3,5\n sc 1", HERE)
    cpu.enter(entry)
    cpu.memory.write(HERE + 4, bytes.fromhex("38600006"))
    cpu.enter(entry)
    assert cpu.registers.gpr(3) == 6


def test_narrow_addresses_wrap(cpu: Bare) -> None:
    cpu.memory.write_u64(DATA, 0x55)
    registers = cpu.run("pld r4,0x10(r3)\n sc 1", MSR(0), r3=0xAB_FFFF_FFF0 + DATA)
    assert registers.gpr(4) == 0x55


def test_the_guests_watchpoint_sees_its_access(cpu: Bare) -> None:
    cpu.registers.set_spr("dawr0", DATA)
    cpu.registers.set_spr("dawrx0", 1 << 6 | 1 << 3 | 2)
    cpu.engine.debug_registers_changed()
    (taken,) = interrupts(cpu, "pld r4,0(r3)\n pstd r4,0(r3)\n sc 1", r3=DATA)
    assert (taken.vector, taken.srr0) == (0x300, HERE + 8)
    assert cpu.registers.spr("dar") == DATA
