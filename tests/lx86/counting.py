"""Exact counts of executed instructions, of x86 and of POWER, in steady state.

Steady state is what twice as many rounds add: count(2N) - count(N).  Each element of a repeated
string instruction counts as one x86 instruction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import unicorn

from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from . import small

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lx86.cpu import Cpu
    from lx86.options import Options
    from lx86.storage import Storage


@dataclass(frozen=True)
class Ratio:
    """POWER instructions for x86 instructions."""

    x86: int
    power: int

    def __float__(self) -> float:
        return self.power / self.x86


class CountingCpu(UnicornCpu):
    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.executed = 0
        self._uc.hook_add(unicorn.UC_HOOK_CODE, self._count)

    def _count(self, _uc: Any, _address: int, _size: int, _: object) -> None:
        self.executed += 1


def x86_instructions(name: str, rounds: int) -> int:
    counts = []
    small.run(CountingCpu, name, str(rounds), look=lambda cpu: counts.append(cpu.executed))  # type: ignore[attr-defined]
    return int(counts[0])


def power_instructions(name: str, rounds: int, options: Options | None = None) -> int:
    counts: list[int] = []
    small.run(
        lambda storage: translating(storage, options), name, str(rounds),
        look=lambda cpu: counts.append(executed(cpu)),
    )  # fmt: skip
    return counts[0]


def translating(storage: Storage, options: Options | None) -> Cpu:
    return TranslatingCpu(storage, options=options)


def executed(cpu: Cpu) -> int:
    """POWER instructions of a program that was translated."""
    assert isinstance(cpu, TranslatingCpu)
    return cpu.machine.instructions


def steady(name: str, rounds: int = 1, options: Options | None = None) -> Ratio:
    return Ratio(
        x86_instructions(name, 2 * rounds) - x86_instructions(name, rounds),
        power_instructions(name, 2 * rounds, options) - power_instructions(name, rounds, options),
    )


def geometric_mean(ratios: Iterable[Ratio]) -> float:
    logs = [math.log(float(ratio)) for ratio in ratios]
    return math.exp(sum(logs) / len(logs))
