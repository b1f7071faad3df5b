"""Instruction words: uniform ones, and valid encodings with random fields, the nasty ones often."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING

from emu.isa import all_instructions, all_prefixed, find
from emu.isa.forms import InstructionWord as W
from emu.isa.prefixed import PrefixedWord as P

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from emu.isa import Instruction

ALL_BITS = 0xFFFF_FFFF
SPR_COUNT = 1024
# What has brought down emulators: state changes, translation control, wide and long accesses.
NASTY = """
mtmsr mtmsrd rfid hrfid rfebb sc scv rfscv stop doze nap sleep rvwinkle attn
slbie slbieg slbia slbmte slbmfev slbmfee slbfee. slbsync tlbie tlbiel tlbsync
msgsnd msgclr msgsndp msgclrp msgsync
tbegin. tend. tcheck tabort. treclaim. trechkpt. tsr. clrbhrb
lq stq lqarx stqcx. lwarx stwcx. ldarx stdcx. lmw stmw lswi lswx stswi stswx
dcbz icbi dcbf isync sync eieio
lwat ldat stwat stdat copy paste. darn addpcis
lxvll stxvll lxvl stxvl lvx stvx lxvd2x stxvd2x lfdp stfdp lfdpx stfdpx lfiwax stfiwx
"""


def _free_bits(instruction: Instruction) -> int:
    """The bits of the word that its operands fill."""
    free = 0
    for operand in instruction.operands:
        free |= operand.field.place((1 << operand.field.width) - 1)
    return free


@cache
def _encodings() -> tuple[tuple[int, int], ...]:
    return tuple((i.word, _free_bits(i)) for i in all_instructions())


@cache
def _nasty() -> tuple[tuple[int, int], ...]:
    found = (find(name) for name in NASTY.split())
    return tuple((i.word, _free_bits(i)) for i in found if i is not None)


def _spr_access(rng: random.Random) -> int:
    """mtspr or mfspr of any number at all."""
    xo = rng.choice((467, 339, 371))
    return (
        W.OPCD.place(31)
        | W.XO_X.place(xo)
        | W.RT.place(rng.randrange(32))
        | W.SPR.place(rng.randrange(SPR_COUNT))
    )


def _near_branch(rng: random.Random) -> int:
    """A branch, conditional or not, to somewhere near."""
    if rng.random() < 0.5:
        return 0x48000000 | rng.randrange(-64, 64) * 4 & 0x3FFFFFC | rng.getrandbits(1)
    return 0x40000000 | rng.getrandbits(10) << 16 | rng.randrange(-64, 64) * 4 & 0xFFFC


def _valid(rng: random.Random, table: tuple[tuple[int, int], ...]) -> int:
    word, free = rng.choice(table)
    word |= rng.getrandbits(32) & free
    if rng.random() < 0.05:
        word ^= 1 << rng.randrange(32)  # a reserved bit, or another instruction
    return word


def random_word(rng: random.Random) -> int:
    match rng.randrange(16):
        case 0 | 1:
            return rng.getrandbits(32)
        case 2:
            return 31 << 26 | rng.getrandbits(26)
        case 3:
            return rng.choice((4, 19, 59, 60, 63)) << 26 | rng.getrandbits(26)
        case 4 | 5:
            return _spr_access(rng)
        case 6 | 7 | 8:
            return _valid(rng, _nasty())
        case 9:
            return _near_branch(rng)
        case _:
            return _valid(rng, _encodings())


def _prefixed(rng: random.Random) -> list[int]:
    """A prefix and a suffix that belong together, mostly."""
    instruction = rng.choice(all_prefixed())
    both = instruction.word | rng.getrandbits(64) & _free_bits(instruction)
    if rng.random() < 0.3:
        both ^= 1 << rng.randrange(64)
    if rng.random() < 0.5:  # an operand near
        both &= ~(P.D0.place(-1) | W.D16.place(0xF000))
    return [both >> 32, both & ALL_BITS]


def random_program(rng: random.Random, length: int) -> list[int]:
    """`length` words: a mixture, or one encoding over and over with other fields each time."""
    if rng.random() < 0.25:
        word, free = rng.choice(_encodings())
        return [word | rng.getrandbits(32) & free for _ in range(length)]
    words: list[int] = []
    while len(words) < length:
        words += _prefixed(rng) if rng.random() < 0.06 else [random_word(rng)]
    return words[:length]


def encode(words: Iterable[int], little_endian: bool) -> bytes:
    words = tuple(words)
    return struct.pack(f"{'<' if little_endian else '>'}{len(words)}I", *words)
