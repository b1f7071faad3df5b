"""Lamps of the machine's parts: one reports faults, one tells a part from its like.

They are named by the location codes of the parts, not by indices (LoPAR 7.3.18).  Nothing but a
guest switches them.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, check, record
from emu.values import slotted

from .vital_product_data import LOCATION_LIMIT, parts

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration


class Lamp(IntEnum):
    """The kinds of lamps: tokens of indicators and of sensors."""

    FAULT = 9006
    IDENTIFY = 9007


_MOST_PARTS = 64


@record
class LitLamp:
    lamp: Lamp
    location: Annotated[str, Length(1, LOCATION_LIMIT)]


@record
class LampsState:
    lit: Annotated[tuple[LitLamp, ...], Length(0, _MOST_PARTS)]


@slotted
class Lamps:
    """Those of one machine; `lit` are those that are on."""

    locations: tuple[str, ...]
    _lit: set[tuple[Lamp, str]] = field(default_factory=set)

    @classmethod
    def of(cls, configuration: PartitionConfiguration) -> Lamps:
        return cls(tuple(part.location for part in parts(configuration)))

    def is_lit(self, lamp: Lamp, location: str) -> bool:
        return (lamp, location) in self._lit

    def switch(self, lamp: Lamp, location: str, *, on: bool) -> None:
        """Switch a lamp of a part that there is."""
        assert location in self.locations
        if on:
            self._lit.add((lamp, location))
        else:
            self._lit.discard((lamp, location))

    def state(self) -> LampsState:
        return LampsState(tuple(LitLamp(*pair) for pair in sorted(self._lit)))

    def restore(self, state: LampsState) -> None:
        for lit in state.lit:
            check(lit.location in self.locations, f"there is no part at {lit.location!r}")
        self._lit = {(lit.lamp, lit.location) for lit in state.lit}
