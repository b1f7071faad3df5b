"""ISA levels: what came with a later edition interrupts as an instruction that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import MSR, ppc_bit
from emu.isa.sprs import SPRS
from emu.isa_level import IsaLevel
from emu.native import lib
from tests.emu.machine import PROBLEM, REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

V2_06, V2_07, V3_0, V3_1 = IsaLevel
EVERYTHING_ON = REAL.replace(FP=1, VEC=1, VSX=1)
ILLEGAL = 0x700, 0x80000
PRIVILEGED = 0x700, 0x40000
FACILITY_TM = 5
FACILITY_EBB, FSCR_EBB = 7, 1 << 7
TAKEN = 1

# Instructions by the edition they came with (Power ISA v3.0B, appendix "Instruction Sets" of each
# book; v2.06B, v2.07B).
INSTRUCTIONS = {
    V2_06: """
        addi r5,r5,1 | bpermd r5,r5,r5 | popcntd r5,r5 | ldbrx r5,0,r1 | divde r5,r5,r6
        lbarx r5,0,r1 | isel r5,r5,r6,2 | cmpb r5,r5,r6 | lfiwzx f1,0,r1 | fcfidu f1,f1
        vaddubm v1,v1,v1 | xvadddp vs1,vs1,vs1 | lxvd2x vs1,0,r1 | xxsel vs1,vs2,vs3,vs4
        prtyd r5,r5 | mffs f1 | vsldoi v1,v1,v1,4
    """,
    V2_07: """
        mtvsrd vs1,r5 | mfvsrd r5,vs1 | xsaddsp vs1,vs1,vs1 | lxsspx vs1,0,r1 | xxleqv vs1,vs1,vs1
        vaddudm v1,v1,v1 | vadduqm v1,v1,v1 | vcipher v1,v1,v1 | vshasigmad v1,v1,0,0
        vpermxor v1,v1,v1,v1 | vclzd v1,v1 | vbpermq v1,v1,v1 | vmrgew v1,v1,v1
        lqarx r6,0,r1 | stqcx. r6,0,r1 | fmrgew f1,f1,f1 | vpmsumd v1,v1,v1 | vmaxsd v1,v1,v1
    """,
    V3_0: """
        modsw r5,r5,r6 | modud r5,r5,r6 | cnttzd r5,r5 | cnttzw r5,r5 | extswsli r5,r5,3
        setb r5,cr0 | cmprb cr0,0,r5,r6 | cmpeqb cr0,r5,r6 | addpcis r5,1 | darn r5,1
        maddld r5,r5,r6,r7 | maddhd r5,r5,r6,r7 | mcrxrx cr1 | xxspltib vs1,3 | lxv vs1,0(r1)
        stxv vs1,0(r1) | lxvx vs1,0,r1 | lxvl vs1,r1,r0 | lxsd v1,0(r1) | stxssp v1,0(r1)
        mtvsrdd vs1,r5,r6 | mfvsrld r5,vs1 | xsaddqp v1,v1,v1 | xscmpeqdp vs1,vs1,vs1
        xxbrd vs1,vs1 | xxperm vs1,vs1,vs1 | vabsdub v1,v1,v1 | vcmpneb v1,v1,v1 | vctzd v1,v1
        vextublx r5,r6,v1 | vinsertb v1,v1,3 | vrldmi v1,v1,v1 | vslv v1,v1,v1
        vprtybd v1,v1 | vpermr v1,v1,v1,v1
        lwat r5,r1,0 | stdat r5,r1,0 | vnegw v1,v1 | vextsb2w v1,v1
    """,
}
TABLE = [
    (text.strip(), since)
    for since, texts in INSTRUCTIONS.items()
    for line in texts.strip().split("\n")
    for text in line.split("|")
]


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        for vector in (0x700, 0xF60):
            machine.load(f"mfsrr1 r30\n li r31,{vector}\n sc 1", vector)
        machine.identity_map()
        yield machine


def outcome(cpu: Bare, text: str, *, problem: bool = False) -> tuple[int, int] | None:
    """The interrupt that the instruction takes, with its own bits of SRR1; None: it runs."""
    msr = PROBLEM.replace(FP=1, VEC=1, VSX=1) if problem else EVERYTHING_ON
    registers = cpu.run(f"{text}\n sc 1", msr, r1=0x8000, r31=0, r30=0)
    vector = registers.gpr(31)
    return (vector, registers.gpr(30) & 0x783F_0000) if vector else None


@pytest.mark.parametrize(("text", "since"), TABLE, ids=[text for text, _ in TABLE])
def test_an_instruction_is_there_from_its_level_on(cpu: Bare, text: str, since: IsaLevel) -> None:
    for level in IsaLevel:
        cpu.engine.set_isa_level(level)
        assert outcome(cpu, text) == (None if level >= since else ILLEGAL), level


def test_levels_are_numbered_as_in_the_core() -> None:
    assert tuple(IsaLevel) == (lib.ISA_2_06, lib.ISA_2_07, lib.ISA_3_0, lib.ISA_3_1)


def test_a_level_holds_for_code_that_ran_before(cpu: Bare) -> None:
    at = cpu.load("cnttzd r5,r5\n sc 1", 0x4000)
    for level, vector in ((V3_0, 0), (V2_07, 0x700), (V3_1, 0), (V2_06, 0x700)):
        cpu.engine.set_isa_level(level)
        cpu.enter(at, EVERYTHING_ON, r31=0)
        assert cpu.registers.gpr(31) == vector


@pytest.mark.parametrize("level", [V2_06, V2_07])
def test_before_3_0_other_forms_of_mffs_are_mffs(cpu: Bare, level: IsaLevel) -> None:
    cpu.engine.set_isa_level(level)
    enabled = 0x1F << 3 | 2
    for text in ("mffsce f1", "mffscrni f1,1", "mffscdrni f1,1", "mffsl f1", ".long 0xfc24048f"):
        cpu.registers.fpscr = enabled
        cpu.run(f"{text}\n stfd f1,0(r1)\n sc 1", EVERYTHING_ON, r1=0x8000)
        assert cpu.memory.read(0x8000, 8) == enabled.to_bytes(8, "big")
        assert cpu.registers.fpscr == enabled


def test_a_program_returns_from_event_based_branches_where_fscr_lets_it(cpu: Bare) -> None:
    cpu.load("mfspr r6,806\n sc 1", 0x5000)
    for level in IsaLevel:
        cpu.engine.set_isa_level(level)
        cpu.registers.set_spr("fscr", FSCR_EBB)
        cpu.registers.set_spr(SPRS["ebbrr"], 0x5002)
        there = level >= V2_07
        assert outcome(cpu, "rfebb 1", problem=True) == (None if there else ILLEGAL), level
        assert cpu.registers.gpr(6) == (1 << 63 if there else 0)
        cpu.registers.set_spr("fscr", 0)
        assert outcome(cpu, "rfebb 1", problem=True) == ((0xF60, 0) if there else ILLEGAL)
        if there:
            assert cpu.registers.spr("fscr") >> 56 == FACILITY_EBB


@pytest.mark.parametrize("level", IsaLevel)
def test_system_call_vectored_is_there_from_3_0_on(cpu: Bare, level: IsaLevel) -> None:
    cpu.load(f"li r31,{TAKEN}\n sc 1", 0x17000)
    cpu.engine.set_isa_level(level)
    cpu.registers.set_spr("fscr", 1 << 12)
    assert outcome(cpu, "scv 0") == (ILLEGAL if level < V3_0 else (TAKEN, 0))
    assert outcome(cpu, "rfscv", problem=True) == (ILLEGAL if level < V3_0 else PRIVILEGED)


@pytest.mark.parametrize(
    ("name", "since"),
    [(name, V2_07) for name in ("tar", "bescr", "ebbhr", "ummcr2", "usier", "udscr")]
    + [(name, V3_1) for name in ("usier2", "usier3", "ummcr3", "udexcr", "uhdexcr")],
)
def test_a_register_of_problem_state_is_there_from_its_level_on(
    cpu: Bare, name: str, since: IsaLevel
) -> None:
    cpu.registers.set_spr("fscr", (1 << 64) - 1)
    for level in IsaLevel:
        cpu.engine.set_isa_level(level)
        there = None if level >= since else ILLEGAL
        assert outcome(cpu, f"mfspr r5,{SPRS[name]}", problem=True) == there, level
        assert outcome(cpu, f"mfspr r5,{SPRS[name]}") is None


@pytest.mark.parametrize("problem", [False, True])
@pytest.mark.parametrize("text", ["tbegin. 0", "tend. 0", "tabort. r5", "mfspr r5,128"])
def test_transactions_are_a_facility_that_is_never_there(
    cpu: Bare, text: str, problem: bool
) -> None:
    cpu.registers.msr = MSR(EVERYTHING_ON | ppc_bit(31))
    assert cpu.registers.msr == EVERYTHING_ON
    for level in IsaLevel:
        cpu.engine.set_isa_level(level)
        cpu.registers.set_spr("fscr", 0)
        there = level >= V2_07 or (text.startswith("mf") and not problem)
        assert outcome(cpu, text, problem=problem) == ((0xF60, 0) if there else ILLEGAL), level
        assert cpu.registers.spr("fscr") >> 56 == (FACILITY_TM if there else 0)
