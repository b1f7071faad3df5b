"""A partition's share of the processors: what the dispatcher reads and H_SET_PPP changes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from emu.values import frozen

from .units import ProcUnits

if TYPE_CHECKING:
    from typing import Literal

HIGHEST_WEIGHT = 255
DEFAULT_WEIGHT = 128
DEFAULT_POOL = 0
MOST_POOLS = 64
"""With pool 0."""


class SharingMode(Enum):
    """When a dedicated partition lends its idle processors (the HMC's words)."""

    KEEP_IDLE = "keep_idle_procs"
    """Never."""
    SHARE_IDLE = "share_idle_procs"
    """While the partition is not activated."""
    SHARE_IDLE_ACTIVE = "share_idle_procs_active"
    """While the partition is activated."""
    SHARE_IDLE_ALWAYS = "share_idle_procs_always"

    @property
    def while_active(self) -> bool:
        return self in (SharingMode.SHARE_IDLE_ACTIVE, SharingMode.SHARE_IDLE_ALWAYS)

    @property
    def while_inactive(self) -> bool:
        return self in (SharingMode.SHARE_IDLE, SharingMode.SHARE_IDLE_ALWAYS)


@frozen
class SharedShare:
    """Of a shared pool: `entitled` for certain, and more if uncapped."""

    entitled: ProcUnits
    virtual_processors: int
    capped: bool = True
    weight: int = DEFAULT_WEIGHT
    """Of the claim to unused time, 0 to 255; nothing to a capped partition."""
    pool: int = DEFAULT_POOL

    @property
    def dedicated(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        mode = "capped" if self.capped else f"uncapped, weight {self.weight}"
        processors = _counted(self.virtual_processors, "virtual processor")
        return f"{self.entitled} units of pool {self.pool}, {processors}, {mode}"


@frozen
class DedicatedShare:
    """Whole processors of the partition's own, one for each virtual processor."""

    virtual_processors: int
    sharing: SharingMode = SharingMode.SHARE_IDLE

    @property
    def dedicated(self) -> Literal[True]:
        return True

    @property
    def entitled(self) -> ProcUnits:
        return ProcUnits.processors(self.virtual_processors)

    def __str__(self) -> str:
        processors = _counted(self.virtual_processors, "dedicated processor")
        return f"{processors}, {self.sharing.value}"


ProcessorShare = SharedShare | DedicatedShare


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
