"""A translating processor that tells of each place where the program's state is known.

Nothing of the code is changed for that: it runs from branch to branch, and between such places
registers and flags stay wherever the code keeps them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .. import exchange, flags
from ..cpuid import DEFAULT
from ..machine import OutOfTime
from ..translating_cpu import TranslatingCpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.exits import Checkstop

    from ..block import Block
    from ..cpu import FloatingState, X86State
    from ..cpuid import Model
    from ..machine import Called, Interrupted
    from ..options import Options
    from ..state import Recovery
    from ..storage import Storage

_BRANCHES = frozenset([16, 17, 18, 19])
"""Primary opcodes: bc, sc, b, and bclr and its kin."""


class Stepped(TranslatingCpu):
    def __init__(
        self, storage: Storage, options: Options | None, arrived: Callable[[Recovery], None],
        model: Model = DEFAULT,
    ) -> None:  # fmt: skip
        """`arrived` is called at each place, the program being as the recovery says."""
        super().__init__(storage, model, options)
        self.translator.studied = True
        self._arrived = arrived
        self._steps: dict[Block, list[int]] = {}
        self.executed: list[tuple[int, int]] = []
        """Addresses of POWER code that was run, and how many instructions of it."""
        self.live = flags.EVERY
        """The pieces of the flags that `state` holds."""

    def state_at(self, place: Recovery) -> X86State:
        state = replace(self.state)
        exchange.read(state, self.machine, place, self.architecture)
        return state

    def floating_at(self, place: Recovery) -> FloatingState:
        return self._file.read(place.floating)

    def _read_state(self, at: Recovery) -> None:
        super()._read_state(at)
        self.live = at.live

    def _run_code(self, at: int, budget: int) -> Called | Interrupted | OutOfTime | Checkstop:
        end = self.machine.instructions + budget
        while True:
            place = self.cache.safe_at(at)
            if place is not None:
                self._arrived(place)
            left = min(end - self.machine.instructions, self._until_branch(at))
            if left <= 0:
                return OutOfTime()
            self.executed.append((at, left))
            why = self.machine.run(at, left)
            if not isinstance(why, OutOfTime):
                return why
            at = self.machine.registers.nip

    def _until_branch(self, at: int) -> int:
        """Instructions to the next branch, which is one of them, or to the next known place."""
        block = self.cache.block_at(at)
        if block is None:
            return 1
        steps = self._steps.get(block)
        if steps is None:
            steps = self._steps[block] = _distances(block)
        return steps[block.index_of(at)]


def _distances(block: Block) -> list[int]:
    count = len(block.code) // 4
    steps = [1] * count
    for n in range(count - 2, -1, -1):
        word = int.from_bytes(block.code[4 * n : 4 * n + 4], "little")
        if word >> 26 not in _BRANCHES and n + 1 not in block.details.safe:
            steps[n] = steps[n + 1] + 1
    return steps
