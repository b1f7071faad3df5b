"""Devices of a server, and the command that shows mappings: lsmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.vio.configuration import Medium as MediumKind

from . import npiv
from .network import adapters as ethernet_adapters
from .network import network_map
from .records import Target, TargetKind, ViosError
from .shell import Call, CommandGroup, Listing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import ServerAdapter, Vios

commands = CommandGroup()


# -- devices -----------------------------------------------------------------------------------


def physical_location(vios: Vios, name: str) -> str:
    """Where a physical device sits."""
    if name in ("hdisk0", ""):
        return f"{vios.system}-P1-D1"
    place = next((its.place for its in vios.devices if its.name == name), 0)
    return f"{vios.system}-P1-D{1 + place}"


def adapter_location(vios: Vios, adapter: ServerAdapter) -> str:
    return f"{vios.system}-V{vios.definition.number}-C{adapter.slot}"


def devices_of(vios: Vios) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Name, status, description, location, what kind it is, and whether it is virtual."""
    yield from ethernet_adapters(vios)
    for adapter in vios.adapters:
        where = adapter_location(vios, adapter)
        yield adapter.name, "Available", "Virtual SCSI Server Adapter", where, "adapter", "v"
    yield from npiv.devices(vios)
    yield "vsa0", "Available", "LPAR Virtual Serial Adapter", _serial(vios), "adapter", "v"
    for number, name in enumerate(vios.paths.adapters):
        where = f"{vios.system}-P1" if not number else f"{vios.system}-P1-C{20 + number}"
        yield name, "Available", "SAS Controller", where, "adapter", ""
    yield "hdisk0", "Available", "SAS Disk Drive", physical_location(vios, "hdisk0"), "disk", ""
    kinds = {MediumKind.DISK: "disk", MediumKind.OPTICAL: "optical", MediumKind.TAPE: "tape"}
    for device in vios.devices:
        where = physical_location(vios, device.name)
        kind = kinds[device.unit.medium]
        yield device.name, "Available", device.description, where, kind, ""
    for target in vios.targets:
        status = "Available" if vios.is_available(target) else "Defined"
        where = target_location(vios, target)
        yield target.name, status, target.kind.value, where, "vtd", "v"


def _serial(vios: Vios) -> str:
    return f"{vios.system}-V{vios.definition.number}-C0"


def target_location(vios: Vios, target: Target) -> str:
    try:
        adapter = vios.adapter(target.adapter)
    except ViosError:
        return ""
    return f"{adapter_location(vios, adapter)}-L{target.number}"


# -- mappings ----------------------------------------------------------------------------------

_ADAPTER_FIELDS = ("svsa", "physloc", "clientid")
_TARGET_FIELDS = ("vtd", "status", "lun", "backing", "bdphysloc", "mirrored")


@commands.define(
    "lsmap",
    "Displays the mapping between physical, logical and virtual devices.",
    "lsmap {-vadapter ServerVirtualAdapter | -plc PhysicalLocationCode | -all} "
    "[-type BackingDeviceType... | -net | -npiv] [-field FieldName...] [-fmt Delimiter]",
    vadapter=1,
    plc=1,
    all=0,
    type=None,
    net=0,
    npiv=0,
    field=None,
    fmt=1,
)
def lsmap(call: Call) -> Iterable[str]:
    vios = call.vios
    if sum(call.has(flag) for flag in ("vadapter", "plc", "all")) != 1:
        raise UsageError("One of the -vadapter, -plc and -all flags is required.")
    if call.has("npiv"):
        yield from npiv.npiv_map(call)
        return
    if call.has("net"):
        yield from network_map(call)
        return
    adapters = list(vios.adapters)
    if (wanted := call.value("vadapter")) is not None:
        adapters = [vios.adapter(wanted)]
    elif (code := call.value("plc")) is not None:
        adapters = [its for its in adapters if adapter_location(vios, its) == code]
        if not adapters:
            raise ViosError(f'There is no virtual SCSI server adapter at "{code}".')
    if call.has("field") or call.has("fmt"):
        for adapter in adapters:
            yield from _map_line(call, adapter)
        return
    for number, adapter in enumerate(adapters):
        if number:
            yield ""
        yield from _map_block(call, adapter)


def _shown_targets(call: Call, adapter: ServerAdapter) -> list[Target]:
    targets = call.vios.targets_of(adapter)
    if call.has("type"):
        targets = [its for its in targets if its.kind.backing_type in call.flags["type"]]
    return targets


def _backing(vios: Vios, target: Target) -> tuple[str, str]:
    """A backing device as lsmap calls it, and where it is."""
    match target.kind:
        case TargetKind.OPTICAL:
            return f"/var/vio/VMLibrary/{target.backing}" if target.backing else "", ""
        case TargetKind.FILE:
            device = vios.storage.device(target.backing)
            return f"/var/vio/storagepools/{device.pool}/{device.name}", ""
        case TargetKind.LOGICAL_VOLUME:
            return target.backing, ""
    return target.backing, physical_location(vios, target.backing)


def _map_line(call: Call, adapter: ServerAdapter) -> Iterator[str]:
    """What -field and -fmt want of an adapter: one line, its target devices one after the other."""
    vios = call.vios
    names = call.flags.get("field") or [*_ADAPTER_FIELDS, *_TARGET_FIELDS]
    head = (adapter.name, adapter_location(vios, adapter), f"{adapter.client:#010x}")
    own = Listing(_ADAPTER_FIELDS, [head])
    its = Listing(_TARGET_FIELDS, [tuple(_facts(vios, t)) for t in _shown_targets(call, adapter)])
    if wrong := [name for name in names if name not in (*_ADAPTER_FIELDS, *_TARGET_FIELDS)]:
        raise UsageError(f"Invalid field: {wrong[0]}")
    parts = []
    for listing in (own, its):
        flags = {**call.flags, "field": [name for name in names if name in listing.fields]}
        if flags["field"]:
            parts += listing.chosen(Call(vios, flags, [])) or []
    if parts:
        yield (call.value("fmt") or " ").join(parts)


def _facts(vios: Vios, target: Target) -> tuple[str, ...]:
    """What lsmap tells of a virtual target device."""
    backing, place = _backing(vios, target)
    status = "Available" if vios.is_available(target) else "Defined"
    mirrored = "false" if target.kind is TargetKind.DISK else "N/A"
    return target.name, status, f"{target.lun:#018x}", backing, place, mirrored


_TITLES = ("VTD", "Status", "LUN", "Backing device", "Physloc", "Mirrored")


def _map_block(call: Call, adapter: ServerAdapter) -> Iterator[str]:
    yield f"{'SVSA':<15} {'Physloc':<44} Client Partition ID"
    yield f"{'-' * 15} {'-' * 44} {'-' * 18}"
    where = adapter_location(call.vios, adapter)
    yield f"{adapter.name:<15} {where:<44} {adapter.client:#010x}"
    targets = _shown_targets(call, adapter)
    if not targets:
        yield ""
        yield f"{'VTD':<21} NO VIRTUAL TARGET DEVICE FOUND"
    for target in targets:
        yield ""
        for title, value in zip(_TITLES, _facts(call.vios, target), strict=True):
            yield f"{title:<21} {value}".rstrip()
