"""Editions of the Power ISA, as what a processor follows: later ones' facilities are not there.

One core stands for all of them; `native/level.c` takes away what a level does not have.
"""

from __future__ import annotations

from enum import IntEnum

from .native import lib


class IsaLevel(IntEnum):
    """An edition of the Power ISA; `<` is "older than"."""

    V2_06 = lib.ISA_2_06
    V2_07 = lib.ISA_2_07
    V3_0 = lib.ISA_3_0
    V3_1 = lib.ISA_3_1
