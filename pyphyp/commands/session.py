"""One attended run of a partition, from its start to the exit status."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from emu.debugging import TooManyStopsError
from emu.memory import MIB
from emu.state import StateError
from emu.unicorn_library import EngineError
from firmware.elf import BootError
from pyphyp.api import Machine
from pyphyp.boot_files import BootFilesError
from pyphyp.console import ConsoleSession, Finish
from pyphyp.console_ends import ConsoleError
from pyphyp.decode import plain
from pyphyp.dump import DumpError
from pyphyp.messages import complain, report
from pyphyp.nvram_file import NvramFileError
from pyphyp.outside.link import LinkError
from pyphyp.places import PlaceError
from pyphyp.raw_file import MediaError
from pyphyp.replacing import check_replaceable
from pyphyp.symbols import SymbolsError, of_file
from pyphyp.tapes import warnings
from pyphyp.trace import JsonTrace, Kind, TextTrace, Tracer

from .progress import ProgressBar
from .status import SIGNAL_BASE, Status
from .values import ALL_BUT_INSTRUCTIONS, Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyphyp.console import RunEnd
    from pyphyp.partition import Partition
    from pyphyp.savefile import Opening

    from .options import RunOptions, WatchOptions

_PATIENCE = 1.0
"""Seconds that saving, restoring and dumping may take without a word."""


def run_guest(options: RunOptions, start: Callable[[Partition], None]) -> int:
    """Build a machine as `options` say, `start` a guest in it, attend it; the exit status."""
    watch = options.watch

    def build(machine: Machine) -> Partition:
        partition = options.machine.add_partition(
            machine, reboot=not watch.no_reboot, nvram=watch.nvram
        )
        start(partition)
        return partition

    return _run(watch, build, epoch=options.machine.epoch, seed=options.machine.seed)


def run_saved(options: WatchOptions, opening: Opening) -> int:
    """Attend the partition that was saved; the exit status."""

    def build(machine: Machine) -> Partition:
        with ProgressBar(_PATIENCE) as bar:
            partition = machine.restore(opening, progress=partial(bar.step, "reading"))
        partition.reboot = partition.reboot and not options.no_reboot
        if options.nvram is not None:
            partition.keep_nvram_in(options.nvram)
        return partition

    return _run(options, build, epoch=0, seed=0)


def _run(
    options: WatchOptions, build: Callable[[Machine], Partition], *, epoch: int | None, seed: int
) -> int:
    try:
        if options.dump_to is not None:
            _check_dump(options.dump_to)
        with contextlib.ExitStack() as stack:
            tracers = stack.enter_context(_tracers(options))
            machine = stack.enter_context(Machine(epoch=epoch, seed=seed, tracers=tracers))
            partition = build(machine)
            for line in warnings(partition.media.tape_drives):
                complain(line)
            if options.dump_to is not None:
                partition.crash_listeners.append(partial(_dump, partition, options.dump_to))
            _prepare_to_debug(partition, options)
            return _attend(partition, options)
    except (
        BootError,
        ConsoleError,
        DumpError,
        EngineError,
        LinkError,
        BootFilesError,
        MediaError,
        MemoryError,
        NvramFileError,
        OptionError,
        PlaceError,
        StateError,
        TooManyStopsError,
    ) as wrong:
        complain(str(wrong) or "the host has not enough memory")
        return Status.ERROR


class OptionError(Exception):
    """An option asks for what cannot be had."""


def _prepare_to_debug(partition: Partition, options: WatchOptions) -> None:
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


def _check_dump(path: Path) -> None:
    """See now, not after the crash, that a dump can be written."""
    try:
        check_replaceable(path)
    except OSError as wrong:
        raise DumpError(f"there can be no dump: {wrong}") from None


def _dump(partition: Partition, path: Path) -> None:
    """The guest has crashed: dump it.  A dump that fails is complained about, no more."""
    try:
        with ProgressBar(_PATIENCE) as bar:
            partition.dump(path, partial(bar.step, f"dump to {path}"))
    except DumpError as wrong:
        complain(str(wrong))
    else:
        report(f"{partition.name}: dump written to {path}")


@contextlib.contextmanager
def _tracers(options: WatchOptions) -> Iterator[tuple[Tracer, ...]]:
    import sys

    traced = options.trace
    if traced is None and options.trace_file is not None:
        traced = Traced(frozenset(ALL_BUT_INSTRUCTIONS))
    if traced is None:
        yield ()
        return
    kinds = frozenset(Kind(word) for word in traced.kinds)
    places = tuple((Kind(word), place) for word, place in traced.places)
    tracer = partial(Tracer, kinds, places=places, limit=options.trace_limit)
    if options.trace_file is None:
        yield (tracer(TextTrace(sys.stderr)),)
        return
    with open(options.trace_file, "w", encoding="utf-8") as file:
        yield (tracer(JsonTrace(file)),)


def _attend(partition: Partition, options: WatchOptions) -> int:
    if options.verbose:
        report(f"{partition.name}: {partition.configuration.memory_bytes >> 20} MiB of storage")
    try:
        saver = Saver(partition, options.save_to, compress=not options.save_plain)
        with ConsoleSession(
            partition, host_seconds=options.host_timeout, save=saver.save
        ) as session:
            end = _run_and_save(session, saver, options)
    finally:
        _count(partition, options)
    return _judge(partition, end, options)


class Saver:
    """Saves `partition` where the command line says, or to a new file beside where it runs."""

    def __init__(self, partition: Partition, path: Path | None, *, compress: bool) -> None:
        self.partition = partition
        self._path, self._compress = path, compress

    def save(self) -> str:
        """Save it now; gives a line about that.  Raises `OSError`."""
        partition = self.partition
        path = self._path or Path(f"{partition.name}-{partition.seconds:.3f}s.state")
        with ProgressBar(_PATIENCE) as bar:
            step = partial(bar.step, "saving")
            partition.save(path, compress=self._compress, progress=step)
        size = path.stat().st_size / MIB
        return f"{partition.name}: saved to {path} ({size:.1f} MiB); pyphyp restore goes on from it"


def _run_and_save(session: ConsoleSession, saver: Saver, options: WatchOptions) -> RunEnd:
    """One run, interrupted where it is to be saved."""
    timeout = options.timeout
    until = None if options.save_at is None else options.save_at - saver.partition.seconds
    if until is None or (timeout is not None and timeout < until):
        return session.run(timeout)
    if until > 0:
        end = session.run(until)
        if end.finish is not Finish.GUEST_TIME:
            return end
        timeout = None if timeout is None else timeout - until
    line = saver.save()
    if options.verbose:
        session.say(line)
    return session.run(timeout)


def _count(partition: Partition, options: WatchOptions) -> None:
    stats = partition.stats()
    if options.stats_file is not None:
        Path(options.stats_file).write_text(stats.json(), encoding="utf-8")
    if options.stats:
        from rich.console import Console

        from pyphyp.stats import table

        Console(stderr=True, highlight=False).print(table(stats))


def _judge(partition: Partition, end: RunEnd, options: WatchOptions) -> int:
    """Say how the run ended, where that needs saying; the exit status."""
    stats = partition.stats()
    after = f"after {stats.guest_seconds:.3f} s of guest time"
    if stats.counted:
        after += f", {stats.instructions:,} instructions"
    match end.finish:
        case Finish.ENDED:
            assert end.outcome is not None
            words = ": ".join(filter(None, (end.outcome.ending.value, end.outcome.reason)))
            if end.outcome.crashed:
                from pyphyp.report import crash_report

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
