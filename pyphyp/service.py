"""What a machine's service console does to a partition: power button, errors, states, dumps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firmware.error_log import HYPERVISOR_CODE, Severity, Shutdown
from hypervisor.processor import Standing

from .dump import write_dump
from .nvram_file import NvramFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.machine_check import Fault
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.partition import Outcome

    from .compose import Composition
    from .savefile import Progress as SaveProgress
    from .saving import RunState, Saved


class Service:
    """The part of a `Partition` that serves it."""

    configuration: PartitionConfiguration

    def __init__(self) -> None:
        self._nvram_file: NvramFile | None = None
        self.crash_listeners: list[Callable[[], None]] = []
        """Called when the guest has crashed or a dump is due, before anything is built anew."""
        self.wake_listeners: list[Callable[[], None]] = []
        """Called, in any thread, when something came for the guest from outside."""

    def wake(self) -> None:
        """Something came from outside; safe in any thread."""
        for listener in self.wake_listeners:
            listener()

    @property
    def composition(self) -> Composition:
        raise NotImplementedError

    def run_state(self) -> tuple[RunState, dict[str, bytes]]:
        """What is kept across boots, and what was booted."""
        raise NotImplementedError

    def _take_over(self, saved: Saved) -> None:
        """Become what was saved; what there was before goes only when that has worked."""
        raise NotImplementedError

    @property
    def hears_shutdown(self) -> bool:
        """Whether the guest has an ear for the power button: toy kernels have none."""
        return self.composition.firmware.error_logs.hears_shutdown

    def request_shutdown(self, why: Shutdown = Shutdown.NORMAL) -> int:
        """Ask the guest to power off in order, as the machine's power button does.

        Gives the identifier of the event's log; raises `QueueFullError` where the guest does not
        read its logs.  The guest reacts while it runs, if it does.
        """
        return self.composition.firmware.error_logs.request_shutdown(why)

    def log_error(
        self,
        text: str,
        severity: Severity = Severity.WARNING,
        *,
        recovered: bool = True,
        reference_code: str = HYPERVISOR_CODE,
        interrupt: bool = False,
    ) -> int:
        """Report an error of the platform to the guest; gives the identifier of its log.

        The guest finds it in its next event-scan (Linux: every 30 s) or, with `interrupt`, at
        once; Linux powers off at once where such a one is an `ERROR_SYNC` or worse.  Raises
        `ValueError` for a text that does not fit, `QueueFullError` as above.
        """
        return self.composition.firmware.error_logs.report_error(
            text,
            severity,
            recovered=recovered,
            reference_code=reference_code,
            interrupts=interrupt,
        )

    # -- saving ----------------------------------------------------------------------------

    def save(
        self,
        path: Path | str,
        *,
        compress: bool = True,
        progress: SaveProgress = lambda done: None,
    ) -> None:
        """Save the partition as it is; `Machine.restore` goes on from there.

        Not compressed, the file is larger and restored faster: pages are read when touched, so it
        must not be written to (replaced, it may be) while a partition runs from it.
        """
        from . import saving

        run, files = self.run_state()
        saving.save(Path(path), self.composition, run, files, compress=compress, progress=progress)

    def restore(self, path: Path | str) -> None:
        """Go back (or on) to what was saved of this very partition.

        Raises `StateError`; nothing has changed then.
        """
        from .saving import SavedPartition

        with SavedPartition(Path(path)) as file:
            self._take_over(file.of_number(self.configuration.number))

    # -- crashes ---------------------------------------------------------------------------

    def dump(self, path: Path, progress: Callable[[float], None] | None = None) -> None:
        """Write storage and registers to `path` as an ELF core; `DumpError` if that fails.

        `progress` is told the fraction that is done.
        """
        write_dump(self.composition.partition, path, progress)

    def system_reset(self) -> None:
        """Interrupt the first processor with a system reset, whatever it does or waits for.

        A guest that has no handler for it has crashed by that.
        """
        self.composition.partition.processors[0].system_reset()

    def machine_check(
        self, fault: Fault, address: int = 0, *, processor: int = 0, recovered: bool = True
    ) -> None:
        """Have `processor` find a fault of the machine, at effective `address`.

        `recovered` tells the guest that nothing was lost.  Raises `ValueError` where there is no
        such processor, or it is stopped.
        """
        processors = self.composition.partition.processors
        if not 0 <= processor < len(processors):
            raise ValueError(f"no processor {processor}: there are {len(processors)}")
        if processors[processor].standing is Standing.STOPPED:
            raise ValueError(f"processor {processor} is stopped")
        self.composition.firmware.machine_check(fault, processor, address, recovered=recovered)

    # -- what outlives the guest -----------------------------------------------------------

    def use_nvram(self, file: NvramFile) -> None:
        """Give a partition in which nothing has run the NVRAM of `file`, and keep it there."""
        self._nvram_file = file
        self.composition.firmware.nvram = file.nvram

    def keep_nvram_in(self, path: Path) -> None:
        """Keep the partition's NVRAM, as it is now, in a file; raises `NvramFileError`."""
        self._nvram_file = NvramFile(path)
        self._follow_nvram()

    def _follow_nvram(self) -> None:
        """The partition has been replaced by one with an NVRAM of its own."""
        if self._nvram_file is not None:
            self._nvram_file.follow(self.composition.firmware.nvram)

    def _save_nvram(self, *, if_due: bool = False) -> None:
        if self._nvram_file is not None:
            self._nvram_file.save(if_due=if_due)

    def _leave_behind(self, outcome: Outcome) -> None:
        """The run has ended."""
        if outcome.dump or outcome.crashed:
            for listener in self.crash_listeners:
                listener()
        self._save_nvram()
