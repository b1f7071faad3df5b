"""The decoder against Capstone's, and what it says of the flags against `flags.py`."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import capstone
import pytest

from lx86.code import Code
from lx86.decoder import Truncated, Undefined, decode
from lx86.flags import EVERY, live_before
from lx86.storage import EXECUTE, PAGE, READ, Storage
from lx86.tables import TABLES

if TYPE_CHECKING:
    from lx86.instruction import Instruction

CODE = 0x0804_8000
PREFIXES = [b"\x66", b"\x67", b"\xf2", b"\xf3", b"\xf0", b"\x2e", b"\x65", b"\x48", b"\x41"]
MODES = {
    "32": (capstone.CS_MODE_32, False, False),
    "16": (capstone.CS_MODE_16, True, False),
    "64": (capstone.CS_MODE_64, False, True),
}
SSE4A = 0x0F78
"""EXTRQ and INSERTQ of AMD's processors alone have two bytes more."""


def random_code(rng: random.Random) -> bytes:
    prefixes = b"".join(rng.choices(PREFIXES, k=rng.choice((0, 0, 1, 2))))
    return (prefixes + rng.choice((b"", b"\x0f")) + rng.randbytes(15))[:15]


def cut(code: bytes, i: Instruction) -> bool:
    """Whether AMD's processors, and Capstone, cut a target of 64-bit mode to 16 bits."""
    return i.name in ("jcc", "jmp", "call", "ret") and b"\x66" in code[:4]


@pytest.mark.parametrize("mode", MODES)
def test_an_instruction_is_as_long_as_capstone_says(mode: str) -> None:
    native, code_16, long = MODES[mode]
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, native)
    rng = random.Random(1)
    both = 0
    for _ in range(40_000):
        code = random_code(rng)
        other = next(disassembler.disasm_lite(code, CODE, 1), None)
        try:
            i = decode(code, CODE, code_16, long)
        except Undefined:
            continue
        if other is None or i.opcode == SSE4A:
            continue
        if long and cut(code, i):
            continue
        both += 1
        assert i.length == other[1], (code.hex(), str(i), other)
    assert both > 20_000


def test_every_shorter_piece_of_an_instruction_is_truncated() -> None:
    rng = random.Random(2)
    for _ in range(5_000):
        code = random_code(rng)
        try:
            length = decode(code, CODE).length
        except Undefined:
            continue
        for shorter in range(length):
            with pytest.raises(Truncated) as end:
                decode(code[:shorter], CODE)
            assert end.value.address == CODE + shorter


@pytest.mark.parametrize("mode", MODES)
def test_the_effect_of_an_instruction_on_flags_is_what_flags_says_of_it(mode: str) -> None:
    _, code_16, long = MODES[mode]
    rng = random.Random(3)
    for _ in range(20_000):
        try:
            i = decode(random_code(rng), CODE, code_16, long)
        except Undefined:
            continue
        for after in (0, EVERY, rng.getrandbits(10)):
            assert TABLES.effects.tables[i.effect][after] == live_before(i, after), str(i)


def test_who_wants_more_flags_behind_an_instruction_wants_no_fewer_before_it() -> None:
    # or else looking for the least that fits all places might come to no end
    for wanted in TABLES.effects.tables:
        for after in range(len(wanted)):
            for bit in range(10):
                assert wanted[after] & ~wanted[after | 1 << bit] == 0


def all_wanted(code: Code, address: int) -> dict[int, int]:
    """What is wanted at each of the first 200 places that are come to; beyond these, nothing."""
    follow: list[int] = [address]
    ways: dict[int, tuple[Instruction, list[int]]] = {}
    while follow and len(ways) < 200:
        at = follow.pop()
        if at in ways:
            continue
        i = code.fetch(at)
        ends = not live_before(i, EVERY)
        behind = [i.target] if i.name in ("jmp", "jcc", "loope") else []
        behind += [i.next] if i.name != "jmp" else []
        ways[at] = i, [] if ends else [there for there in behind if there is not None]
        follow += ways[at][1]
    live, before = dict.fromkeys(ways, 0), None
    while live != before:
        before = dict(live)
        for at, (i, behind) in ways.items():
            after = functools.reduce(int.__or__, (live.get(there, 0) for there in behind), 0)
            live[at] = live_before(i, after)
    return live


def test_flags_are_wanted_by_what_branches_lead_to() -> None:
    storage = Storage()
    storage.map(CODE, 2 * PAGE, READ | EXECUTE)
    rng = random.Random(4)
    pieces = [bytes([0x70 | n]) for n in range(16)] + [b"\xe1", b"\xeb"]
    plain = [b"\x89\xc8", b"\x40\x90", b"\xf5\xf9", b"\xd0\xd0", b"\x11\xc8", b"\x9f\x90"]
    found, exact = set(), 0
    try:
        for _ in range(600):
            storage.load(
                CODE,
                b"".join(
                    rng.choice(pieces) + bytes([2 * rng.randrange(-8, 8) & 0xFF])
                    if rng.random() < 0.3
                    else rng.choice(plain)
                    for _ in range(PAGE)
                ),
            )
            code = Code(storage)
            address = CODE + 2 * rng.randrange(1000, 2100)
            wanted = code.wanted(address, exact=False)
            looked_at = set(code.looked_at)
            code.looked_at.clear()
            live = all_wanted(code, address)
            least = live[address] & EVERY | (8 if live[address] & 0x200 else 0)
            assert wanted | least == wanted
            if len(live) <= 40:  # it looks at no more
                exact += 1
                assert wanted == least
                assert looked_at == code.looked_at
            found.add(wanted)
    finally:
        storage.close()
    assert len(found) > 20
    assert exact > 50
