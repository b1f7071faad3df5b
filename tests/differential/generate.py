"""Random cases: instructions of one kind, and a state that suits them.

What accesses storage finds the case's own data: R20-R23 point there, R24-R27 hold small offsets,
R28 a length where `lxvl` looks for it; other instructions seldom write these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.isa import (
    Instruction,
    Kind,
    all_instructions,
    all_prefixed,
    branch,
    decimal,
    fixed,
    floating,
    power10,
    prefixed,
    storage,
    vector,
    vsx,
)
from emu.isa.forms import InstructionWord as W
from emu.isa.forms import Operand

from . import block, values
from .block import State
from .runners import Case

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

POINTERS, OFFSETS, LENGTHS = range(20, 24), range(24, 28), range(28, 29)

# What is privileged, what differs by design (time, random numbers, system calls), what would
# leave the case, and what says something to caches only.
LEFT_OUT = frozenset(
    [
        "darn",
        "mfspr",
        "mtspr",
        "mtmsr",
        "mtmsrd",
        "mfmsr",
        "copy",
        "paste.",
        "cpabort",
        "wait",
        "attn",
        "sc",
        "scv",
        "lwzcix",
        "lhzcix",
        "lbzcix",
        "ldcix",
        "stwcix",
        "sthcix",
        "stbcix",
        "stdcix",
        "icbi",
        "icbt",
        "hashst",
        "hashchk",
        "hashstp",
        "hashchkp",
        "isync",
    ]
)
# Those whose second operand register holds a length in its uppermost byte.
_BY_LENGTH = frozenset(("lxvl", "lxvll", "stxvl", "stxvll"))
_BRANCH_TARGETS = range(1, 4)


@dataclass(frozen=True, slots=True)
class Group:
    """Instructions of one facility, and the kinds of vectors that suit them."""

    name: str
    instructions: tuple[Instruction, ...]
    vectors: tuple[str, ...]
    longest: int
    """How many of them make a case at most."""


_MODULES = {
    "fixed": (fixed, ("bits",), 6),
    "branch": (branch, ("bits",), 6),
    "storage": (storage, ("bits",), 4),
    "floating": (floating, ("doubles",), 1),
    "decimal": (decimal, ("decimals", "decimals", "doublewords", "packed"), 1),
    "vector": (vector, tuple(values.VECTORS), 3),
    "vsx": (vsx, ("doubles", "singles", "quads", "halves", "doublewords", "words"), 1),
    "power10": (power10, tuple(values.VECTORS), 1),
    "prefixed": (prefixed, tuple(values.VECTORS), 4),
}


PROCESSORS = {name: "power9" for name in _MODULES} | {
    "power10": "power10",
    "prefixed": "power10",
}
"""Of each group: the processor that has all of it."""


def _accesses_storage(instruction: Instruction) -> bool:
    return instruction.mnemonic.removeprefix("p").startswith(("l", "st", "dcb")) and any(
        operand.name in ("ra", "rau") for operand in instruction.operands
    )


def _mnemonics(rows: str) -> set[str]:
    from emu.isa.forms import variants

    return {
        mnemonic
        for row in rows.split("\n")
        if row and not row.startswith("#")
        for mnemonic, _ in variants(row.split(" ", 1)[0])
    }


@cache
def groups() -> dict[str, Group]:
    found = {}
    for name, (module, vectors, longest) in _MODULES.items():
        wanted = _mnemonics(module.ROWS) - LEFT_OUT
        known = (*all_instructions(), *all_prefixed())
        chosen = tuple(i for i in known if i.mnemonic in wanted)
        if name == "branch":
            chosen = tuple(i for i in chosen if i.mnemonic.startswith(("cr", "mcrf")))
        found[name] = Group(name, chosen, vectors, longest)
    return found


def _register(rng: random.Random, operand: Operand) -> int:
    """A general register for an operand that is no address: seldom one with a purpose."""
    number = rng.randrange(32)
    while number in range(20, 29) and rng.random() < 0.95:
        number = rng.randrange(32)
    return number if number in operand.range else operand.range[0]


# Operands of which other values are reserved or give undefined results.
_LIMITS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("vinserth", "vextractuh"), tuple(range(15))),
    **dict.fromkeys(("vinsertw", "vextractuw", "xxinsertw", "xxextractuw"), tuple(range(13))),
    **dict.fromkeys(("vinsw",), tuple(range(13))),
    **dict.fromkeys(("vinsertd", "vextractd", "vinsd"), tuple(range(9))),
    "dcbf": (0, 1),
    "lxvkq": (*range(1, 10), *range(16, 25)),
    **dict.fromkeys(("xxgenpcvbm", "xxgenpcvhm", "xxgenpcvwm", "xxgenpcvdm"), tuple(range(4))),
    "vgnb": tuple(range(2, 8)),
}
_LIMITED_OPERANDS = frozenset(("uim4", "l9", "uim5", "uim5b", "uim3"))


def _value(rng: random.Random, instruction: Instruction, operand: Operand) -> int:
    allowed: Sequence[int] = operand.range
    if operand.name in _LIMITED_OPERANDS:
        allowed = _LIMITS.get(instruction.mnemonic, allowed)
    return rng.choice((allowed[0], allowed[-1], *(rng.choice(allowed) for _ in range(4))))


def _prefixed_address(rng: random.Random, instruction: Instruction, slot: int, at: int) -> int:
    """RA and the displacement, or R, of a prefixed instruction at word `at` of its slot's code."""
    base, displacement, relative = rng.choice(POINTERS), rng.randrange(-128, 128), 0
    if rng.random() < 0.5:  # all of the address in the instruction
        relative = rng.getrandbits(1)
        base = 0
        displacement += block.data_address(slot) + block.DATA_BYTES // 2
        displacement -= relative * (block.code_address(slot) + 4 * at)
    values = {"ra": base, "d34": displacement, "pcrel": relative}
    return sum(o.place(values[o.name]) for o in instruction.operands if o.name in values)


def encode(rng: random.Random, instruction: Instruction, slot: int = 0, at: int = 0) -> int:
    """The instruction with random operands, at word `at` of the slot's code."""
    word, storage_access = instruction.word, _accesses_storage(instruction)
    by_register_alone = False
    for operand in instruction.operands:
        value = _value(rng, instruction, operand)
        if operand.kind is Kind.GPR:
            value = _register(rng, operand)
        if instruction.prefixed and operand.name in ("ra", "d34", "pcrel"):
            continue
        if storage_access and operand.name in ("ra", "rau"):
            by_register_alone = operand.name == "ra" and rng.random() < 0.2
            value = 0 if by_register_alone else rng.choice(POINTERS)
            if instruction.mnemonic in _BY_LENGTH or operand.in_parentheses:
                value = rng.choice(POINTERS)
        elif storage_access and operand.name == "rb":
            value = rng.choice(POINTERS if by_register_alone else OFFSETS)
            if instruction.mnemonic in _BY_LENGTH:
                value = rng.choice(LENGTHS)
        elif storage_access and operand.name in ("d", "ds", "dq"):
            value = rng.randrange(-8, 8) * operand.scale
        word |= operand.place(value)
    if instruction.prefixed and storage_access:
        word |= _prefixed_address(rng, instruction, slot, at)
    elif instruction.mnemonic == "paddi":
        word |= rng.choice((W.RA.place(rng.randrange(32)), prefixed.P.R.place(1)))
    return word


# QEMU ends at the alignment interrupt that they give in little-endian mode.
_BIG_ENDIAN_ALONE = frozenset(("lmw", "stmw", "lswi", "lswx", "stswi", "stswx"))


def _words(rng: random.Random, group: Group, slot: int, order: ByteOrder) -> tuple[int, ...]:
    if group.name == "branch" and rng.random() < 0.5:
        return _branch(rng)
    count = rng.randrange(1, group.longest + 1)
    chosen = [rng.choice(group.instructions) for _ in range(count)]
    if order is ByteOrder.LITTLE:
        chosen = [i for i in chosen if i.mnemonic not in _BIG_ENDIAN_ALONE]
    words: list[int] = []
    at = 0
    for instruction in chosen:
        words.append(encode(rng, instruction, slot, at))
        at += 1 + instruction.prefixed
    return tuple(words)


_BRANCHES = ("bc", "bcl", "bclr", "bclrl", "bcctr", "bcctrl", "bctar", "bctarl", "b", "bl")
_PAINT = W.OPCD.place(14)  # addi


def _branch(rng: random.Random) -> tuple[int, ...]:
    """A branch over instructions that show whether they ran."""
    distance = rng.randrange(1, 6)
    found = {i.mnemonic: i for i in all_instructions()}
    word = found[rng.choice(_BRANCHES)].word
    if word >> 26 == 18:
        word |= W.LI.place(distance)
    else:
        word |= W.RT.place(rng.randrange(32)) | W.RA.place(rng.randrange(32))
        word |= W.BH.place(rng.getrandbits(2)) if word >> 26 == 19 else W.BD.place(distance)
    mttar = 0x7C0F_CBA6 | W.RT.place(20)
    paint = [_PAINT | W.RT.place(n) | W.RA.place(n) | 1 for n in range(2, 8)]
    return (mttar, word, *paint)


def _pointer(rng: random.Random, slot: int) -> int:
    middle = block.data_address(slot) + block.DATA_BYTES // 2
    alignment = rng.choice((1, 1, 2, 4, 8, 16, 16))
    return middle + rng.randrange(-128, 128) // alignment * alignment


def _state(rng: random.Random, group: Group, slot: int) -> State:
    vectors = [values.VECTORS[rng.choice(group.vectors)] for _ in range(4)]
    state = State(
        gpr=[values.integer(rng) for _ in range(32)],
        vsr=[rng.choice(vectors)(rng) for _ in range(64)],
        cr=rng.getrandbits(32),
        xer=rng.getrandbits(32) & 0xE00C_0000 | rng.randrange(40),
        lr=rng.getrandbits(64),
        ctr=values.integer(rng),
        fpscr=values.fpscr(rng),
        vscr=rng.getrandbits(32) & 0x1_0001,
    )
    if group.name == "decimal":
        for n in range(0, 32, 2):  # pairs of FPRs hold quad numbers half the time
            if rng.random() < 0.5:
                pair = values.decimal_pair(rng)
                state.vsr[n] = pair >> 64 << 64 | rng.getrandbits(64)
                state.vsr[n + 1] = (pair & (1 << 64) - 1) << 64 | rng.getrandbits(64)
    for n in POINTERS:
        state.gpr[n] = _pointer(rng, slot)
    for n in OFFSETS:
        state.gpr[n] = rng.randrange(-80, 80) & (1 << 64) - 1
    for n in LENGTHS:
        state.gpr[n] = rng.randrange(20) << 56 | rng.getrandbits(56)
    data = b"".join(
        rng.choice(vectors)(rng).to_bytes(16, "big") for _ in range(block.DATA_BYTES // 16)
    )
    state.data = data
    return state


def _aim(rng: random.Random, state: State, slot: int) -> None:
    """Let LR, CTR and R20, which goes to TAR, point behind the branch."""
    for register in ("lr", "ctr"):
        low_bits = rng.getrandbits(2)
        target = block.code_address(slot) + 4 * rng.randrange(2, 8) | low_bits
        setattr(state, register, target)
    if rng.random() < 0.5:
        state.ctr = rng.randrange(3)  # counts down to where branches change their mind
    state.gpr[20] = block.code_address(slot) + 4 * rng.randrange(2, 8)


def batch(rng: random.Random, group: Group, order: ByteOrder) -> list[Case]:
    """As many cases as a run takes, each for its slot."""
    return [case(rng, group, slot, order) for slot in range(block.SLOTS)]


def case(rng: random.Random, group: Group, slot: int, order: ByteOrder) -> Case:
    words = _words(rng, group, slot, order)
    state = _state(rng, group, slot)
    if group.name == "branch":
        _aim(rng, state, slot)
    return Case(words, state, slot)
