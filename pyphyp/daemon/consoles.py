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

    A partition that is activated again has a new console: `connect` listens to that.
    """

    def __init__(
        self, partitions: Iterable[str], written: Callable[[], None], directory: Path | None
    ) -> None:
        self._streams = {name: ConsoleStream(written) for name in partitions}
        self._connected: dict[str, Transcript] = {}
        self._saved = {}
        if directory is not None:
            self._saved = {name: SavedConsole(directory / _file(name)) for name in self._streams}

    def connect(self, transcripts: Mapping[str, Transcript]) -> None:
        """Listen to those that are new."""
        for name, transcript in transcripts.items():
            if self._connected.get(name) is not transcript:
                self._connected[name] = transcript
                transcript.listeners.append(self._streams[name].write)
                if name in self._saved:
                    transcript.listeners.append(self._saved[name].write)

    def stream(self, partition: str) -> ConsoleStream:
        """Raises `ManagementError` where there is no such partition."""
        if partition not in self._streams:
            there = ", ".join(self._streams)
            raise ManagementError(f"there is no partition {partition!r}", f"there are {there}")
        return self._streams[partition]

    def flush(self) -> None:
        """Put into the files what was written."""
        for saved in self._saved.values():
            saved.flush()


def _file(partition: str) -> str:
    """A partition's name may hold anything that can be printed, a file's name not."""
    return f"console-{re.sub('[^A-Za-z0-9._-]', '_', partition)}.log"


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
