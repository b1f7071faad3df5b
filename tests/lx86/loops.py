"""Random code with loops, functions, and ways that part and meet again, as `pieces` has it without.

A loop counts in storage; what a function does leaves the stack as it is.  Undefined flags are
followed along every way.
"""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from . import pieces, pieces64
from .cases import ALL, CF, DATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cases import Case

_COUNTER = DATA + 0x2000
_CONDITIONS = (0x800, CF, 0x40, CF | 0x40, 0x80, 4, 0x880, 0x8C0)
"""Flags of a condition code without its lowest bit."""


class _Writer(Protocol):
    rng: random.Random
    code: bytearray
    undefined: int


W = TypeVar("W", bound=_Writer)


class _Ways(Generic[W]):
    """Code in the making, of one architecture."""

    def __init__(self, make: Callable[[random.Random], W], anything: Callable[..., None]) -> None:
        self._make, self._anything = make, anything

    def write(self, rng: random.Random) -> W:
        w = self._make(rng)
        self._some(w, 0, stack=True)
        return w

    def _inner(self, w: W, undefined: int) -> W:
        inner = self._make(w.rng)
        inner.undefined = undefined
        return inner

    def _some(self, w: W, depth: int, *, stack: bool) -> None:
        """A few instructions, and among them what `depth` of those around it leave room for."""
        for _ in range(w.rng.choice((1, 2, 3)) if depth else w.rng.choice((2, 3, 4))):
            if depth < 2 and w.rng.random() < 0.4:
                w.rng.choice((self._loop, self._function, self._parting))(w, depth + 1, stack)
            else:
                self._anything(w, stack=stack)

    def _loop(self, w: W, depth: int, stack: bool) -> None:
        """As often as a word of storage says, in which each loop has its own place."""
        r = w.rng
        told = r.random() < 0.5  # flags of one turn are there in the next
        body = self._inner(w, w.undefined if told else ALL)
        self._some(body, depth, stack=stack)
        if told:  # cmp eax, ecx
            body.code += b"\x39\xc8"
            body.undefined = 0
        counter = struct.pack("<I", _COUNTER + 8 * depth)
        modrm = (b"\x05", b"\x0d") if isinstance(w, pieces.Writer) else (b"\x04\x25", b"\x0c\x25")
        w.code += b"\xc7" + modrm[0] + counter + struct.pack("<I", r.choice((1, 2, 3, 5)))
        body.code += b"\xff" + modrm[1] + counter  # dec dword [...]
        body.code += b"\x0f\x85" + struct.pack("<i", -len(body.code) - 6)  # jnz
        w.code += body.code
        w.undefined = body.undefined & CF

    def _function(self, w: W, depth: int, stack: bool) -> None:
        """Called here, or here and behind itself; it stands in between."""
        body = self._inner(w, w.undefined if w.rng.random() < 0.5 else ALL)
        twice = body.undefined == ALL
        self._some(body, depth, stack=False)
        body.code += b"\xc3"
        w.code += b"\xe8\5\0\0\0\xe9" + struct.pack("<i", len(body.code))
        w.code += body.code
        if twice:
            w.code += b"\xe8" + struct.pack("<i", -len(body.code) - 5)
        w.undefined = body.undefined

    def _parting(self, w: W, depth: int, stack: bool) -> None:
        condition = w.rng.randrange(16)
        if w.undefined & _CONDITIONS[condition >> 1]:
            return
        one, other = self._inner(w, w.undefined), self._inner(w, w.undefined)
        # The stack is the same on both ways.
        self._some(one, depth, stack=False)
        self._some(other, depth, stack=False)
        one.code += b"\xe9" + struct.pack("<i", len(other.code))
        w.code += bytes([0x0F, 0x80 | condition]) + struct.pack("<i", len(one.code))
        w.code += one.code + other.code
        w.undefined = one.undefined | other.undefined


_WAYS = _Ways(pieces.Writer, pieces.anything)
_WAYS_64 = _Ways(pieces64.Writer, pieces64.anything)


def case(seed: int) -> Case:
    """Of i386 code."""
    return pieces.begun(_WAYS.write(random.Random(f"ways {seed}")))


def case64(seed: int) -> Case:
    """Of 64-bit code."""
    return pieces64.begun(_WAYS_64.write(random.Random(f"64-bit ways {seed}")))
