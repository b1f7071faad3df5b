"""A figure: what is measured, what it is to reach, and what the runs gave."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROW = "{:22} {:>8} {:>8} {:>6} {:>8} {:>8}  {}"
HEAD = _ROW.format("figure", "pyphyp", "qemu", "ratio", "reach", "prize", "best run to worst run")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    `reach` and `prize` are in `unit`, or ratios to QEMU where it does the same (`ratios`).
    """

    name: str
    what: str
    unit: str
    reach: float
    prize: float
    ratios: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """The runs of a figure, in `unit`; those of both systems are paired, QEMU's may be missing."""

    figure: Figure
    pyphyp: Sequence[float]
    qemu: Sequence[float] = ()

    @property
    def ratios(self) -> list[float]:
        """Ours to QEMU's, pair by pair."""
        if not self.qemu:
            return []
        return [ours / theirs for ours, theirs in zip(self.pyphyp, self.qemu, strict=True)]

    def row(self) -> str:
        """Medians, and of ratios the median pair by pair; the spread behind them."""
        figure, ratios = self.figure, self.ratios
        unit = "x" if figure.ratios else f" {figure.unit}"
        spread = f"{min(self.pyphyp):.2f} to {max(self.pyphyp):.2f} {figure.unit}"
        if ratios:
            spread += f"; {min(ratios):.2f}x to {max(ratios):.2f}x"
        return _ROW.format(
            figure.name,
            _amount(self.pyphyp, figure.unit),
            _amount(self.qemu, figure.unit) if ratios else "",
            f"{median(ratios):.2f}x" if ratios else "",
            f"{figure.reach:g}{unit}",
            f"{figure.prize:g}{unit}",
            spread,
        )

    def record(self) -> dict[str, object]:
        """The same for programs, and every run."""
        ratios = self.ratios
        return {
            "figure": self.figure.name,
            "what": self.figure.what,
            "unit": self.figure.unit,
            "pyphyp": median(self.pyphyp),
            "qemu": median(self.qemu) if ratios else None,
            "ratio": median(ratios) if ratios else None,
            "reach": self.figure.reach,
            "prize": self.figure.prize,
            "bounds_are": "ratios to qemu" if self.figure.ratios else self.figure.unit,
            "pyphyp_runs": list(self.pyphyp),
            "qemu_runs": list(self.qemu),
        }


def _amount(values: Sequence[float], unit: str) -> str:
    middle = median(values)
    return f"{middle:.{2 if middle < 10 else 0}f} {unit}"
