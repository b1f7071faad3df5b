"""A booted Linux saved, restored to its prompt, and cloned: seconds on the host's clock."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux
from pyphyp import Machine

from .alternate import spread
from .boot import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp import Partition

_PROMPT = ":~# "
_ANSWER = "4" + "2"


def main(rounds: int) -> None:
    guest = fetch_linux(Silent())
    print("state of a booted Linux (1 GiB, one processor)")
    with TemporaryDirectory() as directory, Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="1G")
        partition.boot(guest.kernel, guest.initramfs(), "console=hvc0")
        partition.console.wait_for(_PROMPT)
        for compress in (True, False):
            name = "compressed" if compress else "plain"
            file = Path(directory) / name
            _row(f"save, {name}", rounds, lambda f=file, c=compress: partition.save(f, compress=c))
            print(f"  {'':34} {file.stat().st_size >> 20:6d} MiB")
            _row(f"restore, {name}", rounds, lambda f=file: _restore(f, answer=False))
            _row(f"restore and a command, {name}", rounds, lambda f=file: _restore(f, answer=True))
            _row(f"pyphyp restore, {name}: to an answer", rounds, lambda f=file: _process(f))
        _row("clone", rounds, lambda: _clone(machine, partition))


def _row(name: str, rounds: int, work: Callable[[], object]) -> None:
    work()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    print(f"  {name:34}" + spread("s", seconds), flush=True)


def _restore(file: Path, *, answer: bool) -> None:
    with Machine() as machine:
        partition = machine.restore(file)
        if answer:
            partition.console.send("echo $((6*7))\n")
            partition.console.wait_for(f"\n{_ANSWER}")


def _process(file: Path) -> None:
    """From the command's start to the shell's answer."""
    with subprocess.Popen(
        (sys.executable, "-m", "pyphyp", "restore", str(file)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"echo $((6*7))\n")
        process.stdin.flush()
        seen = b""
        while f"\n{_ANSWER}".encode() not in seen:
            if not (more := process.stdout.read1()):
                raise SystemExit(f"pyphyp restore ended with {seen!r}")
            seen += more
        process.kill()


def _clone(machine: Machine, partition: Partition) -> None:
    machine.clone(partition).close()
    machine.partitions.pop()
