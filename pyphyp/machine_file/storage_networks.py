"""Storage networks as a machine file has them: fabrics, zones, storage, and who is plugged in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypervisor.san.definition import (
    FabricDefinition,
    LibraryDefinition,
    SanDefinition,
    StorageDefinition,
    Zone,
)
from hypervisor.scsi.elements import MOST_DRIVES, MOST_PORTS, MOST_SLOTS
from hypervisor.vio.configuration import FIRST_FC_SLOT, MOST_FC_ADAPTERS, FibreChannelAdapter

from .disks import scsi_units
from .kinds import Several, Text, Whole
from .tables import Key, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from hypervisor.system.definition import PartitionDefinition, VirtualIoServer

    from .lines import Path as KeyPath
    from .problems import Problems

    Values = dict[str, Any]
    Tables = Callable[[Values, Table, KeyPath], Iterable[tuple[Values, KeyPath]]]
    """What the tables of an array say."""

_MEMBER = "a world wide port name, or the name of a partition, a storage or one of their ports"

ZONE = Table(
    "zone",
    "Ports of a fabric that see each other. A fabric without zones has all its ports see each "
    "other.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key("members", Several(Text(_MEMBER)), "Who is in it.", "nobody"),
    ),
)

FABRIC = Table(
    "fabric",
    "A Fibre Channel fabric: a switch with its name server and its zones. `pyphyp san` shows and "
    "changes it while the machine runs.",
    (Key("name", Text(), "Its name.", stands_in="?", required=True),),
    (ZONE,),
)

STORAGE = Table(
    "storage",
    "Storage in fabrics, which partitions reach by virtual Fibre Channel: its units are LUN 0 and "
    "so on, disks first.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key(
            "fabrics",
            Several(Text("a fabric's name")),
            "Where it has a port: `ds8k/0` in the first fabric, `ds8k/1` in the second.",
            stands_in=(),
            required=True,
        ),
        Key("disks", Several(Text("as a partition's")), "Disks.", "none"),
        Key("tapes", Several(Text("as a partition's")), "Tape drives.", "none"),
        Key(
            "library",
            Text("a directory"),
            "It is a tape library, LUN 0 its changer: the directory has the cartridges, tape "
            "images called BARCODE.tap.",
            "it is none",
        ),
        Key("drives", Whole(1, MOST_DRIVES), "A tape library's drives, LUN 1 and so on.", "1"),
        Key("slots", Whole(1, MOST_SLOTS), "Its storage elements.", "8"),
        Key("import_export", Whole(0, MOST_PORTS), "Its import and export elements.", "1"),
    ),
)
_LIBRARY = {"drives": "drives", "slots": "slots", "import_export": "ports"}
"""Keys of a tape library alone, and what they define."""


def san_definition(
    content: Values, tables: Tables, directory: Path, problems: Problems
) -> SanDefinition:
    """All of a machine."""

    def zones(n: int) -> Iterable[Zone]:
        found = tables(content[FABRIC.name][n], ZONE, (FABRIC.name, n))
        return (Zone(its["name"], tuple(its.get("members", ()))) for its, _ in found)

    return SanDefinition(
        tuple(
            FabricDefinition(
                values["name"],
                tuple(zones(n)),
            )
            for n, (values, _) in enumerate(tables(content, FABRIC, ()))
        ),
        tuple(
            StorageDefinition(
                values["name"],
                tuple(values["fabrics"]),
                tuple(scsi_units(values, path, directory, problems)),
                _library(values, path, directory, problems),
            )
            for values, path in tables(content, STORAGE, ())
        ),
    )


def _library(
    values: Values, path: KeyPath, directory: Path, problems: Problems
) -> LibraryDefinition | None:
    """The tape library that a storage is, if it is one."""
    if "library" not in values:
        for key in (key for key in _LIBRARY if key in values):
            problems.add((*path, key), "a tape library has them: `library` names its directory")
        return None
    for key in (key for key in ("disks", "tapes") if values.get(key)):
        problems.add((*path, key), "a tape library has its changer and drives alone")
    place = (directory / values["library"]).absolute()
    if not place.is_dir():
        problems.add((*path, "library"), f"there is no directory {place}")
    counts = {its: values[key] for key, its in _LIBRARY.items() if key in values}
    return LibraryDefinition(str(place), **counts)


def fibre_channel_adapters(
    values: Values, path: KeyPath, problems: Problems
) -> tuple[FibreChannelAdapter, ...]:
    """A partition's, in the last of its 64 slots; `carried` knows which of them servers have."""
    names = values.get("fc", ())
    if len(names) > MOST_FC_ADAPTERS:
        problems.add((*path, "fc"), f"{MOST_FC_ADAPTERS} at most")
        return ()
    return tuple(
        FibreChannelAdapter(slot, fabric=name or "?")
        for slot, name in enumerate(names, start=FIRST_FC_SLOT)
    )


def carried(
    partitions: Iterable[PartitionDefinition], servers: Iterable[VirtualIoServer]
) -> tuple[PartitionDefinition, ...]:
    """The partitions, with adapters that name a Virtual I/O Server, or its port, behind it."""
    known = {its.name for its in servers}

    def adapter(its: FibreChannelAdapter) -> FibreChannelAdapter:
        server, _, port = its.fabric.partition("/")
        if server not in known:
            return its
        return FibreChannelAdapter(its.slot, server=server, port=port)

    return tuple(
        replace(its, fibre_channel_adapters=tuple(map(adapter, its.fibre_channel_adapters)))
        for its in partitions
    )
