"""Shared Ethernet Adapters as the padmin commands show them.

Each is three devices: the physical adapter that leads outside, the trunk adapter in the virtual
switch, and the adapter that bridges both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.values import frozen

from .records import ViosError
from .shell import Call, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .engine import Vios

_FIRST_TRUNK_SLOT = 2
_FIELDS = ("svea", "physloc", "sea", "backing", "bdphysloc", "status")


@frozen
class EthernetDevice:
    name: str
    description: str
    location: str
    kind: str
    virtual: str = ""


@frozen
class _Bridge:
    physical: EthernetDevice
    trunk: EthernetDevice
    shared: EthernetDevice


def _bridges(vios: Vios) -> list[_Bridge]:
    count = len(vios.shared_ethernet)
    bridges = []
    for n in range(count):
        trunk_location = f"{vios.system}-V{vios.definition.number}-C{_FIRST_TRUNK_SLOT + n}-T1"
        bridges.append(
            _Bridge(
                EthernetDevice(
                    f"ent{n}", "Ethernet Adapter", f"{vios.system}-P1-C1-T{n + 1}", "adapter"
                ),
                EthernetDevice(
                    f"ent{count + n}",
                    "Virtual I/O Ethernet Adapter (l-lan)",
                    trunk_location,
                    "adapter",
                    "v",
                ),
                EthernetDevice(f"ent{2 * count + n}", "Shared Ethernet Adapter", "", "sea", "v"),
            )
        )
    return bridges


def adapters(vios: Vios) -> list[EthernetDevice]:
    """All of them, by number."""
    bridges = _bridges(vios)
    return [
        *(its.physical for its in bridges),
        *(its.trunk for its in bridges),
        *(its.shared for its in bridges),
    ]


def network_map(call: Call) -> Iterator[str]:
    """`lsmap -net`."""
    bridges = _bridges(call.vios)
    if not call.has("all"):
        name = call.value("vadapter") or call.needed("plc")
        bridges = [its for its in bridges if name in (its.trunk.name, its.trunk.location)]
        if not bridges:
            raise ViosError(f'Device "{name}" is not a server virtual Ethernet adapter.')
    listing = Listing(
        _FIELDS,
        [
            (
                its.trunk.name,
                its.trunk.location,
                its.shared.name,
                its.physical.name,
                its.physical.location,
                "Available",
            )
            for its in bridges
        ],
    )
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for number, its in enumerate(bridges):
        if number:
            yield ""
        yield f"{'SVEA':<6} Physloc"
        yield f"{'-' * 6} {'-' * 44}"
        yield f"{its.trunk.name:<6} {its.trunk.location}"
        yield ""
        yield f"{'SEA':<21} {its.shared.name}"
        yield f"{'Backing device':<21} {its.physical.name}"
        yield f"{'Status':<21} Available"
        yield f"{'Physloc':<21} {its.physical.location}"
