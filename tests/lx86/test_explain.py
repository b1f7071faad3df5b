"""What `explain` tells of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lx86.cpu import SystemCall
from lx86.explain import explain
from lx86.options import Options
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.study.forms import Stage
from lx86.study.profile import Profile
from lx86.translating_cpu import TranslatingCpu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lx86.block import Block

CODE, DATA = 0x0804_8000, 0x0805_0000
# mov eax, [ebx+16]; add eax, 5; cmp eax, ecx; jb over; mov [ebx], eax; over: int 80h; hlt
PIECE = bytes.fromhex("8b4310 83c005 39c8 7202 8903 cd80 f4")

EXPECTED = """\
Block 0x8048000: 7 x86 instructions, 7 of POWER at 0xfe000000 (1.00 for one)

  0x8048000 (entry):
      mov eax, dword [ebx+0x10]
      add eax, 0x5
      cmp eax, ecx                             C
      jb 0x804800c
      -> branch 0x804800c 0x804800a
  0x804800a:
      mov dword [ebx], eax
      -> goto 0x804800c
  0x804800c:
      int 0x80
      -> leave
  0x804800e (entry):
      hlt
      -> leave

  0x8048000: (entry)
  0x8048000  mov eax, dword [ebx+0x10]
      fe000000  lwz r14, 0x10(r17)
  0x8048003  add eax, 0x5
  0x8048006  cmp eax, ecx
      fe000004  addi r14, r14, 5
      fe000008  cmplw cr1, r14, r15
  0x8048008  jb 0x804800c
      fe00000c  blt cr1, 0xfe000014
  0x804800a  mov dword [ebx], eax
      fe000010  stw r14, 0(r17)
  0x804800c  int 0x80
      fe000014  sc 1    ; system call
  0x804800e: (entry)
  0x804800e  hlt
      fe000018  sc 1    ; general protection
"""


COUNTED = """\
Block 0x8048000 (main): 7 x86 instructions, 7 of POWER at 0xfe000000 (1.00 for one)
Executed 1 times: 6 x86 instructions, 6 of POWER (1.00 for one)
  0x8048000 (entry): 1 times, 4 of POWER
  0x804800a: 1 times, 1 of POWER
  0x804800c: 1 times, 1 of POWER
  0x804800e (entry): 0 times, 0 of POWER

"""


@pytest.fixture
def cpu() -> Iterator[TranslatingCpu]:
    storage = Storage()
    cpu = TranslatingCpu(storage, options=Options(marked=True))
    storage.map(CODE, PAGE, READ | EXECUTE)
    storage.map(DATA, PAGE, READ | WRITE)
    storage.load(CODE, PIECE)
    cpu.state.eip, cpu.state.ebx = CODE, DATA
    yield cpu
    cpu.close()
    storage.close()


def test_a_block_is_shown_as_region_and_with_each_instruction_above_its_code(
    cpu: TranslatingCpu,
) -> None:
    blocks: list[Block] = []
    cpu.translator.on_block = blocks.append
    assert cpu.run(1000) == SystemCall()
    assert explain(blocks[0]) == EXPECTED
    assert cpu.cache.counts.seconds > 0


def test_what_was_executed_of_it_is_shown_with_it(cpu: TranslatingCpu) -> None:
    profile = Profile(cpu)
    shown = []
    profile.on_counted = lambda block, counts: shown.append(explain(block, "main", (), counts))
    assert cpu.run(1000) == SystemCall()
    profile.finish()
    assert shown == [COUNTED + EXPECTED.partition("\n\n")[2]]


def test_passes_are_shown_where_they_changed_something_or_all_in_full(cpu: TranslatingCpu) -> None:
    blocks: list[Block] = []
    cpu.translator.on_block = blocks.append
    assert cpu.run(1000) == SystemCall()
    made = [
        Stage("", 3, ("a", "b", "c")),
        Stage("slots", 3, ("a", "b", "c")),
        Stage("lazy-values", 2, ("a", "x")),
    ]
    changed = explain(blocks[0], stages=made)
    assert "  Without its passes: 3 of POWER\n    a\n    b\n    c\n\n" in changed
    assert (
        "  Pass lazy-values: 2 of POWER, 1 saved\n    ...\n     a\n    -b\n    -c\n    +x\n"
        in changed
    )
    assert "slots" not in changed
    whole = explain(blocks[0], stages=made, whole=True)
    assert "  Pass slots: 3 of POWER, 0 saved\n    a\n    b\n    c\n" in whole
    assert "  Pass lazy-values: 2 of POWER, 1 saved\n    a\n    x\n" in whole
