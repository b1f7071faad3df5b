"""What a guest's programs take: host seconds between a program's first and last word.

Each system boots once a round and runs all programs; the boot itself is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux

from . import interpreter
from .figure import Figure, Measured
from .systems import POWER9, Guest, Silent, programs_script, seconds_of_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .session import Session


@dataclass(frozen=True, slots=True)
class Program:
    """A command of the guest's shell, and the figure by one of pyphyp's clocks."""

    figure: Figure
    command: str
    options: tuple[str, ...] = ()


def _by_both_clocks(
    name: str, what: str, command: str, reach: float = 1.2, prize: float = 0.9
) -> tuple[Program, Program]:
    return (
        Program(Figure(name, what, "s", reach, prize, ratios=True), command),
        Program(
            Figure(f"{name}-host", "the same by the host's clock", "s", 1.0, 0.8, ratios=True),
            command,
            ("--clock", "host"),
        ),
    )


PROGRAMS = (
    *_by_both_clocks(
        "sha256sum",
        "sha256sum of 64 MiB",
        "dd if=/dev/zero bs=1M count=64 2>/dev/null | sha256sum >/dev/null",
        0.8,
        0.6,
    ),
    *_by_both_clocks(
        "loop",
        "60,000 rounds of a loop of the shell",
        "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done",
    ),
    *_by_both_clocks("sort", "sorting 60,000 lines", "seq 60000 | sort -r | sort -n >/dev/null"),
    *_by_both_clocks(
        "gzip",
        "gzip of 24 MiB",
        "dd if=/bin/busybox bs=1M count=24 2>/dev/null | gzip -1 >/dev/null",
    ),
    *_by_both_clocks(
        "python",
        "Debian's Python: floats, containers, strings",
        f"{interpreter.COMMAND} >/dev/null",
    ),
)
FIGURES = tuple(program.figure for program in PROGRAMS)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    programs = [program for program in PROGRAMS if program.figure in wanted]
    commands = list(dict.fromkeys(program.command for program in programs))
    clocks = list(dict.fromkeys(program.options for program in programs))
    with TemporaryDirectory() as directory:
        guest = Guest.write(
            directory, interpreter.initramfs(fetch_linux(Silent()), programs_script(commands))
        )
        systems = {options: guest.pyphyp(*options) for options in clocks}
        names = [" ".join(("programs, pyphyp", *options)) for options in clocks]
        works: list[tuple[str, Callable[[], list[float]]]] = [
            (name, partial(seconds_of_programs, system, session, len(commands)))
            for name, system in zip(names, systems.values(), strict=True)
        ]
        if session.qemu:
            qemu = partial(seconds_of_programs, guest.qemu(*POWER9), session, len(commands))
            works.append(("programs, qemu", qemu))
        taken = session.in_turn(works)
    for program in programs:
        which = commands.index(program.command)
        ours = [seconds[which] for seconds in taken[clocks.index(program.options)]]
        theirs = [seconds[which] for seconds in taken[-1]] if session.qemu else ()
        yield Measured(program.figure, ours, theirs)
