"""Traces of instructions and of accesses to storage, by range (native/tracing.c).

Ranges are of effective addresses, in every address space and on every processor.  Code outside
them runs at full speed, and a traced run executes the same instructions as one that is not.  A
trace may begin and end at any time, even while an observer is told something; what that changes
holds from the end of the current block on.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

from .debugging import TooManyStopsError, Watched
from .native import ffi, lib
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    InstructionObserver = Callable[[int], None]
    AccessObserver = Callable[["Accessed"], None]

EVERYWHERE = range(1 << 64)


@frozen
class Accessed:
    """One instruction's access: `length` bytes at `address`, loaded or stored."""

    pc: int
    address: int
    length: int
    stored: bool

    def meets(self, addresses: range, watched: Watched) -> bool:
        """Whether it is one of the `watched` accesses to any of `addresses`."""
        kind = Watched.STORES if self.stored else Watched.LOADS
        return (
            bool(watched & kind)
            and self.address < addresses.stop
            and addresses.start < self.address + self.length
        )


class WordCounts:
    """How often each instruction in a range of addresses ran.

    One that does not complete counts as if it and the rest of its block had (as in the time base).
    """

    def __init__(self, addresses: range) -> None:
        self._first = addresses.start
        size = 4 * len(addresses)  # two numbers of 64 bits for a word
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.numbers = memoryview(self._map).cast("Q")

    def of(self, address: int, words: int) -> list[int]:
        """For each of the words from `address` on; no block goes on into it or out of it."""
        at, running, found = address - self._first >> 1, 0, []
        for n in range(at, at + 2 * words, 2):
            running += self.numbers[n]
            found.append(running)
            running -= self.numbers[n + 1]
        return found

    def forget(self, address: int, words: int) -> None:
        at = address - self._first >> 1
        self.numbers[at : at + 2 * words] = memoryview(bytes(16 * words)).cast("Q")


class Tracing:
    """What is traced on the processors of one engine.

    An observer must not raise: it is called from within translated code.
    """

    def __init__(self, core: Any) -> None:
        self._core = core
        self._instructions: list[tuple[range, InstructionObserver]] = []
        self._accesses: list[tuple[range, Watched, AccessObserver]] = []
        self._word_counts: WordCounts | None = None
        self._handle = ffi.new_handle(self)
        lib.core_observe_trace(core, lib.instruction_traced, lib.access_traced, self._handle)

    def trace_instructions(self, addresses: range, observer: InstructionObserver) -> None:
        """Call `observer` with the address of each instruction there, before it runs."""
        _check(addresses)
        if lib.core_trace_add_instructions(self._core, addresses.start, addresses.stop - 1):
            raise TooManyStopsError(f"{len(self._instructions)} ranges are traced already")
        self._instructions.append((addresses, observer))

    def untrace_instructions(self, addresses: range, observer: InstructionObserver) -> None:
        if (addresses, observer) in self._instructions:
            self._instructions.remove((addresses, observer))
            lib.core_trace_remove_instructions(self._core, addresses.start, addresses.stop - 1)

    def trace_accesses(self, addresses: range, watched: Watched, observer: AccessObserver) -> None:
        """Call `observer` with each access to any of the bytes there, when it is done."""
        _check(addresses)
        first, last = addresses.start, addresses.stop - 1
        if lib.core_trace_add_accesses(self._core, first, last, watched):
            raise TooManyStopsError(f"{len(self._accesses)} traces or watchpoints are set already")
        self._accesses.append((addresses, watched, observer))

    def untrace_accesses(
        self, addresses: range, watched: Watched, observer: AccessObserver
    ) -> None:
        if (addresses, watched, observer) in self._accesses:
            self._accesses.remove((addresses, watched, observer))
            first, last = addresses.start, addresses.stop - 1
            lib.core_trace_remove_accesses(self._core, first, last, watched)

    def count_words(self, addresses: range) -> WordCounts:
        """Count the instructions there from now on; only the last such range is."""
        _check(addresses)
        counts = self._word_counts = WordCounts(addresses)
        numbers = ffi.from_buffer("uint64_t[]", counts.numbers)
        lib.core_count_words(self._core, addresses.start, len(addresses), numbers)
        return counts

    def instruction(self, address: int) -> None:
        for addresses, observer in tuple(self._instructions):
            if address in addresses:
                observer(address)

    def access(self, accessed: Accessed) -> None:
        for addresses, watched, observer in tuple(self._accesses):
            if accessed.meets(addresses, watched):
                observer(accessed)


def _check(addresses: range) -> None:
    if not (0 <= addresses.start < addresses.stop <= 1 << 64 and addresses.step == 1):
        raise ValueError(f"nothing to trace from {addresses.start:#x} to {addresses.stop:#x}")


@ffi.def_extern()  # type: ignore[untyped-decorator]
def instruction_traced(context: Any, address: int) -> None:
    ffi.from_handle(context).instruction(address)


@ffi.def_extern()  # type: ignore[untyped-decorator]
def access_traced(context: Any, address: int, length: int, stored: int, pc: int) -> None:
    ffi.from_handle(context).access(Accessed(pc, address, length, bool(stored)))
