"""What a partition of a managed system boots, as its definition says it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypervisor.system.definition import (
    DeviceProgram,
    DistributionLinux,
    KernelFiles,
    ToyKernel,
)

from .flat import from_program
from .guest_list import assemble_toy
from .starts import Booted, DeviceBoot

if TYPE_CHECKING:
    from guests.packages import Progress
    from hypervisor.system.definition import Guest

    from .starts import Start


class Quiet:
    """Nobody looks on while files are fetched."""

    def step(self, description: str, fraction: float | None) -> None:
        pass


def start_of(guest: Guest, progress: Progress | None = None) -> Start:
    """Have `guest` ready to be booted; `progress` is told what is fetched meanwhile.

    Raises `GuestFilesError`, OSError, or KeyError for a toy kernel that there is not.
    """
    match guest:
        case ToyKernel(name, little):
            return from_program(assemble_toy(name, little=little))
        case KernelFiles():
            return Booted.of(guest.kernel, guest.initrd, guest.append, direct=guest.direct)
        case DeviceProgram(specifiers, append):
            return DeviceBoot(specifiers, append)
        case DistributionLinux():
            return _linux(guest, progress or Quiet())


def _linux(guest: DistributionLinux, progress: Progress) -> Start:
    from guests.big_endian import build_big_endian_linux
    from guests.initramfs import KERNEL_ARGUMENTS
    from guests.linux import fetch_linux
    from guests.modules import kernel_modules
    from guests.userland import fetch_userland

    fetch = partial(build_big_endian_linux if guest.big_endian else fetch_linux, progress)
    linux = fetch()
    userland = fetch_userland(guest.packages, progress) if guest.packages else None
    script = None if guest.script is None else guest.script.read_text(encoding="utf-8")
    if guest.command is not None:
        script = f"{script or ''}\n{guest.command}\npoweroff -f\n"
    quiet = "quiet" if guest.command else ""
    arguments = " ".join(filter(None, ("console=hvc0", KERNEL_ARGUMENTS, quiet, guest.append)))
    modules = kernel_modules(linux, progress).load_order(guest.modules) if guest.modules else []
    initrd = linux.initramfs({}, script, userland, modules)
    return Booted.of(linux.kernel, initrd, arguments, direct=guest.direct)
