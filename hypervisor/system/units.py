"""Processing units: processors in hundredths, as PowerVM gives them out."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

WHOLE = 100
"""Hundredths of one processor."""


class ProcUnits(int):
    """Hundredths of a processor: `ProcUnits(50)` is 0.50 processing units."""

    @classmethod
    def parse(cls, value: str | float) -> Self:
        """Of "0.5", 0.5 or 2, in processors; ValueError unless it is a number of hundredths."""
        try:
            hundredths = Decimal(str(value)) * WHOLE
        except InvalidOperation:
            raise ValueError(f"{value!r} is no number of processors: 0.50, for example") from None
        if not hundredths.is_finite() or hundredths < 0 or hundredths != int(hundredths):
            raise ValueError(f"{value} processing units: 0 or more, in steps of 0.01")
        return cls(hundredths)

    @classmethod
    def processors(cls, count: int) -> Self:
        """That many whole processors."""
        return cls(count * WHOLE)

    def __str__(self) -> str:
        sign, hundredths = "-" if self < 0 else "", abs(self)
        return f"{sign}{hundredths // WHOLE}.{hundredths % WHOLE:02}"

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)

    def __repr__(self) -> str:
        return f"ProcUnits({int(self)})"


NONE = ProcUnits(0)
