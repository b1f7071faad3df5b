"""A guest that debugs itself: trace, breakpoint and watchpoints (Power ISA III 7.5.15, 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import MSR, ByteOrder
from emu.exits import DebugStop, Hypercall, Preempted, StopKind
from emu.isa_level import IsaLevel
from tests.emu.machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.engine import InterruptTaken

HERE = 0x4000
DATA = 0x9000
TRACE, TRACE_LOAD, TRACE_STORE, TRACE_CIABR = 1 << 30, 1 << 28, 1 << 27, 1 << 20
OWN_BITS = 0x783F_0000
WATCH, STORED = 0x0040_0000, 0x0200_0000
IN_PROBLEM, IN_PRIVILEGED = 1, 2
LOADS, STORES, TRANSLATED, EITHER_TRANSLATION = 1 << 5, 1 << 6, 1 << 4, 1 << 3
SRR1_SE = REAL.replace(SE=1)


class Debugged:
    """A processor that notes the interrupts it takes; trace returns, all else stops."""

    def __init__(self, cpu: Bare) -> None:
        self.cpu = cpu
        self.taken: list[InterruptTaken] = []
        cpu.engine.observe_interrupts(self.taken.append)
        cpu.load("rfid", 0xD00)
        for vector in (0x300, 0x400, 0x700, 0xC00):
            cpu.load("sc 1", vector)

    def set(self, **values: int) -> None:
        for name, value in values.items():
            self.cpu.registers.set_spr(name, value)
        self.cpu.engine.debug_registers_changed()

    def run(self, source: str, msr: int = REAL, **gprs: int) -> list[tuple[int, int, int]]:
        """Run up to `sc 1`; vector, SRR0 less the start, SRR1's own bits of each interrupt."""
        self.taken.clear()
        self.cpu.run(source, msr, at=HERE, **gprs)
        return [(i.vector, i.srr0 - HERE, i.srr1 & OWN_BITS) for i in self.taken]

    def traces(self, source: str, msr: int = SRR1_SE, **gprs: int) -> list[tuple[int, int]]:
        """Where trace interrupts stood, and what they tell of the instruction before."""
        interrupts = self.run(source, msr, **gprs)
        assert {vector for vector, _, _ in interrupts} <= {0xD00}
        assert all(bits & TRACE for _, _, bits in interrupts)
        return [(at, bits & ~TRACE) for _, at, bits in interrupts]


@pytest.fixture
def machine() -> Iterator[Debugged]:
    with bare() as cpu:
        yield Debugged(cpu)


# ---- MSR[SE] and MSR[BE] -------------------------------------------------------------------


def test_single_step_traces_each_instruction_behind_itself(machine: Debugged) -> None:
    code = "li r3,1\n b 0f\n nop\n0: lwz r4,0(r5)\n stdux r4,r5,r6\n dcbz 0,r5\n mfdec r7\n sc 1"
    assert machine.traces(code, r5=DATA, r6=8) == [
        (4, 0),
        (12, 0),
        (16, TRACE_LOAD),
        (20, TRACE_STORE),
        (24, TRACE_STORE),
        (28, 0),
    ]


def test_the_state_traced_is_the_state_returned_to(machine: Debugged) -> None:
    machine.run("nop\n sc 1", SRR1_SE.replace(FP=1))
    assert machine.taken[0].srr1 & ~OWN_BITS == SRR1_SE.replace(FP=1)


def test_a_loop_that_is_stepped_does_what_it_does_at_full_speed(machine: Debugged) -> None:
    machine.cpu.registers.set_spr("ctr", 50)
    traces = machine.traces("li r3,0\n0: addi r3,r3,3\n bdnz 0b\n sc 1")
    assert machine.cpu.registers.gpr(3) == 150
    assert len(traces) == 1 + 2 * 50


def test_time_counts_each_traced_instruction_once(machine: Debugged) -> None:
    machine.traces("nop\n nop\n nop\n nop\n sc 1")
    assert machine.cpu.engine.time_base == 5 + 4  # each trace handler is one instruction


@pytest.mark.parametrize("se", [0, 1])
def test_a_return_from_interrupt_is_not_traced(machine: Debugged, se: int) -> None:
    machine.cpu.registers.set_spr("srr0", HERE + 12)
    machine.cpu.registers.set_spr("srr1", REAL.replace(SE=se))
    assert machine.traces("rfid\n nop\n nop\n li r3,7\n sc 1") == ([(16, 0)] if se else [])
    assert machine.cpu.registers.gpr(3) == 7


def test_a_step_begun_by_rfid_takes_one_instruction(machine: Debugged) -> None:
    machine.cpu.load("sc 1", 0xD00)
    machine.cpu.registers.set_spr("srr0", HERE + 8)
    machine.cpu.registers.set_spr("srr1", SRR1_SE)
    assert machine.run("rfid\n nop\n li r3,1\n li r3,2\n sc 1") == [(0xD00, 12, TRACE)]
    assert machine.cpu.registers.gpr(3) == 1


def test_mtmsrd_traces_from_the_next_instruction_on(machine: Debugged) -> None:
    code = "mtmsrd r4\n nop\n mtmsrd r5\n nop\n sc 1"
    assert machine.traces(code, REAL, r4=SRR1_SE, r5=REAL) == [(8, 0), (12, 0)]


@pytest.mark.parametrize(
    ("code", "vector"),
    [("sc 0", 0xC00), ("trap", 0x700), (".long 0", 0x700), ("lwz r3,0(r9)", 0x300)],
)
def test_an_instruction_that_interrupts_is_not_traced(
    machine: Debugged, code: str, vector: int
) -> None:
    taken = machine.run(f"nop\n {code}\n sc 1", SRR1_SE, r9=0x7654_3210)
    assert [v for v, _, _ in taken] == [0xD00, vector]


def test_trace_comes_before_the_interrupt_of_the_next_fetch(machine: Debugged) -> None:
    nowhere = 0x7654_3210
    machine.cpu.registers.set_spr("ctr", nowhere)
    taken = machine.run("bctr", SRR1_SE)
    assert [(v, HERE + at) for v, at, _ in taken] == [(0xD00, nowhere), (0x400, nowhere)]


def test_trace_comes_before_an_interrupt_from_outside(machine: Debugged) -> None:
    machine.cpu.load("sc 1", 0x500)
    machine.cpu.engine.set_external_interrupt(True)
    code = "mtmsrd r4\n nop\n nop\n sc 1"
    taken = machine.run(code, REAL.replace(SE=1), r4=SRR1_SE.replace(EE=1))
    assert [v for v, _, _ in taken] == [0xD00, 0x500]


def test_branch_trace_traces_branches_taken_or_not(machine: Debugged) -> None:
    code = "li r3,0\n cmpdi r3,0\n bne 0f\n b 0f\n nop\n0: nop\n bl 1f\n nop\n1: sc 1"
    assert machine.traces(code, REAL.replace(BE=1)) == [(12, 0), (20, 0), (32, 0)]


def test_a_block_that_ends_without_a_branch_is_no_branch(machine: Debugged) -> None:
    nops = "nop\n" * (0x1000 // 4 + 8)
    assert machine.traces(nops + "sc 1", REAL.replace(BE=1)) == []


@pytest.mark.parametrize("order", ByteOrder)
def test_vectors_are_traced_like_any_other_storage(machine: Debugged, order: ByteOrder) -> None:
    msr = SRR1_SE.replace(LE=int(order is ByteOrder.LITTLE))
    machine.cpu.engine.set_interrupts_little_endian(order is ByteOrder.LITTLE)
    at = machine.cpu.load("nop\n nop\n sc 1", 0x600, order)
    machine.cpu.load("rfid", 0xD00, order)
    assert isinstance(machine.cpu.enter(at, msr), Hypercall)
    assert [i.srr0 for i in machine.taken] == [0x604, 0x608]


# ---- CIABR ---------------------------------------------------------------------------------


def test_the_breakpoint_traces_its_instruction_when_it_is_done(machine: Debugged) -> None:
    machine.set(ciabr=HERE + 8 | IN_PRIVILEGED)
    code = "li r3,0\n nop\n addi r3,r3,1\n cmpdi r3,3\n bne .-8\n sc 1"
    assert machine.traces(code, REAL) == [(12, TRACE_CIABR)] * 3
    assert machine.cpu.registers.gpr(3) == 3


@pytest.mark.parametrize("states", [0, IN_PROBLEM, 3])
def test_a_breakpoint_for_other_states_does_nothing(machine: Debugged, states: int) -> None:
    machine.set(ciabr=HERE + 4 | states)
    assert machine.run("nop\n nop\n sc 1") == []


def test_the_breakpoint_breaks_problem_state(machine: Debugged) -> None:
    machine.cpu.identity_map()
    machine.set(ciabr=HERE + 4 | IN_PROBLEM)
    assert machine.traces("nop\n nop\n sc 1", PROBLEM) == [(8, TRACE_CIABR)]


def test_a_breakpoint_costs_no_time_of_the_guest(machine: Debugged) -> None:
    machine.set(ciabr=HERE + 8 | IN_PRIVILEGED)
    machine.run("nop\n nop\n nop\n nop\n sc 1")
    assert machine.cpu.engine.time_base == 5 + 1


# ---- DAWR ----------------------------------------------------------------------------------

BOTH = LOADS | STORES | IN_PROBLEM | IN_PRIVILEGED | EITHER_TRANSLATION


@pytest.mark.parametrize(
    ("code", "dsisr"),
    [
        ("ld r3,0(r5)", WATCH),
        ("lbz r3,7(r5)", WATCH),
        ("ld r3,-4(r5)", WATCH),
        ("lwz r3,-4(r5)", None),
        ("lbz r3,8(r5)", None),
        ("std r3,0(r5)", WATCH | STORED),
        ("stb r3,-1(r5)", None),
        ("lxvd2x vs1,0,r5", WATCH),
        ("stvx v1,0,r5", WATCH | STORED),
        ("dcbz 0,r5", WATCH | STORED),
        ("lmw r30,0(r5)", WATCH),
    ],
)
def test_a_watched_doubleword_interrupts_the_access(
    machine: Debugged, code: str, dsisr: int | None
) -> None:
    machine.set(dawr0=DATA, dawrx0=BOTH)
    for _ in range(2):
        taken = machine.run(f"nop\n {code}\n sc 1", REAL.replace(VEC=1, VSX=1), r5=DATA, r3=5)
        assert taken == ([] if dsisr is None else [(0x300, 4, 0)])
        if dsisr is not None:
            assert machine.cpu.registers.spr("dsisr") == dsisr
            assert DATA - 8 < machine.cpu.registers.spr("dar") <= DATA + 7
            assert machine.cpu.memory.read(DATA, 8) == bytes(8)


@pytest.mark.parametrize(
    ("wanted", "loads", "stores"),
    [(LOADS, True, False), (STORES, False, True), (0, False, False), (LOADS | STORES, True, True)],
)
def test_a_watchpoint_tells_loads_from_stores(
    machine: Debugged, wanted: int, loads: bool, stores: bool
) -> None:
    machine.set(dawr0=DATA, dawrx0=wanted | IN_PRIVILEGED | EITHER_TRANSLATION)
    assert bool(machine.run("lwz r3,0(r5)\n sc 1", r5=DATA)) == loads
    assert bool(machine.run("stw r3,0(r5)\n sc 1", r5=DATA)) == stores


def test_a_conditional_store_is_a_store(machine: Debugged) -> None:
    machine.set(dawr0=DATA, dawrx0=STORES | IN_PRIVILEGED | EITHER_TRANSLATION)
    assert machine.run("ldarx r3,0,r5\n stdcx. r4,0,r5\n sc 1", r5=DATA, r4=1) == [(0x300, 4, 0)]
    machine.set(dawrx0=LOADS | IN_PRIVILEGED | EITHER_TRANSLATION)
    assert machine.run("ldarx r3,0,r5\n sc 1", r5=DATA) == [(0x300, 0, 0)]


@pytest.mark.parametrize(
    ("control", "problem", "hits"),
    [
        (IN_PRIVILEGED | EITHER_TRANSLATION, False, True),
        (IN_PRIVILEGED | EITHER_TRANSLATION, True, False),
        (IN_PROBLEM | EITHER_TRANSLATION, True, True),
        (IN_PROBLEM | EITHER_TRANSLATION, False, False),
        (IN_PRIVILEGED, False, True),
        (IN_PRIVILEGED | TRANSLATED, False, False),
        (IN_PROBLEM | TRANSLATED, True, True),
        (IN_PROBLEM, True, False),
    ],
)
def test_a_watchpoint_means_states_and_translation(
    machine: Debugged, control: int, problem: bool, hits: bool
) -> None:
    machine.cpu.identity_map()
    machine.set(dawr0=DATA, dawrx0=LOADS | control)
    taken = machine.run("lwz r3,0(r5)\n sc 1", PROBLEM if problem else REAL, r5=DATA)
    assert taken == ([(0x300, 0, 0)] if hits else [])


@pytest.mark.parametrize("level", IsaLevel)
@pytest.mark.parametrize("doublewords", [1, 2, 64])
def test_a_watched_range_ends_at_512_bytes_before_3_1(
    machine: Debugged, level: IsaLevel, doublewords: int
) -> None:
    machine.cpu.engine.set_isa_level(level)
    first = DATA + 512 - 8
    machine.set(dawr0=first, dawrx0=BOTH | doublewords - 1 << 10)
    for at in range(DATA + 448, DATA + 1100, 8):
        last = first + 8 * doublewords if level >= IsaLevel.V3_1 else first + 8
        hit = machine.run("lbz r3,0(r5)\n sc 1", r5=at) != []
        assert hit == (first <= at < last), hex(at)


def test_both_watchpoints_watch_side_by_side(machine: Debugged) -> None:
    machine.set(dawr0=DATA, dawrx0=BOTH, dawr1=DATA + 64, dawrx1=BOTH)
    for offset, hits in ((0, True), (32, False), (64, True)):
        assert bool(machine.run("lbz r3,0(r5)\n sc 1", r5=DATA + offset)) == hits
    machine.set(dawrx0=0)
    assert machine.run("lbz r3,0(r5)\n sc 1", r5=DATA) == []


def test_what_shares_a_page_with_a_watched_doubleword_is_accessed_as_ever(
    machine: Debugged,
) -> None:
    machine.set(dawr0=DATA, dawrx0=BOTH)
    machine.cpu.registers.set_spr("ctr", 100)
    code = "0: lwz r3,64(r5)\n addi r3,r3,1\n stw r3,64(r5)\n bdnz 0b\n sc 1"
    assert machine.run(code, r5=DATA) == []
    assert machine.cpu.registers.gpr(3) == 100
    assert machine.cpu.engine.time_base == 401


def test_a_stepped_access_to_what_is_watched_traces_nothing(machine: Debugged) -> None:
    machine.set(dawr0=DATA, dawrx0=BOTH)
    taken = machine.run("nop\n lwz r3,0(r5)\n sc 1", SRR1_SE, r5=DATA)
    assert [(v, at) for v, at, _ in taken] == [(0xD00, 4), (0x300, 4)]
    taken = machine.run("nop\n lwz r3,64(r5)\n sc 1", SRR1_SE, r5=DATA)
    assert [(v, at) for v, at, _ in taken] == [(0xD00, 4), (0xD00, 8)]


# ---- processors, debuggers -----------------------------------------------------------------


def test_each_processor_has_its_own_debug_registers(machine: Debugged) -> None:
    engine = machine.cpu.engine
    other = engine.add_processor()
    machine.set(dawr0=DATA, dawrx0=BOTH, ciabr=HERE | IN_PRIVILEGED)
    for _ in range(2):
        engine.select(other)
        assert machine.run("nop\n lwz r3,0(r5)\n sc 1", r5=DATA) == []
        engine.select(0)
        taken = machine.run("nop\n lwz r3,0(r5)\n sc 1", r5=DATA)
        assert [v for v, _, _ in taken] == [0xD00, 0x300]


def test_a_debuggers_step_stops_at_the_trace_that_the_guest_asked_for(machine: Debugged) -> None:
    machine.cpu.load("nop\n nop\n sc 1", HERE)
    machine.cpu.engine.debugging.step()
    exit_ = machine.cpu.enter(HERE, SRR1_SE)
    assert exit_ == DebugStop(StopKind.STEP, 0xD00)
    assert machine.cpu.registers.spr("srr0") == HERE + 4


def test_a_debugger_changes_nothing_of_a_guest_that_debugs_itself(machine: Debugged) -> None:
    code = "li r3,0\n0: addi r3,r3,1\n lwz r4,64(r5)\n cmpdi r3,5\n bne 0b\n lwz r4,0(r5)\n sc 1"
    machine.set(dawr0=DATA, dawrx0=BOTH, ciabr=HERE + 4 | IN_PRIVILEGED)
    plain = machine.run(code, REAL, r5=DATA)
    ticks = machine.cpu.engine.time_base
    machine.taken.clear()
    machine.cpu.registers.nip = machine.cpu.load(code, HERE)
    machine.cpu.registers.msr = REAL
    stops = 0
    for address in range(HERE, HERE + 28, 8):
        machine.cpu.engine.debugging.add_breakpoint(address)
    while isinstance(machine.cpu.engine.run(1 << 40), DebugStop):
        stops += 1
    assert stops > 5
    assert [(i.vector, i.srr0 - HERE, i.srr1 & OWN_BITS) for i in machine.taken] == plain
    assert machine.cpu.engine.time_base == 2 * ticks


def test_a_guest_that_traces_its_trace_handler_is_preempted(machine: Debugged) -> None:
    machine.cpu.load("mtmsrd r4\n b .", 0xD00)
    machine.cpu.load("b .", HERE)
    assert isinstance(machine.cpu.enter(HERE, SRR1_SE, r4=MSR(SRR1_SE)), Preempted)
