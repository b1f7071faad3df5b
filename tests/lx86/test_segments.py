"""Segments of a local table, far branches, and single steps, in translated code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lx86.cpu import SystemCall, Trap, Vector
from lx86.segments import Descriptor
from lx86.storage import Storage
from lx86.translating_cpu import TranslatingCpu

from .test_exits import CODE, DATA, STACK, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA_32, CODE_32, CODE_16 = 0x51, 0x55, 0x54
"""Flags of struct user_desc: usable, limits in pages; what it contains."""
ZF = 0x40


@pytest.fixture
def program() -> Iterator[Program]:
    storage = Storage()
    cpu = TranslatingCpu(storage)
    yield Program(cpu, storage)
    cpu.close()
    storage.close()


def selector(entry: int) -> int:
    return entry << 3 | 7


def test_addresses_count_from_where_the_segment_begins(program: Program) -> None:
    state = program.cpu.state
    state.ldt[1] = Descriptor.of_user(DATA + 0x100, 0xFFFFF, DATA_32)
    program.storage.write(DATA + 0x100, bytes(range(16)))
    # mov eax, 0fh; mov ds, ax; mov es, ax; mov ecx, [4]; lea edx, [ecx+1]; mov ebx, [ebp-4]
    # mov esi, 2; mov edi, 8; mov ecx, 3; rep movsb; mov eax, [8]; int 80h
    found = program.run(
        "b80f000000 8ed8 8ec0 8b0d04000000 8d5101 89cd"
        "be02000000 bf08000000 b903000000 f3a4 a108000000 cd80"
    )
    assert found == SystemCall()
    assert (state.ebp, state.edx) == (0x07060504, 0x07060505)
    assert state.eax == 0x0B040302
    assert (state.ecx, state.esi, state.edi) == (0, 5, 11)


def test_code_of_16_bits_counts_eip_from_where_its_segment_begins(program: Program) -> None:
    state = program.cpu.state
    state.ldt[2] = Descriptor.of_user(CODE + 0x20, 0xFFF, CODE_16)
    # lcall 17h:0; int 80h   ...   mov ax, 1234h; call f; data32 lret; f: mov bx, ax; ret
    first = bytes.fromhex("31c0 31db 9a000000001700 cd80").ljust(0x20, b"\x90")
    found = program.run((first + bytes.fromhex("b83412 e80200 66cb 89c3 c3")).hex())
    assert found == SystemCall()
    assert (state.eax, state.ebx, state.esp, state.cs) == (0x1234, 0x1234, STACK, 0x23)


@pytest.mark.parametrize("code", ["ff2d00000508", "9affff0000 0f00", "cb", "cf"])
def test_a_branch_to_what_is_no_code_traps_with_the_selector(program: Program, code: str) -> None:
    state = program.cpu.state
    state.ldt[1] = Descriptor.of_user(0, 0xFFFFF, DATA_32)
    program.storage.write(DATA, CODE.to_bytes(4, "little") + b"\x0f\0")
    program.storage.write(STACK - 16, CODE.to_bytes(4, "little") + b"\x0f\0")
    state.esp = STACK - 16
    assert program.run(code) == Trap(Vector.GENERAL_PROTECTION, 0x0C)
    assert (state.eip, state.esp) == (CODE, STACK - 16)


def test_a_segment_that_is_not_present_traps_as_such(program: Program) -> None:
    program.cpu.state.ldt[1] = Descriptor.of_user(DATA, 0xFFFFF, DATA_32 | 0x20)
    code = "b80f000000 8ed8"
    assert program.run(code) == Trap(Vector.SEGMENT_NOT_PRESENT, 0x0C)
    assert program.run("b80f000000 8ed0") == Trap(Vector.STACK, 0x0C)
    assert program.run("b817000000 8ee0") == Trap(Vector.GENERAL_PROTECTION, 0x14)
    assert program.run("31c0 8ed0") == Trap(Vector.GENERAL_PROTECTION, 0)


def test_questions_about_segments_answer_in_zf_alone(program: Program) -> None:
    state = program.cpu.state
    state.ldt[1] = Descriptor.of_user(DATA, 0x1, DATA_32)
    # mov ecx, 0fh; stc; lar eax, ecx; lsl edx, ecx; setc bl; verw cx; sete bh; int 80h
    code = "31db b90f000000 f9 0f02c1 0f03d1 0f92c3 0f00e9 0f94c7 cd80"
    assert program.run(code) == SystemCall()
    assert (state.eax, state.edx, state.ebx) == (0x00D0F300, 0x1FFF, 0x0101)
    assert program.run(code.replace("b90f", "b917")) == SystemCall()
    assert state.ebx == 1
    assert not state.eflags & ZF


def test_a_set_trap_flag_traps_behind_each_instruction_and_each_element(program: Program) -> None:
    state = program.cpu.state
    # push 302h; popf; mov ecx, 2; mov esi, edi; rep lodsb; mov ss, [..]; inc eax; jmp $
    state.edi = DATA
    program.storage.write(DATA + 16, b"\x2b\0")
    found = [program.run("6802030000 9d b902000000 89fe f3ac 8e1510000508 40 ebfe")]
    places = [state.eip - CODE]
    for _ in range(6):
        found.append(program.cpu.run(1000))
        places.append(state.eip - CODE)
    assert found == [Trap(Vector.DEBUG)] * 7
    assert places == [11, 13, 13, 15, 22, 22, 22]
    assert state.esi == DATA + 2


@pytest.mark.parametrize(
    ("code", "trap"),
    [
        ("cd03", Trap(Vector.BREAKPOINT)),
        ("cd04", Trap(Vector.OVERFLOW)),
        ("cd05", Trap(Vector.GENERAL_PROTECTION, 0x2A)),
        ("cdfd", Trap(Vector.GENERAL_PROTECTION, 0x7EA)),
    ],
)
def test_a_software_interrupt_traps_as_its_gate_lets_it(
    program: Program, code: str, trap: Trap
) -> None:
    assert program.run(code) == trap
