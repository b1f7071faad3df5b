"""The systems compared, and the guest that they boot."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from guests.linux import fetch_linux

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .session import Session

# Some machines let Python keep no compiled modules, and write its output unbuffered.
PYTHON = ("env", "-u", "PYTHONDONTWRITEBYTECODE", "-u", "PYTHONUNBUFFERED", sys.executable)
_PYPHYP = (*PYTHON, "-m", "pyphyp", "boot")
_QEMU = (
    *("qemu-system-ppc64", "-nographic", "-nodefaults", "-no-reboot", "-monitor", "none"),
    *("-serial", "stdio", "-smp", "1", "-m", "1G", "-M", "pseries,x-vof=on"),
    *("-accel", "tcg,thread=single"),
)
POWER9, POWER8 = ("-cpu", "power9"), ("-cpu", "power8")
_APPEND = "console=hvc0 quiet"
_POWER_DOWN = b"reboot: Power down"
"""What Linux says last, also when it is to be quiet."""
_HANGS = 900
"""Seconds after which a run will not end any more, however slow the machine is."""


class Silent:
    def step(self, description: str, fraction: float | None = None) -> None:
        """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Debian's kernel with an initial file system that powers off in the end."""

    initrd: Path

    @classmethod
    def write(cls, directory: str, initramfs: bytes) -> Guest:
        initrd = Path(directory) / "initrd"
        initrd.write_bytes(initramfs)
        return cls(initrd)

    def pyphyp(self, *options: str) -> tuple[str, ...]:
        """The command that boots it in a partition of 1 GiB, as this machine's usual one."""
        return (*_PYPHYP, *self._options("--"), *options)

    def qemu(self, *options: str) -> tuple[str, ...]:
        """The same in QEMU: one processor, translated by one thread, its quickest firmware."""
        return (*_QEMU, *self._options("-"), *options)

    def _options(self, dash: str) -> tuple[str, ...]:
        kernel = fetch_linux(Silent()).kernel
        values = {"kernel": str(kernel), "initrd": str(self.initrd), "append": _APPEND}
        return tuple(word for name, value in values.items() for word in (dash + name, value))


def run(
    command: tuple[str, ...], session: Session, look: Callable[[bytes, int], None] | None = None
) -> float:
    """Seconds from the command to its end; `look` gets the console's lines, and the process."""
    begin, said = time.monotonic(), [b""]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        started = 0.0 if session.processor_time else session.now()
        for line in process.stdout:
            said.append(line)
            if look is not None:
                look(line, process.pid)
            if time.monotonic() - begin > _HANGS:
                process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        taken = session.now(process.pid) - started
    if process.returncode or not any(_POWER_DOWN in line for line in said):
        tail = b"".join(said)[-2000:].decode(errors="replace")
        raise SystemExit(f"{command} ended with {process.returncode}:\n{tail}")
    return taken


def programs_script(commands: Sequence[str]) -> str:
    """What the guest runs for `seconds_of_programs`: each command between two words."""
    lines = [
        f"echo begin:{n}; {{ {command}; }}; echo end:{n}" for n, command in enumerate(commands)
    ]
    return "\n".join([*lines, "poweroff -f"])


def seconds_of_programs(command: tuple[str, ...], session: Session, programs: int) -> list[float]:
    """Those of each program, as its words come out of the console."""
    begun: dict[str, float] = {}
    taken: dict[str, float] = {}

    def look(line: bytes, process: int) -> None:
        now = session.now(process)
        word, _, number = line.decode(errors="replace").strip().partition(":")
        if word.endswith("begin"):
            begun[number] = now
        elif word.endswith("end") and number in begun:
            taken[number] = now - begun[number]

    run(command, session, look)
    if len(taken) != programs:
        raise SystemExit(f"{command}: only programs {sorted(taken)} came to an end")
    return [taken[str(n)] for n in range(programs)]
