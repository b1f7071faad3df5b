"""Commands that change storage: pools, backing devices, the media repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .error_log import Event
from .records import FullError, PoolKind, TargetKind, ViosError
from .shell import Call, CommandGroup, UsageError, check_one_of
from .volume_commands import extend_group, make_group, megabytes, reduce_group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .records import Pool, Target

commands = CommandGroup()


def _optical_device(call: Call) -> Target:
    """The file-backed optical device that -vtd names."""
    target = call.vios.target(call.needed("vtd"))
    if target.kind is not TargetKind.OPTICAL:
        raise ViosError(f'"{target.name}" is not a file-backed virtual optical device.')
    return target


# -- pools and backing devices -----------------------------------------------------------------


@commands.define(
    "mksp",
    "Makes a storage pool: a file pool within another one, or one on physical volumes.",
    "mksp [-f] StoragePool PhysicalVolume...",
    "mksp -fb StoragePool -sp ParentStoragePool -size Size",
    words=64,
    fb=1,
    sp=1,
    size=1,
    f=0,
)
def mksp(call: Call) -> Iterable[str]:
    if not call.has("fb"):
        if len(call.words) < 2 or call.has("sp") or call.has("size"):
            raise UsageError("A storage pool and its physical volumes are required, or -fb.")
        name, *disks = call.words
        return make_group(call, name, disks)
    if call.words:
        raise UsageError(f"Unexpected argument: {call.words[0]}")
    size = megabytes(call.needed("size"))
    pool = call.vios.storage.make_pool(call.needed("fb"), call.needed("sp"), size)
    return [pool.name, "File system created successfully.", *_room_of(pool)]


def _room_of(pool: Pool) -> list[str]:
    return [
        f"{pool.size << 10} kilobytes total disk space.",
        f"New File System size is {pool.size << 11}",
    ]


@commands.define("rmsp", "Removes a file storage pool.", "rmsp [-f] StoragePool", words=1, f=0)
def rmsp(call: Call) -> Iterable[str]:
    storage = call.vios.storage
    if not call.words:
        raise UsageError("A storage pool is required.")
    pool = storage.pool(call.words[0])
    if call.has("f") and pool.kind is PoolKind.FILES:
        for device in storage.devices_of(pool):
            if (target := call.vios.target_of(device.name)) is not None:
                call.vios.unmap(target)
            storage.remove_device(device)
    storage.remove_pool(pool.name)
    yield f'The storage pool "{pool.name}" was removed.'


@commands.define(
    "chsp",
    "Changes a storage pool: its size, its physical volumes, or which one is the default.",
    "chsp -add [-f] [-sp StoragePool] PhysicalVolume...",
    "chsp -add [-sp StoragePool] -size Size",
    "chsp -rm [-f] [-sp StoragePool] PhysicalVolume...",
    "chsp -default StoragePool",
    words=64,
    add=0,
    rm=0,
    f=0,
    sp=1,
    size=1,
    default=1,
)
def chsp(call: Call) -> Iterable[str]:
    storage = call.vios.storage
    if sum(call.has(flag) for flag in ("add", "rm", "default")) != 1:
        raise UsageError("One of the -add, -rm and -default flags is required.")
    if call.has("default"):
        if call.words or call.has("sp") or call.has("size"):
            raise UsageError("The -default flag excludes others.")
        storage.make_default(call.needed("default"))
        return ()
    pool = storage.pool(call.value("sp"))
    if call.has("size"):
        if call.has("rm") or call.words:
            raise UsageError("The -size flag excludes -rm and physical volumes.")
        size = megabytes(call.needed("size"))
        return _room_of(storage.grow_pool(pool.name, size))[1:]
    if not call.words:
        raise UsageError("A physical volume is required.")
    if pool.kind is PoolKind.FILES:
        raise ViosError(f'Storage pool "{pool.name}" is not a logical volume storage pool.')
    if call.has("add"):
        return extend_group(call, pool.name, call.words)
    return reduce_group(call, pool.name, call.words, remove_volumes=call.has("f"))


@commands.define(
    "mkbdsp",
    "Makes a backing device in a storage pool, and shows it to a client.",
    "mkbdsp [-sp StoragePool] Size [-bd BackingDevice] "
    "-vadapter ServerVirtualAdapter [-tn TargetDeviceName]",
    "mkbdsp [-sp StoragePool] -bd BackingDevice "
    "-vadapter ServerVirtualAdapter [-tn TargetDeviceName]",
    "mkbdsp [-sp StoragePool] Size -bd BackingDevice",
    words=1,
    sp=1,
    bd=1,
    vadapter=1,
    tn=1,
)
def mkbdsp(call: Call) -> Iterable[str]:
    vios, storage = call.vios, call.vios.storage
    pool, name = storage.pool(call.value("sp")), call.value("bd")
    adapter = call.value("vadapter")
    if adapter is None and (not call.words or name is None):
        raise UsageError("The -vadapter flag, or a size and the -bd flag, are required.")
    if adapter is not None:
        vios.adapter(adapter)
    what = "file" if pool.kind is PoolKind.FILES else "logical volume"
    if call.words:
        taken = {its.name for its in storage.state.devices}
        if name is None:
            assert adapter is not None
            names = (f"{adapter.replace('vhost', 'vt_bd')}_{n}" for n in range(1, 1 << 20))
            name = next(its for its in names if its not in taken)
        device = storage.make_device(name, pool, megabytes(call.words[0]))
        yield f'Creating {what} "{device.name}" in storage pool "{pool.name}".'
    elif name is None:
        raise UsageError("A size or the -bd flag is required.")
    else:
        device = storage.device(name, pool.name)
    if adapter is None:
        return
    yield f'Assigning {what} "{device.name}" as a backing device.'
    try:
        target = vios.map(device.name, adapter, call.value("tn"))
    except ViosError:
        if call.words:
            storage.remove_device(device)
        raise
    yield f"{target.name} Available"


@commands.define(
    "rmbdsp",
    "Removes a backing device, and what shows it to a client.",
    "rmbdsp {[-sp StoragePool] -bd BackingDevice | -vtd VirtualTargetDevice} [-savebd] [-f]",
    sp=1,
    bd=1,
    vtd=1,
    savebd=0,
    f=0,
)
def rmbdsp(call: Call) -> Iterable[str]:
    vios, storage = call.vios, call.vios.storage
    check_one_of(call, "bd", "vtd")
    if (name := call.value("vtd")) is not None:
        device = storage.device(vios.target(name).backing)
    else:
        device = storage.device(call.needed("bd"), storage.pool(call.value("sp")).name)
    target = vios.target_of(device.name)
    if target is not None:
        vios.unmap(target)
        yield f"{target.name} deleted"
    if call.has("savebd"):
        return
    storage.remove_device(device)
    if storage.pool(device.pool).kind is PoolKind.LOGICAL_VOLUMES:
        yield f'Logical volume "{device.name}" is removed.'
    else:
        yield f'File "{device.name}" is removed.'


# -- the media repository ----------------------------------------------------------------------


@commands.define(
    "mkrep", "Makes the virtual media repository.", "mkrep -sp ParentPool -size Size", sp=1, size=1
)
def mkrep(call: Call) -> Iterable[str]:
    size = megabytes(call.needed("size"))
    call.vios.storage.make_repository(call.needed("sp"), size)
    yield "Virtual Media Repository Created"
    yield 'Repository created within "VMLibrary" logical volume'


@commands.define("chrep", "Enlarges the virtual media repository.", "chrep -size Size", size=1)
def chrep(call: Call) -> Iterable[str]:
    call.vios.storage.grow_repository(megabytes(call.needed("size")))
    return ()


@commands.define("rmrep", "Removes the virtual media repository.", "rmrep [-f]", f=0)
def rmrep(call: Call) -> Iterable[str]:
    storage = call.vios.storage
    _ = storage.repository
    for medium in storage.state.media:
        if drives := call.vios.drives_with(medium.name):
            raise ViosError(f'"{medium.name}" is loaded in {drives[0].name}.')
    storage.remove_repository(force=call.has("f"))
    yield "Virtual Media Repository deleted."


@commands.define(
    "mkvopt",
    "Makes a virtual optical medium: from an image, from a drive, or a blank one.",
    "mkvopt -name FileName {-size Size | -dev OpticalDevice | -file SourceFile} [-ro]",
    name=1,
    size=1,
    dev=1,
    file=1,
    ro=0,
)
def mkvopt(call: Call) -> Iterable[str]:
    vios = call.vios
    if sum(call.has(flag) for flag in ("size", "dev", "file")) != 1:
        raise UsageError("One of the -size, -dev and -file flags is required.")
    source, size = None, 0
    if (path := call.value("file")) is not None:
        source = Path(path)
        if not source.is_absolute():
            raise ViosError(f"{path}: the path of an image begins with /.")
    elif (drive := call.value("dev")) is not None:
        device = next((its for its in vios.devices if its.name == drive), None)
        if device is None or not drive.startswith("cd"):
            raise ViosError(f'Device "{drive}" is not an optical device.')
        if not device.unit.path:
            raise ViosError(f'There is no media in "{drive}".')
        source = Path(device.unit.path)
    else:
        size = megabytes(call.needed("size"))
    name = call.needed("name")
    try:
        vios.storage.make_medium(name, source=source, size=size, read_only=call.has("ro"))
    except FullError as full:
        vios.error_log.log(Event.J2_FS_FULL, "SYSJ2", str(full))
        raise
    return ()


@commands.define(
    "rmvopt", "Removes a virtual optical medium.", "rmvopt [-f] -name FileName", name=1, f=0
)
def rmvopt(call: Call) -> Iterable[str]:
    vios = call.vios
    medium = vios.storage.medium(call.needed("name"))
    drives = vios.drives_with(medium.name)
    if drives and not call.has("f"):
        raise ViosError(f'"{medium.name}" is loaded in {drives[0].name}; -f removes it anyway.')
    for drive in drives:
        vios.unload(drive, force=True)
    vios.storage.remove_medium(medium)
    return ()


@commands.define(
    "chvopt",
    "Changes a virtual optical medium: its name, and whether clients may write to it.",
    "chvopt -name FileName {-newname NewName | -access {ro | rw}}",
    name=1,
    newname=1,
    access=1,
)
def chvopt(call: Call) -> Iterable[str]:
    vios = call.vios
    medium = vios.storage.medium(call.needed("name"))
    if not (call.has("newname") or call.has("access")):
        raise UsageError("One of the -newname and -access flags is required.")
    if (access := call.value("access")) not in (None, "ro", "rw"):
        raise UsageError(f"Invalid access: {access}")
    if drives := vios.drives_with(medium.name):
        raise ViosError(f'"{medium.name}" is loaded in {drives[0].name}.')
    read_only = medium.read_only if access is None else access == "ro"
    name = call.value("newname") or medium.name
    vios.storage.change_medium(medium, replace(medium, name=name, read_only=read_only))
    return ()


@commands.define(
    "loadopt",
    "Loads a virtual optical medium into a file-backed virtual optical device.",
    "loadopt [-f] -disk FileName -vtd VirtualTargetDevice [-release]",
    f=0,
    disk=1,
    vtd=1,
    release=0,
)
def loadopt(call: Call) -> Iterable[str]:
    vios = call.vios
    medium = vios.storage.medium(call.needed("disk"))
    target = _optical_device(call)
    if target.backing and (call.has("f") or call.has("release")):
        vios.unload(target, force=call.has("release"))
        target = vios.target(target.name)
    vios.load(medium.name, target)
    return ()


@commands.define(
    "unloadopt",
    "Takes the medium out of a file-backed virtual optical device.",
    "unloadopt -vtd VirtualTargetDevice [-release]",
    vtd=1,
    release=0,
)
def unloadopt(call: Call) -> Iterable[str]:
    target = _optical_device(call)
    if not target.backing:
        raise ViosError(f'There is no media loaded in "{target.name}".')
    call.vios.unload(target, force=call.has("release"))
    return ()
