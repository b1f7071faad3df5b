"""What the lowering of an instruction works with: registers, addresses, loads and stores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .addresses import Address, Addresses
from .convention import FIRST, ONE, ZERO
from .emitter import fits
from .extended import is_extended_next
from .instruction import FS, NO_SEGMENT, Imm, Instruction, Mem, Operand, Reg
from .locks import is_locked, load_reserving, store_conditionally
from .state import Recovery, Value

if TYPE_CHECKING:
    from .fpu.lowering import Assist

_LOADS = {8: (58, 21), 4: (32, 23), 2: (40, 279), 1: (34, 87)}
_STORES = {8: (62, 149), 4: (36, 151), 2: (44, 407), 1: (38, 215)}
_FIXED: dict[int, Value] = {ZERO: (-1, 0), ONE: (-1, 1)}


@dataclass
class Context(Addresses):
    """State of the code being emitted for one region."""

    i: Instruction = field(init=False)
    ahead: list[Instruction] = field(default_factory=list)
    """The stretch of code it is in,"""
    position: int = 0
    """and where."""
    done: Instruction | None = None
    """One that was done together with an earlier one."""
    live: int = 0
    """Pieces of the flags that are wanted behind the instruction."""
    before: int = 0
    """Those that are there before it."""
    down: bool = False
    """The direction flag."""
    recoveries: dict[int, Recovery] = field(default_factory=dict)
    """By the index of a word."""
    safe: dict[int, Recovery] = field(default_factory=dict)
    """The same, of places where one can go on at any time."""
    assists: dict[int, Assist] = field(default_factory=dict)
    """Where the host carries out an instruction of x87, MMX or SSE."""
    stack_key: int = 0
    """What R1 is expected to be (fpu/known.py)."""
    stack_asked: bool = False
    """That was made use of."""

    locked: bool = False
    """The instruction loads and stores at once for other processes (locks.py)."""

    def begin(self, i: Instruction, before: int, live: int) -> None:
        self.i, self.before, self.live = i, before, live
        self.locked = is_locked(i)
        if self.locked:
            self.s.words.clear()  # what one knows of others' stores ends here
        self.held.clear()
        self.spare()

    @property
    def following(self) -> Instruction | None:
        """What comes next, if it is sure to."""
        behind = self.position + 1
        return self.ahead[behind] if behind < len(self.ahead) else None

    def effective(self, m: Mem, operand: Reg | None = None) -> int:
        """The address itself (without segment) in a POWER register: LEA's work.

        `operand`: where it is to be written, of less than a word.
        """
        asked = self.s.low
        plain = m if m.segment < FS and self.options.flat else replace(m, segment=NO_SEGMENT)
        if operand is not None:
            self.s.low = 0
        base, index, displacement = self.address(plain)
        self.s.low = asked
        target = self.temporary() if operand is None else self.result(operand)
        if index >= 0:
            self.e.add(target, base, index)
        elif base == 0:
            self.load_constant(target, displacement)
        else:
            self.e.addi(target, base, displacement)
        return target

    # -- storage ---------------------------------------------------------------------------

    def recovery(
        self, values: list[Value] | None = None, eip: int | None = None, live: int | None = None
    ) -> Recovery:
        s, eip = self.s, self.i.address if eip is None else eip
        return Recovery(
            eip, tuple(values or s.values), self.before if live is None else live, s.zero_in_cr1,
            s.sign_in_cr0, s.carry, s.floating, low=s.low,
        )  # fmt: skip

    def safe_point(self, values: list[Value]) -> None:
        """The program may be interrupted here, before or within this instruction."""
        self.safe[len(self.e.words)] = self.recovery(values)

    def may_fail(self, recovery: Recovery | None = None) -> None:
        """The next word may be interrupted; the program is then before this instruction."""
        self.recoveries[len(self.e.words)] = recovery or self.recovery()

    def known_word(self, at: Address) -> Value | None:
        if at[1] >= 0 or not self.options.forward_words:
            return None
        return self.s.words.get((at[0], at[2]))

    def load(self, target: int, at: Address, size: int, recovery: Recovery | None = None) -> None:
        """Zero-extended, into a POWER register."""
        if self.locked:
            load_reserving(self, target, at, size)
            return
        at = self._reachable(at, size)
        self.may_fail(recovery)
        base, index, displacement = at
        opcode, extended = _LOADS[size]
        if index >= 0:
            self.e.x(extended, target, base, index)
        else:
            self.e.d(opcode, target, base, displacement)
        if size < self.word:
            self.s.widths[target] = 8 * size

    def _reachable(self, at: Address, size: int) -> Address:
        """Doublewords have displacements that are multiples of four; R0 may be written."""
        base, index, displacement = at
        if size < 8 or index >= 0 or not displacement & 3:
            return at
        self.e.addi(0, base, displacement)
        return 0, 0, 0

    def load_signed(
        self, target: int, at: Address, size: int, recovery: Recovery | None = None
    ) -> None:
        """As `load` of a halfword or 32 bits, sign-extended."""
        if size == 4:
            at = self._reachable(at, 8)
        base, index, displacement = at
        self.may_fail(recovery)
        if index >= 0:
            self.e.x(343 if size == 2 else 341, target, base, index)
        elif size == 2:
            self.e.d(42, target, base, displacement)
        else:
            self.e.d(58, target, base, displacement | 2)

    def load_word(self, at: Address) -> int:
        """A register that holds the word there."""
        known = self.known_word(at)
        if known is not None and (known[0] >= 0) and not known[1]:
            self.held.add(known[0])
            return known[0]
        target = self.temporary()
        self.load(target, at, self.word)
        self.note_word(at, (target, 0))
        return target

    def note_word(self, at: Address, value: Value) -> None:
        """The word at an address is known from now on."""
        if at[1] < 0 and at[0] and self.options.forward_words:
            self.s.words[at[0], at[2]] = value

    def store(self, source: int, at: Address, size: int) -> None:
        if self.locked:
            store_conditionally(self, source, at, size)
            return
        base, index, displacement = at
        if size == 8 and index < 0 and displacement & 3:
            self._store_unaligned(source, at)
            return
        self.may_fail()
        opcode, extended = _STORES[size]
        if index >= 0:
            self.e.x(extended, source, base, index)
            self.s.words.clear()
            return
        self.e.d(opcode, source, base, displacement)
        self.stored(base, displacement, size)
        if size == self.word:
            self.note_word(at, _FIXED.get(source) or (source, 0))

    def _store_unaligned(self, source: int, at: Address) -> None:
        base, _, displacement = at
        self.e.addi(0, base, displacement)
        self.may_fail()
        self.e.x(149, source, 0, 0)
        self.stored(base, displacement, 8)

    def stored(self, base: int, displacement: int, size: int) -> None:
        """What is known of other words than those with this base may be wrong now."""
        if self.s.words:
            self.s.words = {
                (b, d): value
                for (b, d), value in self.s.words.items()
                if b == base and (d + self.word <= displacement or d >= displacement + size)
            }

    # -- numbers -----------------------------------------------------------------------------

    def is_long(self, value: int) -> bool:
        """Whether a constant takes two instructions, and an ADDIS reaches it."""
        value = self.signed(value)
        if fits(value) or not value & 0xFFFF or not -0x7FFF_8000 <= value < 0x7FFF_8000:
            return False
        if self.pinned(value) or self.near(value)[0]:
            return False
        return ("const", -1, value) not in self.s.sums

    def shifted_right(self, target: int, source: int, places: int, record: int = 0) -> None:
        """Of a word, with zeros."""
        if self.word == 8:
            self.e.rldicl(target, source, 64 - places & 63, places, record)
        else:
            self.e.rlwinm(target, source, 32 - places & 31, places, 31, record)

    def compare_zero(self, field: int, register: int, size: int) -> None:
        """Signed, of the low `size` bytes, 4 or 8 (and of what is extended to as many)."""
        (self.e.cmpdi if size == 8 else self.e.cmpwi)(field, register, 0)

    # -- operands --------------------------------------------------------------------------

    def read(self, operand: Operand, at: Address | None = None) -> int:
        """A register whose low bits are the operand; what stands above is anything.

        Storage is read at `at`, where that was computed already.
        """
        if isinstance(operand, Imm):
            return self.constant(operand.value)
        if isinstance(operand, Mem):
            at = at or self.address(operand)
            if operand.size == self.word:
                return self.load_word(at)
            target = self.temporary()
            self.load(target, at, operand.size)
            return target
        assert isinstance(operand, Reg)
        number = operand.number
        register = self.use_low(number) if operand.size <= 4 else self.use(number)
        if operand.high:
            return self.sum("byte", register, 8)
        return register

    def read_zero_extended(self, operand: Operand, at: Address | None = None) -> int:
        if isinstance(operand, Imm):
            return self.constant(operand.value & (1 << 8 * self.i.size) - 1)
        if isinstance(operand, Reg) and operand.size == 4 and self.s.low >> operand.number & 1:
            self.clean(operand.number)
        register = self.read(operand, at)
        if (
            isinstance(operand, Reg)
            and not operand.high
            and self.width(register) > 8 * operand.size
        ):
            return self.sum({1: "byte", 2: "half", 4: "low"}[operand.size], register, 0)
        return register

    def write(self, operand: Reg, source: int) -> None:
        """Put the low bits of a POWER register into an x86 register or a part of it."""
        if operand.size == self.word:
            home = FIRST + operand.number
            if source in self.temporaries and self.options.lazy_values:
                self.s.values[operand.number] = (source, 0)
                self.s.low &= ~(1 << operand.number)
            elif source != home or self.s.values[operand.number] != (home, 0):
                self.e.mr(self.define(operand.number), source)
            return
        if operand.size == 4:
            self._write_low(operand.number, source)
            return
        home = FIRST + operand.number
        (base, offset), bits = self.s.values[operand.number], 8 * operand.size
        above = not offset >> bits if base < 0 else not offset and self.width(base) <= bits
        short = above and not operand.high and self.width(source) <= bits  # zeros, before and after
        if short or is_extended_next(self, operand):
            self.set_value(operand.number, (source, 0))
            return
        if source == home and self.s.values[operand.number] != (home, 0):
            copy = self.temporary()
            self.e.mr(copy, source)
            source = copy
        self.hold(source)
        self.settle(operand.number)
        low = self.s.low
        home = self.define(operand.number)
        self.s.low = low
        if operand.size == 2:
            self.e.rlwimi(home, source, 0, 16, 31)
        elif operand.high:
            self.e.rlwimi(home, source, 8, 16, 23)
        else:
            self.e.rlwimi(home, source, 0, 24, 31)

    def _write_low(self, number: int, source: int) -> None:
        """x86-64: what is written to 32 bits of a register is zero-extended."""
        home, lazy = FIRST + number, self.options.lazy_values
        ready = self.width(source) <= 32
        if ready and source == home and self.s.values[number] == (home, 0):
            return
        if ready and lazy:
            self.set_value(number, (source, 0))
            return
        if lazy and self.options.lazy_halves:
            self.set_low(number, (source, 0))
            return
        self.hold(source)
        target = self.define(number)
        if ready:
            self.e.mr(target, source)
        else:
            self.e.rldicl(target, source, 0, 32)
        self.s.widths[target] = 32

    def result(self, operand: Operand) -> int:
        """Where to compute a result for a register operand of four bytes or more.

        It is to be written all the same (`write`).  Else a temporary.
        """
        if isinstance(operand, Reg) and operand.size >= 4:
            number = operand.number
            home = FIRST + number
            if self.options.lazy_values:
                for n, (base, _) in enumerate(self.s.values):
                    if base == home and n != number:
                        return self.temporary()
            return self.define(number)
        return self.temporary()
