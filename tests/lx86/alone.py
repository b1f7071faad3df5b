"""Runs a program with a C library; for a process of its own, which the program takes over.

    python -m tests.lx86.alone ENGINE OPTIONS PROGRAM ARGUMENTS...

ENGINE is `translator` or `reference`, OPTIONS what `Options` takes, as JSON.  The last line of
standard error says how many instructions of that engine were executed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import I386, X86_64
from lx86.linux.run import World, run
from lx86.options import Options
from lx86.spaces import SPACE_32, SPACE_64
from lx86.translating_cpu import TranslatingCpu

from .counting import CountingCpu

if TYPE_CHECKING:
    from lx86.cpu import Cpu
    from lx86.spaces import Space
    from lx86.storage import Storage

TREE = Path(__file__).parents[2]


def execute(
    engine: str, program: Path, *arguments: str, **options: object
) -> tuple[subprocess.CompletedProcess[str], int]:
    """How it ended and what it wrote, and how many instructions that took."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, engine, json.dumps(options), str(program), *arguments],
        capture_output=True, text=True, cwd=TREE, env={}, timeout=300, check=False,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    return done, int(lines[-1]) if lines and lines[-1].isdigit() else -1


class _Maker:
    def __init__(self, engine: str, options: str) -> None:
        self._engine, self._options = engine, options
        self.made: list[Cpu] = []

    def space(self, word: int) -> Space:
        return SPACE_32 if word == 4 else SPACE_64

    def __call__(self, storage: Storage) -> Cpu:
        if self._engine == "reference":
            self.made.append(CountingCpu(storage))
        else:
            architecture = X86_64 if storage.word == 8 else I386
            options = Options(architecture=architecture, **json.loads(self._options))
            self.made.append(TranslatingCpu(storage, options=options))
        return self.made[0]


def main() -> None:
    engine, options, program, *arguments = sys.argv[1:]
    maker = _Maker(engine, options)
    directory = Path(program).parent
    world = World(None, ((str(directory), directory),), str(directory))
    ending = run(program, arguments, world, maker).ending
    cpu = maker.made[0]
    count = cpu.machine.instructions if isinstance(cpu, TranslatingCpu) else cpu.executed  # type: ignore[attr-defined]
    print(count, file=sys.stderr)
    sys.exit(128 + ending.signal if ending.signal else ending.status)


if __name__ == "__main__":
    main()
