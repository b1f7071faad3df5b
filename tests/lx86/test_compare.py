"""Translated code beside Unicorn's x86: equal where it is right, and told where it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from lx86.compare.cpu import Compared, ComparingCpu
from lx86.cpu import Access, EngineFailure, Fault, SystemCall
from lx86.options import Options
from lx86.spaces import SPACE_32, SPACE_64_TWICE
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage

from . import small, small64
from .fpu import test_programs as floats

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.block import Block
    from lx86.cpu import Exit

CODE, DATA = 0x0804_8000, 0x0805_0000
# mov eax, [ebx+16]; add eax, 5; cmp eax, ecx; jb over; mov [ebx], eax; over: int 80h; hlt
PIECE = bytes.fromhex("8b4310 83c005 39c8 7202 8903 cd80 f4")


@dataclass
class Run:
    """How a piece of code ended, and what was reported."""

    ended: Exit | None = None
    texts: list[str] = field(default_factory=list)


def run(
    code: bytes,
    plant: Callable[[ComparingCpu, Block], None] | None = None,
    options: Options | None = None,
) -> Run:
    """`plant` may spoil each block that is translated."""
    options = options or Options()
    storage, outcome = Storage(SPACE_64_TWICE if options.architecture.long else SPACE_32), Run()
    cpu = ComparingCpu(storage, outcome.texts.append, options)
    if plant:
        cpu.translated.translator.on_block = lambda block: plant(cpu, block)
    try:
        storage.map(CODE, PAGE, READ | EXECUTE)
        storage.map(DATA, PAGE, READ | WRITE)
        storage.load(CODE, code)
        cpu.state.eip, cpu.state.ebx = CODE, DATA
        outcome.ended = cpu.run(100_000)
    finally:
        cpu.close()
        storage.close()
    return outcome


def put(word: int, instead: int, most: int = 9) -> Callable[[ComparingCpu, Block], None]:
    """One POWER instruction for another, in so many places at most."""

    def plant(cpu: ComparingCpu, block: Block) -> None:
        words = [block.code[n : n + 4] for n in range(0, len(block.code), 4)]
        found = [n for n, code in enumerate(words) if code == word.to_bytes(4, "little")]
        for n in found[:most]:
            code = instead.to_bytes(4, "little")
            cpu.translated.machine.write_code(block.address + 4 * n, code)

    return plant


def test_right_code_gives_nothing_to_report() -> None:
    assert run(PIECE) == Run(SystemCall())


ADDI, STW, NOP = 0x39CE_0005, 0x91D1_0000, 0x6000_0000  # addi r14, r14, 5; stw r14, 0(r17)


def test_a_wrong_register_is_told_with_the_code_and_both_states() -> None:
    outcome = run(PIECE, put(ADDI, ADDI + 1))
    assert isinstance(outcome.ended, EngineFailure)
    (text,) = outcome.texts
    assert text.startswith("Translated code and Unicorn's x86 differ at 0x804800a, equal last at 0")
    assert "  08048003  add eax, 0x5\n" in text
    assert "  addi r14, r14, 5    ; 0x8048006\n" in text
    assert "eax           00000000    00000006    00000005  <\n" in text


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        (STW, STW + 4),  # elsewhere
        (STW, NOP),  # not at all
        (0x7C8E_7840, 0x7C8F_7040),  # cmplw cr1, r15, r14: over it
    ],
)
def test_a_store_that_is_not_made_is_told(word: int, instead: int) -> None:
    outcome = run(PIECE, put(word, instead))
    assert isinstance(outcome.ended, EngineFailure)
    assert ": [0x8050000] 00000000 00000005\n" in outcome.texts[0]


def test_a_store_that_nobody_asked_for_is_told_at_the_next_system_call() -> None:
    # add eax, 5; mov [ebx], eax; mov [ebx], eax; int 80h: the first one to [ebx+8]
    outcome = run(bytes.fromhex("83c005 8903 8903 cd80"), put(STW, STW + 8, most=1))
    assert isinstance(outcome.ended, EngineFailure)
    rows = "05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 translated, 00 00 00 00"
    assert f": storage at 0x8050008, some time ago: {rows}" in outcome.texts[0]


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        # mov al, 127; inc al; fld1; fldz; fucomip st1; seto cl; int 80h
        ("b07f fec0 d9e8 d9ee dfe9 0f90c1 cd80", SystemCall()),
        # the same with fcomi
        ("b07f fec0 d9e8 d9ee dbf1 0f90c1 cd80", SystemCall()),
        ("89d8 ffe0", Fault(DATA, Access.EXECUTE)),  # mov eax, ebx; jmp eax
        # lea eax, [ebx+4095]; fnstcw [eax]
        ("8d83ff0f0000 d938", Fault(DATA + PAGE, Access.WRITE)),
        # lea esp, [ebx+8]; enter 16, 0: its frame is storage, what is below is none
        ("8d6308 c8100000", Fault(DATA - 12, Access.WRITE)),
    ],
)  # fmt: skip
def test_what_unicorns_x86_does_otherwise_than_a_processor_is_no_difference(
    code: str, ended: Exit
) -> None:
    assert run(bytes.fromhex(code)) == Run(ended)


@pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")
@pytest.mark.parametrize("name", ["vm", "sha256"])
def test_a_program_is_compared_to_its_end(name: str) -> None:
    found: list[str] = []
    outcome = small.run(lambda storage: ComparingCpu(storage, found.append), name, "1")
    assert found == []
    assert outcome.ended == 0


def _long(found: list[str], storage: Storage) -> ComparingCpu:
    return ComparingCpu(storage, found.append, small64.options())


@pytest.mark.skipif(not small64.available(), reason=f"{small64.COMPILER} is not there")
@pytest.mark.parametrize("name", ["vm", "sha256", "i64"])
def test_a_64_bit_program_is_compared_to_its_end(name: str) -> None:
    found: list[str] = []
    compared: list[Compared] = []
    outcome = small.run(
        lambda its: _long(found, its), small64.build(name), "1",
        look=lambda cpu: compared.append(cast("ComparingCpu", cpu).compared),
    )  # fmt: skip
    assert found == []
    assert outcome.ended == 0
    assert compared[0].instructions > 8_000
    assert compared[0].places > 800


def test_what_fxsave_stores_where_unicorn_leaves_gaps_is_no_difference() -> None:
    # or rax, -1; mov [rbx+40], rax; test rcx, rcx; je next; next: fxsave [rbx]; syscall
    code = bytes.fromhex("4883c8ff 48894328 4885c9 7400 0fae03 0f05")
    assert run(code, options=small64.options()) == Run(SystemCall())


def test_a_wrong_register_of_64_bits_is_told_with_all_of_them() -> None:
    # rdtsc; add r9, rbx; syscall
    code, add = bytes.fromhex("0f31 4901d9 0f05"), 0x7EF7_8A14  # add r23, r23, r17
    assert run(code, options=small64.options()) == Run(SystemCall())
    outcome = run(code, put(add, NOP), small64.options())
    assert isinstance(outcome.ended, EngineFailure)
    (text,) = outcome.texts
    row = (f"    {value:016x}" for value in (0, 0, DATA))
    assert f"r9        {''.join(row)}  <\n" in text


@pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")
@pytest.mark.parametrize("variant", ["x87", "sse fast"])
def test_so_is_a_matrix_product(variant: str) -> None:
    found: list[str] = []
    storage = Storage()
    cpu = ComparingCpu(storage, found.append)
    try:
        outcome = floats.run(cpu, storage, floats.build("mat", variant), "1")
    finally:
        cpu.close()
        storage.close()
    assert found == []
    assert outcome.ended == 0
    assert cpu.compared.instructions > 25_000
