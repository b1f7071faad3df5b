"""What is known at a point of the code: where each x86 register's value is, and what storage holds.

A register is not always in its own POWER register: after `mov eax, ebx` it is where EBX is, after
`sub esp, 12` it is ESP's less 12, after `mov eax, 1` a constant.  Such values become instructions
only when somebody needs them, and often nobody does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .convention import FIRST
from .fpu.known import NOTHING, Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .architecture import Architecture

Value = tuple[int, int]
"""A POWER register and what is to be added to it; register -1: a constant."""
IN_CTR = -2
"""Instead of a register: CTR.  Only a `Recovery` has that."""
BLOCKS = -16
"""And BLOCKS - n: ECX's own register and CTR times 2 ** n."""

_HOMES: tuple[Value, ...] = tuple((FIRST + n, 0) for n in range(16))


def homes(architecture: Architecture) -> tuple[Value, ...]:
    """Every register's value in its own POWER register."""
    return _HOMES[: len(architecture.registers)]


@dataclass(slots=True)
class State:
    values: list[Value]
    words: dict[Value, Value] = field(default_factory=dict)
    """Words of storage whose value is known, by their address."""
    sums: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """Temporaries that hold something computed, by how."""
    widths: dict[int, int] = field(default_factory=dict)
    """POWER registers of whose low words only so many bits are not zero."""
    zero_in_cr1: bool = False
    """Z lies in CR1.EQ instead."""
    sign_in_cr0: bool = False
    """S lies in CR0.LT instead."""
    carry: int = 0
    """What XER.CA is to ADC and SBB: 0 nothing, 1 CF, 2 its complement."""
    low: int = 0
    """x86-64, a bit for each register: it is the lower 32 bits of what `values` says."""
    floating: Known = NOTHING
    lasting: Mapping[int, int] = field(default_factory=dict)
    """Temporaries that hold constants throughout a loop, and these (loop_constants.py)."""

    def copy(self) -> State:
        return State(
            list(self.values), dict(self.words), dict(self.sums), dict(self.widths),
            self.zero_in_cr1, self.sign_in_cr0, self.carry, self.low, self.floating, self.lasting,
        )  # fmt: skip

    def forget(self, register: int) -> None:
        """What was known by the content of a POWER register that is about to be written."""
        self.widths.pop(register, None)
        words, sums = self.words, self.sums
        if words:
            lost = [at for at, value in words.items() if register in (at[0], value[0])]
            for at in lost:
                del words[at]
        if sums:
            gone = [
                how
                for how, held in sums.items()
                if held == register
                or how[1] == register
                or (how[0] == "add" and how[2] == register)
            ]
            for how in gone:
                del sums[how]

    def rebase(self, register: int, amount: int) -> None:
        """`amount` is about to be added to a POWER register."""
        self.widths.pop(register, None)
        self.values = [
            (base, offset - amount) if base == register else (base, offset)
            for base, offset in self.values
        ]
        self.words = {
            (base, offset - amount) if base == register else (base, offset): value
            for (base, offset), value in self.words.items()
            if value[0] != register
        }
        self.sums = {
            how: held
            for how, held in self.sums.items()
            if how[1] != register and (how[0] != "add" or how[2] != register)
        }


@dataclass(slots=True, unsafe_hash=True)
class Recovery:
    """How to find the program's state at a POWER instruction: it is before the one at `eip`.

    Nobody changes one; it is not frozen because there are many, and those take longer to make.
    """

    eip: int
    values: tuple[Value, ...]
    live: int  # pieces of the flags that are there
    zero_in_cr1: bool
    sign_in_cr0: bool
    carry: int
    floating: Known = NOTHING
    one_by_one: bool = False
    """It takes several elements of a string at once; which one fails is to be found out."""
    low: int = 0
    """As in `State`."""
