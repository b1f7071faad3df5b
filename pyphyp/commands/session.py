"""One attended run of a partition, from its start to the exit status."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from emu.engine import EngineError
from firmware.boot import BootError
from hypervisor.partition import Ending
from pyphyp.api import Machine
from pyphyp.console import ConsoleSession, Finish
from pyphyp.decode import plain
from pyphyp.messages import complain, report
from pyphyp.report import crash_report
from pyphyp.symbols import SymbolsError, of_file
from pyphyp.trace import JsonTrace, Kind, TextTrace, Tracer

from .options import ALL_BUT_INSTRUCTIONS
from .status import SIGNAL_BASE, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyphyp.console import RunEnd
    from pyphyp.partition import Partition

    from .options import RunOptions

_CRASHES = frozenset({Ending.CRASH, Ending.CHECKSTOP})


def run_guest(options: RunOptions, start: Callable[[Partition], None]) -> int:
    """Build a machine as `options` say, `start` a guest in it, attend it; the exit status."""
    try:
        with contextlib.ExitStack() as stack:
            tracers = stack.enter_context(_tracers(options))
            machine = stack.enter_context(
                Machine(epoch=options.epoch, seed=options.seed, tracers=tracers)
            )
            partition = options.add_partition(machine, reboot=not options.no_reboot)
            start(partition)
            _prepare_to_debug(partition, options)
            return _attend(partition, options)
    except (BootError, EngineError, MemoryError, OptionError) as wrong:
        complain(str(wrong) or "the host has not enough memory")
        return Status.ERROR


class OptionError(Exception):
    """An option asks for what cannot be had."""


def _prepare_to_debug(partition: Partition, options: RunOptions) -> None:
    if options.symbols is not None:
        try:
            partition.symbols = of_file(options.symbols.read_bytes())
        except SymbolsError as wrong:
            raise OptionError(f"{options.symbols}: {wrong}") from None
    if options.gdb is not None:
        try:
            server = partition.gdb_server(*options.gdb)
        except OSError as wrong:
            host, port = options.gdb
            raise OptionError(f"cannot listen on {host}:{port}: {wrong.strerror}") from None
        report(f"waiting for gdb; in another terminal: {server.command}")


@contextlib.contextmanager
def _tracers(options: RunOptions) -> Iterator[tuple[Tracer, ...]]:
    import sys

    words = options.trace
    if words is None and options.trace_file is not None:
        words = frozenset(ALL_BUT_INSTRUCTIONS)
    if words is None:
        yield ()
        return
    kinds = frozenset(Kind(word) for word in words)
    if options.trace_file is None:
        yield (Tracer(kinds, TextTrace(sys.stderr)),)
        return
    with open(options.trace_file, "w", encoding="utf-8") as file:
        yield (Tracer(kinds, JsonTrace(file)),)


def _attend(partition: Partition, options: RunOptions) -> int:
    if options.verbose:
        report(f"{partition.name}: {partition.configuration.memory_bytes >> 20} MiB of storage")
    try:
        with ConsoleSession(partition, host_seconds=options.host_timeout) as session:
            end = session.run(options.timeout)
    finally:
        _count(partition, options)
    return _judge(partition, end, options)


def _count(partition: Partition, options: RunOptions) -> None:
    stats = partition.stats()
    if options.stats_file is not None:
        Path(options.stats_file).write_text(stats.json(), encoding="utf-8")
    if options.stats:
        from rich.console import Console

        from pyphyp.stats import table

        Console(stderr=True, highlight=False).print(table(stats))


def _judge(partition: Partition, end: RunEnd, options: RunOptions) -> int:
    """Say how the run ended, where that needs saying; the exit status."""
    stats = partition.stats()
    after = f"after {stats.guest_seconds:.3f} s of guest time, {stats.instructions:,} instructions"
    match end.finish:
        case Finish.ENDED:
            assert end.outcome is not None
            words = ": ".join(filter(None, (end.outcome.ending.value, end.outcome.reason)))
            if end.outcome.ending in _CRASHES:
                complain(f"{partition.name}: {plain(words)} {after}\n{crash_report(partition)}")
                return Status.CRASH
            if options.verbose:
                report(f"{partition.name}: {plain(words)} {after}")
            return Status.OK
        case Finish.GUEST_TIME | Finish.HOST_TIME:
            complain(f"{partition.name}: {end.finish.value} {after}")
            return Status.TIMEOUT
        case Finish.QUIT:
            return Status.OK
        case Finish.SIGNAL:
            assert end.signal is not None
            return SIGNAL_BASE + end.signal
