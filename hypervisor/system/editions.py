"""PowerVM's editions: what of the hypervisor a system's key activates."""

from __future__ import annotations

from enum import Enum

from emu.values import frozen

from .errors import ManagementError


class Feature(Enum):
    """What some editions have, and others have not."""

    SHARED_POOLS = "shared processor pools besides pool 0"
    MEMORY_SHARING = "memory sharing"
    MOBILITY = "partition mobility"


@frozen
class Features:
    """What an edition gives."""

    most_partitions: int
    """Of the whole system."""
    has: frozenset[Feature]


class Edition(Enum):
    EXPRESS = "express"
    STANDARD = "standard"
    ENTERPRISE = "enterprise"

    @property
    def features(self) -> Features:
        return _FEATURES[self]

    def demand(self, feature: Feature) -> None:
        """ManagementError, which tells what edition has it, unless this one has."""
        if feature not in self.features.has:
            least = next(edition for edition in Edition if feature in edition.features.has)
            why = f"the {self.value} edition has no {feature.value}"
            raise ManagementError(why, f"a key of the {least.value} edition activates it")


_FEATURES = {
    Edition.EXPRESS: Features(3, frozenset()),
    Edition.STANDARD: Features(1000, frozenset({Feature.SHARED_POOLS})),
    Edition.ENTERPRISE: Features(1000, frozenset(Feature)),
}
"""Express: up to three partitions a system; the numbers of the others are the hypervisor's own."""
