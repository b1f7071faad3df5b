"""The interrupts of the processor by vector offset (Power ISA III 7.5)."""

from __future__ import annotations

SYSTEM_CALL_VECTORED = (0x3000, 0x1000)
"""`scv` has a vector for each level, 0x20 apart from 0x3000 on (Power ISA III 7.5.27); engines
count them from 0x1000 on."""
_LEVELS = 128

INTERRUPT_NAMES = {
    0x100: "System Reset",
    0x200: "Machine Check",
    0x300: "Data Storage",
    0x380: "Data Segment",
    0x400: "Instruction Storage",
    0x480: "Instruction Segment",
    0x500: "External",
    0x600: "Alignment",
    0x700: "Program",
    0x800: "Floating-Point Unavailable",
    0x900: "Decrementer",
    0x980: "Hypervisor Decrementer",
    0xA00: "Directed Privileged Doorbell",
    0xC00: "System Call",
    0xD00: "Trace",
    0xE00: "Hypervisor Data Storage",
    0xE20: "Hypervisor Instruction Storage",
    0xE40: "Hypervisor Emulation Assistance",
    0xE60: "Hypervisor Maintenance",
    0xE80: "Directed Hypervisor Doorbell",
    0xEA0: "Hypervisor Virtualization",
    0xF00: "Performance Monitor",
    0xF20: "Vector Unavailable",
    0xF40: "VSX Unavailable",
    0xF60: "Facility Unavailable",
    0xF80: "Hypervisor Facility Unavailable",
}


def interrupt_name(vector: int) -> str:
    """The architecture's name of `vector`; the offset itself where it has none."""
    for first in SYSTEM_CALL_VECTORED:
        level, rest = divmod(vector - first, 0x20)
        if 0 <= level < _LEVELS and not rest:
            return f"System Call Vectored {level}"
    return INTERRUPT_NAMES.get(vector, f"{vector:#x}")
