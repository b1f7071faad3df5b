"""A partition's terminals as a script uses them: send, wait for, look back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from emu.state import check

from .console_ends import end_of
from .transcript import Transcript, compile_wanted

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.vio.configuration import ConsoleAdapter
    from hypervisor.vio.vty import ClientTerminal

    from .console_ends import ConsoleEnd
    from .partition import Partition
    from .transcript import TranscriptState


class WaitError(Exception):
    """The console did not say what was waited for."""


class Timeout(WaitError):  # noqa: N818 - a script says `except Timeout`
    """The time given is used up; the message shows the last lines of output."""


class Ended(WaitError):  # noqa: N818
    """The partition's run ended before."""


class Console:
    """A partition's terminal as a script uses it; `close` its end on the host.

    Raises `ConsoleError` where that cannot be had.
    """

    def __init__(self, partition: Partition, adapter: ConsoleAdapter) -> None:
        self.transcript = Transcript()
        self.adapter = adapter
        self._partition = partition
        self._end: ConsoleEnd | None = end_of(adapter, partition.wake)
        if self._end is not None:
            self.transcript.listeners.append(self._end.write)

    @property
    def slot(self) -> int:
        """The virtual slot it is in."""
        return self.adapter.slot

    def feed(self) -> None:
        """Between windows: what was typed goes to the guest."""
        if self._end is not None and (typed := self._end.take()):
            self.transcript.send(typed)
        self.transcript.feed()

    def close(self) -> None:
        """Its end on the host is no more; what it said stays."""
        end, self._end = self._end, None
        if end is not None:
            self.transcript.listeners.remove(end.write)
            end.close()

    @property
    def output(self) -> str:
        """All the guest wrote so far."""
        return self.transcript.text

    def send(self, text: str | bytes) -> None:
        """Type `text`; the guest reads it while it runs."""
        self.transcript.send(text.encode() if isinstance(text, str) else text)

    def wait_for(self, wanted: str | re.Pattern[str], seconds: float = 60) -> re.Match[str]:
        """Run until `wanted` (plain text, or a compiled pattern) appears in the output.

        Looks behind what was found before; gives the match.  Raises `Timeout` after so many
        seconds of guest time, `Ended` if the partition ends before.
        """
        pattern = compile_wanted(wanted)
        if found := self.transcript.find(pattern):
            return found
        matches: list[re.Match[str]] = []
        last = wanted.encode()[-1:] if isinstance(wanted, str) else b""

        def look(text: bytes) -> None:
            if not matches and last in text and (match := self.transcript.find(pattern)):
                matches.append(match)
                self._partition.stop()

        self.transcript.listeners.append(look)
        try:
            outcome = self._partition.run(seconds=seconds)
        finally:
            self.transcript.listeners.remove(look)
        if matches:
            return matches[0]
        shown = wanted if isinstance(wanted, str) else wanted.pattern
        where = f"the last lines of {self._partition.name}:\n{self.transcript.last_lines()}"
        if outcome is not None:
            reason = f" ({outcome.reason})" if outcome.reason else ""
            raise Ended(f"{outcome.ending.value}{reason} before {shown!r} appeared; {where}")
        raise Timeout(f"{shown!r} did not appear in {seconds} s of guest time; {where}")


class Consoles:
    """The consoles of a partition, by virtual slot; they outlive its boots."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._consoles: dict[int, Console] = {}

    def __iter__(self) -> Iterator[Console]:
        """The first is the one that firmware uses."""
        return iter(self._consoles.values())

    def __getitem__(self, slot: int) -> Console:
        return self._consoles[slot]

    def __contains__(self, slot: int) -> bool:
        return slot in self._consoles

    @property
    def first(self) -> Console:
        return next(iter(self))

    def define(self, configuration: PartitionConfiguration) -> None:
        """From now on there are those of `configuration`; others are closed.

        Raises `ConsoleError`; nothing has changed then.
        """
        consoles: dict[int, Console] = {}
        with ExitStack() as undo:
            for adapter in configuration.consoles:
                known = self._consoles.get(adapter.slot)
                if known is None or known.adapter != adapter:
                    known = Console(self._partition, adapter)
                    undo.callback(known.close)
                consoles[adapter.slot] = known
            undo.pop_all()
        before, self._consoles = self._consoles, consoles
        for console in before.values():
            if consoles.get(console.slot) is not console:
                console.close()

    def connect(self, terminal: ClientTerminal) -> None:
        """This is the terminal of its slot now."""
        self[terminal.slot.number].transcript.connect(terminal)

    def feed(self) -> None:
        for console in self:
            console.feed()

    def state(self) -> dict[int, TranscriptState]:
        return {console.slot: console.transcript.state() for console in self}

    def restore(self, state: dict[int, TranscriptState]) -> None:
        check(state.keys() == self._consoles.keys(), "other consoles than this partition's")
        for slot, its in state.items():
            self[slot].transcript.restore(its)

    def close(self) -> None:
        for console in self:
            console.close()
