"""A machine's daemon as a process: its place, its signals, its detaching, its end.

`host` runs a machine in this process until it is powered off.  `in_background` does so in a child
in a session of its own, and comes back when operators can reach it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from emu.values import frozen
from hypervisor.system.errors import ManagementError
from pyphyp.actions import ActivatePartition
from pyphyp.managed import ManagedMachine
from pyphyp.managed_media import damaged_tapes
from pyphyp.usage import PartitionState

from .claim import Claim
from .hosted import HostedMachine
from .journal import Journal
from .locations import state_directory
from .server import Server
from .service import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType
    from typing import Any

    from hypervisor.system.definition import ManagedSystem
    from pyphyp.starts import Start
    from pyphyp.usage import MachineUsage

    from .locations import Location
    from .protocol import Notice
    from .service import Standing

log = logging.getLogger(__name__)

GRACE = 20
"""Seconds that operating systems have to power off in order."""
LOG = "daemon.log"
_PRIVATE = 0o600


@frozen
class Plan:
    """A machine to be hosted, and how.

    `paced`, `enough` and `until` are `Daemon`'s.  `starts` are guests that are ready to be booted.
    """

    system: ManagedSystem
    location: Location
    epoch: int | None = None
    seed: int = 0
    starts: Mapping[str, Start] | None = None
    host_threads: int | None = None
    paced: bool = True
    enough: Callable[[MachineUsage], bool] = lambda usage: False
    until: int | None = None

    @property
    def directory(self) -> Path:
        """Where its log, journal and consoles are kept."""
        return state_directory(self.system.name)


@frozen
class End:
    """How a hosted machine ended."""

    usage: MachineUsage
    standings: Mapping[str, Standing]
    signal: signal.Signals | None

    @property
    def failed(self) -> list[str]:
        """The partitions that crashed."""
        return [n for n, its in self.standings.items() if its.state is PartitionState.ERROR]


class Watcher:
    """Whoever looks on as a machine runs; by default nobody does."""

    def ready(self, refused: list[str]) -> None:
        """It can be reached; what of its network, partitions and tapes could not be had."""

    def noticed(self, notice: Notice) -> None:
        """Something happened."""

    def ending(self, number: signal.Signals) -> None:
        """A signal asks for the end."""

    def hung_up(self) -> None:
        """The terminal is gone."""


def host(plan: Plan, watcher: Watcher) -> End:
    """Run the machine to its end; raises `RunningError`, `LocationError`, `OSError`."""
    with contextlib.ExitStack() as undo:
        endings = undo.enter_context(_signals(watcher))
        claim = Claim.take(plan.location)
        undo.callback(claim.release)
        undo.callback(claim.listening.close)
        machine = undo.enter_context(
            ManagedMachine(
                plan.system,
                epoch=plan.epoch,
                seed=plan.seed,
                host_threads=plan.host_threads,
                starts=plan.starts,
                dumps=plan.directory,
            )
        )
        hosted = HostedMachine(machine)
        daemon = Daemon(
            hosted,
            journal=Journal(_private(plan.directory / "journal.jsonl")),
            directory=plan.directory,
            paced=plan.paced,
            enough=plan.enough,
            until=plan.until,
        )
        daemon.on_notice = watcher.noticed
        server = Server(claim.listening, daemon)
        daemon.tell_news(server.tell)
        endings.ask(daemon)
        server.start()
        undo.callback(server.close)
        if not endings.received:
            watcher.ready(_power_on(machine, daemon))
        daemon.run()
        return End(hosted.usage(), hosted.standings(), next(iter(endings.received), None))


def _private(path: Path) -> Any:
    """A new file that only its owner reads: what is typed at consoles is in it."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.old"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _power_on(machine: ManagedMachine, daemon: Daemon) -> list[str]:
    """Bring it up, partitions by `daemon`, which records that; what of it is not as it should."""

    def activate(name: str) -> None:
        try:
            daemon.act(ActivatePartition(name))
        except ManagementError as wrong:
            raise ManagementError(f"{name}: {wrong}") from None

    return [*map(str, machine.come_up(activate)), *damaged_tapes(machine)]


class _Endings:
    """The signals that asked for the end: the first powers off in order, others pull plugs."""

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self._daemon: Daemon | None = None

    def add(self, number: signal.Signals) -> None:
        self.received.append(number)
        self._pass_on()

    def ask(self, daemon: Daemon) -> None:
        """It is `daemon` that ends the machine, also where the end was asked for already."""
        self._daemon = daemon
        if self.received:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._daemon is not None:
            self._daemon.power_off(immediate=len(self.received) > 1, seconds=GRACE)


@contextlib.contextmanager
def _signals(watcher: Watcher) -> Iterator[_Endings]:
    """SIGINT and SIGTERM ask for the end from now on, and not for this process's at once."""
    endings = _Endings()

    def end(number: int, frame: FrameType | None) -> None:
        endings.add(signal.Signals(number))
        watcher.ending(endings.received[-1])

    def hang_up(number: int, frame: FrameType | None) -> None:
        watcher.hung_up()

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGHUP: hang_up}
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN  # as nohup and background jobs have it
    }
    try:
        yield endings
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- in the background -----------------------------------------------------------------------


class StartError(Exception):
    """The daemon ended before it could be reached."""


def in_background(plan: Plan) -> list[str]:
    """Host the machine in a child; gives what of its network and partitions could not be had.

    Raises `StartError` with what the child says.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.close(reading)
            status = _be_daemon(plan, writing)
        finally:
            os._exit(status)
    os.close(writing)
    try:
        with open(reading, encoding="utf-8") as answer:
            word, _, rest = answer.read().partition("\n")
    except BaseException:  # whoever wanted it does not any more
        os.kill(child, signal.SIGTERM)
        raise
    if word != _READY:
        os.waitpid(child, 0)
        raise StartError(rest.strip() or f"it ended at once; {plan.directory / LOG} may say why")
    return rest.splitlines()


_READY, _NOT_READY = "ready", "not ready"


class _Logged(Watcher):
    """Tells the process that waits when the machine can be reached; notices go into the log."""

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting

    def ready(self, refused: list[str]) -> None:
        self.answer(_READY, refused)

    def answer(self, word: str, lines: list[str]) -> None:
        if self._waiting >= 0:
            with contextlib.suppress(OSError):
                os.write(self._waiting, "\n".join((word, *lines)).encode())
            os.close(self._waiting)
            self._waiting = -1

    def noticed(self, notice: Notice) -> None:
        seconds, who = notice.now / TIME_BASE_HZ, notice.partition or "the machine"
        log.info("%.2f s: %s: %s", seconds, who, notice.text)

    def ending(self, number: signal.Signals) -> None:
        log.info("%s", number.name)


def _be_daemon(plan: Plan, waiting: int) -> int:
    os.setsid()
    watcher = _Logged(waiting)
    try:
        redirect(plan.directory)
        log.info("process %d runs %s", os.getpid(), plan.system.name)
        host(plan, watcher)
    except Exception as wrong:  # the last stop: whoever waits is told, the log has it all
        traceback.print_exc()
        watcher.answer(_NOT_READY, [str(wrong) or type(wrong).__name__])
        return 1
    log.info("the end")
    return 0


def redirect(directory: Path) -> None:
    """From now on standard output and error are the machine's log; there is no input."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    written = os.open(directory / LOG, mode, _PRIVATE)
    for descriptor, to in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(descriptor, to)
    for descriptor in {nothing, written} - {0, 1, 2}:
        os.close(descriptor)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
