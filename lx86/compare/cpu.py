"""A `Cpu` that runs a program translated and on Unicorn's x86, and stops where they differ.

Translated code runs first, from one place where the program's state is known to the next: these are
the heads of the region's nodes.  Unicorn's x86 then goes to the same instruction, in storage of its
own.  System calls, and all that comes from outside, happen once, and both go on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..cpu import Access, EngineFailure, Fault, Preempted, Trap
from ..cpuid import DEFAULT
from ..options import GRADUAL
from ..storage import PAGE
from ..three_bytes import THREE_BYTES
from . import difference
from .mirror import Mirror
from .reference import Reference
from .report import describe
from .stepped import Stepped

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..cpu import Exit, FloatingState, X86State
    from ..cpuid import Model
    from ..instruction import Instruction
    from ..options import Options
    from ..state import Recovery
    from ..storage import Storage

_FLAGS = 0x02FF
"""Of the x87's status: what translated code does not keep as the x87 does (CAVEATS.md)."""
_LONGEST_STATE = 512
"""FXSAVE's bytes."""
_MOST, _MOST_ARRIVALS = 100_000, 256
"""Instructions of Unicorn's, and times it may come to a place, until both are equal there."""


class _Different(Exception):  # noqa: N818
    """The text says in what."""


@dataclass(slots=True)
class Compared:
    places: int = 0
    """So many times both were equal."""
    instructions: int = 0
    """Of x86."""


class ComparingCpu:
    """A `Cpu`.  `report` is given the text of the first difference."""

    def __init__(
        self, storage: Storage, report: Callable[[str], None], options: Options | None = GRADUAL,
        model: Model = DEFAULT,
    ) -> None:  # fmt: skip
        self._report, self.model = report, model
        self.translated = Stepped(storage, options, self._arrived, model)
        self._storage, self._mirror = storage, Mirror(storage)
        self._reference = Reference(self._mirror.storage, model)
        self._before: X86State | None = None
        self._eflags = -1
        """What this program's EFLAGS were as `run` came back."""
        self.compared = Compared()
        storage.observe(self)

    def close(self) -> None:
        self.translated.close()
        self._reference.cpu.close()
        self._mirror.close()

    def keep_stores_whole(self) -> None:
        self.translated.keep_stores_whole()

    def begin(self) -> None:
        self.translated.begin()
        self._reference.cpu.begin()

    @property
    def state(self) -> X86State:
        return self.translated.state

    @state.setter
    def state(self, state: X86State) -> None:
        self.translated.state = state
        self._eflags = -1

    def floating(self) -> FloatingState:
        return self.translated.floating()

    def set_floating(self, floating: FloatingState) -> None:
        self.translated.set_floating(floating)

    # -- what the storage tells ------------------------------------------------------------

    def invalidate(self, start: int, length: int) -> None:
        self.translated.invalidate(start, length)
        self._mirror.loaded(start, length)

    def mapping_changed(self, start: int, length: int) -> None:
        self.translated.mapping_changed(start, length)
        self._mirror.mapping_changed(start, length)

    # -- running ---------------------------------------------------------------------------

    def run(self, budget: int) -> Exit:
        self._begin()
        try:
            why = self.translated.run(budget)
            self._came_back(why)
        except _Different as found:
            self._report(str(found))
            return EngineFailure("the translation and Unicorn's x86 differ")
        self._eflags = self.state.eflags
        return why

    def _begin(self) -> None:
        """Have the reference be where the program is."""
        self._mirror.update()
        cpu, ours = self._reference.cpu, self.state
        eflags = cpu.state.eflags
        if ours.eflags != self._eflags:
            eflags = ours.eflags
            self._reference.trust_flags()
        cpu.state = replace(ours, eflags=eflags, tls=list(ours.tls))
        cpu.set_floating(self.translated.floating())
        self._settle()

    def _settle(self) -> None:
        self._before = replace(self._reference.cpu.state)
        self._reference.settle()
        self.translated.executed.clear()

    # -- comparing -------------------------------------------------------------------------

    def _arrived(self, place: Recovery) -> None:
        """Translated code has come to a place."""
        cpu = self.translated
        self._meet(_Ours(cpu.state_at(place), place.live, lambda: cpu.floating_at(place)))

    def _meet(self, ours: _Ours) -> None:
        """Bring the reference to where it is what the translated program is."""
        eip, state = ours.state.eip, self._reference.cpu.state
        if state.eip == eip and not self._different(ours):
            self._equal(ours)
            return
        first = ""
        for _ in range(_MOST_ARRIVALS):
            why = self._reference.advance(eip, _MOST)
            if not (why == Preempted() or _is_fetch(why)) or state.eip != eip:
                text = f"Unicorn's x86 does not come there: {why} at {state.eip:#x}"
                raise _Different(first or self._describe(ours, [text]))
            found = self._different(ours)
            if not found:
                self._equal(ours)
                return
            first = first or self._describe(ours, found)
        raise _Different(first)

    def _came_back(self, why: Exit) -> None:
        """`run` is about to come back, with the state as it is."""
        cpu = self.translated
        ours = _Ours(self.state, cpu.live, cpu.floating)
        if isinstance(why, EngineFailure):
            return
        fetched = _is_fetch(why)
        if isinstance(why, Preempted | Fault) and not fetched:
            self._meet(ours)
            self._compare_storage(ours)
        if isinstance(why, Preempted):
            return
        there = self._reference.advance(
            None, 1 if isinstance(why, Fault) and not fetched else _MOST
        )
        if not _same_exit(why, there, self._reference.instructions()):
            raise _Different(self._describe(ours, [f"{why} translated, {there}"]))
        if isinstance(why, Fault) and not fetched:
            return  # Unicorn may have stored what lies before a forbidden page
        found = self._different(ours)
        if found:
            raise _Different(self._describe(ours, found))
        self._equal(ours)
        self._compare_storage(ours)

    def _compare_storage(self, ours: _Ours) -> None:
        found = self._mirror.difference()
        if found is not None:
            at, row, other = found
            text = f"storage at {at:#x}, some time ago: {row.hex(' ')} translated, {other.hex(' ')}"
            raise _Different(self._describe(ours, [text]))

    def _different(self, ours: _Ours) -> list[str]:
        reference, other = self._reference, self._reference.cpu
        instructions = reference.instructions()
        own = {
            name: getattr(ours.state, name)
            for name, bits in _own(instructions).items()
            if not (getattr(ours.state, name) ^ getattr(other.state, name)) & ~bits
        }
        state = replace(other.state, **own)
        found = []
        if not any(map(_tells_flags, instructions)):
            found = difference.stored(self._storage, self._mirror.storage, reference.stores)
        found += difference.integer(
            ours.state, state, ours.live, reference.undefined(), other.architecture
        )
        if any(i.name in ("x87", "simd", THREE_BYTES) for i in instructions):
            found += difference.floating(ours.floating, other.floating())
        return found

    def _equal(self, ours: _Ours) -> None:
        """Go on from here; what is undefined is from now on what translated code makes of it."""
        reference, other = self._reference, self._reference.cpu
        taken = difference.known_flags(ours.live) & reference.undefined()
        other.state.eflags = other.state.eflags & ~taken | ours.state.eflags & taken
        instructions = reference.instructions()
        for name in _own(instructions):
            setattr(other.state, name, getattr(ours.state, name))
        if any(map(_tells_flags, instructions)):
            unit = 16 if any(map(_is_fxsave, instructions)) else 1  # of which Unicorn fills ten
            for at, size in reference.stores:
                at, size = at & -unit, size + unit - 1 & -unit
                self._mirror.storage.load(at, self._storage.raw(at, size))
        if ours.has_floating and not difference.same(ours.floating, other.floating()):
            other.set_floating(ours.floating)
        self.compared.places += 1
        self.compared.instructions += len(reference.visited)
        self._settle()

    def _describe(self, ours: _Ours, found: list[str]) -> str:
        assert self._before is not None
        other = self._reference.cpu
        return describe(
            found, self._before, (ours.state, ours.floating), (other.state, other.floating()),
            self._reference.instructions(), self.translated,
        )  # fmt: skip


class _Ours:
    """The translated program at a place; x87, MMX and SSE are read when they are asked for."""

    def __init__(
        self, state: X86State, live: int, read_floating: Callable[[], FloatingState]
    ) -> None:
        self.state, self.live = state, live
        self._read = read_floating
        self._floating: FloatingState | None = None

    @property
    def has_floating(self) -> bool:
        """Somebody asked."""
        return self._floating is not None

    @property
    def floating(self) -> FloatingState:
        if self._floating is None:
            self._floating = self._read()
        return self._floating


def _is_fxsave(i: Instruction) -> bool:
    return i.name == "simd" and i.opcode == 0x0FAE and not i.modrm >> 3 & 7 and i.modrm < 0xC0


def _tells_flags(i: Instruction) -> bool:
    """Whether an instruction shows exception flags or C1: FNSTSW, FNSTENV, FXSAVE and their kin."""
    which = i.modrm >> 3 & 7
    if i.name == "simd":
        return i.opcode == 0x0FAE and which in (0, 3) and i.modrm < 0xC0
    if i.name != "x87":
        return False
    if i.modrm >= 0xC0:
        return (i.opcode, i.modrm) == (0xDF, 0xE0)
    return (i.opcode, which) in ((0xD9, 6), (0xDD, 6), (0xDD, 7))


def _own(instructions: list[Instruction]) -> dict[str, int]:
    """Registers that hold what Unicorn's x86 cannot know, and in which of their bits."""
    if not instructions:
        return {}
    if instructions[-1].name == "rdtsc":
        return {"eax": -1, "edx": -1}
    if instructions[-1].name == "syscall":
        return {"r11": difference.ARITHMETIC}  # the flags, wanted or not
    return {"eax": _FLAGS} if any(map(_tells_flags, instructions)) else {}


def _is_fetch(why: Exit) -> bool:
    """There is no code at EIP."""
    return isinstance(why, Fault) and why.access is Access.EXECUTE


def _same_exit(ours: Exit, other: Exit, instructions: list[Instruction]) -> bool:
    if isinstance(ours, Fault) and other == Preempted():
        # Unicorn lets an access pass that only ends in a forbidden page, and any ENTER.
        enters = bool(instructions) and instructions[-1].name == "enter"
        return ours.address % PAGE < _LONGEST_STATE or enters
    if isinstance(ours, Fault) and isinstance(other, Fault):
        # Of an access that crosses into a forbidden page, Unicorn tells its first byte.
        near = abs(ours.address - other.address) < PAGE
        return near and ours.access is other.access
    if isinstance(ours, Trap) and isinstance(other, Trap):  # Unicorn tells no error codes
        return ours.vector is other.vector
    return ours == other
