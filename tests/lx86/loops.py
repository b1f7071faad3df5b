"""Random pieces of code in loops of loops, with calls of small functions in them."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any

from . import pieces, pieces64
from .cases import ALL, DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cases import Case

_ROUNDS = {DATA + 960: 2, DATA + 968: 3}
"""Of the outer and of the inner loop, by where they are counted."""


def case(seed: int) -> Case:
    """Of i386 code."""
    whole = pieces.case(seed)
    _fill(whole, pieces.Writer(random.Random(f"loops {seed}")), pieces.KINDS, "")
    return whole


def case64(seed: int) -> Case:
    """Of 64-bit code."""
    whole = pieces64.case(seed)
    _fill(whole, pieces64.Writer(random.Random(f"64-bit loops {seed}")), pieces64.KINDS, "25")
    return whole


def _fill(
    whole: Case, w: Any, kinds: Sequence[tuple[int, Callable[[Any], None]]], base: str
) -> None:
    """Write a case's code; `base`: a SIB byte, where that belongs to an absolute address."""
    mode = 4 if base else 5
    heads = []
    for at, rounds in _ROUNDS.items():
        w.code += bytes([0xC7, mode]) + bytes.fromhex(base) + struct.pack("<II", at, rounds)
        heads.append((at, len(w.code)))  # behind mov [at], rounds
        _some(w, kinds)
    if w.rng.random() < 0.5:
        code, w.code = w.code, bytearray()
        _some(w, [kind for kind in kinds if kind[1].__name__ != "_stack"])
        function = bytes(w.code) + b"\xc3"
        w.code = code + b"\xe8\x05\0\0\0\xe9" + struct.pack("<i", len(function)) + function
        # Not to compare where the code lies: push 0; lea esp, [esp + word]
        w.code += b"\x6a\0" + (b"\x48\x8d\x64\x24\x08" if base else b"\x8d\x64\x24\x04")
    for at, head in reversed(heads):
        w.code += bytes([0x83, 5 << 3 | mode]) + bytes.fromhex(base) + struct.pack("<Ib", at, 1)
        w.code += b"\x0f\x85" + struct.pack("<i", head - len(w.code) - 6)
        w.undefined &= ~ALL  # behind sub [at], 1; jne head
        _some(w, kinds)
    whole.code, whole.undefined = bytes(w.code), w.undefined


def _some(w: Any, kinds: Sequence[tuple[int, Callable[[Any], None]]]) -> None:
    for _ in range(w.rng.randrange(1, 4)):
        w.rng.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0](w)
