"""The operator panel (LoPAR 7.3.5.3): here, the partition's first terminal."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status

rtas = RtasGroup()


@rtas.define("display-character", papr="7.3.5.3", nargs=1, nrets=1)
def display_character(caller: RtasCaller, value: int) -> None:
    """Show one character."""
    terminal = next(iter(caller.partition.virtual_io.terminals), None)
    if terminal is None:
        raise RtasError(Status.HARDWARE_ERROR, "the partition has no terminal")
    if value > 0xFF:
        raise RtasError(Status.PARAMETER_ERROR, f"character {value:#x}: one byte is needed")
    terminal.write(bytes((value,)))
