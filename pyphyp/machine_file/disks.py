"""A partition's disks, discs and tapes, as a machine file names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypervisor.scsi.target import TARGETS
from hypervisor.vio.configuration import (
    FIRST_FREE_SLOT,
    FIRST_FURTHER_CONSOLE,
    FIRST_SERVED_SLOT,
    Medium,
    ScsiAdapter,
    ScsiUnit,
)
from pyphyp.disk_files import parse_disk_file
from pyphyp.raw_file import MediaError
from pyphyp.tapes import parse_tape_name

if TYPE_CHECKING:
    from pathlib import Path

    from .lines import Path as KeyPath
    from .problems import Problems


def scsi_adapters(
    values: dict[str, Any], path: KeyPath, directory: Path, problems: Problems
) -> tuple[ScsiAdapter, ...]:
    """One adapter for all disks and drives of the partition at `path`, one for each server."""
    units = scsi_units(values, path, directory, problems)
    own = (ScsiAdapter(FIRST_FREE_SLOT, tuple(units)),) if units else ()
    servers = values.get("vios", ())
    if len(servers) > FIRST_FURTHER_CONSOLE - FIRST_SERVED_SLOT:
        problems.add((*path, "vios"), f"{FIRST_FURTHER_CONSOLE - FIRST_SERVED_SLOT} at most")
        servers = ()
    served = (
        ScsiAdapter(slot, server=server)
        for slot, server in enumerate(servers, start=FIRST_SERVED_SLOT)
    )
    return (*own, *served)


def scsi_units(
    values: dict[str, Any], path: KeyPath, directory: Path, problems: Problems
) -> list[ScsiUnit]:
    """Disks, drives and tapes of the table at `path`, each a target of its own."""
    disks, cdroms = values.get("disks", ()), values.get("cdroms", ())
    tapes = values.get("tapes", ())
    if len(disks) + len(cdroms) + len(tapes) > TARGETS:
        problems.add((*path, "disks"), f"{TARGETS} disks and drives at most")
        return []
    units: list[ScsiUnit] = []
    for n, name in enumerate(disks):
        try:
            units.append(parse_disk_file(name, directory).unit(len(units)))
        except MediaError as wrong:
            problems.add((*path, "disks", n), str(wrong))
    for n, name in enumerate(cdroms):
        image = str((directory / name).absolute()) if name else ""
        if image and not (directory / name).is_file():
            problems.add((*path, "cdroms", n), f"there is no file {image}")
        units.append(ScsiUnit(Medium.OPTICAL, image, len(units), read_only=True))
    for n, name in enumerate(tapes):
        try:
            units.append(parse_tape_name(name, directory).unit(len(units)))
        except MediaError as wrong:
            problems.add((*path, "tapes", n), str(wrong))
    return units
