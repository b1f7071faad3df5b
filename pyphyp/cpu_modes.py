"""Processor compatibility modes by the names that operators give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.compatibility import MODES, POWER9

if TYPE_CHECKING:
    from emu.isa_level import IsaLevel

CPU_MODES = tuple(mode.name.lower() for mode in reversed(MODES))
"""The oldest first."""
DEFAULT_CPU_MODE = POWER9.name.lower()


def cpu_mode_level(name: str) -> IsaLevel:
    """The ISA level of a mode; ValueError where there is none of that name."""
    for mode in MODES:
        if mode.name.lower() == name:
            return mode.isa_level
    raise ValueError(f"processor mode {name!r}: there are {', '.join(CPU_MODES)}")
