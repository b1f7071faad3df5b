"""All commands of the padmin user, and how a line of them is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    changing,
    device_changes,
    device_listings,
    disk_listings,
    entstat,
    error_listings,
    general,
    listings,
    mapping,
    npiv,
    path_commands,
    storage_listings,
    volume_commands,
    volume_listings,
)
from .filters import FILTERS
from .shell import Answer, CommandGroup, pieces, run

if TYPE_CHECKING:
    from .engine import Vios

COMMANDS = general.with_help(
    CommandGroup(
        listings.commands,
        device_listings.commands,
        storage_listings.commands,
        volume_listings.commands,
        disk_listings.commands,
        volume_commands.commands,
        mapping.commands,
        changing.commands,
        device_changes.commands,
        entstat.commands,
        error_listings.commands,
        path_commands.commands,
        npiv.commands,
        general.commands,
    )
)


def carry_out(vios: Vios, line: str) -> Answer:
    """Carry out one command line."""
    return run(vios, line, COMMANDS, FILTERS)


def words(vios: Vios, line: str = "") -> list[str]:
    """What a person may want to complete behind `line`.

    Commands, where none is there yet; else that one's flags, and names of devices and media.
    """
    *before, piece = pieces(line)
    given = piece.split()
    if not given:
        return sorted(FILTERS if before else {its.name for its in COMMANDS})
    command = COMMANDS.find(given[0])
    flags = {f"-{flag}" for flag in command.flags} if command is not None else set()
    if given[0] == "help":
        return sorted(its.name for its in COMMANDS)
    return sorted(flags | names(vios))


def names(vios: Vios) -> set[str]:
    """Those of devices, pools, volumes and media."""
    state = vios.storage.state
    found = {its.name for its in vios.adapters} | {its.name for its in vios.devices}
    found |= {its.name for its in vios.targets} | vios.storage.names
    found |= {its.name for its in vios.ethernet.devices} | {"hdisk0"}
    fibre = vios.fibre_channel
    found |= {its.name for its in fibre.ports} | {its.name for its in fibre.adapters}
    return found | set(vios.paths.adapters) | {its.name for its in state.media}
