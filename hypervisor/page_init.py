"""H_PAGE_INIT: zero or copy a page of the partition's storage (LoPAR 14.5.4.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abi import Flags, H, HcallError, LogicalReal
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

PAGE = 4096
# Flag bits of H_PAGE_INIT, numbered from the left: 48 zero, 49 copy, 50/51 caches.
_ZERO, _COPY = 1 << 15, 1 << 14
_INVALIDATE_ICACHE, _SYNCHRONIZE_ICACHE = 1 << 13, 1 << 12
_KNOWN = _ZERO | _COPY | _INVALIDATE_ICACHE | _SYNCHRONIZE_ICACHE


@hcalls.define(0x2C, papr="14.5.4.3.3", function_set="hcall-copy")
def h_page_init(
    caller: VirtualProcessor, flags: Flags, destination: LogicalReal, source: LogicalReal
) -> None:
    """Zero the page at `destination`, or copy the page at `source` to it."""
    memory = caller.partition.memory
    if flags & ~_KNOWN:
        raise HcallError(H.PARAMETER, f"flags {flags & ~_KNOWN:#x} are not offered")
    if destination % PAGE or not memory.contains(destination, PAGE):
        raise HcallError(H.PARAMETER, f"no page at {destination:#x}")
    if flags & _COPY:
        if source % PAGE or not memory.contains(source, PAGE):
            raise HcallError(H.PARAMETER, f"no page to copy at {source:#x}")
        memory.write(destination, memory.read(source, PAGE))
    elif flags & _ZERO:
        memory.write(destination, bytes(PAGE))
