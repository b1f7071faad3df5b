"""PowerVM's editions: what of the hypervisor a system's key activates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Features:
    """What an edition gives."""

    most_partitions: int
    """Of the whole system."""
    shared_pools: bool
    """Whether there may be pools besides pool 0."""
    memory_sharing: bool
    mobility: bool


class Edition(Enum):
    EXPRESS = "express"
    STANDARD = "standard"
    ENTERPRISE = "enterprise"

    @property
    def features(self) -> Features:
        return _FEATURES[self]


_FEATURES = {
    Edition.EXPRESS: Features(3, shared_pools=False, memory_sharing=False, mobility=False),
    Edition.STANDARD: Features(1000, shared_pools=True, memory_sharing=False, mobility=False),
    Edition.ENTERPRISE: Features(1000, shared_pools=True, memory_sharing=True, mobility=True),
}
"""Express: up to three partitions a system; the numbers of the others are the hypervisor's own."""
