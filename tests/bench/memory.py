"""What a partition takes of the host's memory besides its own storage.

While Linux boots and powers off, the process is looked at again and again: the proportional set
size (PSS) of all its mappings but the one that is the partition's storage, which is known by its
size.  The figure is the largest sum seen.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux

from .figure import Figure, Measured
from .systems import Guest, Silent, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

STORAGE_KIB = 1 << 20
_BETWEEN = 0.05
"""Seconds from look to look."""


FIGURE = Figure("memory", "host memory beyond the partition's own, at most", "MiB", 150, 80)
FIGURES = (FIGURE,)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    with TemporaryDirectory() as directory:
        guest = Guest.write(directory, fetch_linux(Silent()).initramfs(script="poweroff -f"))
        work = ("memory", lambda: _peak(guest.pyphyp(), session))
        yield Measured(FIGURE, *session.in_turn([work]))


def _peak(command: tuple[str, ...], session: Session) -> float:
    """MiB."""
    sums, over = [0], threading.Event()
    watcher: list[threading.Thread] = []

    def watch(process: int) -> None:
        while not over.wait(_BETWEEN):
            sums.append(besides_storage(process))

    def look(line: bytes, process: int) -> None:
        if not watcher:
            watcher.append(threading.Thread(target=watch, args=(process,)))
            watcher[0].start()

    run(command, session, look)
    over.set()
    watcher[0].join()
    return max(sums) / 1024


def besides_storage(process: int | str) -> int:
    """KiB of PSS of what is not a partition's storage; 0 when the process is gone."""
    try:
        text = Path(f"/proc/{process}/smaps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    sizes = map(int, re.findall(r"^Size: +(\d+) kB", text, re.MULTILINE))
    shares = map(int, re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE))
    return sum(pss for size, pss in zip(sizes, shares, strict=True) if size != STORAGE_KIB)


def resident_mib() -> float:
    """MiB of PSS of this process, storage of partitions included."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"^Pss: +(\d+) kB", text, re.MULTILINE))) / 1024
