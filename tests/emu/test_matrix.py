"""The Matrix-Multiply Assist, beside what QEMU can be asked (Power ISA v3.1, I 7.6.1.14)."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from emu.isa_level import IsaLevel
from emu.state import plain, rebuild
from tests.emu.machine import REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emu.bits import MSR
    from emu.engine import InterruptTaken

HERE = 0x4000
FACILITIES = REAL.replace(FP=1, VEC=1, VSX=1)
PRECISE = FACILITIES.replace(FE0=1, FE1=1)
ILLEGAL, FLOATING, PREFIXED = 0x80000, 0x100000, 0x2000_0000
OWN_BITS = 0x783F_0000
FX, VX, OX, VXIMZ, VXISI, UX, XX = (
    *(1 << 31, 1 << 29, 1 << 28, 1 << 20, 1 << 23),
    *(1 << 27, 1 << 25),
)
VE, OE = 0x80, 0x40


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        machine.engine.set_isa_level(IsaLevel.V3_1)
        for vector in range(0x700, 0x1000, 0x20):
            machine.load("sc 1", vector)
        yield machine


def singles(*numbers: float) -> int:
    return int.from_bytes(struct.pack(">4f", *numbers), "big")


def row(cpu: Bare, n: int) -> tuple[float, ...]:
    return struct.unpack(">4f", cpu.registers.vsr(n).to_bytes(16, "big"))


def interrupts(cpu: Bare, source: str, msr: MSR = FACILITIES) -> list[InterruptTaken]:
    taken: list[InterruptTaken] = []
    cpu.engine.observe_interrupts(taken.append)
    cpu.run(f"{source}\n sc 1", msr, at=HERE)
    return taken


def test_an_outer_product_is_added_to_an_accumulator(cpu: Bare) -> None:
    cpu.registers.set_vsr(40, singles(1, 2, 3, 4))
    cpu.registers.set_vsr(41, singles(10, 20, 30, 40))
    source = "xxsetaccz a1\n xvf32gerpp a1,vs40,vs41\n xvf32gerpp a1,vs40,vs41\n xxmfacc a1\n sc 1"
    cpu.run(source, FACILITIES)
    assert [row(cpu, 4 + n) for n in range(4)] == [
        tuple(2 * (n + 1) * column for column in (10, 20, 30, 40)) for n in range(4)
    ]


def test_what_a_mask_leaves_out_is_0(cpu: Bare) -> None:
    cpu.registers.set_vsr(40, singles(1, 2, 3, 4))
    for n in range(4):
        cpu.registers.set_vsr(n, singles(5, 5, 5, 5))
    cpu.run("pmxvf32gerpp a0,vs40,vs40,0b0110,0b1001\n sc 1", FACILITIES)
    assert [row(cpu, n) for n in range(4)] == [
        (0, 0, 0, 0), (7, 0, 0, 13), (8, 0, 0, 17), (0, 0, 0, 0),
    ]  # fmt: skip


def test_an_accumulator_is_saved_with_the_registers_it_stands_for(cpu: Bare) -> None:
    cpu.registers.set_vsr(40, singles(1, 2, 3, 4))
    cpu.run("xxmtacc a3\n xvf32ger a3,vs40,vs40\n sc 1", FACILITIES)
    state = cpu.engine.state()
    with bare() as other:
        other.engine.set_isa_level(IsaLevel.V3_1)
        other.engine.restore(rebuild(type(state), json.loads(json.dumps(plain(state)))))
        other.run("xvf32gerpp a3,vs40,vs40\n xxmfacc a3\n sc 1", FACILITIES)
        assert row(other, 15) == (8, 16, 24, 32)


@pytest.mark.parametrize(
    "source",
    [
        "xvf32ger a1,vs4,vs40",
        "xvf32ger a1,vs40,vs7",
        ".long 0xec890000 | 59 << 3",  # xvf64ger of an odd pair
        ".long 0x7c020162",  # between xxmtacc and xxsetaccz
    ],
)
def test_invalid_forms_are_illegal(cpu: Bare, source: str) -> None:
    (taken,) = interrupts(cpu, source)
    assert (taken.vector, taken.srr0, taken.srr1 & OWN_BITS) == (0x700, HERE, ILLEGAL)


@pytest.mark.parametrize("source", ["xvf32ger a1,vs40,vs41", "xxsetaccz a1", "xvi8ger4 a0,vs8,vs9"])
def test_it_asks_for_vsx_and_for_isa_3_1(cpu: Bare, source: str) -> None:
    (taken,) = interrupts(cpu, source, FACILITIES.replace(VSX=0))
    assert (taken.vector, taken.srr0) == (0xF40, HERE)
    cpu.engine.set_isa_level(IsaLevel.V3_0)
    (taken,) = interrupts(cpu, source)
    assert (taken.vector, taken.srr0, taken.srr1 & OWN_BITS) == (0x700, HERE, ILLEGAL)


@pytest.mark.parametrize("prefix", [False, True])
def test_an_enabled_exception_interrupts_when_all_is_done(cpu: Bare, prefix: bool) -> None:
    infinity = float("inf")
    cpu.registers.set_vsr(40, singles(0, 1, 2, 3))
    cpu.registers.set_vsr(41, singles(infinity, 1, 2, 3))
    cpu.registers.fpscr = VE
    text = "pmxvf32ger a1,vs40,vs41,15,15" if prefix else "xvf32ger a1,vs40,vs41"
    (taken,) = interrupts(cpu, text, PRECISE)
    assert (taken.vector, taken.srr0) == (0x700, HERE)
    assert taken.srr1 & OWN_BITS == FLOATING | (PREFIXED if prefix else 0)
    assert row(cpu, 7) == (infinity, 3, 6, 9)
    assert row(cpu, 4)[1:] == (0, 0, 0)
    assert cpu.registers.fpscr & (FX | VX | VXIMZ | VXISI) == FX | VX | VXIMZ


def test_exceptions_of_all_elements_add_up(cpu: Bare) -> None:
    cpu.registers.set_vsr(40, singles(1e30, 1e-30, 1, 1))
    cpu.registers.fpscr = OE
    assert interrupts(cpu, "xvf32ger a1,vs40,vs40", FACILITIES) == []
    assert row(cpu, 4)[:2] == (float("inf"), pytest.approx(1))
    assert cpu.registers.fpscr & (FX | OX | UX | XX | VX) == FX | OX | UX | XX
