"""What is kept of a virtual Ethernet adapter when its partition is saved."""

from __future__ import annotations

from typing import Annotated

from emu.state import U64, Length, record

MOST_BUFFERS = 8192
"""Those posted at a time."""
MOST_FILTERS = 256
"""Multicast addresses of the filter table."""


@record
class OpenLanState:
    """What a guest has registered."""

    buffer_list: int
    queue: tuple[int, int]
    """Address and bytes of the ring."""
    next: U64
    buffers: Annotated[tuple[tuple[int, int], ...], Length(0, MOST_BUFFERS)]
    """Length and address of those posted, oldest first."""
    no_buffer: U64


@record
class LanState:
    slot: int
    interrupts_enabled: bool
    address: Annotated[bytes, Length(6, 6)]
    attributes: int
    multicast: bool
    filtering: bool
    groups: Annotated[tuple[bytes, ...], Length(0, MOST_FILTERS)]
    opened: OpenLanState | None
