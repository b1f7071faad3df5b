"""What a partition may ask of the platform: messages, firmware, the hypervisor's own code."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer

rtas = RtasGroup()

MESSAGE_LIMIT = 512
NOTHING_TO_ACTIVATE = -9001
BUFFER_TOO_SMALL = -5
NAME_OF_ADDRESS = 1
"""The only subfunction of ibm,lpar-perftools."""
_NO_ADDRESS = bytes(8) + b"not an address in the hypervisor\0"


@rtas.define("ibm,display-message", papr="", nargs=1, nrets=1)
def display_message(caller: RtasCaller, address: int) -> None:
    """Show a string on the operator panel: here, the partition's first terminal."""
    terminal = next(iter(caller.partition.virtual_io.terminals), None)
    if terminal is None:
        raise RtasError(Status.HARDWARE_ERROR, "the partition has no terminal")
    buffer(caller.memory, address, 1)
    terminal.write(caller.memory.read_string(address, MESSAGE_LIMIT))


@rtas.define("ibm,activate-firmware", papr="", nargs=0, nrets=1)
def activate_firmware(caller: RtasCaller) -> None:
    """Change over to firmware that was updated since the start: there never is any."""
    raise RtasError(NOTHING_TO_ACTIVATE, "firmware is part of the package")


@rtas.define("ibm,lpar-perftools", papr="7.3.22", nargs=5, nrets=2)
def lpar_perftools(
    caller: RtasCaller, function: int, high: int, low: int, length: int, sequence: int
) -> int:
    """The name of the hypervisor's function at an address: none of its code has an address."""
    address = high << 32 | low
    if (function, sequence) != (NAME_OF_ADDRESS, 1):
        raise RtasError(Status.PARAMETER_ERROR, f"function {function}, call {sequence}")
    if not caller.memory.contains(address, length):
        raise RtasError(Status.PARAMETER_ERROR, f"buffer of {length} bytes at {address:#x}")
    if length < len(_NO_ADDRESS):
        raise RtasError(BUFFER_TOO_SMALL, f"a buffer of {length} bytes")
    caller.memory.write(address, _NO_ADDRESS)
    return 1
