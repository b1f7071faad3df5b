"""Declare system calls and carry them out.

A handler is an ordinary function.  Its first parameter is the calling thread; those after it are
what the program's registers hold (EBX, ECX, EDX, ESI, EDI and EBP; RDI, RSI, RDX, R10, R8 and R9
in a 64-bit program); what it returns goes to EAX.  A refusal is an `OSError` with its number
(`refuse`); an address that the program may not use is EFAULT.  A handler that has to wait is a
generator: it yields a `Wait` and goes on when what it waits for is there.

A declaration has the call's number and name for i386, its name for x86-64 if that is another one,
and a letter for each parameter, which has 32 bits or those of a word (an address):

    d  signed           x  unsigned, shown in hexadecimal      o  in octal
    n  a signed word    w  a word, shown in hexadecimal        u  a word, unsigned
    p  an address       f  a descriptor                        s  the string at an address: bytes
    b  the address of so many bytes as the next parameter says, shown as text
    l  64 bits signed; for i386 in two registers, the lower half first
"""

from __future__ import annotations

import errno
import inspect
import os
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from lx86.storage import StorageFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lx86.cpu import X86State
    from lx86.storage import Storage

_PATH_MAX = 4096
_REGISTERS = {
    4: ("ebx", "ecx", "edx", "esi", "edi", "ebp"),
    8: ("edi", "esi", "edx", "r10", "r8", "r9"),
}
"""By the size of a word."""
_HALF = 0xFFFF_FFFF


@dataclass(slots=True)
class FutexKey:
    """A futex that a thread waits for; who wakes it clears `bits`."""

    address: int
    bits: int


@dataclass(frozen=True, slots=True)
class Wait:
    """What a thread waits for: any of these.  It is told which of `files` are ready.

    `files` are descriptors with events as poll(2) has them, `deadline` a time of the host's
    monotonic clock, `futex` a futex that may be woken; a signal that has a handler always wakes.
    """

    files: tuple[tuple[int, int], ...] = ()
    deadline: float | None = None
    futex: FutexKey | None = None
    signals: int = 0
    """A mask of signals that wake it though they are blocked."""


Ready = list[tuple[int, int]]
"""Descriptors and what happened to them; none of them when something else woke the thread."""
Waiting = Generator[Wait, Ready, int]
Handler = Callable[..., "int | Waiting"]
HandlerT = TypeVar("HandlerT", bound=Handler)


class Interrupted(Exception):  # noqa: N818
    """A handler of the program is to run: thrown into a call that waits."""


class StateSet(Exception):  # noqa: N818
    """The call has set the thread's state itself: what it gives stands in no register."""


def refuse(number: int, why: str = "") -> NoReturn:
    raise OSError(number, why or os.strerror(number))


REFUSALS = (OSError, StorageFault, OverflowError, MemoryError)
"""What says that a call cannot be carried out."""


def error_number(refusal: Exception) -> int:
    """The errno of one of `REFUSALS`."""
    match refusal:
        case StorageFault():
            return errno.EFAULT
        case OverflowError():  # Python's for numbers that the host's types do not hold
            return errno.EINVAL
        case MemoryError():
            return errno.ENOMEM
        case OSError():
            return refusal.errno or errno.EIO
    raise refusal


@dataclass(frozen=True, slots=True)
class Call:
    """One declared system call."""

    number: int | None
    name: str
    name_64: str
    formats: str
    handler: Handler
    parameters: tuple[str, ...]
    restarts: bool
    """It is made again behind a handler with SA_RESTART that interrupted it."""

    def arguments(self, state: X86State, storage: Storage) -> list[Any]:
        """What the registers hold, by the declaration."""
        words = iter([getattr(state, name) for name in _REGISTERS[storage.word]])
        values: list[Any] = []
        for letter in self.formats:
            word = next(words)
            match letter:
                case "d" | "f":
                    word = _signed(word & _HALF, 4)
                case "x" | "o":
                    word &= _HALF
                case "n":
                    word = _signed(word, storage.word)
                case "l":
                    wide = word | next(words) << 32 if storage.word == 4 else word
                    word = _signed(wide, 8)
            values.append(string(storage, word) if letter == "s" else word)
        return values


def _signed(value: int, size: int) -> int:
    return value - ((value & 1 << 8 * size - 1) << 1)


def string(storage: Storage, address: int) -> bytes:
    """A path or another short string of the program."""
    text = storage.read_string(address, _PATH_MAX)
    if text is None:
        refuse(errno.ENAMETOOLONG)
    return text


class CallGroup:
    """The system calls one module defines."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def define(
        self, number: int | None, name: str, formats: str = "", *, x64: str = "",
        restarts: bool = False,
    ) -> Callable[[HandlerT], HandlerT]:  # fmt: skip
        """Declare the handler of system call `number` (Linux arch/x86 syscall_32.tbl).

        It is that of x86-64's call `x64`, too; or of that with its own name, if no other is
        declared for that one.  None: it is x86-64's alone.
        """

        def declare(handler: HandlerT) -> HandlerT:
            parameters = tuple(inspect.signature(handler).parameters)[1:]
            if len(parameters) != len(formats):
                raise ValueError(f"{name} has {len(parameters)} parameters, not {len(formats)}")
            self._calls.append(Call(number, name, x64, formats, handler, parameters, restarts))
            return handler

        return declare


class CallTable:
    """The system calls of a process.  One that there is not answers ENOSYS and is counted.

    `numbers` are those of x86-64's calls by their names; None: i386's, as they are declared.
    """

    def __init__(self, groups: Iterable[CallGroup], numbers: Mapping[str, int] | None) -> None:
        self._calls: dict[int, Call] = {}
        self.counts: Counter[int] = Counter()
        self.unknown: Counter[int] = Counter()
        declared = [call for group in groups for call in group]
        for call in declared if numbers is None else _renamed(declared, numbers):
            if call.number is None:
                continue
            if call.number in self._calls:
                raise ValueError(f"{call.name} repeats system call {call.number}")
            self._calls[call.number] = call

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def find(self, number: int) -> Call | None:
        call = self._calls.get(number)
        if call:
            self.counts[number] += 1
        elif len(self.unknown) < _PATH_MAX or number in self.unknown:
            # A program must not make the host's table grow for ever.
            self.unknown[number] += 1
        return call

    def name(self, number: int) -> str:
        call = self._calls.get(number)
        return call.name if call else f"syscall_{number}"


def _renamed(declared: Iterable[Call], numbers: Mapping[str, int]) -> Iterator[Call]:
    """The calls that x86-64 has, by its names and numbers."""
    chosen = {call.name: call for call in declared}
    chosen |= {call.name_64: call for call in chosen.values() if call.name_64}
    for name, number in numbers.items():
        if name in chosen:
            yield replace(chosen[name], number=number, name=name)
