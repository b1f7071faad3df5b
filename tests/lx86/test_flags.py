"""What is known of EFLAGS where code is left."""

from __future__ import annotations

import itertools
import random

from lx86.flags import EVERY, A, C, G, L, N, O, P, S, Z, from_fields, to_fields

_BITS = {L: 31, G: 30, Z: 29, C: 27, A: 26, S: 23, O: 11}
"""Those pieces that lie in CR, from its least significant bit."""


def test_pieces_that_are_known_are_the_same_when_code_is_entered_again() -> None:
    rng = random.Random(1)
    flags = (0x1, 0x4, 0x10, 0x40, 0x80, 0x800)
    for some in itertools.product((False, True), repeat=len(flags)):
        eflags = 2 | sum(flag for flag, is_set in zip(flags, some, strict=True) if is_set)
        cr, parity, adjust = to_fields(eflags)
        for live in range(EVERY + 1):
            known = sum(1 << bit for piece, bit in _BITS.items() if live & piece)
            mixed = cr & known | rng.getrandbits(32) & ~known
            left = from_fields(
                mixed,
                parity if live & P else rng.getrandbits(32),
                adjust if live & N else rng.getrandbits(32),
                live,
                2,
            )
            again = to_fields(left)
            assert again[0] & known == cr & known, (hex(eflags), live)
            assert not live & P or again[1] == parity
            assert not live & N or again[2] == adjust
