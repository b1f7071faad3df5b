"""Storage networks as a machine file has them: fabrics, zones, storage, and who is plugged in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypervisor.san.definition import FabricDefinition, SanDefinition, StorageDefinition, Zone
from hypervisor.vio.configuration import FIRST_FC_SLOT, MOST_FC_ADAPTERS, FibreChannelAdapter

from .disks import scsi_units
from .kinds import Several, Text
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
    ),
)


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
            )
            for values, path in tables(content, STORAGE, ())
        ),
    )


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
