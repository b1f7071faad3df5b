"""Unicorn's x86, brought to where translated code is.

Unicorn's transcendental functions are those of the host's doubles, its remainders have wrong
quotients, its FCOMI and FUCOMI leave OF, SF and AF, and its estimates of reciprocals are nobody's:
these instructions are carried out here as translated code has them carried out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cpu import Preempted
from ..cpuid import DEFAULT
from ..decoder import Truncated, Undefined, decode
from ..fpu.interpret import interpret
from ..fpu.operation import Operation, Refused
from ..fpu.operation import Undefined as NotDefined
from ..host_segments import effective
from ..instruction import Mem
from ..storage import StorageFault
from ..unicorn_cpu import UnicornCpu
from .undefined import undefined_after

if TYPE_CHECKING:
    from ..cpu import Exit
    from ..cpuid import Model
    from ..instruction import Instruction
    from ..storage import Storage

_LONGEST = 15
_UNLIMITED = 1 << 62
_ROUGH = frozenset([0xF0, 0xF1, 0xF2, 0xF3, 0xF5, 0xF8, 0xF9, 0xFB, 0xFE, 0xFF])
"""Behind D9: F2XM1, FYL2X, FPTAN, FPATAN, FPREM1, FPREM, FYL2XP1, FSINCOS, FSIN, FCOS."""


class Reference:
    """Over `storage`, which is its own.  `cpu` has its state."""

    def __init__(self, storage: Storage, model: Model = DEFAULT) -> None:
        self._storage = storage
        self.cpu = UnicornCpu(storage, model)
        self.cpu.watch(self._before, self._stored)
        self._long = self.cpu.architecture.long
        self.visited: list[int] = []
        """Addresses of the instructions since the last place where both were equal."""
        self.stores: list[tuple[int, int]] = []
        """And what was stored to."""
        self._undefined = 0
        self._target: int | None = None
        self._rough: int | None = None
        """What `cpu` must not carry out itself."""
        self._end = 0
        self._began = False
        self._decoded: dict[int, tuple[bytes, Instruction]] = {}

    def advance(self, target: int | None, most: int) -> Exit:
        """On until an instruction at `target` comes next again, or for `most` instructions."""
        self._target, self._began = target, False
        self._end = len(self.visited) + most
        while True:
            self._rough = None
            why = self.cpu.run(_UNLIMITED)
            if self._rough is None or not self._interpret(self._rough):
                return why
            if self.cpu.state.eip == target:
                return Preempted()

    def _before(self, address: int) -> bool:
        if (self._began and address == self._target) or len(self.visited) >= self._end:
            return True
        self._began = True
        self.visited.append(address)
        code = bytes(self._storage.raw(address, 4))
        if _is_rough(code, long=self._long) and self._rough != address:
            self._rough = address
            return True
        return False

    def _decode(self, code: bytes, address: int) -> Instruction:
        return decode(code, address, long=self._long)

    def _interpret(self, address: int) -> bool:
        """Carry out an instruction as translated code has it done; False: it traps."""
        state, floating = self.cpu.state, self.cpu.floating()
        i = self._decode(bytes(self._storage.raw(address, _LONGEST)), address)
        operand = i.operands[0] if i.operands else None
        at = effective(operand, state) if isinstance(operand, Mem) else 0
        general = [getattr(state, name) for name in self.cpu.architecture.registers]
        op = Operation(i, floating, self._storage, general, state.eflags, at, mask=state.mask)
        try:
            interpret(op)
        except (Refused, NotDefined, StorageFault):
            return False
        self.cpu.set_floating(floating)
        state.eip, state.eflags = i.next, op.eflags
        return True

    def _stored(self, address: int, size: int) -> None:
        self.stores.append((address, size))

    def settle(self) -> None:
        """Both are equal here."""
        self._undefined = self.undefined()
        self.visited.clear()
        self.stores.clear()

    def trust_flags(self) -> None:
        """What EFLAGS holds now is defined."""
        self._undefined = 0

    def undefined(self) -> int:
        """Flags that are undefined now."""
        found = self._undefined
        for i in self.instructions():
            found = undefined_after(i, found)
        return found

    def instructions(self) -> list[Instruction]:
        """Those since both were equal, as far as they are still there."""
        found = []
        for address in self.visited:
            code = bytes(self._storage.raw(address, _LONGEST))
            known = self._decoded.get(address)
            if known is None or known[0] != code:
                try:
                    known = self._decoded[address] = code, self._decode(code, address)
                except (Undefined, Truncated):
                    continue
            found.append(known[1])
        return found


def _is_rough(code: bytes, *, long: bool) -> bool:
    """Whether it begins with such an instruction, a REX prefix in front of its opcode or not."""
    scalar = code[0] == 0xF3
    code = code[1:] if scalar else code
    code = code[1:] if long and code[0] & 0xF0 == 0x40 else code
    if code[0] == 0x0F:
        return code[1] in (0x52, 0x53)
    if scalar:
        return False
    if code[0] == 0xD9:
        return code[1] in _ROUGH
    if code[0] in (0xDB, 0xDF):
        return 0xE8 <= code[1] <= 0xF7  # FUCOMI, FCOMI, FUCOMIP, FCOMIP
    return False
