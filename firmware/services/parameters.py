"""System parameters (LoPAR 7.3.16): facts about the partition, by token."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING
from uuid import UUID

from firmware.device_tree import string
from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer
from hypervisor import page_table_block
from hypervisor.cede_latency import SETTINGS
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.units import ProcUnits

if TYPE_CHECKING:
    from hypervisor.partition import Partition

rtas = RtasGroup()

LENGTH_BYTES = 2
PARAMETER_ERROR = -9999
"""Status of a bad argument: -3 is taken by "not supported" here."""


class Parameter(IntEnum):
    """The tokens that are answered."""

    SPLPAR_CHARACTERISTICS = 20
    ERROR_CLASSIFICATION = 40
    BOOT_OPTIONS = 41
    DIAGNOSTICS_RUN_MODE = 42
    PROCESSOR_MODULES = 43
    CMO_CHARACTERISTICS = 44
    CEDE_LATENCY = 45
    PARTITION_UUID = 48
    BLOCK_INVALIDATE = 50
    ENERGY_TUNING = 52
    PARTITION_NAME = 55


NOT_SUPPORTED = {
    (0, 15): ("HMC 0 to 15", "there is no management console"),
    (18, 18): ("processor CoD", "capacity is not sold on demand"),
    (24, 30): ("sp-rb4-pon to sp-call-home", "there is no service processor"),
    (31, 31): ("sp-current-flash-image", "firmware is part of the package"),
    (32, 32): ("platform-dump-max-size", "dumps are files outside the partition"),
    (33, 34): ("epow3-quiesce-time, memory-preservation-boot-time", "storage is not preserved"),
    (35, 35): ("SCSI initiator identifier", "there are no SCSI adapters"),
    (36, 36): ("AIX support", "its values are not described"),
    (37, 39): ("CoD capacity and options", "capacity is not sold on demand"),
    (46, 46): ("target active memory compression factor", "storage is not compressed"),
    (47, 47): ("performance boost modes", "a processor has one speed"),
    (53, 54): ("service entitlement", "there is no warranty"),
    (56, 58): ("NVDIMMs", "there are none"),
}
"""First and last token of what LoPAR defines and is not supported: its name, and the reason."""


def splpar_characteristics(partition: Partition) -> bytes:
    """Keys and values of the partition's processors and memory (LoPAR, SPLPAR Characteristics)."""
    capacity = partition.capacity.capacity
    share, memory = capacity.share, capacity.memory_mib
    donates = share.dedicated and share.sharing.while_active
    values = {
        "BoundThrds": 1,
        "CapInc": ProcUnits.processors(1) if share.dedicated else 1,
        "DisWheRotPer": 0 if share.dedicated else WINDOW,
        "MinEntCap": capacity.units.minimum,
        "MinEntCapPerVP": capacity.least_units,
        "MinMem": memory.minimum,
        "MinProcs": capacity.virtual.minimum,
        "MaxEntCap": capacity.units.maximum,
        "MaxPlatProcs": capacity.potential_processors,
        "DesEntCap": capacity.units.desired,
        "DesMem": memory.desired,
        "DesProcs": capacity.virtual.desired,
        "DesVarCapWt": capacity.weight,
        "DedDonMode": int(donates),
    }
    return string(",".join(f"{key}={int(value)}" for key, value in values.items()))


DEDICATED_MEMORY = string("CMOPageSize=12,PrPSP=-1,SecPSP=-1")
"""CMO characteristics of a partition whose memory is its own: there is no paging partition."""


def cede_latency_settings() -> bytes:
    """The kinds of H_CEDE (LoPAR 7.3.16.14), but the classic one, which has no latency."""
    record = struct.Struct(">BQ?")
    records = [record.pack(its.specifier, its.latency, its.external) for its in SETTINGS[1:]]
    return bytes((record.size - 1, *b"".join(records), 0))


def value(partition: Partition, token: int) -> bytes | None:
    """The value of parameter `token`, or None."""
    match token:
        case Parameter.SPLPAR_CHARACTERISTICS:
            return splpar_characteristics(partition)
        case Parameter.ERROR_CLASSIFICATION:
            return string("0")  # errors are to be acted on
        case Parameter.BOOT_OPTIONS:
            return string("")
        case Parameter.DIAGNOSTICS_RUN_MODE:
            return b"\0"  # disabled
        case Parameter.PROCESSOR_MODULES:
            return struct.pack(">4H", 1, 1, 1, 1)  # kinds; sockets, chips, cores of the one
        case Parameter.ENERGY_TUNING:
            return b""
        case Parameter.CMO_CHARACTERISTICS:
            return DEDICATED_MEMORY
        case Parameter.CEDE_LATENCY:
            return cede_latency_settings()
        case Parameter.BLOCK_INVALIDATE:
            offered = partition.hcalls.get(page_table_block.BLOCK_REMOVE) is not None
            return page_table_block.characteristics() if offered else b""
        case Parameter.PARTITION_UUID:
            return UUID(partition.configuration.uuid).bytes
        case Parameter.PARTITION_NAME:
            return string(partition.configuration.name)
    return None


@rtas.define("ibm,get-system-parameter", papr="7.3.16.1", nargs=3, nrets=1)
def get_system_parameter(caller: RtasCaller, token: int, address: int, length: int) -> None:
    """Write a parameter's length (16 bits) and as much of its value as the buffer holds."""
    if (data := value(caller.partition, token)) is None:
        raise RtasError(Status.PARAMETER_ERROR, f"system parameter {token} is not supported")
    if not length:
        return
    if length < LENGTH_BYTES:
        raise RtasError(PARAMETER_ERROR, f"a buffer of {length} bytes has no room for the length")
    buffer(caller.memory, address, length)
    written = len(data).to_bytes(LENGTH_BYTES, "big") + data
    caller.memory.write(address, written[:length])


@rtas.define("ibm,set-system-parameter", papr="7.3.16.2", nargs=2, nrets=1)
def set_system_parameter(caller: RtasCaller, token: int, address: int) -> None:
    """Change a parameter: the partition may change none of those there are."""
    if value(caller.partition, token) is None:
        raise RtasError(Status.PARAMETER_ERROR, f"system parameter {token} is not supported")
    raise RtasError(Status.NOT_AUTHORIZED, f"system parameter {token} can only be read")
