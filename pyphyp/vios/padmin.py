"""All commands of the padmin user, and how a line of them is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    changing,
    device_listings,
    disk_listings,
    entstat,
    error_listings,
    general,
    listings,
    mapping,
    npiv,
    path_commands,
    sea,
    storage_listings,
    volume_commands,
    volume_listings,
)
from .shell import Answer, CommandGroup, run

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
        sea.commands,
        entstat.commands,
        error_listings.commands,
        path_commands.commands,
        npiv.commands,
        general.commands,
    )
)


def carry_out(vios: Vios, line: str) -> Answer:
    """Carry out one command line."""
    return run(vios, line, COMMANDS)


def words(vios: Vios) -> list[str]:
    """What a person may want to complete: commands, flags, and names of devices and media."""
    flags = {f"-{flag}" for command in COMMANDS for flag in command.flags}
    state = vios.storage.state
    names = {its.name for its in vios.adapters} | {its.name for its in vios.devices}
    names |= {its.name for its in vios.targets} | {its.name for its in vios.storage.pools}
    names |= {its.name for its in vios.ethernet.devices} | {"hdisk0"}
    names |= set(vios.paths.adapters)
    fibre = vios.fibre_channel
    names |= {its.name for its in fibre.ports} | {its.name for its in fibre.adapters}
    names |= {its.name for its in state.devices} | {its.name for its in state.media}
    return sorted({command.name for command in COMMANDS} | flags | names)
