"""Floating point rounds once, and FPSCR says what happened (Power ISA I 4.4, 7.4)."""

from __future__ import annotations

import pytest

from emu.bits import MSR

from .machine import Bare, bare

FLOATING = MSR(0).replace(SF=1, FP=1, VSX=1)
INTERRUPTING = FLOATING.replace(FE0=1, FE1=1)
CODE, DATA = 0x4000, 0x8000
OX, UX, ZX, XX, FR, FI = 1 << 28, 1 << 27, 1 << 26, 1 << 25, 1 << 18, 1 << 17
VE, OE, UE, ZE = 24, 25, 26, 27
"""Bits of FPSCR that enable, as mtfsb1 counts them."""
PROGRAM, FP_ENABLED = 0x700, 0x100000


def power(exponent: int) -> int:
    """Of two, as a double."""
    return exponent + 1023 << 52


def compute(
    machine: Bare, body: str, *operands: int, enabled: int | None = None, msr: MSR = FLOATING
) -> tuple[int, int]:
    """f4 and FPSCR behind an instruction, with the operands in f1, f2, f3."""
    for n, operand in enumerate(operands):
        machine.memory.write_u64(DATA + 8 * n, operand)
    loads = "".join(f" lfd f{n + 1}, {8 * n}(r4)\n" for n in range(len(operands)))
    enable = "" if enabled is None else f" mtfsb1 {enabled}\n"
    source = f"_start: xxlxor 4,4,4\n mtfsf 255,f4\n{loads}{enable} {body}\n sc 1"
    registers = machine.run(source, msr, at=CODE, r4=DATA)
    return registers.vsr(4) >> 64, registers.fpscr


@pytest.mark.parametrize(
    ("addend", "result", "rounded_up"),
    [(power(-60), 0x3FF0_0000_2000_0000, FR), (power(-60) | 1 << 63, power(0), 0)],
)
def test_a_single_multiply_add_is_rounded_once(addend: int, result: int, rounded_up: int) -> None:
    """1 + 2^-24 lies halfway between two singles; what is added decides."""
    with bare() as machine:
        halfway = 0x3FF0_0000_1000_0000
        operands = (halfway, power(0), addend)
        assert compute(machine, "fmadds f4,f1,f2,f3", *operands)[0] == result
        assert compute(machine, "fmadds f4,f1,f2,f3", *operands)[1] & (FR | FI) == rounded_up | FI


def test_fr_says_that_the_magnitude_was_rounded_up() -> None:
    with bare() as machine:
        three, five = 0x4008_0000_0000_0000, 0x4014_0000_0000_0000
        third = compute(machine, "fdiv f4,f1,f2", power(0), three)[1]
        fifth = compute(machine, "fdiv f4,f1,f2", power(0), five)[1]
        exact = compute(machine, "fdiv f4,f1,f2", power(1), power(0))[1]
        assert [fpscr & (FR | FI) for fpscr in (third, fifth, exact)] == [FI, FI | FR, 0]
        assert not exact & XX


def test_an_overflow_that_is_to_interrupt_gives_the_result_scaled_down() -> None:
    with bare() as machine:
        result, fpscr = compute(machine, "fmul f4,f1,f2", power(1000), power(500), enabled=OE)
        assert result == power(1500 - 1536)
        assert fpscr & (OX | XX) == OX


def test_an_underflow_that_is_to_interrupt_gives_the_result_scaled_up() -> None:
    with bare() as machine:
        result, fpscr = compute(machine, "fmul f4,f1,f2", power(-1000), power(-500), enabled=UE)
        assert result == power(-1500 + 1536)
        assert fpscr & (UX | XX) == UX


def test_an_exact_denormal_result_is_no_underflow_unless_it_is_to_interrupt() -> None:
    with bare() as machine:
        result, fpscr = compute(machine, "fmul f4,f1,f2", power(-1000), power(-50))
        assert (result, fpscr & UX) == (1 << 1074 - 1050, 0)


def test_an_enabled_exception_interrupts_at_its_instruction() -> None:
    with bare() as machine:
        machine.load(" sc 1", at=PROGRAM)
        compute(machine, "fmul f4,f1,f2", power(1000), power(500), enabled=OE, msr=INTERRUPTING)
        assert machine.registers.spr("srr0") == CODE + 4 * 5
        assert machine.registers.spr("srr1") & FP_ENABLED


def test_an_enabled_invalid_operation_leaves_the_target() -> None:
    with bare() as machine:
        result, fpscr = compute(machine, "fsqrt f4,f1", power(3) | 1 << 63, enabled=VE)
        assert (result, fpscr & (FR | FI)) == (0, 0)
        assert compute(machine, "fsqrt f4,f1", power(3) | 1 << 63)[0] == 0x7FF8_0000_0000_0000


def test_a_vector_of_which_an_element_is_to_interrupt_is_not_written() -> None:
    with bare() as machine:
        body = "xxmrghd 1,1,2\n xxmrghd 3,3,3\n xvdivdp 4,1,3"
        operands = (power(0), 0, 0)
        assert compute(machine, body, *operands)[0] == 0x7FF0_0000_0000_0000
        result, fpscr = compute(machine, body, *operands, enabled=ZE)
        assert (result, fpscr & ZX) == (0, ZX)


@pytest.mark.parametrize(
    ("instruction", "result"),
    [
        ("xsmaddqp", (0x4001_4000 << 96)),
        ("xsmsubqp", (0x4000_0000 << 96)),
        ("xsnmaddqp", (0xC001_4000 << 96)),
        ("xsnmsubqp", (0xC000_0000 << 96)),
    ],
)
def test_quad_multiply_add_computes_t_of_a_times_b_and_t(instruction: str, result: int) -> None:
    """3.5 times 1, and 1.5: 5, and 2."""
    with bare() as machine:
        for n, high in ((32, 0x3FFF_8000), (33, 0x4000_C000), (34, 0x3FFF_0000)):
            machine.registers.set_vsr(n, high << 96)
        registers = machine.run(f"_start: {instruction} v0,v1,v2\n sc 1", FLOATING)
        assert registers.vsr(32) == result


def test_quad_multiply_add_rounds_to_odd_where_it_is_told_to() -> None:
    with bare() as machine:
        for n, value in ((32, 0x3F00_0000 << 96), (33, 0x3FFF_0000 << 96), (34, 0x3FFF_0000 << 96)):
            machine.registers.set_vsr(n, value)
        registers = machine.run("_start: xsmaddqpo v0,v1,v2\n sc 1", FLOATING)
        assert registers.vsr(32) == 0x3FFF_0000 << 96 | 1
