"""Reading and writing NVRAM (LoPAR 7.3.1)."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer

rtas = RtasGroup()


def _check(caller: RtasCaller, index: int, address: int, length: int) -> None:
    if index + length > len(caller.firmware.nvram):
        raise RtasError(
            Status.PARAMETER_ERROR,
            f"{length} bytes at {index:#x}: there are {len(caller.firmware.nvram):#x}",
        )
    buffer(caller.memory, address, length)


@rtas.define("nvram-fetch", papr="7.3.1.1", nargs=3, nrets=2)
def nvram_fetch(caller: RtasCaller, index: int, address: int, length: int) -> int:
    """Copy bytes out of NVRAM; gives how many."""
    _check(caller, index, address, length)
    caller.memory.write(address, caller.firmware.nvram.fetch(index, length))
    return length


@rtas.define("nvram-store", papr="7.3.1.2", nargs=3, nrets=2)
def nvram_store(caller: RtasCaller, index: int, address: int, length: int) -> int:
    """Copy bytes into NVRAM; gives how many."""
    _check(caller, index, address, length)
    return caller.firmware.nvram.store(index, caller.memory.read(address, length))
