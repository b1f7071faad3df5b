"""The nodes of the processors: what a partition is told of the core it runs on.

The core is the engine's (no transactional memory, a decrementer of 32 bits); what a mode has of it
is said by `compatibility` and here, in the encodings of LoPAR C.6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import Field, Word
from emu.engine import TIME_BASE_HZ
from emu.hash_translation import ENCODINGS, SEGMENT_ENCODINGS, SLB_SLOTS, SlbVsid

from .compatibility import pa_features
from .device_tree import EMPTY, Node, cells, string

if TYPE_CHECKING:
    from .compatibility import CompatibilityMode

CLOCK_HZ = 2 * TIME_BASE_HZ
CACHE_LINE_BYTES = 128
L1_CACHE_BYTES = 32 * 1024


class RadixPage(Word):
    """One cell of `ibm,processor-radix-AP-encodings`: a page size and the AP that names it."""

    WIDTH = 32
    AP = Field(0, 2)
    SHIFT = Field(3, 31)


_RADIX_PAGES = (
    RadixPage(0).replace(SHIFT=12, AP=0b000),
    RadixPage(0).replace(SHIFT=16, AP=0b101),
    RadixPage(0).replace(SHIFT=21, AP=0b001),
    RadixPage(0).replace(SHIFT=30, AP=0b010),
)

_RADIX_ENCODINGS = "ibm,processor-radix-AP-encodings"
_NO_SEGMENT_SIZE = 0xFFFF_FFFF


def segment_page_sizes() -> bytes:
    """For each base page: its log2, how an SLB entry says it; then the same for its pages."""
    described = b""
    for base, (large, lp) in SEGMENT_ENCODINGS.items():
        pages = [encoding for encoding in ENCODINGS if encoding.size.base == base]
        described += cells(base, SlbVsid(0).replace(L=large, LP=lp), len(pages))
        described += b"".join(cells(page.size.actual, page.penc) for page in pages)
    return described


def processor_node(number: int, mode: CompatibilityMode) -> Node:
    """The node of virtual processor `number` running in `mode`."""
    line, size = cells(CACHE_LINE_BYTES), cells(L1_CACHE_BYTES)
    node = Node(
        "",
        f"{number:x}",
        {
            "device_type": string("cpu"),
            "reg": cells(number),
            "status": string("okay"),
            "timebase-frequency": cells(TIME_BASE_HZ),
            "clock-frequency": cells(CLOCK_HZ),
            "d-cache-block-size": line,
            "d-cache-line-size": line,
            "d-cache-size": size,
            "i-cache-block-size": line,
            "i-cache-line-size": line,
            "i-cache-size": size,
            "64-bit": EMPTY,
            "slb-size": cells(SLB_SLOTS),
            "ibm,slb-size": cells(SLB_SLOTS),
            "ibm,processor-segment-sizes": cells(28, 40, _NO_SEGMENT_SIZE, _NO_SEGMENT_SIZE),
            "ibm,segment-page-sizes": segment_page_sizes(),
            "ibm,vmx": cells(2),
            "ibm,dfp": cells(1),
            "ibm,purr": cells(1),
            "ibm,spurr": cells(1),
            "ibm,ppc-interrupt-server#s": cells(number),
            "ibm,ppc-interrupt-gserver#s": cells(number, 0),
            "ibm,associativity": cells(5, 0, 0, 0, 0, number),
            "ibm,chip-id": cells(0),
        },
    )
    set_mode(node, mode)
    return node


def set_mode(node: Node, mode: CompatibilityMode) -> None:
    """Let a processor's node say that it runs in `mode`."""
    node.name = f"PowerPC,{mode.name}"
    node.properties["cpu-version"] = cells(mode.logical_pvr)
    node.properties["ibm,pa-features"] = pa_features(mode)
    if mode.radix:
        node.properties[_RADIX_ENCODINGS] = cells(*_RADIX_PAGES)
    else:
        node.properties.pop(_RADIX_ENCODINGS, None)
