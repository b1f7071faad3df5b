"""Which POWER register holds what while translated code runs, and how the upper gigabyte is used.

    R14-R21  EAX ECX EDX EBX ESP EBP ESI EDI      R10, R11  for PF, for AF (flags.py)
    R12, R13 1, 0                                 R30       base of the slots
    R31      the context
    R3-R9    temporaries; R3 holds EIP where one leaves through a slot or an exit
    R0       scratch within one x86 instruction
    R1, R2, all FPRs, VRs and VSRs, FPSCR, VSCR, CR3, CR4, CR6: x87, MMX and SSE's own
    CR7      scratch

    i386     R22, R23, R28 are temporaries, too
             R24-R26 constants (constants.py); R29 base of GS, the thread's block
             R27 an address near the program's first code: constants around it are one instruction
    x86-64   R2 is a temporary, R22-R29 are R8 to R15

Code runs in problem state with LE = 1.  For i386 SF = 0, so an effective address is 32 bits; for
x86-64 SF = 1, and it is what the program says.  The program's pages have the addresses that the
program thinks.  What is the translator's own (`Places`) lies where no program has pages: that of an
i386 program above 3 GiB; that of an x86-64 one in quadrant 3, whose addresses x86-64 does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

EIP = 3
TEMPORARIES_64 = (*range(3, 10), 2)
TEMPORARIES: tuple[int, ...] = (*range(3, 10), 22, 23, 28)
GS_BASE = 29
FIRST = 14
PARITY, ADJUST = 10, 11
BASE, ONE, ZERO = 27, 12, 13
SLOT, CONTEXT = 30, 31
PINNED = (24, 25, 26)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things of the translator's lie, by effective address."""

    slots: int
    """One for each address the program may branch to, by its lowest `slot_bits`,"""
    slot_bits: int
    slot_size: int
    """of so many bytes."""
    tables: int
    """Page tables and interrupt vectors, by real address: nothing of problem state's."""
    context: int
    code: int
    """At most `CODE_SIZE` bytes; of i386, `ba` reaches it from everywhere."""
    code_read: int
    """The same to be read: it has tables of its addresses (switches.py), near the context."""
    low_tree: tuple[int, ...]
    """How many bits each level of the tree of pages takes care of, in quadrant 0"""
    high_tree: tuple[int, ...]
    """and in quadrant 3."""

    @property
    def slots_end(self) -> int:
        return self.slots + (self.slot_size << self.slot_bits)

    @property
    def code_end(self) -> int:
        return self.code + CODE_SIZE

    @property
    def slot_pages(self) -> int:
        """Pages so far apart share their slots."""
        return 1 << self.slot_bits - 12

    def is_slot(self, address: int) -> bool:
        return self.slots <= address < self.slots_end

    def slot_of(self, eip: int) -> int:
        return self.slots + (eip & (1 << self.slot_bits) - 1) * self.slot_size


CODE_SIZE = 0x1FF_F000
PLACES_32 = Places(
    0xC000_0000, 27, 4, 0xE000_0000, 0xE200_0000, 0xFE00_0000, 0xE400_0000,
    (10, 10), (10, 10),
)  # fmt: skip
PLACES_64 = Places(
    0xC004_0000_0000_0000, 58, 8, 0x1_0000_0000, 0xC000_0010_0000_0000, 0xC000_0018_0000_0000,
    0xC000_0010_0400_0000, (8, 9, 9, 9), (12, 9, 9, 9),
)  # fmt: skip
"""Of the slots those are there that are next to one that was filled."""


def in_quadrant(address: int) -> int:
    """An effective address less the number of its quadrant; of places, their real address."""
    return address & (1 << 62) - 1


# In the context, by displacement.
FS_AT = 0x00  # base of FS
SELECTORS_AT = 0x04  # of es, cs, ss, ds, fs, gs: words
BASES_AT = 0x20  # x86-64: of FS and GS, doublewords
SCRATCH_AT = 0x30  # a doubleword, within one x86 instruction
FLOATING_AT = 0x100  # from here on: x87, MMX and SSE
COUNTERS_AT, COUNTERS = 0x1000, 0x1C00  # words: how often first regions may yet be entered
CONTEXT_SIZE = 0x8000
