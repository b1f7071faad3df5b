"""A partition's consoles, as a machine file names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypervisor.vio.configuration import (
    Backend,
    ConsoleAdapter,
    TerminalProtocol,
)

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
