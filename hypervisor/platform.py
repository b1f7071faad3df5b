"""What a partition may ask about the platform it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ppc_bit

from .abi import Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

# H_GET_CPU_CHARACTERISTICS.  Nothing here runs ahead of its instructions, so the processor keeps
# its caches private to the thread and asks for none of the flushes and barriers.
_L1D_THREAD_PRIVATE = ppc_bit(4)
_NO_L1D_FLUSH_ON_ENTRY = ppc_bit(7)
_NO_L1D_FLUSH_ON_USER_ACCESS = ppc_bit(8)
_NO_STORE_FORWARDING_BARRIER = ppc_bit(9)
_CHARACTERISTICS = _L1D_THREAD_PRIVATE
_BEHAVIOUR = _NO_L1D_FLUSH_ON_ENTRY | _NO_L1D_FLUSH_ON_USER_ACCESS | _NO_STORE_FORWARDING_BARRIER

_VIRTUAL_PROCESSOR, _PHYSICAL_PROCESSOR = 1, 2
_NO_MORE_DOMAINS = 0xFFFF_FFFF_FFFF_FFFF


@hcalls.define(0x1C8, papr="", function_set="")
def h_get_cpu_characteristics(caller: VirtualProcessor) -> tuple[int, int]:
    """What the processors offer and need against speculation attacks: nothing speculates."""
    return _CHARACTERISTICS, _BEHAVIOUR


@hcalls.define(0x2EC, papr="14.11.6.1", function_set="hcall-vphn")
def h_home_node_associativity(
    caller: VirtualProcessor, flags: Flags, identity: int
) -> tuple[int, ...]:
    """The associativity domains of a processor, packed as LoPAR 14.11.6.1 says."""
    if flags not in (_VIRTUAL_PROCESSOR, _PHYSICAL_PROCESSOR):
        raise HcallError(H.PARAMETER, f"flags {flags:#x}: 1 or 2 is needed")
    count = len(caller.partition.processors)
    if identity >= count:
        raise HcallError(H.P2, f"processor {identity:#x}: there are {count}")
    # Four 16-bit domain numbers of this form carry bit 0 set; then the processor itself.
    domain = 0x8000
    first = domain << 48 | domain << 32 | domain << 16 | domain
    second = (0x8000 | identity) << 48 | 0xFFFF_FFFF_FFFF
    return (first, second, *(_NO_MORE_DOMAINS,) * 4)


@hcalls.define(0x300, papr="14.15.1", function_set="hcall-random")
def h_random(caller: VirtualProcessor) -> int:
    """A doubleword from the partition's seeded generator."""
    return caller.partition.random.getrandbits(64)
