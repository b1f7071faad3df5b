"""Special purpose registers that the core lacks (Power ISA v3.1B, III 5.4.4)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from emu.isa.sprs import SPRS
from emu.isa_level import IsaLevel
from emu.state import plain, rebuild
from tests.emu.machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import MSR
    from emu.engine import InterruptTaken

HERE = 0x4000
FSCR_DSCR, FACILITY_DSCR = 1 << 2, 2
PRIVILEGED = 0x40000
OWN_BITS = 0x783F_0000
PATTERN = 0x0123_4567_89AB_CDEF


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.engine.set_isa_level(IsaLevel.V3_1)
        machine.identity_map()
        for vector in (0x700, 0xD00, 0xF60):
            machine.load("rfid" if vector == 0xD00 else "sc 1", vector)
        yield machine


def interrupts(cpu: Bare, source: str, msr: int = REAL, **gprs: int) -> list[InterruptTaken]:
    taken: list[InterruptTaken] = []
    cpu.engine.observe_interrupts(taken.append)
    cpu.run(f"{source}\n sc 1", msr, at=HERE, **gprs)
    return taken


def test_dscr_is_one_register_to_both_states(cpu: Bare) -> None:
    cpu.registers.set_spr("fscr", FSCR_DSCR)
    assert interrupts(cpu, "mtspr udscr,r4", PROBLEM, r4=0x5) == []
    assert cpu.run("mfspr r5,dscr\n mfspr r6,udscr\n sc 1", REAL).gpr(5) == 5
    assert cpu.registers.gpr(6) == 5


def test_problem_state_has_dscr_where_fscr_lets_it(cpu: Bare) -> None:
    cpu.registers.set_spr("fscr", 0)
    for text in ("mfspr r5,udscr", "mtspr udscr,r5"):
        (taken,) = interrupts(cpu, text, PROBLEM)
        assert (taken.vector, taken.srr0) == (0xF60, HERE)
        assert cpu.registers.spr("fscr") >> 56 == FACILITY_DSCR
    assert interrupts(cpu, "mfspr r5,udscr", REAL) == []


def test_ppr32_is_the_upper_half_of_ppr(cpu: Bare) -> None:
    cpu.registers.set_spr("ppr", PATTERN)
    registers = cpu.run("mfspr r5,ppr32\n mtspr ppr32,r4\n sc 1", PROBLEM, r4=PATTERN)
    assert registers.gpr(5) == PATTERN >> 32
    assert registers.spr("ppr") == PATTERN % 2**32 << 32 | PATTERN % 2**32


@pytest.mark.parametrize("name", ["sier2", "sier3", "mmcr3"])
def test_problem_state_reads_registers_of_the_performance_monitor(cpu: Bare, name: str) -> None:
    cpu.run(f"mtspr {name},r4\n mfspr r5,{name}\n sc 1", REAL, r4=PATTERN)
    registers = cpu.run(f"mfspr r6,{SPRS[name] - 16}\n sc 1", PROBLEM)
    assert (registers.gpr(5), registers.gpr(6)) == (PATTERN, PATTERN)


def test_problem_state_reads_its_half_of_dexcr(cpu: Bare) -> None:
    cpu.run("mtspr dexcr,r4\n sc 1", REAL, r4=PATTERN)
    registers = cpu.run("mfspr r5,udexcr\n mfspr r6,uhdexcr\n sc 1", PROBLEM)
    assert (registers.gpr(5), registers.gpr(6)) == (PATTERN % 2**32, 0)


@pytest.mark.parametrize(
    "text", ["mfspr r5,dexcr", "mtspr dexcr,r5", "mfspr r5,hashkeyr", "mtspr udexcr,r5", "mfdec r5"]
)
def test_the_rest_is_privileged(cpu: Bare, text: str) -> None:
    (taken,) = interrupts(cpu, text, PROBLEM)
    assert (taken.vector, taken.srr1 & OWN_BITS) == (0x700, PRIVILEGED)


def test_they_are_traced_like_other_instructions(cpu: Bare) -> None:
    taken = interrupts(cpu, "mfdec r5\n mfspr r5,dexcr\n nop", REAL.replace(SE=1))
    assert [(i.vector, i.srr0 - HERE) for i in taken] == [(0xD00, 4), (0xD00, 8), (0xD00, 12)]


def test_they_are_part_of_a_saved_state(cpu: Bare) -> None:
    cpu.run("mtspr dexcr,r4\n mtspr hashkeyr,r5\n mtspr udscr,r6\n sc 1", REAL, r4=4, r5=5, r6=6)
    state = cpu.engine.state()
    with bare() as other:
        other.engine.restore(rebuild(type(state), json.loads(json.dumps(plain(state)))))
        assert [other.registers.spr(n) for n in ("dexcr", "hashkeyr", "dscr")] == [4, 5, 6]


@pytest.mark.parametrize("instruction", ["mftbu r5", "mfspr r5,269"])
@pytest.mark.parametrize("msr", [REAL, PROBLEM])
def test_the_upper_half_of_the_time_base_has_a_number_of_its_own(
    cpu: Bare, instruction: str, msr: MSR
) -> None:
    cpu.registers.set_spr("tb", PATTERN)
    cpu.registers.set_spr("dec", 0x7FFF_FFFF)
    assert interrupts(cpu, instruction, msr) == []
    assert cpu.registers.gpr(5) == PATTERN >> 32
