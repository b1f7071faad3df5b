"""The programs in a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guests.cpio import Directory, File
from guests.initramfs import KERNEL_ARGUMENTS
from guests.linux import fetch_linux
from pyphyp import Ending, Machine
from tests.bench.systems import Silent

from .words import said, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guests.cpio import Entry
    from guests.userland import Userland

    from .programs import Program

_RUN = 'cd /work\nrun() { name=$1; shift; "/usr/bin/$name" "$@"; }\n'


def run(
    programs: Iterable[Program],
    userland: Userland,
    files: Mapping[str, bytes],
    *,
    processors: int = 1,
    cpu_mode: str = "power9",
    mmu: str = "auto",
    seconds: float = 600,
) -> dict[str, str]:
    """What each program says, by name, within so many `seconds` of the guest's time."""
    extra: dict[str, bytes | Entry] = {f"work/{name}": File(data) for name, data in files.items()}
    initrd = fetch_linux(Silent()).initramfs(
        extra | {"work": Directory()},
        # Through a pipe, as under QEMU: programs buffer otherwise on a terminal.
        f"echo\n{{\n{script(programs, _RUN)}}} | cat\npoweroff -f\n",
        userland,
    )
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(
            memory="2G", processors=processors, cpu_mode=cpu_mode, mmu=mmu
        )
        kernel = fetch_linux(Silent()).kernel
        partition.boot(kernel, initrd, f"console=hvc0 quiet {KERNEL_ARGUMENTS}")
        outcome = partition.run(seconds=seconds)
        if outcome is None or outcome.ending is not Ending.POWER_OFF:
            tail = partition.console.output[-2000:]
            raise RuntimeError(f"the guest never powered off; its last words:\n{tail}")
        return said(partition.console.output)
