"""Vital product data: what the machine is made of, part by part (LoPAR chapter 12).

Each part has a name and keywords of two letters; its location code says where it is.  The encoding
is that of the PCI Local Bus Specification 2.1, as LoPAR narrows it, each part's behind its length
(LoPAR B.6, "ibm,vpd").
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.memory import MIB
from emu.values import frozen

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration

LOCATION_LIMIT = 80
"""Bytes of a location code, its zero included (LoPAR 12.3.2)."""
MODEL = "pyphyp"
PLANT = "02"
"""Where it was made: system identifiers have that before the serial number."""
FIRMWARE_LEVEL = "PYP010_001"
_FIRMWARE_IMAGES = " ".join((FIRMWARE_LEVEL,) * 3)
"""The temporary, the permanent and the booted one."""
_NAME, _KEYWORDS, _END = 0x82, 0x90, 0x79
_MOST_BYTES = 255
"""Of a keyword's data."""


@frozen
class Part:
    """A part by its name, where it is, and its keywords."""

    name: str
    location: str
    keywords: tuple[tuple[str, str], ...]

    def encode(self) -> bytes:
        """As ibm,get-vpd gives it: its length, and bytes that sum up to 0 without the end tag."""
        keywords = b"".join(_keyword(*pair) for pair in (*self.keywords, ("YL", self.location)))
        described = _resource(_NAME, self.name.encode()) + _resource(_KEYWORDS, keywords)
        whole = described + bytes((_END, -sum(described) % 256))
        return struct.pack(">I", len(whole)) + whole


def _keyword(name: str, value: str) -> bytes:
    data = value.encode()[:_MOST_BYTES]
    return name.encode() + bytes((len(data),)) + data


def _resource(tag: int, content: bytes) -> bytes:
    return struct.pack("<BH", tag, len(content)) + content


def system_location(configuration: PartitionConfiguration) -> str:
    """The location code of the machine itself."""
    return f"U{MODEL}.{configuration.serial}"[: LOCATION_LIMIT // 2]


def parts(configuration: PartitionConfiguration) -> tuple[Part, ...]:
    """The parts of the machine that a partition can see."""
    system = system_location(configuration)
    planar = f"{system}-P1"
    serial = configuration.serial
    return (
        Part("System VPD", system, (("RT", "VSYS"), ("BR", "O0"), ("SE", serial), ("TM", MODEL))),
        Part(
            "System Firmware",
            f"{system}-Y1",
            (("MI", _FIRMWARE_IMAGES), ("ML", _FIRMWARE_IMAGES)),
        ),
        Part("Processor", f"{planar}-C1", (("RT", "VPRO"), ("SE", serial))),
        Part("Memory", f"{planar}-C2", (("SZ", str(configuration.memory_bytes // MIB)),)),
    )
