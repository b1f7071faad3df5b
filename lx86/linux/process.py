"""The process of a program: its threads' turns on one processor, and how it ends.

The threads that can run take turns in the order they were made, each of so many instructions.
When none can, the process waits on the host for what they wait for.
"""

from __future__ import annotations

import errno
import fcntl
import os
from signal import SIGSEGV
from typing import TYPE_CHECKING

from lx86.cpu import (
    UNLIMITED,
    EngineFailure,
    Fault,
    FloatingState,
    Preempted,
    SystemCall,
    Trap,
)
from lx86.storage import StorageFault

from . import frames, traps
from .call import REFUSALS, Interrupted, StateSet, error_number
from .endings import Ended, Ending, EngineError
from .memory import Memory
from .program import Program
from .relatives import Relatives
from .signals import DEFAULT, IGNORE, Action, ActionFlag, Signal, Signals, bit, die
from .thread import TID_SHIFT, Thread
from .waiting import wait

if TYPE_CHECKING:
    from lx86.cpu import Cpu, X86State
    from lx86.storage import Storage

    from .call import CallTable, FutexKey, Ready
    from .files import Files
    from .program import Machines, Vfork
    from .strace import Strace

TURN = 2_000_000
"""Instructions of a thread's turn while there are others, or while signals are handled."""
_CALLS_OF_A_TURN = 61  # a prime: a loop of calls does not end each turn at the same place
_MOST_THREADS = 255
_OUTCOMES = (*REFUSALS, StateSet, Interrupted)
"""What calls raise."""


class Process:
    """One process.  `run` it from its first thread's state to its end.

    Its processor, storage and table of calls are those of a 32-bit program, or a 64-bit one: what
    the last `become` said.
    """

    cpu: Cpu
    storage: Storage
    memory: Memory
    calls: CallTable

    def __init__(
        self, machines: Machines, files: Files, limit: int, strace: Strace | None = None
    ) -> None:
        self.machines, self.files = machines, files
        self.strace = strace
        self.limit = limit
        self.signals = Signals(limit)
        self.tables: dict[int, CallTable] = {}
        """Those of the programs it has been, by the size of their words."""
        self._word = self._mask = 0
        self.relatives = Relatives(limit)
        self.program = Program()
        self.pid = os.getpid()
        self.threads: list[Thread] = []
        self.children: dict[int, int] = {}
        """Processes of ours by number, with a descriptor that tells of their end, or -1."""
        self.is_child = False
        self.vfork: Vfork | None = None
        self.socket_names: dict[bytes, bytes] = {}
        """What sockets bound in the file system are called in the program's view."""
        self.yielded = False
        """The running thread has given up its turn."""
        self._on: Thread | None = None
        self._next_thread = 0
        self._made = 0

    def become(self, word: int) -> None:
        """Have a processor and storage for programs whose addresses have `word` bytes.

        `machines` must have them.
        """
        if word == self._word:
            return
        cpu, storage = self.machines.make(word)
        if self._word:
            self.cpu.close()
            self.storage.close()
        self.cpu, self.storage, self.memory = cpu, storage, Memory(storage)
        self._word = self.signals.word = word
        self._mask = (1 << 8 * word) - 1
        self.calls = self.tables.get(word) or self.machines.calls(word)
        self.tables[word] = self.calls

    # -- threads ---------------------------------------------------------------------------

    def begin(self, state: X86State) -> Thread:
        """The one thread of a program that was just loaded."""
        for old in self.threads:
            old.exited = True
        self.threads = [thread := Thread(self, self.pid, state)]
        thread.mask = self.signals.inherited_mask
        thread.floating = FloatingState()
        self._on = None
        self.signals.update(self.threads)
        return thread

    def add_thread(self, state: X86State) -> Thread:
        if len(self.threads) >= _MOST_THREADS:
            raise OSError(errno.EAGAIN, "too many threads")
        used = {thread.tid for thread in self.threads}
        while True:
            self._made = self._made % _MOST_THREADS + 1
            tid = self.pid | self._made << TID_SHIFT
            if tid not in used:
                break
        thread = Thread(self, tid, state)
        self.threads.append(thread)
        return thread

    def find_thread(self, tid: int) -> Thread | None:
        return next((thread for thread in self.threads if thread.tid == tid), None)

    def end_thread(self, thread: Thread) -> None:
        thread.exited = True
        self.threads.remove(thread)
        if self._on is thread:
            self._on = None
        if thread.clear_child_tid:
            try:
                self.storage.write_word(thread.clear_child_tid, 0)
            except StorageFault:
                return
            self.wake(thread.clear_child_tid, 1)

    def wake(self, address: int, most: int, bits: int = 0xFFFF_FFFF) -> int:
        """Wake threads that wait for a futex of this process; gives how many."""
        woken = 0
        for thread, key in self._futex_waiters(address):
            if woken < most and key.bits & bits:
                key.bits = 0
                thread.woken = True
                woken += 1
        return woken

    def requeue(self, address: int, to: int, most: int) -> int:
        """Have waiters of one futex wait for another one."""
        moved = self._futex_waiters(address)[:most]
        for _, key in moved:
            key.address = to
        return len(moved)

    def _futex_waiters(self, address: int) -> list[tuple[Thread, FutexKey]]:
        waiters = [(t, t.wait.futex) for t in self.threads if t.wait and t.wait.futex]
        return [(t, key) for t, key in waiters if key.address == address and key.bits]

    def switch_to(self, thread: Thread) -> None:
        if self._on is thread:
            return
        if self._on is not None:
            self._on.floating = self.cpu.floating()
        self._on = thread
        self.cpu.state = thread.state
        if thread.floating is not None:
            self.cpu.set_floating(thread.floating)
        thread.floating = None

    # -- what a loader asks (loader.Identity) ------------------------------------------------

    @property
    def features(self) -> int:
        return int(self.cpu.model.features)

    def random(self, length: int) -> bytes:
        return os.urandom(length)

    # -- running ---------------------------------------------------------------------------

    def run(self) -> Ending:
        """Run to the end.  Only the process that began returns: those it forks end here."""
        try:
            while True:
                self._turn(self._next())
        except Ended as end:
            self.release_parent()
            if not self.is_child:
                return end.ending
            self.cpu.close()
            if end.ending.signal:
                die(end.ending.signal)
            os._exit(end.ending.status)

    def _next(self) -> Thread:
        """A thread that can go on, in turn; waits for one."""
        self.signals.collect()
        while True:
            runnable = self._runnable()
            if runnable:
                if any(thread.blocked for thread in self.threads):
                    wait(self.threads, self.signals, forever=False)
                    runnable = self._runnable()
                self._next_thread += 1
                return runnable[self._next_thread % len(runnable)]
            wait(self.threads, self.signals, forever=True)

    def _runnable(self) -> list[Thread]:
        return [t for t in self.threads if not t.blocked or t.woken or self.signals.deliverable(t)]

    def _turn(self, thread: Thread) -> None:
        self.switch_to(thread)
        if thread.blocked:
            self._resume(thread)
        calls = 0
        while not thread.blocked and not thread.exited:
            if thread.pending or self.signals.pending:
                self.deliver(thread)
            alone = len(self.threads) == 1 and not self.signals.expected
            match self.cpu.run(UNLIMITED if alone else TURN):
                case SystemCall():
                    self._call(thread)
                    calls += 1
                    if calls == _CALLS_OF_A_TURN or self.yielded:
                        self.yielded = False
                        return
                case Preempted():
                    return
                case Fault() as fault:
                    if not self.storage.look_again(fault.address):
                        self.force(thread, traps.of_fault(fault, self.storage))
                case Trap() as trap:
                    self.force(thread, traps.of_trap(trap, self.cpu))
                case EngineFailure(reason):
                    raise EngineError(f"{reason} (eip {self.cpu.state.eip:#010x})")

    # -- system calls ----------------------------------------------------------------------

    def _call(self, thread: Thread) -> None:
        state = thread.state
        thread.number = number = state.eax
        call = thread.call = self.calls.find(number)
        if call is None:
            if self.strace:
                self.strace.unknown(thread, number)
            state.eax = -errno.ENOSYS & self._mask
            return
        try:
            arguments = call.arguments(state, self.storage)
            if self.strace:
                self.strace.entered(thread, call, arguments)
            result = call.handler(thread, *arguments)
        except _OUTCOMES as refusal:
            self._finish(thread, refusal)
            return
        if isinstance(result, int):
            self._finish(thread, result)
        else:
            thread.waiting = result
            self._advance(thread, None)

    def _resume(self, thread: Thread) -> None:
        """Go on with a call that waited."""
        waited, woken = thread.wait, thread.woken
        assert waited is not None
        thread.wait, thread.woken = None, False
        if woken:
            self._advance(thread, list(waited.files))
        else:
            self._advance(thread, None, Interrupted())

    def _advance(self, thread: Thread, ready: Ready | None, error: Exception | None = None) -> None:
        waiting = thread.waiting
        assert waiting is not None
        try:
            if error is not None:
                thread.wait = waiting.throw(error)
            elif ready is None:
                thread.wait = next(waiting)
            else:
                thread.wait = waiting.send(ready)
        except StopIteration as done:
            thread.waiting = None
            self._finish(thread, done.value)
        except _OUTCOMES as refusal:
            thread.waiting = None
            self._finish(thread, refusal)

    def _finish(self, thread: Thread, outcome: int | Exception) -> None:
        state, restart = thread.state, False
        match outcome:
            case StateSet():
                if self.strace:
                    self.strace.returned(thread, None)
                return
            case Interrupted():
                result, restart = -errno.EINTR, True
            case Exception():
                result = -error_number(outcome)
            case _:
                result = outcome
        if self.strace:
            self.strace.returned(thread, result)
        state.eax = result & self._mask
        self.signals.collect()
        if thread.pending or self.signals.pending:
            self.deliver(thread, restart=restart)
        if thread.saved_mask is not None and not thread.blocked:
            thread.mask, thread.saved_mask = thread.saved_mask, None
            self.signals.update(self.threads)

    # -- signals ---------------------------------------------------------------------------

    def deliver(self, thread: Thread, *, restart: bool = False) -> None:
        """Begin the handlers of all signals that are there for the thread."""
        handled = False
        while (found := self.signals.take(thread)) is not None:
            action = self.signals.action(found.number)
            if action.handler in (DEFAULT, IGNORE):
                if action.handler == DEFAULT and not self.signals.does_default(found.number):
                    raise Ended(Ending(signal=found.number))
                continue
            if restart and not handled:
                self._restart(thread, action)
            handled = True
            if self.strace:
                self.strace.signal(thread, found)
            if action.flags & ActionFlag.RESETHAND:
                self.signals.set_action(found.number, Action(), self.threads)
            try:
                frames.deliver(thread, found, action)
            except StorageFault:
                raise Ended(Ending(signal=SIGSEGV)) from None
            self.signals.update(self.threads)
        if restart and not handled:
            self._restart(thread, None)

    def _restart(self, thread: Thread, action: Action | None) -> None:
        """Have an interrupted call made again, if it is one for that."""
        assert thread.call is not None
        if action is None or (thread.call.restarts and action.flags & ActionFlag.RESTART):
            thread.state.eip = (thread.state.eip - 2) & self._mask
            thread.state.eax = thread.number

    def force(self, thread: Thread, signal: Signal) -> None:
        """A signal that an instruction had: cannot be blocked or ignored."""
        action = self.signals.action(signal.number)
        if action.handler == IGNORE or thread.mask & bit(signal.number):
            action = Action()
        if action.handler == DEFAULT:
            if self.strace:
                self.strace.signal(thread, signal)
            raise Ended(Ending(signal=signal.number))
        thread.pending.insert(0, signal)
        self.deliver(thread)

    # -- children --------------------------------------------------------------------------

    def release_parent(self) -> None:
        """Let the parent of a vfork go on, with what was written to its stack."""
        if self.vfork is not None:
            self.vfork.release(self.storage)
            self.vfork = None

    def became_child(self, thread: Thread) -> None:
        """After a fork, in the new process: of the threads only the caller is there."""
        self.pid, self.is_child = os.getpid(), True
        if self.vfork is not None:  # the one that waits does so for who forked
            os.close(self.vfork.pipe)
            self.vfork = None
        thread.tid, thread.pending = self.pid, []
        self.threads = [thread]
        self.signals.forget()
        for file in self.children.values():
            if file >= 0:
                os.close(file)
        self.children = {}

    def reserve(self, file: int) -> int:
        """Move a descriptor to where the program does not see it."""
        try:
            return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, self.limit)
        finally:
            os.close(file)
