"""Virtual I/O Servers as a machine file has them: keys, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.configuration import MOST_PARTITIONS
from hypervisor.system.definition import VirtualIoServer

from .disks import scsi_units
from .kinds import Several, Size, Text, Whole
from .network_keys import VIOS_ETHERNET
from .networks import server_ports
from .tables import Key, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hypervisor.system.definition import PartitionDefinition

    from .networks import Tables
    from .problems import Problems

DEFAULT_ROOTVG_MIB = 128 << 10

VIOS = Table(
    "vios",
    "A Virtual I/O Server that the hypervisor plays: it lends storage to the partitions that name "
    "it. `pyphyp vios` is its command line.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key("number", Whole(1, MOST_PARTITIONS), "Its number.", "behind the partitions'"),
        Key(
            "directory",
            Text("a directory's name"),
            "Where its pools, its media and what it has mapped are kept; made if need be.",
            "its name",
        ),
        Key("rootvg", Size(), "How much its storage pool rootvg has.", '`"128G"`'),
        Key(
            "disks",
            Several(Text("as a partition's")),
            "Physical volumes that it can lend as a whole: hdisk1 and so on.",
            "none",
        ),
        Key("sas", Whole(1, 4), "How many SAS adapters, and so paths, lead to each disk.", "1"),
        Key("cdroms", Several(Text("as a partition's")), "Its optical drives: cd0.", "none"),
        Key("tapes", Several(Text("as a partition's")), "Its tape drives: rmt0.", "none"),
        Key(
            "lans",
            Several(Text("a lan's name")),
            "Its physical Ethernet adapters, by the networks they are cabled to: ent0 and so on.",
            "none",
        ),
        Key(
            "fabrics",
            Several(Text("a fabric's name")),
            "Its physical Fibre Channel ports, by the fabrics they are cabled to: fcs0 and so on.",
            "none",
        ),
    ),
    (VIOS_ETHERNET,),
)


def io_servers(
    tables: Tables,
    ethernet: Iterable[Tables],
    partitions: Sequence[PartitionDefinition],
    directory: Path,
    problems: Problems,
) -> tuple[VirtualIoServer, ...]:
    """All of a machine; those without a number get the next ones.

    `ethernet` has the tables of each one's Ethernet adapters.
    """
    servers: list[VirtualIoServer] = []
    free = max((its.number for its in partitions), default=0) + 1
    for (values, path), ports in zip(tables, ethernet, strict=True):
        number = values.get("number", free)
        free = max(free, number) + 1
        servers.append(
            VirtualIoServer(
                name=values["name"],
                number=number,
                directory=(directory / (values.get("directory") or values["name"])).absolute(),
                rootvg_mib=values.get("rootvg", DEFAULT_ROOTVG_MIB),
                units=tuple(scsi_units(values, path, directory, problems)),
                sas=values.get("sas", 1),
                lans=tuple(values.get("lans", ())),
                ethernet=server_ports(ports, problems),
                fabrics=tuple(values.get("fabrics", ())),
            )
        )
    return tuple(servers)
