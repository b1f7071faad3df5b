"""Processor compatibility modes: the architecture levels a partition can run in.

The partition's profile says which is the highest on offer; its operating system says in
ibm,client-architecture-support which of those it knows (LoPAR B.5.2.3).  A mode is told by its
logical PVR; what a processor of that level has stands in the encodings of LoPAR C.6.2.
"""

from __future__ import annotations

from emu.isa_level import IsaLevel
from emu.values import frozen


@frozen
class CompatibilityMode:
    """An architecture level, by its logical PVR and by the processor that brought it."""

    logical_pvr: int
    name: str
    isa_level: IsaLevel

    @property
    def radix(self) -> bool:
        """Whether there is radix translation; hashed page tables there are in every mode."""
        return self.isa_level >= IsaLevel.V3_0

    @property
    def xive(self) -> bool:
        """Whether a partition can have XIVE; XICS there is in every mode."""
        return self.isa_level >= IsaLevel.V3_0


POWER10 = CompatibilityMode(0x0F00_0006, "POWER10", IsaLevel.V3_1)
POWER9 = CompatibilityMode(0x0F00_0005, "POWER9", IsaLevel.V3_0)
POWER8 = CompatibilityMode(0x0F00_0004, "POWER8", IsaLevel.V2_07)
POWER7 = CompatibilityMode(0x0F00_0003, "POWER7", IsaLevel.V2_06)
MODES = (POWER10, POWER9, POWER8, POWER7)
"""The best first."""


def modes_up_to(highest: IsaLevel) -> tuple[CompatibilityMode, ...]:
    """What a partition is offered, the best first."""
    return tuple(mode for mode in MODES if mode.isa_level <= highest)


_PA_FEATURE_BYTES = {
    IsaLevel.V2_06: 6,
    IsaLevel.V2_07: 24,
    IsaLevel.V3_0: 64,
    IsaLevel.V3_1: 74,
}
# ibm,pa-features (LoPAR C.6.2), attribute type 0: byte, bits, and the first level that has them.
_PA_FEATURES = (
    (0, 0xF6, IsaLevel.V2_06),  # MMU, FPU, SLB, run latch, data address breakpoint, no-execute
    (1, 0x3F, IsaLevel.V2_06),  # cache-inhibited large pages, DABR extensions, ...
    (2, 0xC7, IsaLevel.V2_06),
    (3, 0xC0, IsaLevel.V2_07),
    (4, 0x80, IsaLevel.V2_06),  # strong storage ordering
    (5, 0xC0, IsaLevel.V2_06),  # little-endian mode, CFAR
    (5, 0x10, IsaLevel.V2_07),  # quadword loads and stores
    (6, 0x80, IsaLevel.V2_07),
    (16, 0x80, IsaLevel.V2_07),  # vector facility
    (18, 0x80, IsaLevel.V2_07),  # vector-scalar facility
    (20, 0x80, IsaLevel.V2_07),  # vector exclusive or
    (26, 0x80, IsaLevel.V3_0),  # 64-bit features
    (30, 0x80, IsaLevel.V3_0),  # reading of unimplemented SPRs
    (32, 0x80, IsaLevel.V3_0),  # little-endian atomics
    (40, 0x80, IsaLevel.V3_0),  # radix translation
    (44, 0x80, IsaLevel.V3_0),  # PC-relative addressing of ISA 3.0 (addpcis)
    (46, 0x80, IsaLevel.V3_0),  # system call vectored
    (48, 0x80, IsaLevel.V3_0),  # SIMD of ISA 3.0
    (50, 0x80, IsaLevel.V3_0),  # quad-precision floating point
    (52, 0x80, IsaLevel.V3_0),  # string operations
    (54, 0x80, IsaLevel.V3_0),  # decimal floating point
    (56, 0x80, IsaLevel.V3_0),  # decimal integers
    (58, 0x80, IsaLevel.V3_0),  # SHA
    (60, 0x80, IsaLevel.V3_0),  # near-memory atomics
    (64, 0x80, IsaLevel.V3_1),  # second data address watchpoint
    (68, 0x06, IsaLevel.V3_1),  # DEXCR: NPHIE, PHIE
    (72, 0x80, IsaLevel.V3_1),  # hashst, hashchk and their privileged forms
)


def pa_features(mode: CompatibilityMode) -> bytes:
    """`ibm,pa-features`: what a processor in this mode has."""
    features = bytearray(_PA_FEATURE_BYTES[mode.isa_level])
    for byte, bits, since in _PA_FEATURES:
        if mode.isa_level >= since:
            features[byte] |= bits
    return bytes((len(features), 0)) + features
