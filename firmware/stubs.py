"""The instructions by which a guest enters firmware: each makes one private hypercall.

Real firmware is a program in the partition's storage.  Here a few instructions stand in its
place, and what they ask for is done outside.  They are big-endian, run in real mode with 32-bit
or 64-bit addresses, and work wherever they are put.  The numbers of the hypercalls lie in the
range that LoPAR 14.5.3 leaves to the platform; no string of `ibm,hypertas-functions` names them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypervisor.abi import H, HcallError
from hypervisor.hcall import HcallGroup

if TYPE_CHECKING:
    from hypervisor.abi import LogicalReal
    from hypervisor.partition import PartitionFirmware
    from hypervisor.processor import VirtualProcessor

RTAS_CALL = 0xF000
CLIENT_INTERFACE_CALL = 0xF005
RTAS_SAVE_AREA = 0x100
"""Where, behind the entry of RTAS, interrupts that cannot be masked leave what they found."""

hcalls = HcallGroup()


def entry(number: int) -> bytes:
    """An entry point that passes its first argument, the address of a block, to an hcall."""
    return struct.pack(
        ">5I",
        0x7C641B78,  # mr r4,r3
        0x3C600000,  # lis r3,0
        0x60630000 | number,  # ori r3,r3,number
        0x44000022,  # sc 1
        0x4E800020,  # blr
    )


def _firmware(caller: VirtualProcessor) -> PartitionFirmware:
    if caller.partition.firmware is None:
        raise HcallError(H.FUNCTION, "the partition has no firmware")
    return caller.partition.firmware


@hcalls.define(RTAS_CALL, papr="", function_set="")
def h_rtas(caller: VirtualProcessor, block: LogicalReal) -> None:
    """Carry out the RTAS call whose argument buffer is `block` (LoPAR 7.2.8)."""
    _firmware(caller).call_rtas(caller, block)


@hcalls.define(CLIENT_INTERFACE_CALL, papr="", function_set="")
def h_client_interface(caller: VirtualProcessor, block: LogicalReal) -> None:
    """Carry out the client service whose argument array is `block` (IEEE 1275 6.3.1)."""
    _firmware(caller).call_client_interface(caller, block)
