"""Which POWER register holds what while translated code runs, and how the upper gigabyte is used.

    R14-R21  EAX ECX EDX EBX ESP EBP ESI EDI      R22, R23  for PF, for AF (flags.py)
    R13      base of GS, the thread's block       R28, R29  1, 0
    R30      base of the slots                    R31       the context
    R3-R12   temporaries; R3 holds EIP where one leaves through a slot or an exit
    R0       scratch within one x86 instruction   R24-R26  constants (constants.py)
    R27      an address near the program's first code: constants around it are one instruction
    R1, R2, all FPRs, VRs and VSRs, FPSCR, VSCR, CR3, CR4, CR6: x87, MMX and SSE's own
    CR7      scratch

Code runs in problem state with SF = 0 and LE = 1, so an effective address is 32 bits and the
program's pages lie where the program thinks.  Above 3 GiB, where it has none:

    C0000000  slots: one word for each address the program may branch to, by its low 27 bits
    E0000000  page tables, interrupt vectors (storage without effective addresses in problem state)
    E2000000  the context
    FE000000  translated code: `ba` reaches it from everywhere
"""

from __future__ import annotations

EIP = 3
TEMPORARIES: tuple[int, ...] = tuple(range(3, 13))
GS_BASE = 13
FIRST = 14
PARITY, ADJUST = 22, 23
BASE, ONE, ZERO = 27, 28, 29
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
FLOATING_AT = 0x100  # from here on: x87, MMX and SSE
COUNTERS_AT, COUNTERS = 0x1000, 0x1C00  # words: how often first regions may yet be entered
CONTEXT_SIZE = 0x8000
