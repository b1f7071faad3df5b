"""Debian's kernel from the command to a user's first program and power-off."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from guests.linux import fetch_linux

from .alternate import Contender, alternate

MARKER = b"reboot: Power down"
QEMU = (
    *("qemu-system-ppc64", "-nographic", "-nodefaults", "-no-reboot", "-monitor", "none"),
    *("-serial", "stdio", "-smp", "1", "-m", "1G"),
    *("-accel", "tcg,thread=single"),
)

POWER9, POWER8 = ("-cpu", "power9"), ("-cpu", "power8")
PSERIES, VOF = ("-M", "pseries"), ("-M", "pseries,x-vof=on")


# Some machines let Python keep no compiled modules, and write its output unbuffered.
PYTHON = ("env", "-u", "PYTHONDONTWRITEBYTECODE", "-u", "PYTHONUNBUFFERED", sys.executable)


class Silent:
    def step(self, description: str, fraction: float | None = None) -> None:
        """Nobody watches."""


def main(rounds: int) -> None:
    guest = fetch_linux(Silent())
    with TemporaryDirectory() as directory:
        initrd = Path(directory) / "initrd"
        initrd.write_bytes(guest.initramfs(script="poweroff -f"))
        kernel = ("-kernel", str(guest.kernel), "-initrd", str(initrd), "-append", "console=hvc0")
        pyphyp = (
            *(*PYTHON, "-m", "pyphyp", "boot", "--kernel", str(guest.kernel)),
            *("--initrd", str(initrd), "--append", "console=hvc0"),
        )
        print("boot to the first program and power-off (radix, 1 GiB, one processor)")
        alternate(
            [
                Contender("pyphyp, client interface", pyphyp, MARKER),
                Contender("qemu, x-vof=on", (*QEMU, *POWER9, *VOF, *kernel), MARKER),
                Contender("qemu, default firmware", (*QEMU, *POWER9, *PSERIES, *kernel), MARKER),
                Contender("pyphyp, --direct", (*pyphyp, "--direct"), MARKER),
            ],
            rounds,
        )
        print("the same by hashed page table, as a POWER8")
        alternate(
            [
                Contender("pyphyp", (*pyphyp, "--cpu-mode", "power8"), MARKER),
                Contender("qemu, x-vof=on", (*QEMU, *POWER8, *VOF, *kernel), MARKER),
            ],
            rounds,
        )
