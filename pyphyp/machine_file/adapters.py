"""A partition's consoles and Ethernet adapters, as a machine file names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypervisor.vio.configuration import (
    FIRST_FREE_SLOT,
    Backend,
    ConsoleAdapter,
    EthernetAdapter,
    TerminalProtocol,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .lines import Path as KeyPath
    from .problems import Problems

    Tables = Sequence[tuple[dict[str, Any], KeyPath]]
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


def ethernet_adapters(tables: Tables, problems: Problems) -> tuple[EthernetAdapter, ...]:
    """Its virtual Ethernet adapters, in the slots behind the disks'."""
    adapters = []
    for slot, (values, where) in enumerate(tables, start=FIRST_FREE_SLOT + 1):
        try:
            mac = bytes.fromhex(values.pop("mac", "").replace(":", ""))
            adapters.append(EthernetAdapter(slot, address=mac, **values))
        except ValueError as wrong:
            problems.add(where, str(wrong))
    return tuple(adapters)
