"""The nodes of the processors: what a partition is told of the core it runs on.

The core is the engine's (Power ISA 3.0 with radix translation, no transactional memory, a
decrementer of 32 bits); the facts below say so in the encodings of LoPAR C.6.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from emu.bits import Field, Word
from emu.engine import TIME_BASE_HZ

from .device_tree import EMPTY, Node, cells, string

CLOCK_HZ = 2 * TIME_BASE_HZ
CACHE_LINE_BYTES = 128
L1_CACHE_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class CompatibilityMode:
    """A processor architecture level a partition can run in, by its logical PVR."""

    logical_pvr: int
    name: str
    translation: str


POWER9 = CompatibilityMode(0x0F00_0005, "POWER9", "radix")

MODES = (POWER9,)
"""What this platform offers, the best first."""

_PA_FEATURE_BYTES = 64
# ibm,pa-features (LoPAR C.6.2), attribute type 0: the bytes that are not zero.
_PA_FEATURES = {
    0: 0xF6,  # MMU, FPU, SLB, run latch, fetch-store SLBE
    1: 0x3F,  # no-execute pages, cache-inhibited large pages, ...
    2: 0xC7,
    3: 0xC0,
    4: 0x80,
    5: 0xF0,  # little-endian mode, ...
    6: 0x80,
    16: 0x80,  # vector facility
    18: 0x80,  # vector-scalar facility
    20: 0x80,  # vector exclusive or
    26: 0x80,  # 64-bit features
    28: 0x80,  # performance monitor
    30: 0x80,  # reading of unimplemented SPRs
    32: 0x80,  # little-endian atomics
    40: 0x80,  # radix translation
    42: 0x80,  # performance monitor of ISA 3.0
    44: 0x80,  # PC-relative addressing of ISA 3.0 (addpcis)
    46: 0x80,  # system call vectored
    48: 0x80,  # SIMD of ISA 3.0
    50: 0x80,  # quad-precision floating point
    52: 0x80,  # string operations
    54: 0x80,  # decimal floating point
    56: 0x80,  # decimal integers
    58: 0x80,  # SHA
    60: 0x80,  # near-memory atomics
}


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

_NO_SEGMENT_SIZE = 0xFFFF_FFFF


def pa_features() -> bytes:
    features = bytes(_PA_FEATURES.get(n, 0) for n in range(_PA_FEATURE_BYTES))
    return bytes((_PA_FEATURE_BYTES, 0)) + features


def processor_node(number: int, mode: CompatibilityMode) -> Node:
    """The node of virtual processor `number` running in `mode`."""
    line, size = cells(CACHE_LINE_BYTES), cells(L1_CACHE_BYTES)
    return Node(
        f"PowerPC,{mode.name}",
        f"{number:x}",
        {
            "device_type": string("cpu"),
            "reg": cells(number),
            "status": string("okay"),
            "cpu-version": cells(mode.logical_pvr),
            "timebase-frequency": cells(TIME_BASE_HZ),
            "clock-frequency": cells(CLOCK_HZ),
            "d-cache-block-size": line,
            "d-cache-line-size": line,
            "d-cache-size": size,
            "i-cache-block-size": line,
            "i-cache-line-size": line,
            "i-cache-size": size,
            "64-bit": EMPTY,
            "slb-size": cells(32),
            "ibm,slb-size": cells(32),
            "ibm,processor-segment-sizes": cells(28, 40, _NO_SEGMENT_SIZE, _NO_SEGMENT_SIZE),
            "ibm,segment-page-sizes": cells(12, 0, 1, 12, 0, 16, 0x110, 1, 16, 1),
            "ibm,processor-radix-AP-encodings": cells(*_RADIX_PAGES),
            "ibm,vmx": cells(2),
            "ibm,dfp": cells(1),
            "ibm,purr": cells(1),
            "ibm,spurr": cells(1),
            "ibm,pa-features": pa_features(),
            "ibm,ppc-interrupt-server#s": cells(number),
            "ibm,ppc-interrupt-gserver#s": cells(number, 0),
            "ibm,associativity": cells(5, 0, 0, 0, 0, number),
            "ibm,chip-id": cells(0),
        },
    )
