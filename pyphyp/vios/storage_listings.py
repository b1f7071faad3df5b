"""Commands that show storage: lssp, lsrep and lsvopt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import TargetKind
from .shell import Call, CommandGroup, Listing, UsageError
from .view import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

commands = CommandGroup()


@commands.define(
    "lssp",
    "Lists storage pools and what is in them.",
    "lssp [-type PoolType] [-field FieldName...] [-fmt Delimiter]",
    "lssp {-detail | -bd} [-sp StoragePool] [-field FieldName...] [-fmt Delimiter]",
    "lssp -default",
    type=1,
    detail=0,
    bd=0,
    sp=1,
    default=0,
    field=None,
    fmt=1,
)
def lssp(call: Call) -> Iterable[str]:
    storage = call.vios.storage
    if call.has("default"):
        yield storage.state.default_pool
        return
    if call.has("bd"):
        yield from _backing_devices(call)
        return
    if call.has("detail"):
        yield from _pool_detail(call)
        return
    if call.has("sp"):
        raise UsageError("The -sp flag needs -bd or -detail.")
    pools = [its for its in storage.pools if call.value("type") in (None, its.kind.value)]
    if call.value("type") is not None and not pools and call.value("type") != "FBPOOL":
        raise UsageError(f"Invalid pool type: {call.value('type')}")
    fields = ("pool", "size", "free", "alloc", "bds", "type")
    rows = [
        (
            its.name,
            str(its.size),
            str(storage.free(its)),
            str(storage.step(its)),
            str(len(storage.devices_of(its))),
            its.kind.value,
        )
        for its in pools
    ]
    listing = Listing(fields, list(rows))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for row in (("Pool", "Size(mb)", "Free(mb)", "Alloc Size(mb)", "BDs", "Type"), *rows):
        yield "{:<16}{:>10}{:>11}{:>16}{:>7} {:<11}".format(*row)


def _backing_devices(call: Call) -> Iterator[str]:
    vios = call.vios
    rows = []
    for device in vios.storage.devices_of(vios.storage.pool(call.value("sp"))):
        target = vios.target_of(device.name)
        shown = ("None", "None") if target is None else (target.name, target.adapter)
        rows.append((device.name, str(device.size), *shown))
    listing = Listing(("bdname", "size", "vtd", "svsa"), list(rows))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for row in (("Name", "Size(mb)", "VTD", "SVSA"), *rows):
        yield "{:<32}{:>9} {:<15} {:<13}".format(*row)


def _pool_detail(call: Call) -> Iterator[str]:
    storage = call.vios.storage
    pool = storage.pool(call.value("sp"))
    if pool.parent != pool.name:
        yield "Parent Pool:"
        yield pool.parent
        return
    its = view(call.vios, pool.name)
    yield f"{'NAME':<17}{'PVID':<35}SIZE(mb)"
    for disk in its.group.disks:
        size = disk.partitions * its.group.partition_mb
        yield f"{its.names[disk.identifier]:<17}{disk.identifier:<35}{size}"


@commands.define(
    "lsrep",
    "Shows the virtual media repository and what is in it.",
    "lsrep [-field FieldName...] [-fmt Delimiter]",
    field=None,
    fmt=1,
)
def lsrep(call: Call) -> Iterable[str]:
    vios, storage = call.vios, call.vios.storage
    repository = storage.repository
    parent = storage.pool(repository.parent)
    rows = []
    for medium in storage.state.media:
        drives = [drive.name for drive in vios.drives_with(medium.name)] or ["None"]
        access = "ro" if medium.read_only else "rw"
        size = str(storage.size_of(medium))
        rows += [(medium.name, size, drive, access) for drive in drives]
    listing = Listing(("name", "filesize", "optical", "access"), list(rows))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    head = "{:>8} {:>8} {:<16}{:>15}{:>17}"
    yield head.format("Size(mb)", "Free(mb)", "Parent Pool", "Parent Size", "Parent Free")
    yield head.format(
        repository.size, storage.repository_free, parent.name, parent.size, storage.free(parent)
    )
    if rows:
        yield ""
        for row in (("Name", "File Size", "Optical", "Access"), *rows):
            yield "{:<40}{:>9} {:<16}{:<7}".format(*row)


@commands.define(
    "lsvopt",
    "Lists file-backed virtual optical devices.",
    "lsvopt [-vtd VirtualTargetDevice] [-field FieldName...] [-fmt Delimiter]",
    vtd=1,
    field=None,
    fmt=1,
)
def lsvopt(call: Call) -> Iterable[str]:
    vios = call.vios
    if (name := call.value("vtd")) is not None:
        targets = [vios.target(name)]
    else:
        targets = [its for its in vios.targets if its.kind is TargetKind.OPTICAL]
    rows = []
    for target in targets:
        size = "n/a"
        if target.backing:
            size = str(vios.storage.size_of(vios.storage.medium(target.backing)))
        rows.append((target.name, target.backing or "No Media", size))
    listing = Listing(("vtd", "media", "size"), list(rows))
    if (chosen := listing.chosen(call)) is not None:
        yield from chosen
        return
    for row in (("VTD", "Media", "Size(mb)"), *rows):
        yield "{:<16}{:<40}{:>8}".format(*row)
