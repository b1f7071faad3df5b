"""The machine's consoles: a stream for whoever attaches, and a file that outlives the machine."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from hypervisor.system.errors import ManagementError

from .streams import ConsoleStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pyphyp.transcript import Transcript

_LARGEST = 1 << 22
"""Bytes of a saved console; then it goes on in a new file, and one old one is kept."""


class Consoles:
    """The consoles of `partitions`; saved in `directory` if there is one.

    A partition that is activated again has new consoles: `connect` listens to those.
    """

    def __init__(
        self, partitions: Iterable[str], written: Callable[[], None], directory: Path | None
    ) -> None:
        self._written, self._directory = written, directory
        self._streams: dict[tuple[str, int | None], ConsoleStream] = {}
        """By partition and slot; that of its first console, which is always there, by None."""
        self._saved: dict[tuple[str, int | None], SavedConsole] = {}
        self._connected: dict[tuple[str, int | None], Transcript] = {}
        self._first: dict[str, int] = {}
        for name in partitions:
            self._begin((name, None))

    def _begin(self, key: tuple[str, int | None]) -> None:
        self._streams[key] = ConsoleStream(self._written)
        if self._directory is not None:
            self._saved[key] = SavedConsole(self._directory / _file(*key))

    def connect(self, transcripts: Mapping[tuple[str, int], Transcript]) -> None:
        """Listen to those that are new; those that are no more are forgotten."""
        first: dict[str, int] = {}
        for name, slot in transcripts:
            first.setdefault(name, slot)
        self._first = first
        there = {(n, None if first[n] == slot else slot): t for (n, slot), t in transcripts.items()}
        for key in [key for key in self._streams if key[1] is not None and key not in there]:
            del self._streams[key]
            self._saved.pop(key, None)
            self._connected.pop(key, None)
        for key, transcript in there.items():
            if key not in self._streams:
                self._begin(key)
            if self._connected.get(key) is not transcript:
                self._connected[key] = transcript
                transcript.listeners.append(self._streams[key].write)
                if key in self._saved:
                    transcript.listeners.append(self._saved[key].write)

    def _key(self, partition: str, slot: int | None) -> tuple[str, int | None]:
        return partition, None if slot == self._first.get(partition) else slot

    def stream(self, partition: str, slot: int | None) -> ConsoleStream:
        """Raises `ManagementError` where there is no such partition or console."""
        if (partition, None) not in self._streams:
            there = ", ".join(name for name, its in self._streams if its is None)
            raise ManagementError(f"there is no partition {partition!r}", f"there are {there}")
        if (found := self._streams.get(self._key(partition, slot))) is None:
            slots = [its for name, its in self._streams if name == partition and its is not None]
            there = ", ".join(str(its) for its in (self._first.get(partition, 0), *slots))
            why = f"partition {partition} has no console in slot {slot}"
            raise ManagementError(why, f"there are {there}")
        return found

    def transcript(self, partition: str, slot: int | None) -> Transcript | None:
        """Where what is typed goes, once the partition was activated."""
        return self._connected.get(self._key(partition, slot))

    def flush(self) -> None:
        """Put into the files what was written."""
        for saved in self._saved.values():
            saved.flush()


def _file(partition: str, slot: int | None) -> str:
    """A partition's name may hold anything that can be printed, a file's name not."""
    name = re.sub("[^A-Za-z0-9._-]", "_", partition)
    return f"console-{name}.log" if slot is None else f"console-{name}-{slot}.log"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class SavedConsole:
    """A console's output in a file, of bounded size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh = bytearray()

    def write(self, text: bytes) -> None:
        self._fresh += text

    def flush(self) -> None:
        """A full disk loses what does not fit; the machine goes on."""
        if not self._fresh:
            return
        fresh = bytes(self._fresh)
        self._fresh.clear()
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(fresh)
                full = file.tell() > _LARGEST
            if full:
                self._path.replace(self._path.with_name(f"{self._path.name}.old"))
        except OSError:
            return
