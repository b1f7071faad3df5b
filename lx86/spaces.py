"""Which addresses a program has.

A 32-bit program has the lower three of 4 GiB.  A 64-bit one has 47 bits of addresses, which the
host has itself no more of; so there is a hole in the middle where nothing can be mapped.
"""

from __future__ import annotations

from dataclasses import dataclass

SIZE = 1 << 32
PROGRAM_END = 0xC000_0000
"""Where a program's addresses end, as on a 32-bit kernel; what lies above is the translator's."""


@dataclass(frozen=True, slots=True)
class Space:
    """The addresses of a kind of programs: `word` bytes long, up to `end`.

    Those from `hole` on to `beyond` are no program's.  `size` bytes of the host's hold the others,
    behind the first `below`, which are for whoever runs the program.
    """

    word: int
    end: int
    size: int
    hole: int
    beyond: int
    below: int = 0


SPACE_32 = Space(4, PROGRAM_END, SIZE, PROGRAM_END, PROGRAM_END)
_BELOW = 1 << 39
_END_64 = 0x7FFF_FFFF_F000


def _space_64(hole: int, beyond: int) -> Space:
    return Space(8, _END_64, _BELOW + hole + (1 << 47) - beyond, hole, beyond, _BELOW)


SPACE_64 = _space_64(0x2000_0000_0000, 0x5000_0000_0000)
SPACE_64_TWICE = _space_64(0x1800_0000_0000, 0x7800_0000_0000)
"""So small that the host has room for two."""
