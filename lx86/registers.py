"""Which POWER register has what: values of x86 registers, temporaries, constants, address sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .constants import is_high, length_of_constant
from .convention import BASE, FIRST, ONE, PINNED, TEMPORARIES, TEMPORARIES_64, ZERO
from .emitter import WORD, Emitter, fits, signed
from .state import State, Value, homes

if TYPE_CHECKING:
    from .options import Options


class NoTemporary(Exception):  # noqa: N818
    """An instruction needs more temporaries than those that hold values leave to it."""


@dataclass
class Registers:
    """What has been put where in the code emitted so far."""

    e: Emitter
    options: Options
    s: State = field(init=False)
    held: set[int] = field(default_factory=set)
    """What the instruction being lowered has read: not to be written over."""
    word: int = field(init=False)
    """Bytes of a word of the program's: 4 or 8."""
    bits: int = field(init=False)
    """Bits of it."""
    temporaries: tuple[int, ...] = field(init=False)
    _homes: list[Value] = field(init=False)
    _turn: int = 0

    def __post_init__(self) -> None:
        architecture = self.options.architecture
        self.word, self.bits = architecture.word, architecture.bits
        self.temporaries = TEMPORARIES_64 if architecture.long else TEMPORARIES
        self._lendable = frozenset(self.temporaries)
        self._homes = list(homes(architecture))
        self.s = State(list(self._homes))

    def signed(self, value: int) -> int:
        """A word of the program's as a signed number."""
        sign = 1 << self.bits - 1
        return (value & 2 * sign - 1 ^ sign) - sign

    # -- registers -------------------------------------------------------------------------

    def temporary(self) -> int:
        """A register for the rest of this instruction, and longer if the state names it."""
        bases = [base for base, _ in self.s.values]
        temporaries, lasting = self.temporaries, self.s.lasting
        for _ in temporaries:
            self._turn = (self._turn + 1) % len(temporaries)
            register = temporaries[self._turn]
            if register not in self.held and register not in bases and register not in lasting:
                self.held.add(register)
                self.s.forget(register)
                return register
        # All are wanted: registers whose values are elsewhere go home.
        for number in range(len(self._homes)):
            home = FIRST + number
            if self.s.values[number][0] in temporaries and home not in self.held:
                self.held.add(home)  # whoever has to leave it may ask for a temporary in turn
                self.settle(number)
                self.held.discard(home)
                return self.temporary()
        for register in lasting:  # made again where the next node looks for it
            if register not in self.held and register not in bases:
                self.s.lasting = {n: value for n, value in lasting.items() if n != register}
                self.held.add(register)
                self.s.forget(register)
                return register
        raise NoTemporary

    def _has_temporaries(self, count: int) -> bool:
        """Whether there are so many that nothing has to leave."""
        taken = self.held.union(self.s.lasting, [base for base, _ in self.s.values])
        return len(self.temporaries) - len(taken.intersection(self.temporaries)) >= count

    def release(self, *registers: int) -> None:
        """The instruction needs these temporaries no more."""
        self.held.difference_update(registers)

    def spare(self) -> None:
        """Before an instruction: not so many values in temporaries that it has too few."""
        if self.s.values == self._homes:
            return
        lendable = self._lendable
        lent = [n for n, value in enumerate(self.s.values) if value[0] in lendable]
        for number in lent[self.options.most_lent :]:
            if self.s.values[number][0] in lendable:
                self.settle(number)

    def use(self, number: int) -> int:
        """A POWER register that holds x86 register `number`, for reading."""
        if self.s.low >> number & 1:
            self.clean(number)
        return self.use_low(number)

    def use_low(self, number: int) -> int:
        """As `use`, of whose upper half nothing is asked."""
        base, offset = self.s.values[number]
        if base < 0:
            constant = self.signed(offset)
            if constant == 0:
                return ZERO
            if constant == 1:
                return ONE
            if register := self.pinned(constant):
                return register
        elif offset == 0:
            self.held.add(base)
            return base
        home = FIRST + number
        if home in self.held:  # this instruction still needs what is there
            return self.sum("const", -1, offset) if base < 0 else self.sum("plus", base, offset)
        self.settle(number)
        self.held.add(home)
        return home

    def value(self, number: int) -> Value:
        """All of an x86 register."""
        if self.s.low >> number & 1:
            self.clean(number)
        return self.s.values[number]

    def clean(self, number: int) -> None:
        """x86-64: the upper half of a register that is in `State.low` becomes zero."""
        home, s = FIRST + number, self.s
        base, offset = s.values[number]
        s.low &= ~(1 << number)
        if base < 0:
            s.values[number] = (base, offset & WORD)
            return
        if not offset and self.width(base) <= 32:
            return
        others = [n for n, value in enumerate(s.values) if value[0] == home and n != number]
        if base == home and not offset and all(s.low >> n & 1 for n in others):
            s.forget(home)
        elif home in self.held:  # this instruction still needs what is there
            home = self.temporary()
        else:
            self.vacate(home, number)
            base, offset = s.values[number]
        if offset:
            self.e_add_constant(home, base, offset)
            base = home
        self.e.rldicl(home, base, 0, 32)
        s.values[number] = (home, 0)
        s.widths[home] = 32

    def clean_all(self, but: int = 0) -> None:
        """Those of the bits of `but` may stay as they are."""
        left = self.s.low & ~but
        while left:
            number = left.bit_length() - 1
            self.clean(number)
            left &= ~(1 << number)

    def settle(self, number: int) -> None:
        """Bring x86 register `number` into its own POWER register."""
        home, s = FIRST + number, self.s
        base, offset = s.values[number]
        if (base, offset) == (home, 0):
            return
        if base == home:
            self.e_add_constant(home, home, offset)
            s.rebase(home, self.signed(offset))
            s.values[number] = (home, 0)
            return
        self.vacate(home, number)
        base, offset = s.values[number]
        if base < 0:
            self.load_constant(home, offset)
        elif offset:
            self.e_add_constant(home, base, offset)
        else:
            self.e.mr(home, base)
            if base in s.widths:
                s.widths[home] = s.widths[base]
        s.values[number] = (home, 0)

    def e_add_constant(self, target: int, source: int, constant: int) -> None:
        """target = source + constant; both may be one."""
        constant = self.signed(constant)
        if fits(constant):
            self.e.addi(target, source, constant)
            return
        if register := self.pinned(constant):
            self.e.add(target, source, register)
            return
        if self.word == 8 and not -0x8000_8000 <= constant < 0x7FFF_8000:
            self.e.li_doubleword(0, constant)
            self.e.add(target, source, 0)
            return
        high = (constant + 0x8000) >> 16
        self.e.addis(target, source, signed(high << 16) >> 16)
        low = signed(constant - (high << 16))
        if low:
            self.e.addi(target, target, low)

    def vacate(self, register: int, owner: int = -1) -> None:
        """Before POWER register `register` is written: whoever else's value it holds moves."""
        s = self.s
        held = [n for n, value in enumerate(s.values) if value[0] == register and n != owner]
        if held:
            number = held[0]
            home = FIRST + number
            alone = len(held) == 1 and home not in self.held and home != register
            if alone and not any(v[0] == home for v in s.values):
                offset = s.values[number][1]
                s.forget(home)
                if offset:
                    self.e_add_constant(home, register, offset)
                else:
                    self.e.mr(home, register)
                s.values[number] = (home, 0)
            else:
                copy = self.temporary()
                self.e.mr(copy, register)
                for other in held:
                    s.values[other] = (copy, s.values[other][1])
        s.forget(register)

    def vacate_all(self, register: int) -> None:
        """As `vacate`, where the register's own value stays."""
        self.vacate(register, register - FIRST)

    def settle_all(self) -> None:
        """Every x86 register into its own POWER register."""
        values = self.s.values
        ours = self._homes
        if values == ours:
            return
        left = [n for n, home in enumerate(ours) if values[n] != home]
        while left:
            values = self.s.values
            for number in left:
                home = FIRST + number
                if not any(v[0] == home for n, v in enumerate(values) if n != number):
                    break
            else:
                number = left[0]
            self.settle(number)
            left = [n for n, home in enumerate(ours) if self.s.values[n] != home]

    def define(self, number: int) -> int:
        """The POWER register into which a new value of x86 register `number` is to be put.

        What is to be read must have been asked for before.
        """
        home = FIRST + number
        self.vacate(home, number)
        self.s.values[number] = (home, 0)
        self.s.low &= ~(1 << number)
        return home

    def set_value(self, number: int, value: Value) -> None:
        """x86 register `number` now has this value, which need not be computed at once."""
        self.set_values((number, value))

    def set_values(self, *values: tuple[int, Value]) -> None:
        """`set_value` of several at once: each value is what it was before any of them is set."""
        for number, (base, offset) in values:
            self.s.values[number] = (base, self.signed(offset))
            self.s.low &= ~(1 << number)
        if not self.options.lazy_values:
            for number, _ in values:
                self.settle(number)

    def set_low(self, number: int, value: Value) -> None:
        """x86-64: as `set_value`, of the lower 32 bits of a value; the upper half is zero."""
        base, offset = value[0], signed(value[1])
        self.s.values[number] = (base, offset)
        if base < 0 <= offset:
            self.s.low &= ~(1 << number)
        else:
            self.s.low |= 1 << number
        if not self.options.lazy_values:
            self.clean(number)
            self.settle(number)

    def hold(self, register: int) -> None:
        self.held.add(register)

    def constant(self, value: int) -> int:
        """A register that holds a constant."""
        value = self.signed(value)
        if value == 0:
            return ZERO
        if value == 1:
            return ONE
        if register := self.pinned(value):
            return register
        known = ("const", -1, value) in self.s.sums
        if is_high(value) and not known and self._has_temporaries(2):
            held = self.held.copy()
            register, distance = self.near_high(value)
            found = self.sum("plus", register, distance) if distance else register
            self.held = held | {found}
            return found
        return self.sum("const", -1, value)

    def near_high(self, value: int) -> tuple[int, int]:
        """As `near`, if need be one of its own: what else lies near will be asked for, too."""
        known = self.near(value)
        if known[0]:
            return known
        high = (value + 0x8000) >> 16 << 16
        return self.sum("const", -1, high), value - high

    def pinned(self, value: int) -> int:
        """A register that holds a constant here without having been asked to, or 0."""
        for register, constant in self.s.lasting.items():
            if constant == value:
                self.held.add(register)
                return register
        known = self.options.constants
        return PINNED[known.index(value)] if value in known else 0

    def near(self, value: int) -> tuple[int, int]:
        """A register that holds what an ADDI brings to a constant, and what to add, or 0, 0."""
        for register, constant in self.s.lasting.items():
            if fits(value - constant):
                self.held.add(register)
                return register, value - constant
        if self.word == 4 and fits(value - self.options.base):
            return BASE, value - self.options.base
        if is_high(value):
            high = (value + 0x8000) >> 16 << 16
            if (known := self.s.sums.get(("const", -1, high))) is not None:
                self.held.add(known)
                return known, value - high
        return 0, 0

    def load_constant(self, register: int, value: int) -> None:
        value, long = self.signed(value), self.word == 8
        if register_with := self.pinned(value):
            self.e.mr(register, register_with)
            return
        if length_of_constant(value, long=long) > 1:
            base, distance = self.near(value)
            if base:
                self.e.addi(register, base, distance)
                return
        (self.e.li_doubleword if long else self.e.li)(register, value)

    def width(self, register: int) -> int:
        """How many bits of a word in a POWER register may be other than zero."""
        return self.s.widths.get(register, self.bits)

    def shifted_left(self, target: int, source: int, places: int, record: int = 0) -> None:
        """Of a word."""
        if self.word == 8:
            self.e.rldicr(target, source, places, 63 - places, record)
        else:
            self.e.rlwinm(target, source, places, 0, 31 - places, record)

    def sum(self, how: str, register: int, other: int) -> int:
        key = (how, register, other)
        known = self.s.sums.get(key)
        if known is not None:
            self.held.add(known)
            return known
        target = self.temporary()
        e = self.e
        if how == "const":
            self.load_constant(target, other)
        elif how == "shift":
            self.shifted_left(target, register, other)
        elif how == "add":
            e.add(target, register, other)
        elif how == "plus":
            self.e_add_constant(target, register, other)
        elif how == "high":
            e.addis(target, max(register, 0), other)
        elif how == "byte":
            e.rlwinm(target, register, (32 - other) % 32, 24, 31)
            self.s.widths[target] = 8
        elif how == "half":
            e.rlwinm(target, register, 0, 16, 31)
            self.s.widths[target] = 16
        elif how == "low shift":
            e.rldic(target, register, other, 32 - other)
        elif how == "low":
            e.rldicl(target, register, 0, 32)
            self.s.widths[target] = 32
        if self.options.reuse_sums:
            self.s.sums[key] = target
        return target
