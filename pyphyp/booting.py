"""The ways to boot something in a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .flat import from_elf, from_program
from .starts import Booted, DeviceBoot

if TYPE_CHECKING:
    from pathlib import Path

    from emu.program import Program

    from .starts import Start


class Bootable:
    """The part of a `Partition` that boots it."""

    def start(self, start: Start) -> None:
        raise NotImplementedError

    def boot(
        self,
        kernel: Path | bytes,
        initrd: Path | bytes | None = None,
        append: str = "",
        *,
        direct: bool = False,
    ) -> None:
        """Load a kernel (ELF) and its initial file system; `run` then runs it.

        `direct` enters the kernel with a flattened device tree instead of the client interface.
        Raises `firmware.boot.BootError` where the kernel cannot be loaded.
        """
        self.start(Booted.of(kernel, initrd, append, direct=direct))

    def boot_from_device(self, specifiers: str = "", append: str | None = None) -> None:
        """Boot the program that a virtual disk or disc holds, as firmware finds it.

        `specifiers` are tried in their order ("disk1 cdrom"); without any, boot-device in NVRAM
        says which, or all are.  `append` replaces boot-file.  Raises `BootError`.
        """
        self.start(DeviceBoot(specifiers, append))

    def load(self, program: Program | bytes) -> None:
        """Put a program (assembled, or an ELF file) into storage, to be entered in real mode.

        It finds the device tree's address in R3 and the client interface in R5.
        """
        self.start(from_elf(program) if isinstance(program, bytes) else from_program(program))
