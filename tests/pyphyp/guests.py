"""Guest code for these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.assembler import assemble

if TYPE_CHECKING:
    from emu.program import Program

PRELUDE = """
H_GET_TERM_CHAR = 0x54
H_PUT_TERM_CHAR = 0x58
H_CEDE = 0xE0
H_RANDOM = 0x300
.macro hcall number
        li      r3,\\number
        sc      1
.endm
"""
START = """
        .org    0x1000
_start:
"""

TIMER = "        .org 0x900\n        lis r9,0x7fff\n        mtdec r9\n        rfid\n"
"""The decrementer's interrupt only wakes."""
FOREVER = "        b       .\n"


def program(body: str, before: str = "") -> Program:
    """A program that starts at 0x1000, big-endian in real mode; `before` has its interrupts."""
    return assemble(PRELUDE + before + START + body, name="guest.s")


def put(text: str) -> str:
    """Write `text`, at most sixteen characters."""
    sixteen = text.encode().ljust(16, b"\0")
    first, second = (int.from_bytes(half, "big") for half in (sixteen[:8], sixteen[8:]))
    return f"""
        li      r4,0
        li      r5,{len(text)}
        load64  r6,{first:#x}
        load64  r7,{second:#x}
        hcall   H_PUT_TERM_CHAR
"""


ECHO = (
    TIMER
    + START
    + put("ready\n")
    + """
again:  load64  r5,5120000
        mtdec   r5
        hcall   H_CEDE
        li      r4,0
        hcall   H_GET_TERM_CHAR
        cmpdi   r4,0
        beq     again
        srdi    r8,r5,56
        cmpdi   r8,4
        beq     finish
        mr      r7,r6
        mr      r6,r5
        mr      r5,r4
        li      r4,0
        hcall   H_PUT_TERM_CHAR
        b       again
finish: .long   0
"""
)
"""Echoes what is typed, asking a hundred times a second; ends at Ctrl-D."""


def rtas(token: int, *arguments: int, returns: int = 1) -> str:
    """Make an RTAS call as firmware's entry does; its buffer stays at 0x3000."""
    cells = (token, len(arguments), returns, *arguments)
    stores = "".join(
        f"        load64  r5,{cell:#x}\n        stw     r5,{4 * n}(r4)\n"
        for n, cell in enumerate(cells)
    )
    return f"""
        li      r4,0x3000
{stores}
        li      r3,0
        ori     r3,r3,0xF000
        sc      1
"""
