"""`python -m tests.bench.managed FILE`: a machine until its first partition ends, shown."""

from __future__ import annotations

import sys
from pathlib import Path

from pyphyp.machine_file import read
from pyphyp.managed import ManagedMachine


def main(file: str) -> None:
    described = read(Path(file))
    with ManagedMachine(described.system) as machine:
        machine.power_on()
        first = next(iter(machine.partitions.values()))

        def show(text: bytes) -> None:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()

        first.console.transcript.listeners.append(show)
        machine.run(until=lambda: not first.runs)


main(sys.argv[1])
