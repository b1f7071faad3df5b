"""Editions of the Power ISA, as what a processor follows: later ones' facilities are not there.

One core stands for all of them; `native/level.c` takes away what a level does not have.
"""

from __future__ import annotations

from enum import IntEnum


class IsaLevel(IntEnum):
    """An edition of the Power ISA, numbered as in native/core.h; `<` is "older than"."""

    V2_06 = 206
    V2_07 = 207
    V3_0 = 300
    V3_1 = 310
