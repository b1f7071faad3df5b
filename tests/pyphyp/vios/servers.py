"""A Virtual I/O Server without a machine around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.network.shared_ethernet import Nat, SharedEthernet
from hypervisor.san.definition import FabricDefinition
from hypervisor.san.san import San
from hypervisor.scsi.backing import Blank
from hypervisor.scsi.disk import Disk
from hypervisor.system.definition import VirtualIoServer
from hypervisor.vio.configuration import Medium, ScsiUnit
from pyphyp.vios.engine import Vios
from pyphyp.vios.fibre_channel import FcClient
from pyphyp.vios.padmin import carry_out

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
CLIENTS = ((1, 20), (2, 20))


def server(directory: Path, *units: ScsiUnit, outside: bool = False, sas: int = 1) -> Vios:
    definition = VirtualIoServer("vios1", 3, directory / "vios1", 16 << 10, units, sas)
    ways = (SharedEthernet(Nat()),) if outside else ()
    return Vios(definition, CLIENTS, system="U9009.PYP0001", shared_ethernet=ways)


def two_fabrics() -> San:
    """With storage of one disk that has a port in each."""
    san = San()
    for name in ("red", "blue"):
        san.add_fabric(FabricDefinition(name))
    san.add_storage("ds8k", ("red", "blue")).add(0, Disk(Blank(MIB), "DISK0"))
    return san


def fc_server(directory: Path, san: San, port: str = "", clients: int = 2) -> Vios:
    """With three ports in fabrics; each client has an adapter, the first one's is at `port`."""
    fabrics = ("red", "blue", "blue")
    definition = VirtualIoServer("vios1", 3, directory / "vios1", 16 << 10, fabrics=fabrics)
    adapters = [FcClient(1, 56, port), *(FcClient(n, 56) for n in range(2, clients + 1))]
    return Vios(definition, CLIENTS, system="U9009.PYP0001", fc_clients=adapters, san=san)


def own_units(directory: Path) -> tuple[ScsiUnit, ...]:
    """A physical volume, a drive with a disc, and a tape drive."""
    (directory / "disk.img").write_bytes(bytes(3 * MIB))
    (directory / "disc.iso").write_bytes(b"disc".ljust(MIB, b"\0"))
    (directory / "tape.tap").touch()
    return (
        ScsiUnit(Medium.DISK, str(directory / "disk.img"), 0),
        ScsiUnit(Medium.OPTICAL, str(directory / "disc.iso"), 1, read_only=True),
        ScsiUnit(Medium.TAPE, str(directory / "tape.tap"), 2, capacity=10 * MIB),
    )


def volumes(directory: Path, *sizes: int) -> tuple[ScsiUnit, ...]:
    """Physical volumes of so many mebibytes: pv1.img and so on, with what is there already."""
    for number, size in enumerate(sizes, start=1):
        with (directory / f"pv{number}.img").open("ab") as file:
            file.truncate(size * MIB)
    paths = [directory / f"pv{number}.img" for number in range(1, len(sizes) + 1)]
    return tuple(ScsiUnit(Medium.DISK, str(path), n) for n, path in enumerate(paths))


def said(vios: Vios, *lines: str) -> str:
    """What command lines print that succeed."""
    out = ""
    for line in lines:
        answer = carry_out(vios, line)
        assert answer.status == 0, (line, answer.err)
        out += answer.out
    return out


def refused(vios: Vios, line: str) -> str:
    answer = carry_out(vios, line)
    assert answer.status, line
    return answer.err


def transcript(vios: Vios, lines: str, directory: Path) -> str:
    """A session, as a terminal shows it."""
    shown = ""
    for line in lines.strip().splitlines():
        answer = carry_out(vios, line.replace("DIRECTORY", str(directory)))
        text = answer.out + answer.err
        shown += f"$ {line}\n{text.replace(str(directory), 'DIRECTORY')}"
        shown += f"(status {answer.status})\n" if answer.status else ""
    return shown
