"""MMX, SSE and SSE2; how is in `fpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fpu import lower_simd, lower_simd3
from ..options import NotTranslated

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def lower(x: Context, i: Instruction) -> None:
    if not lower_simd.lower(x, i):
        raise NotTranslated


def lower_three_bytes(x: Context, i: Instruction) -> None:
    if not lower_simd3.lower(x, i):
        raise NotTranslated
