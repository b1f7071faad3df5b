"""The program that loads a block's registers, runs its instructions and stores the registers.

The same instructions do it under QEMU's user mode and on our core; only what comes before and
after differs: there Linux's system calls read and write whole batches and signals tell of
interrupts, here the test itself does.  TAR holds what the program needs across a case.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from emu.assembler import assemble
from emu.isa.forms import InstructionWord as W

from . import block

if TYPE_CHECKING:
    from emu.bits import ByteOrder
    from emu.program import Program

ORIGIN = 0x40000
NIP_IN_CONTEXT = 488
"""Where Linux keeps NIP in what it gives a signal's handler."""
_NOP, _MTTAR_R31 = 0x6000_0000, 0x7FEF_CBA6
_LIS_R31, _ORI_R31, _B = 0x3FE0_0000, 0x63FF_0000, 0x4800_0000


def _moves(text: str, count: int) -> str:
    return "\n".join(text.format(n=n, at8=8 * n, at16=16 * n) for n in range(count))


def _load_and_store() -> str:
    """`load` takes R31 as the block's address; `store` finds it there again."""
    return f"""
load:   ld r0,{block.ENTRY}(r31)
        mttar r0
        lfd f0,{block.FPSCR}(r31)
        mtfsf 255,f0,1,0
        li r0,{block.VSCR}
        lvx v0,r31,r0
        mtvscr v0
        {_moves(f"li r0,{block.VSRS}+{{at16}}; lxvx vs{{n}},r31,r0".replace(";", chr(10)), 64)}
        ld r0,{block.LR}(r31)
        mtlr r0
        ld r0,{block.CTR}(r31)
        mtctr r0
        ld r0,{block.XER}(r31)
        mtxer r0
        ld r0,{block.CR}(r31)
        mtcrf 255,r0
        {_moves("ld r{n},{at8}(r31)", 32)}
        btar
store:  {_moves("std r{n},{at8}(r31)", 31)}
        mftar r0
        std r0,{8 * 31}(r31)
        mfcr r0
        std r0,{block.CR}(r31)
        mfxer r0
        std r0,{block.XER}(r31)
        mflr r0
        std r0,{block.LR}(r31)
        mfctr r0
        std r0,{block.CTR}(r31)
        {_moves(f"li r0,{block.VSRS}+{{at16}}; stxvx vs{{n}},r31,r0".replace(";", chr(10)), 64)}
        mffs f0
        stfd f0,{block.FPSCR}(r31)
        mfvscr v0
        li r0,{block.VSCR}
        stvx v0,r31,r0
"""


_LINUX = f"""
current = {block.WORK:#x}         # the block of the case that runs
READ = 3
WRITE = 4
EXIT = 1
MMAP = 90
SIGALTSTACK = 185
SIGACTION = 173

_start: load64 r3,{block.BLOCKS:#x}
        load64 r4,{block.END - block.BLOCKS:#x}
        li r5,7                 # read, write, execute
        li r6,0x32              # private, fixed, anonymous
        li r7,-1
        li r8,0
        li r0,MMAP
        sc
        load64 r3,stack
        li r4,0
        li r0,SIGALTSTACK
        sc
        load64 r14,signals
signal: lbz r3,0(r14)
        cmpwi r3,0
        beq batch
        addi r14,r14,1
        load64 r4,action
        li r5,0
        li r6,8
        li r0,SIGACTION
        sc
        b signal

batch:  load64 r14,{block.BLOCKS:#x}
        load64 r15,{block.BATCH_BYTES}
read:   li r3,0
        mr r4,r14
        mr r5,r15
        li r0,READ
        sc
        cmpdi r3,0
        ble end
        add r14,r14,r3
        sub. r15,r15,r3
        bne read
        load64 r31,{block.BLOCKS:#x}
run:    load64 r4,current
        std r31,0(r4)
        b load

handle: load64 r6,current
        ld r6,0(r6)
        std r3,{block.OUTCOME}(r6)
        ld r7,{NIP_IN_CONTEXT}(r5)
        std r7,{block.NIP}(r6)
        ld r7,{block.ENTRY}(r6)
        addi r7,r7,{4 * block.MOST_WORDS}
        std r7,{NIP_IN_CONTEXT}(r5)
        li r0,172               # rt_sigreturn
        sc

done:   load64 r4,current
        ld r31,0(r4)
        addi r31,r31,{block.BLOCK_BYTES}
        load64 r4,{block.CODE:#x}
        cmpld r31,r4
        blt run
        load64 r14,{block.BLOCKS:#x}
        load64 r15,{block.SLOTS * block.BLOCK_BYTES}
write:  li r3,1
        mr r4,r14
        mr r5,r15
        li r0,WRITE
        sc
        cmpdi r3,0
        ble end
        add r14,r14,r3
        sub. r15,r15,r3
        bne write
        b batch
end:    li r3,0
        li r0,EXIT
        sc
        .balign 8
stack:  .quad {block.WORK + 0x1000},0,{block.END - block.WORK - 0x1000}
signals: .byte 4,5,7,8,11,0
        .balign 8
action: .quad handle,0x48000004,0,0   # SA_NODEFER, SA_ONSTACK, SA_SIGINFO
"""


@cache
def program(order: ByteOrder, linux: bool) -> Program:
    """The harness; on our own core it ends in a hypercall behind each case."""
    after = "b done\n" + _LINUX if linux else "sc 1\n"
    return assemble(_load_and_store() + after, origin=ORIGIN, byte_order=order)


def _halves(word: int) -> tuple[int, ...]:
    """The words of an instruction."""
    return (word >> 32, word & 0xFFFF_FFFF) if word >> 32 else (word,)


def slot(words: tuple[int, ...], number: int, order: ByteOrder) -> bytes:
    """What lies in slot `number` to run `words`: they, nothing, and the way back."""
    words = tuple(half for word in words for half in _halves(word))
    assert len(words) <= block.MOST_WORDS
    at, address = block.code_address(number), block.block_address(number)
    back = 4 * (block.MOST_WORDS + 3) + at
    distance = program(order, True).symbols["store"] - back
    tail = (
        _MTTAR_R31,
        _LIS_R31 | address >> 16,
        _ORI_R31 | address & 0xFFFF,
        _B | W.LI.place(distance // 4),
    )
    everything = (*words, *(_NOP,) * (block.MOST_WORDS - len(words)), *tail)
    packed = b"".join(word.to_bytes(4, order.name_for_int) for word in everything)
    return packed.ljust(block.SLOT_BYTES, b"\0")
