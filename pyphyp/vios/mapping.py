"""Commands that show devices to clients, and bridge networks: mkvdev, rmvdev and rmdev."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import sea
from .records import TargetKind, ViosError
from .shell import Call, CommandGroup, UsageError, check_one_of

if TYPE_CHECKING:
    from collections.abc import Iterable

commands = CommandGroup()


@commands.define(
    "mkvdev",
    "Adds a virtual target device, or a Shared Ethernet Adapter.",
    "mkvdev [-f] -vdev TargetDevice -vadapter VirtualServerAdapter [-dev DeviceName]",
    "mkvdev -fbo -vadapter VirtualServerAdapter [-dev DeviceName]",
    "mkvdev -sea PhysicalAdapter -vadapter VirtualAdapter[,...] -default VirtualAdapter "
    "-defaultid VlanID [-attr Attribute=Value...]",
    f=0,
    vdev=1,
    fbo=0,
    vadapter=1,
    dev=1,
    sea=1,
    lnagg=None,
    vlan=1,
    default=1,
    defaultid=1,
    tagid=1,
    attr=None,
)
def mkvdev(call: Call) -> Iterable[str]:
    for flag in ("lnagg", "vlan"):
        if call.has(flag):
            raise ViosError(f"mkvdev -{flag}: this server makes no such Ethernet adapters.")
    if call.has("sea"):
        if call.has("vdev") or call.has("fbo") or call.has("dev"):
            raise UsageError("The -sea flag excludes -vdev, -fbo and -dev.")
        yield from sea.make(call)
        return
    if call.has("default") or call.has("defaultid") or call.has("attr"):
        raise UsageError("The -default, -defaultid and -attr flags need -sea.")
    adapter, name = call.needed("vadapter"), call.value("dev")
    if call.has("fbo"):
        if call.has("vdev"):
            raise UsageError("The -fbo and -vdev flags exclude each other.")
        target = call.vios.map_optical(adapter, name)
    else:
        target = call.vios.map(call.needed("vdev"), adapter, name)
    yield f"{target.name} Available"


@commands.define(
    "rmvdev",
    "Removes what shows a backing device to a client, or a Shared Ethernet Adapter.",
    "rmvdev [-f] {-vdev TargetDevice | -vtd VirtualTargetDevice} [-rmlv]",
    "rmvdev [-f] -sea PhysicalAdapter",
    f=0,
    sea=1,
    vdev=1,
    vtd=1,
    rmlv=0,
)
def rmvdev(call: Call) -> Iterable[str]:
    vios = call.vios
    if (physical := call.value("sea")) is not None:
        if call.has("vdev") or call.has("vtd") or call.has("rmlv"):
            raise UsageError("The -sea flag excludes -vdev, -vtd and -rmlv.")
        yield from sea.remove(call, physical)
        return
    check_one_of(call, "vdev", "vtd")
    if (name := call.value("vtd")) is not None:
        target = vios.target(name)
    else:
        backing = call.needed("vdev")
        found = vios.target_of(backing)
        if found is None:
            raise ViosError(f'"{backing}" is not mapped to a virtual SCSI adapter.')
        target = found
    vios.unmap(target)
    yield f"{target.name} deleted"
    if call.has("rmlv") and target.kind is TargetKind.LOGICAL_VOLUME:
        vios.storage.remove_device(vios.storage.device(target.backing))


@commands.define(
    "rmdev",
    "Removes a virtual target device or a Shared Ethernet Adapter.",
    "rmdev -dev DeviceName [-ucfg]",
    dev=1,
    ucfg=0,
    recursive=0,
)
def rmdev(call: Call) -> Iterable[str]:
    name = call.needed("dev")
    if call.vios.ethernet.device(name) is not None:
        if call.has("ucfg"):
            raise ViosError("rmdev -ucfg: a Shared Ethernet Adapter is either there or not.")
        yield from sea.remove(call, call.vios.ethernet.shared(name).name)
        return
    if any(adapter.name == name for adapter in call.vios.adapters):
        raise ViosError(f'"{name}" comes from the machine file and cannot be removed.')
    target = call.vios.target(name)
    if call.has("ucfg"):
        call.vios.unconfigure(target)
        yield f"{target.name} Defined"
        return
    call.vios.unmap(target)
    yield f"{target.name} deleted"
