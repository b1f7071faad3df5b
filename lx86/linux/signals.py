"""Signals: from the host, and from the program's own instructions, to handlers of the program.

Signals that the program handles are blocked in the host's process and come by a signalfd, with
all the sender said.  All others the host treats as the program wants it: ignores them, stops or
ends the process, keeps them while they are blocked.  So a program that dies of a signal is a
process that dies of it.

A mask has signal 1 in bit 0.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, NoReturn, Protocol

from .host import delete_timer, queue_signal, signal_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAST = 64
DEFAULT, IGNORE = 0, 1
_INFO = struct.Struct("<IiiIIiIIIIiiQQQQ")
_INFO_SIZE = 128
_UNKNOWN_TO_PYTHON = {32, 33}
"""The C library keeps these to itself, here as in the program, where threads alone use them."""
_IGNORED_BY_DEFAULT = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
_SYNCHRONOUS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP, signal.SIGFPE}
FIRST_REAL_TIME = 32
"""Of this and those above as many are kept as are sent, of the others one."""
_MOST_PENDING = 4096
_STOPPING = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}


def bit(number: int) -> int:
    return 1 << (number - 1)


UNBLOCKABLE = bit(signal.SIGKILL) | bit(signal.SIGSTOP)
_NEVER_BLOCKED_HERE = UNBLOCKABLE | bit(32) | bit(33)


def members(mask: int) -> set[int]:
    return {number for number in range(1, LAST + 1) if mask & bit(number)}


class ActionFlag(IntFlag):
    """sa_flags."""

    NOCLDSTOP = 1
    NOCLDWAIT = 2
    SIGINFO = 4
    RESTORER = 0x0400_0000
    ONSTACK = 0x0800_0000
    RESTART = 0x1000_0000
    NODEFER = 0x4000_0000
    RESETHAND = 0x8000_0000


class Code(IntEnum):
    """si_code, as far as signals are made here."""

    USER = 0
    KERNEL = 0x80
    TKILL = -6


@dataclass(frozen=True, slots=True)
class Action:
    """What a signal does: DEFAULT, IGNORE or the address of a handler."""

    handler: int = DEFAULT
    flags: int = 0
    mask: int = 0
    restorer: int = 0


_DEFAULT_ACTION = Action()


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal on its way: siginfo_t.  `fields` is the union in it."""

    number: int
    code: int = Code.USER
    fields: bytes = b""
    error: int = 0
    trap: int = 0
    """Of one that an instruction had: the vector, what the exception's error code says, CR2."""
    trap_error: int = 0
    address: int = 0

    def pack(self, word: int) -> bytes:
        """siginfo_t of a program whose addresses have `word` bytes."""
        head = struct.pack("<3i", self.number, self.error, self.code)
        return (head.ljust(fields_offset(word), b"\0") + self.fields).ljust(_INFO_SIZE, b"\0")


def fields_offset(word: int) -> int:
    """Where the union in siginfo_t begins."""
    return 16 if word == 8 else 12


def host_info(found: Signal, word: int) -> bytes:
    """siginfo_t of the host's, of a signal that a process sends."""
    head = struct.pack("<3i4x", found.number, found.error, found.code)
    value = found.fields[8 : 8 + word].ljust(8, b"\0")
    return (head + found.fields[:8].ljust(8, b"\0") + value).ljust(_INFO_SIZE, b"\0")


def sent_by(number: int, pid: int, uid: int, code: int = Code.USER) -> Signal:
    return Signal(number, code, struct.pack("<II", pid, uid))


def _from_host(data: bytes, word: int) -> Signal:
    """A signalfd_siginfo as the program's siginfo_t."""
    long, size = ("Q", 64) if word == 8 else ("I", 32)
    mask = (1 << size) - 1
    (number, error, code, pid, uid, file, timer, band, overrun, _, status, _, value,
     user, system, address) = _INFO.unpack(data[: _INFO.size])  # fmt: skip
    if number == signal.SIGCHLD and code > 0:
        form = "<IIi4xQQ" if word == 8 else "<IIiII"
        fields = struct.pack(form, pid, uid, status, user & mask, system & mask)
    elif code == -2:  # SI_TIMER
        fields = struct.pack(f"<II{long}", timer, overrun, value & mask)
    elif number == signal.SIGIO and code > 0:
        fields = struct.pack(f"<{long}i", band, file)
    elif number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE) and code > 0:
        fields = struct.pack(f"<{long}", address & mask)
    else:
        fields = struct.pack(f"<II{long}", pid, uid, value & mask)
    return Signal(number, code, fields, error)


def _add(queue: list[Signal], found: Signal) -> None:
    if found.number >= FIRST_REAL_TIME or all(s.number != found.number for s in queue):
        queue.append(found)


def _rank(number: int) -> tuple[bool, int]:
    """Which of several signals comes first: what an instruction had, then the lowest number."""
    return number not in _SYNCHRONOUS, number


class Masked(Protocol):
    """What of a thread signals depend on."""

    mask: int
    pending: list[Signal]


class Signals:
    """The signals of one process.  `word` is the size of its program's addresses."""

    def __init__(self, reserve: int) -> None:
        """`reserve` is the lowest descriptor that the program does not see."""
        self.word = 4
        self.actions: dict[int, Action] = {}
        self.pending: list[Signal] = []
        self._reserve = reserve
        self._host_mask = -1
        self._file_mask = 0
        self._blocked = 0
        """What all threads block."""
        self.several = False
        """There is more than one thread."""
        self.timers: set[int] = set()
        """Timers of the host's that send signals for the program."""
        self.file = _moved(signal_file(-1, 0), reserve)
        """Readable when a signal is there for a handler."""
        for own in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(own, signal.SIG_DFL)
        for own in (signal.SIGINT, signal.SIGTERM):  # the command handles them
            if signal.getsignal(own) is not signal.SIG_IGN:
                signal.signal(own, signal.SIG_DFL)
        for number in range(1, LAST + 1):
            if number not in _UNKNOWN_TO_PYTHON and signal.getsignal(number) is signal.SIG_IGN:
                self.actions[number] = Action(IGNORE)
        self.inherited_mask = sum(bit(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    def action(self, number: int) -> Action:
        return self.actions.get(number, _DEFAULT_ACTION)

    @property
    def handled(self) -> int:
        return sum(bit(n) for n, action in self.actions.items() if action.handler > IGNORE)

    @property
    def ignored(self) -> int:
        return sum(bit(n) for n, action in self.actions.items() if action.handler == IGNORE)

    def set_action(self, number: int, action: Action, threads: Sequence[Masked]) -> None:
        self.actions[number] = action
        if self._ignores(number):
            self.pending = [s for s in self.pending if s.number != number]
            for thread in threads:
                thread.pending = [s for s in thread.pending if s.number != number]
        if number not in _UNKNOWN_TO_PYTHON:
            ignore = action.handler == IGNORE
            signal.signal(number, signal.SIG_IGN if ignore else signal.SIG_DFL)
        self.update(threads)

    def forget(self) -> None:
        """In a new process: its parent's signals and timers are not its own.

        Nor is the signalfd: both would have the mask that either set last.
        """
        self.pending, self.timers = [], set()
        own = signal_file(-1, self._file_mask)
        os.dup2(own, self.file, inheritable=False)
        os.close(own)

    def reset_handlers(self, threads: Sequence[Masked]) -> None:
        """A new program: what was handled is not any more, what was ignored still is."""
        for timer in self.timers:
            delete_timer(timer)
        self.timers = set()
        for number, action in list(self.actions.items()):
            if action.handler > IGNORE:
                self.set_action(number, _DEFAULT_ACTION, threads)

    def update(self, threads: Iterable[Masked]) -> None:
        """Have the host block what it must: after masks or handlers have changed."""
        blocked, count = (1 << LAST) - 1, 0
        for count, thread in enumerate(threads):  # noqa: B007
            blocked &= thread.mask
        self._blocked, self.several = blocked, count > 0
        handled = self.handled
        mask = (handled | blocked) & ~_NEVER_BLOCKED_HERE
        if (wanted := handled & ~blocked & ~_NEVER_BLOCKED_HERE) != self._file_mask:
            signal_file(self.file, wanted)
            self._file_mask = wanted
        if mask != self._host_mask:
            signal.pthread_sigmask(signal.SIG_SETMASK, members(mask))
            self._host_mask = mask

    @property
    def expected(self) -> bool:
        """Whether signals may come that have handlers."""
        return bool(self._file_mask)

    def collect(self) -> None:
        """Take what has come from the host."""
        if not self._file_mask:
            return
        while True:
            try:
                data = os.read(self.file, _INFO_SIZE * 16)
            except BlockingIOError:
                return
            for at in range(0, len(data), _INFO_SIZE):
                _add(self.pending, _from_host(data[at : at + _INFO_SIZE], self.word))

    def post(self, queue: list[Signal], found: Signal) -> None:
        """A signal of the process to itself: for `queue`, unless all threads block it.

        Then the host keeps it, where signalfd and sigpending find it.
        """
        kept = self._blocked & ~_NEVER_BLOCKED_HERE & bit(found.number)
        if kept and (queue is self.pending or not self.several):
            queue_signal(os.getpid(), found.number, host_info(found, self.word))
        elif len(queue) >= _MOST_PENDING:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        else:
            _add(queue, found)

    def read(self, file: int) -> Signal | None:
        """One signal from a signalfd of the caller's, if there is one."""
        try:
            return _from_host(os.read(file, _INFO_SIZE), self.word)
        except BlockingIOError:
            return None

    def take(self, thread: Masked, wanted: int | None = None) -> Signal | None:
        """The next signal for a thread that it does not block (or one of `wanted`)."""
        allowed = ~thread.mask if wanted is None else wanted
        for queue in (thread.pending, self.pending):
            fitting = [n for n, found in enumerate(queue) if allowed & bit(found.number)]
            if fitting:
                return queue.pop(min(fitting, key=lambda n: _rank(queue[n].number)))
        return None

    def deliverable(self, thread: Masked) -> bool:
        """Whether a signal is there that `take` would give and that does something."""
        return any(
            not thread.mask & bit(found.number) and not self._ignores(found.number)
            for queue in (thread.pending, self.pending)
            for found in queue
        )

    def awaited(self, thread: Masked, wanted: int) -> bool:
        """Whether one of the `wanted` is there, blocked or not."""
        return any(
            wanted & bit(found.number)
            for queue in (thread.pending, self.pending)
            for found in queue
        )

    def _ignores(self, number: int) -> bool:
        handler = self.action(number).handler
        return handler == IGNORE or (handler == DEFAULT and number in _IGNORED_BY_DEFAULT)

    def does_default(self, number: int) -> bool:
        """Carry out the default action of a signal: whether the process lives on."""
        if self._ignores(number):
            return True
        if number in _STOPPING:
            os.kill(os.getpid(), signal.SIGSTOP)
            return True
        return False


def die(number: int) -> NoReturn:
    """End the process by a signal, so that its parent sees that."""
    # What would be dumped is this process, not the program.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in _UNKNOWN_TO_PYTHON:
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(128 + number)


def _moved(file: int, reserve: int) -> int:
    """A descriptor moved to where the program does not see it."""
    import fcntl

    high = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, reserve)
    os.close(file)
    return high
