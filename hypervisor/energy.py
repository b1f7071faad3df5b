"""Energy management (LoPAR 14.14): nothing here draws power, and every processor costs the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import Field, Word, uncovered

from .abi import Flags, H, HcallError
from .hcall import HcallGroup

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

_NOMINAL = 0x0002
"""Energy management is disabled; the same for platform, group, pool and partition."""
_POLICIES = _NOMINAL * 0x0001_0001_0001_0001
_UNKNOWN = 0
"""Of limits and of consumed energy: not reported."""


class EnergyFlags(Word):
    """What H_BEST_ENERGY is asked."""

    LATENCY = Field(0, 31)
    COUNT = Field(32, 47)
    REFRESH = Field(53)
    ORDERED = Field(54)
    ACTIVATE = Field(55)
    RESOURCE = Field(56, 63)


_F = EnergyFlags
_FIELDS = (_F.LATENCY, _F.COUNT, _F.REFRESH, _F.ORDERED, _F.ACTIVATE, _F.RESOURCE)
_NOT_OFFERED = uncovered(_FIELDS, 64)
_PROCESSORS = 1


@hcalls.define(0x2B8, papr="14.14.2", function_set="hcall-get-emparm")
def h_get_em_parms(caller: VirtualProcessor) -> tuple[int, int, int, int, int, int]:
    """Policies, power limits, consumed energy: management is disabled, nothing is measured."""
    return _POLICIES, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN


@hcalls.define(0x2F4, papr="14.14.3", function_set="hcall-best-energy-1")
def h_best_energy(caller: VirtualProcessor, flags: Flags) -> None:
    """Which processor to release or activate to save energy: all are alike, so there is no hint."""
    if EnergyFlags(flags).RESOURCE != _PROCESSORS:
        raise HcallError(H.UNSUPPORTED, f"resource of kind {EnergyFlags(flags).RESOURCE}")
    if unknown := flags & _NOT_OFFERED:
        raise HcallError(H.unsupported_flag(unknown), f"flags {unknown:#x}")
    raise HcallError(H.NOT_AVAILABLE, "energy estimates are the same for all processors")
