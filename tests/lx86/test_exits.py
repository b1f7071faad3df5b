"""Why an x86 processor comes back, and what its state is then."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lx86.cpu import Access, Exit, Fault, FloatingState, Preempted, SystemCall, Trap, Vector
from lx86.machine import Called
from lx86.options import Options
from lx86.segments import Descriptor
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lx86.cpu import Cpu

CODE, DATA = 0x0804_8000, 0x0805_0000
STACK = DATA + PAGE


class Program:
    """Some instructions of a program, alone in its storage."""

    def __init__(self, cpu: Cpu, storage: Storage) -> None:
        self.cpu, self.storage = cpu, storage
        storage.map(CODE, PAGE, READ | EXECUTE)
        storage.map(DATA, PAGE, READ | WRITE)
        cpu.state.esp = STACK

    def run(self, code: str, budget: int = 1000) -> Exit:
        """Run the bytes given in hexadecimal, from the beginning of the code's page."""
        self.storage.load(CODE, bytes.fromhex(code))
        self.cpu.state.eip = CODE
        return self.cpu.run(budget)


@pytest.fixture(params=[UnicornCpu, TranslatingCpu])
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    storage = Storage()
    cpu = request.param(storage)
    yield Program(cpu, storage)
    cpu.close()
    storage.close()


TRAPS = {
    "div ecx by 0": ("90 31c9 f7f1", Vector.DIVIDE_ERROR, 3),
    "int3": ("90 cc 90", Vector.BREAKPOINT, 2),
    "into": ("b07f 0401 ce 90", Vector.OVERFLOW, 5),
    "ud2": ("90 0f0b", Vector.INVALID_OPCODE, 1),
    "lock inc eax": ("90 f040", Vector.INVALID_OPCODE, 1),
    "sysenter": ("90 0f34 90", Vector.INVALID_OPCODE, 1),
    "hlt": ("90 f4", Vector.GENERAL_PROTECTION, 1),
    "cli": ("90 fa", Vector.GENERAL_PROTECTION, 1),
    "in al, dx": ("90 ec", Vector.GENERAL_PROTECTION, 1),
    "out 80h, al": ("90 e680", Vector.GENERAL_PROTECTION, 1),
    "int 81h": ("90 cd81", Vector.GENERAL_PROTECTION, 1),
    "rdmsr": ("90 0f32", Vector.GENERAL_PROTECTION, 1),
    "mov gs, an empty entry": ("b863000000 8ee8", Vector.GENERAL_PROTECTION, 5),
    "jmp far to 64-bit code": ("90 ea108004083300", Vector.GENERAL_PROTECTION, 1),
}


@pytest.mark.parametrize("name", TRAPS)
def test_an_instruction_traps_with_its_vector_and_the_next_one_does_so_too(
    program: Program, name: str
) -> None:
    code, vector, at = TRAPS[name]
    for _ in range(3):
        found = program.run(code)
        assert isinstance(found, Trap)
        assert found.vector == vector
        assert program.cpu.state.eip == CODE + at


def test_a_system_call_leaves_the_program_behind_it(program: Program) -> None:
    assert program.run("b804000000 cd80 b805000000 cd80") == SystemCall()
    assert (program.cpu.state.eip, program.cpu.state.eax) == (CODE + 7, 4)
    program.cpu.state.ebx = 77
    assert program.cpu.run(10) == SystemCall()
    assert (program.cpu.state.eax, program.cpu.state.ebx) == (5, 77)


def test_a_fault_names_the_byte_and_leaves_everything_as_it_was(program: Program) -> None:
    assert program.run("9090 a100000030") == Fault(0x3000_0000, Access.READ)
    assert program.cpu.state.eip == CODE + 2
    assert program.run("50 a3fe0f0508") == Fault(STACK, Access.WRITE)
    assert (program.cpu.state.eip, program.cpu.state.esp) == (CODE + 1, STACK - 4)
    assert program.storage.read(STACK - 2, 2) == b"\0\0"
    assert program.run("31c0 ffe0") == Fault(0, Access.EXECUTE)
    assert program.cpu.state.eip == 0
    assert program.run("b800000508 ffe0") == Fault(DATA, Access.EXECUTE)
    assert program.run("a200800408") == Fault(CODE, Access.WRITE)


def test_a_call_returns_without_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        closing(Storage()) as storage,
        closing(TranslatingCpu(storage, options=Options(inline_calls=False))) as cpu,
    ):
        program, run, runs = Program(cpu, storage), cpu.machine.run, []

        def count(address: int, budget: int) -> object:
            runs.append(why := run(address, budget))
            return why

        monkeypatch.setattr(cpu.machine, "run", count)
        assert program.run("e802000000 cd80 c3") == SystemCall()  # call the RET behind INT 80h
        assert [type(why) for why in runs] == [Called]  # by INT


def test_a_branch_by_a_register_goes_to_its_own_address_and_no_other(program: Program) -> None:
    """Addresses 128 MiB apart are easily taken for each other: they share a slot."""
    near, far = CODE + 0x800, CODE + 0x800 + (1 << 27)

    def visit(*places: int) -> int:
        code = b""
        for place in places:  # mov ecx, place; mov edx, behind; jmp ecx
            back = CODE + len(code) + 12
            code += b"\xb9" + place.to_bytes(4, "little") + b"\xba" + back.to_bytes(4, "little")
            code += b"\xff\xe1"
        program.storage.load(near, bytes.fromhex("40 ffe2"))  # inc eax; jmp edx
        program.cpu.state.eax = 0
        assert program.run(code.hex() + "cd80") == SystemCall()
        return program.cpu.state.eax

    assert visit(near, near, near) == 3
    program.storage.map(far & -PAGE, PAGE, READ | EXECUTE)
    program.storage.load(far, bytes.fromhex("83c010 ffe2"))  # add eax, 16; jmp edx
    assert visit(near, far, near, far, far) == 0x32
    program.storage.unmap(near + (1 << 27) & -PAGE, PAGE)
    assert visit(near, near) == 2


def test_a_budget_ends(program: Program) -> None:
    assert program.run("40 ebfd", budget=1000) == Preempted()
    assert program.cpu.state.eax > 0


def test_gs_has_the_base_of_its_entry(program: Program) -> None:
    program.cpu.state.tls[0] = Descriptor.of_user(DATA, 0xFFFFF, 0x51)
    program.storage.write_word(DATA + 8, 0x1234_5678)
    assert program.run("b863000000 8ee8 65a108000000 cd80") == SystemCall()
    assert (program.cpu.state.eax, program.cpu.state.gs) == (0x1234_5678, 0x63)
    assert program.cpu.state.gs_base == DATA


def test_pages_come_and_go_under_the_processor(program: Program) -> None:
    code = "a100004030 cd80"
    for value in (5, 6):
        program.storage.map(0x3040_0000, PAGE, READ | WRITE)
        program.storage.write_word(0x3040_0000, value)
        assert program.run(code) == SystemCall()
        assert program.cpu.state.eax == value
        program.storage.unmap(0x3040_0000, PAGE)
        assert program.run(code) == Fault(0x3040_0000, Access.READ)


def test_code_that_is_mapped_anew_or_written_by_system_calls_runs_as_it_is(
    program: Program,
) -> None:
    assert program.run("b801000000 cd80") == SystemCall()
    program.storage.load(CODE + 1, b"\2")
    program.cpu.state.eip = CODE
    assert program.cpu.run(10) == SystemCall()
    assert program.cpu.state.eax == 2
    program.storage.map(CODE, PAGE, READ | EXECUTE)
    assert program.run("b803000000 cd80") == SystemCall()
    assert program.cpu.state.eax == 3


def test_floating_state_is_what_was_set_even_after_a_trap(program: Program) -> None:
    state = FloatingState(
        control=0x027F, status=0x3800, tags=0x3FFF, mxcsr=0x1FA0,
        registers=[0] * 7 + [0x3FFF_8000_0000_0000_0000], xmm=[n << 64 | 7 for n in range(8)],
    )  # fmt: skip
    program.cpu.set_floating(state)
    assert program.run("0f0b") == Trap(Vector.INVALID_OPCODE)
    found = program.cpu.floating()
    assert dataclasses.replace(found, xmm=found.xmm[:8]) == state
    # fld1; faddp; fistp dword [DATA]
    assert program.run("d9e8 dec1 db1d00000508 cd80") == SystemCall()
    assert program.storage.read_word(DATA) == 2


def test_cpuid_shows_the_features_of_lx86(program: Program) -> None:
    assert program.run("31c0 0fa2 cd80") == SystemCall()
    state = program.cpu.state
    words = (state.ebx, state.edx, state.ecx)
    assert b"".join(word.to_bytes(4, "little") for word in words) == b"GenuineIntel"


@pytest.mark.parametrize(
    ("code", "taken", "ecx"),
    [
        ("b900000100 67e301 f4", True, 0x10000),  # jcxz
        ("b901000100 67e301 f4", False, 0x10001),
        ("b900000100 e301 f4", False, 0x10000),  # jecxz
        ("b900000100 67e201 f4", True, 0x1FFFF),  # loopw
        ("b901000100 67e201 f4", False, 0x10000),
        ("31c0 b902000100 67e101 f4", True, 0x10001),  # loopew
        ("31c0 b902000100 67e001 f4", False, 0x10001),  # loopnew
    ],
)
def test_with_addresses_of_16_bits_cx_counts(
    program: Program, code: str, taken: bool, ecx: int
) -> None:
    found = program.run(code + "cd80")
    assert found == (SystemCall() if taken else Trap(Vector.GENERAL_PROTECTION))
    assert program.cpu.state.ecx == ecx


@pytest.mark.slow
def test_a_translated_program_may_run_longer_than_the_decrementer_counts() -> None:
    storage = Storage()
    program = Program(TranslatingCpu(storage), storage)
    found = program.run("b900000030 e2fe cd80", budget=1 << 40)  # LOOP to itself
    counted = program.cpu.machine.instructions  # type: ignore[attr-defined]
    program.cpu.close()
    storage.close()
    assert found == SystemCall()
    assert counted > 1 << 31
