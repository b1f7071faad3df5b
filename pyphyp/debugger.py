"""A partition under a debugger: gdb's connection served between the guest's windows.

The guest runs, or the debugger is answered; never both, and all in the thread that runs the
partition.  Only to notice a debugger that interrupts a long window there is a second one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.gdb import GdbConnection
from emu.gdb.connection import LOOPBACK, SIGNAL_ABORT, SIGNAL_INTERRUPT
from hypervisor.partition import Ending

from .monitor import monitor
from .pacing import Verdict
from .watch import Watch

if TYPE_CHECKING:
    from emu.bits import ByteOrder
    from emu.engine import Engine
    from emu.memory import Memory
    from hypervisor.partition import Outcome

    from .partition import Partition

_HALTED_SECONDS = 0.05
"""How long to wait for a debugger's packets before others are looked after."""
_CRASHES = frozenset({Ending.CRASH, Ending.CHECKSTOP})


class GdbServer:
    """Lets gdb look at a partition and hold it; made by `Partition.gdb_server`.

    With `wait` the guest runs no instruction before a debugger has come and says so.
    """

    def __init__(
        self, partition: Partition, host: str | None = None, port: int = 0, *, wait: bool = True
    ) -> None:
        self._partition = partition
        self._connection = GdbConnection(_Target(partition), host or LOOPBACK, port)
        self._awaited = wait
        self._watch: Watch | None = None

    @property
    def address(self) -> tuple[str, int]:
        return self._connection.address

    @property
    def command(self) -> str:
        """What to type in another terminal."""
        host, port = self.address
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return f"gdb-multiarch -ex 'target remote {where}'"

    def close(self) -> None:
        self._stop_watching()
        self._connection.close()

    def attend(self) -> Verdict:
        """Called before each window of the guest."""
        connection = self._connection
        connection.serve(_HALTED_SECONDS if connection.halted or self._awaited else 0)
        if connection.killed:
            return self._held(Verdict.END)
        if connection.client is not None:
            self._awaited = False
        if connection.halted or self._awaited:
            return self._held(Verdict.HOLD)
        if connection.interrupted:
            selected = self._partition.composition.partition.engine.selected
            connection.stopped(selected, None, SIGNAL_INTERRUPT)
            return self._held(Verdict.HOLD)
        if (number := connection.resumption.step) is not None:
            return self._step(number)
        self._start_watching()
        return Verdict.RUN

    def _held(self, verdict: Verdict) -> Verdict:
        self._stop_watching()
        return verdict

    def _step(self, number: int) -> Verdict:
        partition = self._partition.composition.partition
        stop = partition.step(partition.processors[number])
        if partition.outcome is not None:
            return Verdict.RUN  # to its end
        self._connection.stopped(number, stop)
        return Verdict.HOLD

    # -- what happens to the guest ---------------------------------------------------------

    def stopped(self) -> None:
        """The guest came to a breakpoint or watchpoint."""
        self._stop_watching()
        partition = self._partition.composition.partition
        assert partition.debug_stop is not None
        processor, stop = partition.debug_stop
        self._connection.stopped(processor.number, stop)

    def renewed(self) -> None:
        """The partition is built anew for another boot."""
        self._connection.renewed()

    def ended(self, outcome: Outcome) -> bool:
        """Whether the debugger still looks at what is left; called until it does not."""
        self._stop_watching()
        connection = self._connection
        if connection.client is None:
            return False
        if outcome.ending not in _CRASHES:
            connection.ended(b"W00")
            return False
        if not connection.looking_at_end:
            connection.looking_at_end = True
            selected = self._partition.composition.partition.engine.selected
            connection.stopped(selected, None, SIGNAL_ABORT)
        connection.serve(_HALTED_SECONDS)
        if connection.halted:
            return True
        connection.ended(b"X%02x" % SIGNAL_ABORT)
        return False

    # -- noticing an interruption ----------------------------------------------------------

    def _start_watching(self) -> None:
        client = self._connection.client
        if client is not None and self._watch is None:
            self._watch = Watch(client.fileno(), self._partition.pause, None)
            self._watch.start()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None


class _Target:
    """The partition as `emu.gdb` asks for it."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition

    @property
    def engine(self) -> Engine:
        return self._partition.composition.partition.engine

    @property
    def memory(self) -> Memory:
        return self._partition.memory

    @property
    def byte_order(self) -> ByteOrder:
        return self._partition.byte_order

    @property
    def processors(self) -> int:
        return len(self._partition.composition.partition.processors)

    def describe(self, processor: int) -> str:
        return self._partition.composition.partition.processors[processor].standing.name.lower()

    def monitor(self, command: str) -> str:
        return monitor(self._partition, command)
