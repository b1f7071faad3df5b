"""A partition's disks and discs, as a machine file names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypervisor.scsi.target import TARGETS
from hypervisor.vio.configuration import FIRST_FREE_SLOT, Medium, ScsiAdapter, ScsiUnit

if TYPE_CHECKING:
    from pathlib import Path

    from .lines import Path as KeyPath
    from .problems import Problems


def scsi_adapters(
    values: dict[str, Any], path: KeyPath, directory: Path, problems: Problems
) -> tuple[ScsiAdapter, ...]:
    """One adapter for all disks and drives of the partition at `path`, each a target of its own."""

    def medium(name: str, *where: str | int) -> str:
        """A file that must be there, or a block device."""
        file = directory / name
        if not (file.is_file() or file.is_block_device()):
            why = f"there is no file {file}; truncate -s 4G makes an empty disk"
            problems.add((*path, *where), why)
        return str(file.absolute())

    disks, cdroms = values.get("disks", ()), values.get("cdroms", ())
    if len(disks) + len(cdroms) > TARGETS:
        problems.add((*path, "disks"), f"{TARGETS} disks and drives at most")
        return ()
    units: list[ScsiUnit] = []
    for n, name in enumerate(disks):
        file, comma, mode = name.rpartition(",")
        read_only = bool(comma) and mode == "ro"
        found = medium(file if read_only else name, "disks", n)
        units.append(ScsiUnit(Medium.DISK, found, len(units), read_only=read_only))
    for n, name in enumerate(cdroms):
        image = medium(name, "cdroms", n) if name else ""
        units.append(ScsiUnit(Medium.OPTICAL, image, len(units), read_only=True))
    return (ScsiAdapter(FIRST_FREE_SLOT, tuple(units)),) if units else ()
