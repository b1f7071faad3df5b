"""What instructions do to the flags, by numbers: `flags.live_before` as tables.

`live_before` of several pieces together is what it is of each, together.  So it is asked once for
each piece, and what it says of all 1,024 sets of pieces follows.  Few instructions differ in that,
and those that do not have one number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flags import live_before

if TYPE_CHECKING:
    from .instruction import Instruction

PIECES = 10


class Effects:
    """Numbers for effects, given as they are asked for."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}
        self.tables: list[tuple[int, ...]] = []
        """By number, then by what is wanted behind: what is wanted before."""

    def number(self, i: Instruction) -> int:
        """Of an instruction's effect."""
        rows = (live_before(i, 0), *(live_before(i, 1 << piece) for piece in range(PIECES)))
        known = self._numbers.get(rows)
        if known is None:
            known = self._numbers[rows] = len(self.tables)
            table = [rows[0]]
            for row in rows[1:]:
                table += [before | row for before in table]
            self.tables.append(tuple(table))
        return known
