"""Vital product data (LoPAR 7.3.20): of the whole machine, or of one location."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer, location_code
from firmware.vital_product_data import parts

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration

rtas = RtasGroup()

MORE = 1
"""Status: the caller's area holds only a part of it."""
FIRST = 1
"""The sequence number that begins; each other is this plus the bytes given before."""


def product_data(configuration: PartitionConfiguration, location: str = "") -> bytes:
    """All of it, or that of one location."""
    found = (part for part in parts(configuration) if location in ("", part.location))
    return b"".join(part.encode() for part in found)


@rtas.define("ibm,get-vpd", papr="7.3.20", nargs=4, nrets=3)
def get_vpd(
    caller: RtasCaller, location: int, address: int, length: int, sequence: int
) -> tuple[int, int]:
    """Vital product data of a location or of all: the next sequence number, the bytes given."""
    data = product_data(caller.partition.configuration, location_code(caller.memory, location))
    begin = sequence - FIRST
    if not (0 <= begin < len(data) and length):
        raise RtasError(Status.PARAMETER_ERROR, f"sequence {sequence} of {len(data)} bytes")
    buffer(caller.memory, address, length)
    given = data[begin : begin + length]
    caller.memory.write(address, given)
    if begin + len(given) < len(data):
        raise RtasError(MORE, "there is more", sequence + len(given), len(given))
    return FIRST, len(given)
