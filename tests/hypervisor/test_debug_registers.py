"""Breakpoints and watchpoints of a partition's own (LoPAR 14.5.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.isa_level import IsaLevel
from hypervisor.abi import DOUBLEWORD, H
from tests.hypervisor.lpar import PRIVILEGED

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

CIABR, DAWR0, DAWR1 = 1, 2, 5
START, DATA = 0x4000, 0x8000
PROBLEM_STATE, PRIVILEGED_STATE, HYPERVISOR_STATE = 1, 2, 4
LOADS, STORES, EITHER_TRANSLATION = 1 << 5, 1 << 6, 1 << 3
WATCH = LOADS | STORES | EITHER_TRANSLATION | PRIVILEGED_STATE


def registers(lpar: Lpar, number: int = 0) -> dict[str, int]:
    names = ("ciabr", "dawr0", "dawrx0", "dawr1", "dawrx1")
    values = {name: lpar.processor(number).registers.spr(name) for name in names}
    return {name: value for name, value in values.items() if value}


@pytest.mark.parametrize(
    ("resource", "since"),
    [(CIABR, IsaLevel.V2_07), (DAWR0, IsaLevel.V2_07), (DAWR1, IsaLevel.V3_1)],
)
def test_a_mode_offers_the_debug_registers_of_its_level(
    lpar: Lpar, resource: int, since: IsaLevel
) -> None:
    for level in IsaLevel:
        lpar.engine.set_isa_level(level)
        code = lpar.code("H_SET_MODE", 0, resource, 0, 0)
        assert code == (H.SUCCESS if level >= since else H.P2), level


def test_h_set_mode_sets_them_for_the_caller_alone(lpar3: Lpar) -> None:
    lpar3.engine.set_isa_level(IsaLevel.V3_1)
    assert lpar3.code("H_SET_MODE", 0, CIABR, 0x1000 | PRIVILEGED_STATE, 0, caller=1) == H.SUCCESS
    assert lpar3.code("H_SET_MODE", 0, DAWR0, 0x2000, WATCH, caller=1) == H.SUCCESS
    assert lpar3.code("H_SET_MODE", 0, DAWR1, 0x3000, WATCH, caller=1) == H.SUCCESS
    assert registers(lpar3, 1) == {
        "ciabr": 0x1002,
        "dawr0": 0x2000,
        "dawrx0": WATCH,
        "dawr1": 0x3000,
        "dawrx1": WATCH,
    }
    assert registers(lpar3, 0) == registers(lpar3, 2) == {}


@pytest.mark.parametrize(
    ("resource", "arguments", "code"),
    [
        (CIABR, (0, 3, 0), H.P3),
        (CIABR, (0, 0x1002, 1), H.P4),
        (CIABR, (1, 0x1002, 0), H.unsupported_flag(1)),
        (DAWR0, (0, 0x1000, WATCH | HYPERVISOR_STATE), H.P4),
        (DAWR0, (1 << 63, 0x1000, WATCH), H.unsupported_flag(1 << 63)),
        (DAWR0, (DOUBLEWORD, 0, 0), H.unsupported_flag(DOUBLEWORD)),
    ],
)
def test_what_would_reach_the_hypervisor_is_refused(
    lpar: Lpar, resource: int, arguments: tuple[int, int, int], code: H
) -> None:
    flags, value1, value2 = arguments
    assert lpar.code("H_SET_MODE", flags, resource, value1, value2) == code
    assert registers(lpar) == {}


@pytest.mark.parametrize(
    ("dabr", "dawr", "control"),
    [
        (0x1000 | 0b111, 0x1000, LOADS | STORES | 1 << 4),
        (0x1000 | 0b001, 0x1000, LOADS),
        (0x1008 | 0b110, 0x1008, STORES | 1 << 4),
        (0, 0, 0),
    ],
)
def test_dabr_is_a_watchpoint_on_a_doubleword(
    lpar: Lpar, dabr: int, dawr: int, control: int
) -> None:
    for level in IsaLevel:
        lpar.engine.set_isa_level(level)
        assert lpar.code("H_SET_DABR", dabr) == H.SUCCESS
        states = PROBLEM_STATE | PRIVILEGED_STATE
        expected = {"dawr0": dawr, "dawrx0": control | states}
        assert registers(lpar) == {name: value for name, value in expected.items() if value}
        assert lpar.code("H_SET_XDABR", dabr, PROBLEM_STATE | EITHER_TRANSLATION) == H.SUCCESS
        expected["dawrx0"] = control | PROBLEM_STATE | EITHER_TRANSLATION
        assert registers(lpar) == {name: value for name, value in expected.items() if value}


@pytest.mark.parametrize("dabrx", [HYPERVISOR_STATE, 1 << 4, 1 << 63, DOUBLEWORD])
def test_h_set_xdabr_refuses_what_is_no_partitions(lpar: Lpar, dabrx: int) -> None:
    assert lpar.code("H_SET_XDABR", 0x1003, dabrx) == H.PARAMETER
    assert registers(lpar) == {}


def test_a_guest_watches_its_storage_by_hypercall(lpar: Lpar) -> None:
    lpar.load("mfdar r20\n mfdsisr r21\n mfsrr0 r22\n b .", 0x300)
    lpar.start(
        f"""
        li      r3,H_SET_MODE
        li      r4,0
        li      r5,{DAWR0}
        li      r6,{DATA + 8:#x} - 0x10000
        clrldi  r6,r6,48
        li      r7,{WATCH}
        sc      1
        mr      r19,r3
        lwz     r8,-4(r6)       # what lies beside may be accessed
        stw     r8,8(r6)
watched: stw    r8,4(r6)
        b       .
        """,
        at=START,
    )
    lpar.memory.write(DATA + 12, b"\xee" * 4)
    lpar.partition.run(200)
    gpr = lpar.processor().gpr
    assert gpr(19) == H.SUCCESS
    assert (gpr(20), gpr(21)) == (DATA + 12, 0x0240_0000)
    assert gpr(22) == START + 4 * 10
    assert lpar.memory.read(DATA + 12, 4) == b"\xee" * 4


def test_registers_of_a_processor_that_is_started_again_are_those_of_power_on(lpar: Lpar) -> None:
    lpar.code("H_SET_MODE", 0, DAWR0, 0x2000, WATCH)
    lpar.processor().start(START, 0)
    assert registers(lpar) == {}
    assert lpar.processor().registers.msr == PRIVILEGED.replace(ME=1)
