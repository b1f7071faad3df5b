"""Linux to its first program and power-off, pyphyp against QEMU."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from guests.linux import fetch_linux

from .figure import Figure, Measured
from .systems import POWER8, POWER9, Guest, Silent, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

RADIX = Figure("boot-radix", "Linux boots to its shell and powers off", "s", 0.9, 0.6, ratios=True)
HASH = Figure(
    "boot-hash", "the same, a POWER8 with a hashed page table", "s", 0.9, 0.7, ratios=True
)
FIGURES = (RADIX, HASH)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    with TemporaryDirectory() as directory:
        guest = Guest.write(directory, fetch_linux(Silent()).initramfs(script="poweroff -f"))
        for figure in wanted:
            ours = guest.pyphyp(*(("--cpu-mode", "power8") if figure is HASH else ()))
            works = [(f"{figure.name}, pyphyp", lambda command=ours: run(command, session))]
            if session.qemu:
                theirs = guest.qemu(*(POWER8 if figure is HASH else POWER9))
                works.append((f"{figure.name}, qemu", lambda command=theirs: run(command, session)))
            yield Measured(figure, *session.in_turn(works))
