"""What `explain` tells of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lx86.cpu import SystemCall
from lx86.explain import explain
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu

if TYPE_CHECKING:
    from lx86.block import Block

CODE, DATA = 0x0804_8000, 0x0805_0000
# mov eax, [ebx+16]; add eax, 5; cmp eax, ecx; jb over; mov [ebx], eax; over: int 80h; hlt
PIECE = bytes.fromhex("8b4310 83c005 39c8 7202 8903 cd80 f4")

EXPECTED = """\
Block 0x8048000: 7 x86 instructions, 7 of POWER at 0xfe000000

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


def test_a_block_is_shown_as_region_and_with_each_instruction_above_its_code() -> None:
    storage = Storage()
    cpu = TranslatingCpu(storage)
    blocks: list[Block] = []
    cpu.translator.on_block = blocks.append
    try:
        storage.map(CODE, PAGE, READ | EXECUTE)
        storage.map(DATA, PAGE, READ | WRITE)
        storage.load(CODE, PIECE)
        cpu.state.eip, cpu.state.ebx = CODE, DATA
        assert cpu.run(1000) == SystemCall()
    finally:
        cpu.close()
        storage.close()
    assert explain(blocks[0]) == EXPECTED
    assert cpu.cache.counts.seconds > 0
