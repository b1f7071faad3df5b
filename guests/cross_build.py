"""Compiling for big-endian ppc64 on this host: which tools it takes, and how they are run.

The tools are the distribution's own packages; a host that lacks some is told their names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guests.packages import GuestFilesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from guests.packages import Progress

PREFIX = "powerpc64-linux-gnu-"
COMPILER = f"{PREFIX}gcc"
LIBRARY_PACKAGE = "libc6-dev-ppc64-cross"
# What is called, and the Debian package that has it.
TOOLS = {
    COMPILER: "gcc-powerpc64-linux-gnu",
    "gcc": "gcc",
    "make": "make",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
    "dpkg-source": "dpkg-dev",
}
STEP = re.compile(r" {2}[A-Z]+ ")  # `  CC      init/main.o`
LAST_LINES = 5


def check_tools() -> None:
    """Refuse, with the packages that would help, a host that cannot build."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if TOOLS[COMPILER] in missing or not _has_library():
        missing.append(LIBRARY_PACKAGE)
    if missing:
        raise GuestFilesError(
            f"this host lacks what builds it; sudo apt-get install {' '.join(missing)} helps"
        )


def _has_library() -> bool:
    """Whether the compiler knows a C library to link programs with; its answer is a path then."""
    asked = subprocess.run(
        [COMPILER, "-print-file-name=libc.a"], capture_output=True, text=True, check=False
    )
    return os.path.isabs(asked.stdout.strip())


@dataclass(frozen=True, slots=True)
class Tools:
    """Runs tools and shows how far they are; all they say goes to `log`."""

    log: Path
    progress: Progress

    def run(self, *command: str | Path, answers: str = "") -> None:
        """Run `command` to its end with `answers` as its input; `GuestFilesError` if it fails."""
        with self.log.open("a", encoding="utf-8") as log:
            done = subprocess.run(
                command, input=answers, stdout=log, stderr=subprocess.STDOUT, text=True, check=False
            )
        if done.returncode:
            raise GuestFilesError(self._failure(command))

    def make(self, description: str, steps: int, directory: Path, *arguments: str) -> None:
        """Run make in `directory` on all processors; it is known to take about `steps` lines."""
        command = ["make", f"-j{os.cpu_count() or 1}", "-C", str(directory), *arguments]
        self.progress.step(description, 0)
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            done = 0
            try:
                for line in process.stdout:
                    log.write(line)
                    done += STEP.match(line) is not None
                    self.progress.step(description, min(done / steps, 1))
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise GuestFilesError(self._failure(command))

    def _failure(self, command: Sequence[str | Path]) -> str:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            last = [line.strip() for line in deque(log, LAST_LINES)]
        return f"{command[0]} fails: {' | '.join(last)} (all of it: {self.log})"
