"""Virtual SCSI: what reading and writing a disk takes; QEMU's is spapr-vscsi.

Both have the same image file, driver and commands.  The guest goes around its own cache, so each
block is one that the device moved; the host's cache has the file all the time.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux
from guests.modules import DISK_MODULES, kernel_modules
from guests.userland import fetch_userland

from .figure import Figure, Measured
from .systems import POWER9, Guest, Silent, programs_script, seconds_of_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .session import Session

MIB = 1 << 20
_DISK_BYTES = 256 * MIB


def _figure(name: str, what: str) -> Figure:
    return Figure(name, what, "s", 1.0, 1 / 1.5, ratios=True)


PROGRAMS = {
    _figure("disk-read", "reading 256 MiB of a virtual disk in blocks of 1 MiB"): (
        "dd if=/dev/sda of=/dev/null bs=1M iflag=direct 2>/dev/null"
    ),
    _figure("disk-write", "writing 256 MiB to a virtual disk in blocks of 1 MiB"): (
        "dd if=/dev/zero of=/dev/sda bs=1M oflag=direct 2>/dev/null"
    ),
    _figure("disk-read-4k", "5,000 random reads of 4 KiB"): (
        "ioping -q -D -i 0 -c 5000 -s 4k /dev/sda >/dev/null"
    ),
    _figure("disk-write-4k", "5,000 random writes of 4 KiB"): (
        "ioping -q -D -i 0 -c 5000 -s 4k -WWW /dev/sda >/dev/null"
    ),
}
FIGURES = tuple(PROGRAMS)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    commands = [PROGRAMS[figure] for figure in wanted]
    with TemporaryDirectory() as directory:
        disk = Path(directory) / "disk.img"
        disk.write_bytes(bytes(MIB))
        os.truncate(disk, _DISK_BYTES)
        guest = _guest(directory, commands)
        works: list[tuple[str, Callable[[], list[float]]]] = []
        ours = guest.pyphyp("--disk", str(disk))
        count = len(commands)
        works.append(("disk, pyphyp", partial(seconds_of_programs, ours, session, count)))
        if session.qemu:
            drive = f"file={disk},format=raw,if=none,id=disk"
            devices = ("-device", "spapr-vscsi", "-drive", drive, "-device", "scsi-hd,drive=disk")
            theirs = guest.qemu(*POWER9, *devices)
            works.append(("disk, qemu", partial(seconds_of_programs, theirs, session, count)))
        taken = session.in_turn(works)
    for n, figure in enumerate(wanted):
        pairs = [[seconds[n] for seconds in runs] for runs in taken]
        yield Measured(figure, pairs[0], pairs[1] if session.qemu else ())


def _guest(directory: str, commands: Sequence[str]) -> Guest:
    linux = fetch_linux(Silent())
    packages = fetch_userland(("ioping",), Silent())
    modules = kernel_modules(linux, Silent()).load_order(DISK_MODULES)
    return Guest.write(
        directory, linux.initramfs(None, programs_script(commands), packages, modules)
    )
