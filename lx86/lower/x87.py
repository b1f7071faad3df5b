"""x87; how is in `fpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fpu import lower_x87
from ..options import NotTranslated

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def lower(x: Context, i: Instruction) -> None:
    if not lower_x87.lower(x, i):
        raise NotTranslated


def fwait(x: Context, i: Instruction) -> None:
    lower_x87.wait(x, i)
