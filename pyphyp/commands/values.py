"""What the options of commands can be given: sizes, times, places, addresses, files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from emu.values import frozen
from hypervisor.vio.configuration import Backend, ConsoleAdapter, TerminalProtocol
from pyphyp.memory_size import memory_size
from pyphyp.places import PlaceError
from pyphyp.places import needs_symbols as check_place

if TYPE_CHECKING:
    from hypervisor.network.shared_ethernet import SharedEthernet
    from pyphyp.disk_files import DiskFile

TRACE_KINDS = ("hcall", "rtas", "of", "irq", "insn")
ALL_BUT_INSTRUCTIONS = TRACE_KINDS[:-1]
PLACED_KINDS = ("insn", "mem", "load", "store")
"""What can be traced at places."""


class MemorySize(click.ParamType):  # type: ignore[type-arg]
    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            return memory_size(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class DiskSize(click.ParamType):  # type: ignore[type-arg]
    """Bytes, in whole blocks."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from hypervisor.scsi.disk import BLOCK
        from pyphyp.memory_size import byte_count

        try:
            size = byte_count(value) if isinstance(value, str) else value
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)
        if size < BLOCK or size % BLOCK:
            self.fail(f"a disk of {value}: it has whole blocks of {BLOCK} bytes", param, ctx)
        return size


class Epoch(click.ParamType):  # type: ignore[type-arg]
    """Seconds since 1970, or a date and time."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int) or value.isdecimal():
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time: 1700000000 or 2026-01-31T12:00:00, for example, would be",
                param,
                ctx,
            )
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@frozen
class Traced:
    """What is to be traced: everywhere, and at places."""

    kinds: frozenset[str]
    places: tuple[tuple[str, str], ...] = ()


class TraceKinds(click.ParamType):  # type: ignore[type-arg]
    name = "kinds"

    def convert(
        self, value: str | Traced, param: click.Parameter | None, ctx: click.Context | None
    ) -> Traced:
        if isinstance(value, Traced):
            return value
        words = [word.strip() for word in value.split(",") if word.strip()]
        placed = [word.partition(":") for word in words if ":" in word]
        kinds = {word for word in words if ":" not in word}
        if "all" in kinds:
            kinds = kinds - {"all"} | set(TRACE_KINDS)
        unknown = kinds - {*TRACE_KINDS, *PLACED_KINDS}
        unknown |= {f"{kind}:" for kind, _, _ in placed if kind not in PLACED_KINDS}
        if unknown or not words:
            self.fail(
                f"nothing is called {', '.join(sorted(unknown))!r}: {', '.join(TRACE_KINDS)}, "
                f"or all; {':, '.join(PLACED_KINDS)}: with a place",
                param,
                ctx,
            )
        places = tuple((kind, place) for kind, _, place in placed)
        try:
            for _, place in places:
                check_place(place)
        except PlaceError as wrong:
            self.fail(str(wrong), param, ctx)
        return Traced(frozenset(kinds), places)


class GdbAddress(click.ParamType):  # type: ignore[type-arg]
    """[HOST:]PORT to listen on."""

    name = "address"

    def convert(
        self,
        value: str | tuple[str, int],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            self.fail(f"{value!r} is no address: 1234 or 127.0.0.1:1234, for example", param, ctx)
        return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


class Network(click.ParamType):  # type: ignore[type-arg]
    """A way to the outside."""

    name = "network"

    def convert(
        self,
        value: str | SharedEthernet,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> SharedEthernet:
        from pyphyp.outside.words import shared_ethernet

        if not isinstance(value, str):
            return value
        try:
            return shared_ethernet(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class ConsoleWords(click.ParamType):  # type: ignore[type-arg]
    """How a guest speaks with a console, and where that goes: `hvsi,socket=PATH`."""

    name = "console"

    def convert(
        self,
        value: str | ConsoleAdapter,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> ConsoleAdapter:
        """A console in slot 0: who has all of them places them."""
        if isinstance(value, ConsoleAdapter):
            return value
        protocol, backend, path = TerminalProtocol.RAW, Backend.TERMINAL, ""
        for word in value.split(","):
            name, _, place = word.partition("=")
            if word in _PROTOCOLS:
                protocol = TerminalProtocol(word)
            elif name in _BACKENDS and bool(place) == (name in _WITH_PATH):
                backend, path = Backend(name), os.path.abspath(place) if place else ""
            else:
                self.fail(
                    f"{word!r}: one of {', '.join(_CONSOLE_WORDS)} would be right", param, ctx
                )
        return ConsoleAdapter(0, protocol, backend, path)


_PROTOCOLS = [protocol.value for protocol in TerminalProtocol]
_BACKENDS = [backend.value for backend in Backend]
_WITH_PATH = (Backend.SOCKET.value, Backend.FILE.value)
_CONSOLE_WORDS = (
    *_PROTOCOLS,
    *(f"{name}=PATH" if name in _WITH_PATH else name for name in _BACKENDS),
)


class ByteCount(click.ParamType):  # type: ignore[type-arg]
    """A size such as 10K, from `least` to `most` bytes."""

    name = "size"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from pyphyp.memory_size import byte_count

        if isinstance(value, int):
            return value
        try:
            size = byte_count(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)
        if not self._least <= size <= self._most:
            self.fail(f"{value}: {self._least} to {self._most} bytes", param, ctx)
        return size


class DiskFileName(click.ParamType):  # type: ignore[type-arg]
    """FILE[,ro][,shared][,raw|,qcow2]."""

    name = "file"

    def convert(
        self, value: str | DiskFile, param: click.Parameter | None, ctx: click.Context | None
    ) -> DiskFile:
        from pyphyp.disk_files import parse_disk_file
        from pyphyp.raw_file import MediaError

        if not isinstance(value, str):
            return value
        try:
            return parse_disk_file(value)
        except MediaError as wrong:
            self.fail(str(wrong), param, ctx)
