"""Anything as x86 code: whatever the bytes and the pages are, the decoder reads no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lx86.code import Code, FetchFault
from lx86.decoder import Undefined
from lx86.flags import EVERY
from lx86.spaces import PROGRAM_END
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage

from .rounds import Driver, PromiseBrokenError

if TYPE_CHECKING:
    import random

    from .rounds import Tally

PAGES = 8
ROUND = 4_000
PLACES = (0, 0x1_0000, 0x0804_8000, PROGRAM_END - PAGES * PAGE)
BRANCHES = bytes([*range(0x70, 0x80), 0xE8, 0xE9, 0xEB, 0xE2, 0x0F, 0xF0, 0x66, 0x67, 0x2E, 0x48])
"""And prefixes."""


def _bytes(rng: random.Random) -> bytes:
    code = bytearray(rng.randbytes(PAGES * PAGE))
    for at in range(0, len(code), rng.choice((2, 5, 20))):
        code[at] = rng.choice(BRANCHES)
    return bytes(code)


def _ask(code: Code, address: int, tally: Tally) -> None:
    try:
        i = code.fetch(address)
        ending = "decoded"
        if not 1 <= i.length <= 15:
            raise PromiseBrokenError(f"{i} at {address:#x} is {i.length} bytes long")
    except Undefined:
        ending = "undefined"
    except FetchFault as fault:
        ending = "a fault"
        if not 0 <= fault.address - address < 15:
            raise PromiseBrokenError(f"a fault at {fault.address:#x}, not {address:#x}") from None
    tally.endings[ending] = tally.endings.get(ending, 0) + 1


def play(rng: random.Random, tally: Tally) -> int:
    storage = Storage()
    try:
        start = rng.choice(PLACES)
        for page in range(PAGES):
            kind = rng.choice((READ | EXECUTE, READ | EXECUTE, READ | EXECUTE, READ | WRITE))
            storage.map(start + page * PAGE, PAGE, kind)
        storage.load(start, _bytes(rng))
        code = Code(storage, long=rng.random() < 0.4)
        code.use_segment(rng.choice((0, 0, start, rng.getrandbits(32))), rng.random() < 0.2)
        for _ in range(ROUND):
            address = start + rng.randrange(PAGES * PAGE)
            if rng.random() < 0.2:
                edge = start + PAGE * rng.randrange(PAGES + 1) + rng.randrange(-15, 16)
                address = rng.choice((max(edge, 0), rng.getrandbits(64)))
            _ask(code, address, tally)
            if code.wanted(address, rng.random() < 0.5) & ~EVERY:
                raise PromiseBrokenError(f"flags that there are not at {address:#x}")
    finally:
        storage.close()
    return ROUND


driver = Driver("x86-code", "addresses", play)
