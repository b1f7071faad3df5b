"""The command that shows devices: lsdev."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypervisor.vio.configuration import Medium as MediumKind

from . import npiv
from .listings import devices_of
from .network import attributes as ethernet_attributes
from .records import ViosError
from .shell import Call, CommandGroup, Listing, UsageError, check_at_most_one
from .view import volume_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .engine import Vios
    from .units import PhysicalDevice

commands = CommandGroup()

RESERVE_POLICIES = "no_reserve single_path"
_ABOUT_ONE = ("parent", "child", "attr", "range", "slot", "vpd")


class Device(NamedTuple):
    """A device as lsdev lists it."""

    name: str
    status: str
    description: str
    location: str
    kind: str
    virtual: str


class Attribute(NamedTuple):
    name: str
    value: str
    description: str
    settable: bool
    possible: str = ""
    """What `-range` tells."""


@commands.define(
    "lsdev",
    "Displays devices of the Virtual I/O Server and their characteristics.",
    "lsdev [-type DeviceType...] [-virtual] [-state State] [-field FieldName...] [-fmt Delimiter]",
    "lsdev {-dev DeviceName | -plc PhysicalLocationCode} [-child] [-field FieldName...] "
    "[-fmt Delimiter]",
    "lsdev {-dev DeviceName | -plc PhysicalLocationCode} [-attr [Attribute] | -range Attribute | "
    "-slot | -vpd | -parent]",
    "lsdev -vpd",
    "lsdev -slots",
    words=1,
    virtual=0,
    type=None,
    state=1,
    dev=1,
    plc=1,
    field=None,
    fmt=1,
    parent=0,
    child=0,
    attr=0,
    range=1,
    slot=0,
    slots=0,
    vpd=0,
)
def lsdev(call: Call) -> Iterable[str]:
    found = [Device(*its) for its in devices_of(call.vios)]
    check_at_most_one(call, "dev", "plc", "slots")
    check_at_most_one(call, *_ABOUT_ONE)
    if call.words and not call.has("attr"):
        raise UsageError(f"Unexpected argument: {call.words[0]}")
    if call.has("slots"):
        yield from _slots(found)
        return
    if call.has("dev") or call.has("plc"):
        device = _one(call, found)
        if any(call.has(flag) for flag in _ABOUT_ONE if flag != "child"):
            yield from _about(call, device)
            return
        found = [its for its in found if _parent(call.vios, its.name) == device.name]
        found = found if call.has("child") else [device]
    elif call.has("vpd"):
        for its in found:
            yield from _vital_data(call.vios, its)
        return
    elif wrong := [flag for flag in _ABOUT_ONE if call.has(flag)]:
        raise UsageError(f"The -{wrong[0]} flag needs -dev or -plc.")
    if call.has("virtual"):
        found = [its for its in found if its.virtual]
    if call.has("type"):
        types = set(call.flags["type"])
        types |= {"sea"} if "adapter" in types else set()
        found = [its for its in found if its.kind in types]
    if (state := call.value("state")) is not None:
        found = [its for its in found if its.status.lower() == state.lower()]
    rows: list[tuple[str, ...]] = [its[:4] for its in found]
    listing = Listing(("name", "status", "description", "physloc"), rows)
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    yield f"{'name':<16} {'status':<11} description"
    for its in found:
        yield f"{its.name:<16} {its.status:<11} {its.description}"


def _one(call: Call, found: list[Device]) -> Device:
    """The device that -dev or -plc names."""
    name, code = call.value("dev"), call.value("plc")
    for its in found:
        if name == its.name or (code is not None and code == its.location):
            return its
    if name is not None:
        raise ViosError(f'Device "{name}" was not found.')
    raise ViosError(f'There is no device at "{code}".')


def _about(call: Call, device: Device) -> Iterator[str]:
    vios = call.vios
    if call.has("parent"):
        yield from ("parent", "", _parent(vios, device.name))
    elif call.has("vpd"):
        yield from _vital_data(vios, device)
    elif call.has("slot"):
        yield from _slots([device])
    elif (name := call.value("range")) is not None:
        attribute = _attribute(vios, device, name)
        if not attribute.possible:
            raise ViosError(f'The range of "{name}" of {device.name} is not known.')
        yield attribute.possible
    elif call.words:
        yield from ("value", "", _attribute(vios, device, call.words[0]).value)
    else:
        yield f"{'attribute':<15} {'value':<24} {'description':<43} user_settable"
        yield ""
        for its in _attributes(vios, device.name):
            yield f"{its.name:<15} {its.value:<24} {its.description:<43} {its.settable}"


def _attribute(vios: Vios, device: Device, name: str) -> Attribute:
    for its in _attributes(vios, device.name):
        if its.name == name:
            return its
    raise ViosError(f'"{name}" is not an attribute of {device.name}.')


def reserve_policy(disk: PhysicalDevice) -> str:
    """Whether others have it, too, which the machine file says."""
    return "no_reserve" if disk.unit.shared else "single_path"


def _vital_data(vios: Vios, device: Device) -> Iterator[str]:
    yield f"  {device.name:<16} {device.location}  {device.description}"
    yield from npiv.vital_product_data(vios, device.name)


def _slots(found: list[Device]) -> Iterator[str]:
    """Virtual slots, and what is in them."""
    slots: dict[str, list[str]] = {}
    for its in found:
        if its.virtual and its.kind == "adapter" and its.location:
            slots.setdefault(its.location.partition("-T")[0], []).append(its.name)
    if not slots:
        raise ViosError("There is no virtual slot.")
    yield f"{'# Slot':<45} {'Description':<18} Device(s)"
    for location, names in slots.items():
        yield f"{location:<45} {'Virtual I/O Slot':<18} {' '.join(names)}"


def _parent(vios: Vios, name: str) -> str:
    for target in vios.targets:
        if target.name == name:
            return target.adapter
    if name.startswith("fscsi"):
        return name.replace("fscsi", "fcs")
    disks = ("hdisk0", *(its.name for its in vios.devices))
    return "sas0" if name in disks else "vio0" if name.startswith("v") else "pci0"


def _attributes(vios: Vios, name: str) -> Iterator[Attribute]:
    """As far as there is anything to say."""
    for its in (*ethernet_attributes(vios, name), *npiv.attributes(vios, name)):
        yield Attribute(*its)
    for target in vios.targets:
        if target.name == name:
            lun = f"{target.lun:#018x}"
            yield Attribute("LogicalUnitAddr", lun, "Logical Unit Address", settable=False)
            yield Attribute("aix_tdev", target.backing, "Target Device Name", settable=False)
    for disk in vios.devices:
        if disk.name == name and disk.unit.medium is MediumKind.DISK:
            size, groups = str(disk.megabytes), vios.storage.groups
            identity = groups.identifier_of(name) or volume_id(vios, disk.place)
            yield Attribute("pvid", identity, "Physical volume identifier", settable=False)
            yield Attribute("size_in_mb", size, "Size in Megabytes", settable=False)
            yield Attribute(
                "reserve_policy", reserve_policy(disk), "Reserve Policy", True, RESERVE_POLICIES
            )
    if any(adapter.name == name for adapter in vios.adapters):
        adapter = vios.adapter(name)
        client = f"{adapter.client}:{adapter.client_slot}"
        yield Attribute("client", client, "Client partition and its slot", settable=False)
