"""A partition's consoles, as a machine file names them, and the drivers its Linux needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guests.modules import (
    DISK_MODULES,
    ETHERNET_MODULES,
    FC_MODULES,
    OPTICAL_MODULES,
    SERVER_MODULES,
    SLOT_MODULES,
    SLOT_PACKAGE,
    TAPE_MODULES,
    TERMINAL_SERVER_MODULES,
)
from hypervisor.vio.configuration import (
    Backend,
    ConsoleAdapter,
    TerminalProtocol,
)

from .network_keys import ETHERNET
from .pairs import VSCSI_SERVER, VTY_SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .lines import Path as KeyPath
    from .problems import Problems

    Tables = Iterable[tuple[dict[str, Any], KeyPath]]
    """The values of each table, and where it stands."""


def console_adapters(
    tables: Tables, directory: Path, problems: Problems
) -> tuple[ConsoleAdapter, ...]:
    """Its consoles; a plain one if none is named."""
    consoles = []
    for number, (values, where) in enumerate(tables):
        backend, path = Backend.TERMINAL, ""
        if "socket" in values and "log" in values:
            problems.add((*where, "log"), "nothing: the console has a socket")
        if "socket" in values:
            backend, path = Backend.SOCKET, str((directory / values["socket"]).absolute())
        elif "log" in values:
            backend, path = Backend.FILE, str((directory / values["log"]).absolute())
        protocol = values.get("protocol", TerminalProtocol.RAW)
        consoles.append(ConsoleAdapter(ConsoleAdapter.place(number), protocol, backend, path))
    return tuple(consoles) or (ConsoleAdapter(),)


def modules_for(
    content: dict[str, Any], values: dict[str, Any], *, big_endian: bool
) -> tuple[str, ...]:
    """Those asked for, and what disks and drives need; the big-endian kernel has them all."""
    if big_endian:
        return ()
    modules = list(values.get("modules", ()))
    modules += SLOT_MODULES if SLOT_PACKAGE in values.get("packages", ()) else ()
    served = bool(values.get("vios"))
    modules += DISK_MODULES if values.get("disks") or served else ()
    modules += OPTICAL_MODULES if values.get("cdroms") or served else ()
    modules += TAPE_MODULES if values.get("tapes") or served else ()
    modules += SERVER_MODULES if content.get(VSCSI_SERVER.name) else ()
    modules += FC_MODULES if values.get("fc") else ()
    modules += TERMINAL_SERVER_MODULES if content.get(VTY_SERVER.name) else ()
    modules += ETHERNET_MODULES if content.get(ETHERNET.name) else ()
    return tuple(modules)
