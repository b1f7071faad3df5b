"""A booted Linux saved, and restored to its prompt: seconds."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux
from pyphyp import Machine

from .figure import Figure, Measured
from .systems import PYTHON, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

_PROMPT = ":~# "
_ANSWER = "4" + "2"


FIGURES = (
    Figure("save", "1 GiB with a booted Linux into a file, compressed", "s", 1, 0.3),
    Figure(
        "restore", "from that file to the shell's answer, in a process that runs", "s", 0.3, 0.05
    ),
    Figure("restore-command", "the same by the command, from its start", "s", 0.3, 0.05),
    Figure("save-plain", "into a file that is not compressed", "s", 1, 0.3),
    Figure("restore-plain", "from that file to the shell's answer", "s", 0.3, 0.05),
    Figure("restore-command-plain", "the same by the command", "s", 0.3, 0.05),
)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    guest = fetch_linux(Silent())
    with TemporaryDirectory() as directory, Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="1G")
        partition.boot(guest.kernel, guest.initramfs(), "console=hvc0")
        session.tell("save: booting")
        partition.console.wait_for(_PROMPT)
        for figure in wanted:
            name, plain = figure.name, "plain" in figure.name
            file = Path(directory) / ("plain" if plain else "compressed")
            if name.startswith("save") or not file.exists():
                save = partial(partition.save, file, compress=not plain)
                if name.startswith("save"):
                    yield Measured(figure, session.seconds(name, save))
                    continue
                save()
            if "command" in name:
                by_command = (name, partial(_restore_command, file, session))
                yield Measured(figure, *session.in_turn([by_command]))
            else:
                yield Measured(figure, session.seconds(name, partial(_restore, file)))


def _restore(file: Path) -> None:
    """In a process that runs already: a new partition, and a command of its shell."""
    with Machine() as machine:
        partition = machine.restore(file)
        partition.console.send("echo $((6*7))\n")
        partition.console.wait_for(f"\n{_ANSWER}")


def _restore_command(file: Path, session: Session) -> float:
    """Seconds from the command's start on."""
    begin = 0.0 if session.processor_time else session.now()
    with subprocess.Popen(
        (*PYTHON, "-m", "pyphyp", "restore", str(file)),
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
        end = session.now(process.pid)
        process.kill()
    return end - begin
