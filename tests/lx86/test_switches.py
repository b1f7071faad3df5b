"""Jumps and calls by tables go where the tables say, whatever the index, whoever changes them."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.cpu import Access, Fault
from lx86.kept import Kept
from lx86.node import End
from lx86.options import Options, without
from lx86.storage import PAGE, READ, WRITE
from lx86.store import Store
from lx86.translating_cpu import TranslatingCpu

from . import cases, pieces, pieces64, small, small64
from .assembly import assembled

if TYPE_CHECKING:
    from pathlib import Path

    from lx86.block import Block
    from lx86.cpu import Cpu
    from lx86.storage import Storage

pytestmark = pytest.mark.skipif(
    not small.available() or not small64.available(), reason="a compiler is missing"
)
BOTH = pytest.mark.parametrize("architecture", [I386, X86_64], ids=["i386", "x86-64"])
TABLE, CODE = 0x2200_0000, 0x1100_0000
HANDLERS = [CODE + 0x40 * n for n in (1, 2, 3)]
_TEXT = """
    cmp {compared}, 2
    ja 9f
    {between}
    {jump} {pointer} ptr [{index}*{word}+{table}]
9:  mov ecx, 9
    jmp 8f
    .org 0x40
    mov ecx, 1
    {back}
    .org 0x80
    mov ecx, 2
    mov [esi], ecx
    {back}
    .org 0xc0
    mov ecx, 3
    {back}
    .org 0x100
8:  add edx, ecx
"""


@BOTH
def test_a_program_of_switches_says_what_it_says_on_the_host(architecture: Architecture) -> None:
    program = (small64 if architecture.long else small).build("switches")
    native = subprocess.run([program, "3"], capture_output=True, check=False)
    blocks: list[Block] = []
    took: list[int] = []
    options = Options(architecture)

    def make(storage: Storage) -> TranslatingCpu:
        cpu = TranslatingCpu(storage, options=options)
        cpu.translator.on_block = blocks.append
        return cpu

    def look(cpu: Cpu) -> None:
        assert isinstance(cpu, TranslatingCpu)
        took.append(cpu.machine.instructions)

    def switches() -> int:
        regions = [block.region for block in blocks if block.region]
        return sum(node.end is End.SWITCH for r in regions for node in r.nodes.values())

    for budget in (1 << 40, 997):
        outcome = small.run(make, program, "3", budget=budget, look=look)
        assert (outcome.output, outcome.ended) == (native.stdout, native.returncode)
    assert switches() >= 4
    blocks.clear()
    options = without(options, ["switch-tables"])
    assert small.run(make, program, "3", look=look).output == native.stdout
    assert not switches()
    assert took[0] < 0.98 * took[2]


def test_kept_switches_are_found_again(tmp_path: Path) -> None:
    def run() -> tuple[small.Outcome, int, int]:
        seen: list[tuple[int, int]] = []

        def make(storage: Storage) -> TranslatingCpu:
            cpu = TranslatingCpu(storage)
            cpu.translator.kept = Kept(Store(tmp_path / "k"), cpu.translator.watch, b"1")
            return cpu

        def look(cpu: Cpu) -> None:
            assert isinstance(cpu, TranslatingCpu)
            assert cpu.translator.kept
            seen.append((cpu.machine.instructions, cpu.translator.kept.counts.missing))

        return small.run(make, "switches", "3", look=look), *seen[0]

    first, instructions, missing = run()
    assert missing
    assert run() == (first, instructions, 0)


class _Ran:
    """Code by a table of three handlers, run with several indexes."""

    def __init__(
        self, architecture: Architecture, jump: str, compared: str, index: str, between: str = "",
        table: int = TABLE,
    ) -> None:  # fmt: skip
        self.long, word = architecture.long, architecture.word
        text = _TEXT.format(
            jump=jump, pointer="qword" if self.long else "dword", word=word, between=between,
            compared=compared, index=index, back="jmp 8f" if jump == "jmp" else "ret", table=table,
        )  # fmt: skip
        if jump == "call":
            text = text.replace("9:  mov", "    jmp 8f\n9:  mov")
        if self.long:
            text = text.replace("[esi]", "[rsi]")
        self.case = replace(
            (pieces64 if self.long else pieces).case(1), code=assembled(text, long=self.long)
        )
        options = Options(architecture)
        self._form = "<Q" if self.long else "<I"
        self.runner = cases.Runner(
            lambda storage: TranslatingCpu(storage, options=options), [self.case], architecture
        )
        self.storage = self.runner.storage
        self.storage.map(TABLE, 0x4000, READ)
        self.storage.load(table, b"".join(struct.pack(self._form, at) for at in HANDLERS))

    def entry(self, number: int, handler: int) -> None:
        """Have the program store an entry, to pages that it makes writable for that."""
        data = struct.pack(self._form, handler)
        at = TABLE + number * len(data)
        self.storage.protect(TABLE, 0x4000, READ | WRITE)
        self.storage.write(at, data)
        self.storage.protect(TABLE, 0x4000, READ)

    def __call__(self, index: int, place: int = cases.DATA) -> int | object:
        """ECX, by which one sees where it went."""
        registers = list(self.case.registers)
        registers[0], registers[6] = index, place
        self.case.registers[:] = registers
        done = self.runner.run(0)
        return done.registers[1] if isinstance(done, cases.Answer) else done

    def switches(self) -> int:
        cpu = self.runner.cpu
        assert isinstance(cpu, TranslatingCpu)
        return sum(bool(block.addresses) for block in cpu.cache.blocks if block.alive)


@BOTH
@pytest.mark.parametrize("jump", ["jmp", "call"])
def test_a_table_that_changes_is_followed(jump: str, architecture: Architecture) -> None:
    index = "rax" if architecture.long else "eax"
    run = _Ran(architecture, jump, "eax", index, "mov eax, eax")
    try:
        assert [run(n) for n in (0, 1, 2, 3, 0xFFFF_FFFF)] == [1, 2, 3, 9, 9]
        assert run.switches() == 1
        run.entry(1, HANDLERS[2])
        assert [run(n) for n in (0, 1, 2, 3)] == [1, 3, 3, 9]
        assert run.switches() == 1
        run.storage.protect(TABLE, 0x4000, READ | WRITE)
        assert [run(n) for n in (0, 1, 2, 3)] == [1, 3, 3, 9]
        assert run.switches() == 0
        run.storage.unmap(TABLE, 0x4000)
        run.storage.map(TABLE, 0x4000, READ)
        run.entry(0, HANDLERS[1])
        assert run(0) == 2
        run.storage.unmap(TABLE, 0x4000)
        assert run(0) == Fault(TABLE, Access.READ)
    finally:
        run.runner.close()


@BOTH
def test_a_table_that_reaches_into_a_shared_page_is_followed(architecture: Architecture) -> None:
    index, table = "rax" if architecture.long else "eax", TABLE + PAGE - 2 * architecture.word - 2
    run = _Ran(architecture, "jmp", "eax", index, "mov eax, eax", table)
    try:
        behind = bytes(run.storage.raw(TABLE + PAGE, PAGE))
        run.storage.map_shared(TABLE + PAGE, PAGE, READ)
        run.storage.raw(TABLE + PAGE, PAGE)[:] = behind
        assert [run(n) for n in (0, 1, 2)] == [1, 2, 3]
        assert run.switches() == 0
        run.storage.raw(TABLE + PAGE, 2)[:] = b"\0\x12"  # as another process would
        assert run(2) == Fault(0x1200_0000 + HANDLERS[2] % 0x1_0000, Access.EXECUTE)
    finally:
        run.runner.close()


@BOTH
@pytest.mark.parametrize("jump", ["jmp", "call"])
@pytest.mark.parametrize(
    ("compared", "between"),
    [("al", ""), ("ax", ""), ("al", "movzx eax, ax"), ("ax", "add eax, 1"), ("edi", "")],
)
def test_an_index_beyond_what_was_compared_goes_by_the_program_s_table(
    compared: str, between: str, jump: str, architecture: Architecture
) -> None:
    run = _Ran(architecture, jump, compared, "rax" if architecture.long else "eax", between)
    run.case.registers[7] = 1
    try:
        run.entry(0x102, HANDLERS[0])
        run.entry(3, HANDLERS[1])
        expected = {1: 2, 0x102: 1} if between != "add eax, 1" else {1: 3, 2: 2, 0x101: 9}
        if compared == "ax":
            expected.pop(0x102, None)
        assert {n: run(n) for n in expected} == expected
        if not architecture.long and not between and compared == "al":
            assert run(0x4000_0001) == 2  # four times that is 4
    finally:
        run.runner.close()


@BOTH
@pytest.mark.parametrize("jump", ["jmp", "call"])
def test_a_fault_behind_a_table_finds_the_registers(jump: str, architecture: Architecture) -> None:
    index = "rax" if architecture.long else "eax"
    run = _Ran(architecture, jump, "al", index, "movzx eax, al")
    try:
        assert run(1) == 2
        stack = run.case.registers[4]
        assert run(0x101, 0x44) == Fault(0x44, Access.WRITE)
        s = run.runner.cpu.state
        assert (s.eax, s.ecx, s.esi) == (1, 2, 0x44)
        assert s.eip == HANDLERS[1] + 5
        assert s.esp == stack - (architecture.word if jump == "call" else 0)
    finally:
        run.runner.close()
