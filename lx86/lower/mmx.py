"""MMX: not translated yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options import NotTranslated

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction


def lower(x: Context, i: Instruction) -> None:
    raise NotTranslated
