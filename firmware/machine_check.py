"""Machine checks by what went wrong: what registers and the error log say of each.

The section of the log is LoPAR's "Machine Check Error" (MC); the bits of DSISR and SRR1 are
POWER9's, which a partition goes by when it has registered no handler with firmware.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from emu.bits import ppc_bit
from hypervisor.nonmaskable import MachineCheck

from .error_log import section

_ADDRESS_GIVEN = 0x80
_MEMORY_ADDRESS_GIVEN = 0x40
_MEMORY, _SLB, _ERAT, _TLB, _DATA_CACHE, _INSTRUCTION_CACHE = 0, 1, 2, 4, 5, 7
_LOAD_OR_STORE = ppc_bit(42, 64)
"""SRR1: a load or store found it; DSISR says what it was."""
_FETCHED = ppc_bit(45, 64)
"""SRR1: the fetch of an instruction found storage that cannot be corrected."""


class Facts(NamedTuple):
    kind: int
    """The log's error type."""
    detail: int
    """The log's subtype, without the bit that says that an address is given."""
    dsisr: int
    srr1: int = _LOAD_OR_STORE


class Fault(Enum):
    """What a processor may find wrong."""

    MEMORY_LOAD_STORE = Facts(_MEMORY, 3, 0x8000)
    """Storage that cannot be corrected, found by a load or store."""
    MEMORY_FETCH = Facts(_MEMORY, 1, 0, _FETCHED)
    SLB_PARITY = Facts(_SLB, 0, 0x100)
    SLB_MULTIHIT = Facts(_SLB, 1, 0x80)
    ERAT_PARITY = Facts(_ERAT, 1, 0x800)
    ERAT_MULTIHIT = Facts(_ERAT, 2, 0x800)
    TLB_PARITY = Facts(_TLB, 1, 0x400)
    TLB_MULTIHIT = Facts(_TLB, 2, 0x400)
    DATA_CACHE = Facts(_DATA_CACHE, 0, 0)
    INSTRUCTION_CACHE = Facts(_INSTRUCTION_CACHE, 0, 0, _FETCHED)


def machine_check_section(fault: Fault, processor: int, address: int) -> bytes:
    """Section MC: who found what, at which effective address."""
    facts = fault.value
    if facts.kind == _MEMORY:
        detail = facts.detail | _MEMORY_ADDRESS_GIVEN
    elif facts.kind in (_SLB, _ERAT, _TLB):
        detail = facts.detail | _ADDRESS_GIVEN
    else:
        detail = facts.detail
    unit = 0  # no part to replace
    return section(b"MC", struct.pack(">IIBB6xQQ", unit, processor, facts.kind, detail, address, 0))


def as_registers(fault: Fault, address: int, log: bytes) -> MachineCheck:
    return MachineCheck(fault.value.srr1, address, fault.value.dsisr, log)
