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
x86-64 SF = 1, and what lies above 4 GiB is nowhere.  The program's pages lie where the program
thinks.  Above 3 GiB, where it has none:

    C0000000  slots: one word for each address the program may branch to, by its low 27 bits
    E0000000  page tables, interrupt vectors (storage without effective addresses in problem state)
    E2000000  the context
    FE000000  translated code: `ba` reaches it from everywhere
"""

from __future__ import annotations

EIP = 3
TEMPORARIES_64 = (*range(3, 10), 2)
TEMPORARIES: tuple[int, ...] = (*range(3, 10), 22, 23, 28)
GS_BASE = 29
FIRST = 14
PARITY, ADJUST = 10, 11
BASE, ONE, ZERO = 27, 12, 13
SLOT, CONTEXT = 30, 31
PINNED = (24, 25, 26)

SLOTS = 0xC000_0000
SLOT_BITS = 27
SLOT_PAGES = 1 << SLOT_BITS - 12
"""Pages so far apart share their slots."""
TABLES = 0xE000_0000
CONTEXT_PAGE = 0xE200_0000
CODE, CODE_END = 0xFE00_0000, 0xFFFF_F000

# In the context, by displacement.
FS_AT = 0x00  # base of FS
SELECTORS_AT = 0x04  # of es, cs, ss, ds, fs, gs: words
BASES_AT = 0x20  # x86-64: of FS and GS, doublewords
SCRATCH_AT = 0x30  # a doubleword, within one x86 instruction
FLOATING_AT = 0x100  # from here on: x87, MMX and SSE
COUNTERS_AT, COUNTERS = 0x1000, 0x1C00  # words: how often first regions may yet be entered
CONTEXT_SIZE = 0x8000
