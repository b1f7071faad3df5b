"""A partition's state as a whole: gathered, written to a file, read and taken over again.

The records come from the parts themselves (`emu.state`); this module knows only which parts there
are.  Bulk data are sections of their own: the storage's pages with the layout that says where they
belong, and what was booted.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Protocol

from emu.memory import MIB, Memory, Piece, StorageError
from emu.state import StateError, Ticks, check, plain, rebuild, record
from emu.values import frozen
from firmware.claims import ClaimError
from firmware.firmware_state import FirmwareState
from hypervisor.abi import MAXIMUM_PROCESSORS
from hypervisor.configuration import PartitionConfiguration
from hypervisor.partition import PartitionState
from hypervisor.san.definition import SanDefinition
from hypervisor.vfc.waiting import VfcState
from hypervisor.vio.vscsi import VscsiState

from . import starts
from .compose import compose
from .media import Media
from .raw_file import MediaError
from .savefile import STORAGE, Content, Encoding, Opening, SaveFile, SaveFileError, write
from .starts import Deferred, StartState
from .stats import Stats
from .transcript import TranscriptState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .compose import Composition
    from .media import MediaLibrary
    from .network import Network
    from .savefile import Progress, Section
    from .starts import Reader
    from .storage_network import StorageNetwork

STATE = "state"
LAYOUT = "layout"
PAGE_TABLE, PAGE_TABLE_LAYOUT = "page table", "table layout"
_KNOWN = frozenset(
    {STATE, STORAGE, LAYOUT, PAGE_TABLE, PAGE_TABLE_LAYOUT}
    | {starts.KERNEL, starts.INITRD, starts.PROGRAM}
)
_STATE_LIMIT = 64 * MIB
_PIECE = struct.Struct(">QQ")
_PIECES_MAPPED = 8192
"""A host has room for 65,530 mappings a process."""
_PAGE = 4096


@record
class RunState:
    """What is kept of a partition from one boot to the next."""

    boots: Ticks
    epoch: int
    seed: int
    reboot: bool
    past: Stats
    consoles: dict[int, TranscriptState]
    """By virtual slot."""
    start: StartState


@record
class SavedState:
    """Everything but bulk data."""

    configuration: PartitionConfiguration
    partition: PartitionState
    firmware: FirmwareState
    scsi_servers: tuple[VscsiState, ...]
    fc_servers: tuple[VfcState, ...]
    san: SanDefinition
    run: RunState


class Filler(Protocol):
    """Puts the saved bytes into empty storage."""

    def fill(self, memory: Memory) -> None: ...


@frozen
class Saved:
    """A saved partition, ready to be taken over any number of times."""

    state: SavedState
    storage: Filler
    page_table: Filler | None
    sections: dict[str, Reader]

    @property
    def start(self) -> Deferred | None:
        """What the guest boots again when it asks for it."""
        return Deferred(self.state.run.start, self.sections) if self.sections else None

    def media(self, library: MediaLibrary) -> Media:
        """The logical units of its adapters; `StateError` where they cannot be had."""
        try:
            return Media(self.state.configuration, library)
        except MediaError as wrong:
            raise StateError(str(wrong)) from None

    def composed(
        self,
        media: Media | None = None,
        network: Network | None = None,
        storage_network: StorageNetwork | None = None,
    ) -> Composition:
        """A partition that is the saved one; `StateError` where that cannot be.

        `media` are those of the saved configuration, with the contents they had;
        `network` has the switches, `storage_network` the fabrics.
        """
        configuration, adapters = self.state.configuration, self.state.partition.virtual_io
        try:
            composition = compose(
                configuration,
                epoch=0,
                seed=0,
                media=media,
                network=network,
                storage_network=storage_network,
                unowned={its.slot for its in configuration.adapters} - adapters.owned,
            )
        except MediaError as wrong:
            raise StateError(str(wrong)) from None
        try:
            servers = self.state.scsi_servers
            check(len(servers) == len(composition.scsi_servers), "other SCSI adapters than here")
            for server, its in zip(composition.scsi_servers, servers, strict=True):
                server.restore(its)
            fc_servers = self.state.fc_servers
            check(len(fc_servers) == len(composition.fc_servers), "other fabrics than here")
            for fc_server, login in zip(composition.fc_servers, fc_servers, strict=True):
                fc_server.restore(login)
            self.storage.fill(composition.partition.memory)
            composition.firmware.restore(self.state.firmware)
            composition.partition.restore(self.state.partition)
            if (table := composition.partition.page_table) is not None:
                check(self.page_table is not None, "the hashed page table is missing")
                assert self.page_table is not None
                self.page_table.fill(table.content)
        except BaseException as wrong:
            composition.close()
            if isinstance(wrong, (StorageError, ClaimError)):
                raise StateError(str(wrong)) from None
            raise
        return composition


# -- copies in memory ------------------------------------------------------------------------


@frozen
class _Shared:
    """The storage of a partition that goes on running."""

    original: Memory

    def fill(self, memory: Memory) -> None:
        self.original.share_with(memory)


@frozen
class _Bytes:
    content: bytes

    def read(self, limit: int) -> bytes:
        return self.content


def snapshot(composition: Composition, run: RunState, files: dict[str, bytes]) -> Saved:
    """A copy of a partition as it is; to be taken over before it runs on."""
    state = rebuild(SavedState, plain(_gather(composition, run)))
    sections: dict[str, Reader] = {name: _Bytes(content) for name, content in files.items()}
    table = composition.partition.page_table
    return Saved(
        state,
        _Shared(composition.partition.memory),
        None if table is None else _Shared(table.content),
        sections,
    )


def _gather(composition: Composition, run: RunState) -> SavedState:
    partition = composition.partition
    return SavedState(
        composition.adapters.configuration,
        partition.state(),
        composition.firmware.state(),
        tuple(server.state() for server in composition.scsi_servers),
        tuple(server.state() for server in composition.fc_servers),
        composition.adapters.san,
        run,
    )


# -- files -----------------------------------------------------------------------------------


def save(
    path: Path,
    composition: Composition,
    run: RunState,
    files: dict[str, bytes],
    *,
    compress: bool,
    progress: Progress,
) -> None:
    """Write a partition to `path`."""
    partition = composition.partition
    state = json.dumps(plain(_gather(composition, run)), separators=(",", ":"))
    memories = [(STORAGE, LAYOUT, partition.memory)]
    if partition.page_table is not None:
        memories.append((PAGE_TABLE, PAGE_TABLE_LAYOUT, partition.page_table.content))
    contents, layouts = [], []
    for name, layout, memory in memories:
        pieces = memory.pieces_in_use(joined=not compress)
        contents.append(Content(name, [memory.view(piece) for piece in pieces]))
        packed = b"".join(_PIECE.pack(p.address, p.length) for p in pieces)
        layouts.append(Content(layout, [packed]))
    contents += [
        *layouts,
        Content(STATE, [state.encode()]),
        *(Content(name, [content]) for name, content in files.items()),
    ]
    write(path, contents, Encoding.ZSTANDARD if compress else Encoding.PLAIN, progress)


class _Stored:
    """The storage, or the page table, as a file has it: its bytes and where they belong."""

    def __init__(self, file: SaveFile, name: str, layout_name: str, memory_bytes: int) -> None:
        self._section: Section = file.section(name)
        layout = file.section(layout_name)
        packed = layout.read(_PIECE.size * (memory_bytes // _PAGE))
        check(len(packed) % _PIECE.size == 0, f"the layout of the {name} is no list of pieces")
        self._pieces = [Piece(*numbers) for numbers in _PIECE.iter_unpack(packed)]
        end = 0
        for piece in self._pieces:
            valid = piece.length > 0 and not (piece.length | piece.address) % _PAGE
            check(valid and piece.address >= end, f"pieces of the {name} are out of order")
            end = piece.address + piece.length
        check(end <= memory_bytes, f"{end:#x} bytes of {name} do not fit {memory_bytes:#x}")
        total = sum(piece.length for piece in self._pieces)
        check(total == self._section.length, f"the layout does not fit the {name}")

    def fill(self, memory: Memory) -> None:
        section = self._section
        found = section.as_file() if len(self._pieces) <= _PIECES_MAPPED else None
        if found is not None:
            file, offset = found
            memory.map_file(file, self._pieces, offset)
            return
        for address, content in _placed(self._pieces, section.blocks()):
            memory.load(address, content)


def _placed(pieces: Sequence[Piece], blocks: Iterator[bytes]) -> Iterator[tuple[int, memoryview]]:
    """The content of `blocks`, cut where it goes to another piece."""
    block = memoryview(b"")
    for piece in pieces:
        address, end = piece.address, piece.address + piece.length
        while address < end:
            if not block:
                block = memoryview(next(blocks))
            content = block[: end - address]
            yield address, content
            address += len(content)
            block = block[len(content) :]


class SavedPartition:
    """A partition in a file, verified; `close` it, or use it in `with`."""

    def __init__(self, source: Path | Opening, progress: Progress = lambda done: None) -> None:
        if isinstance(source, Opening):
            self.path, self._file = source.path, source.file(progress)
        else:
            self.path, self._file = source, SaveFile(source, progress)
        try:
            self.saved = self._read()
        except (SaveFileError, StateError) as wrong:
            self._file.close()
            raise SaveFileError(f"{self.path}: {wrong}") from None

    def _read(self) -> Saved:
        unknown = ", ".join(sorted(self._file.sections.keys() - _KNOWN))
        check(not unknown, f"sections this pyphyp does not know: {unknown}")
        try:
            text = self._file.section(STATE).read(_STATE_LIMIT)
            state = rebuild(SavedState, json.loads(text))
        except (ValueError, RecursionError):
            raise StateError("its state is no JSON text") from None
        configuration = state.configuration
        size, processors = configuration.memory_bytes, configuration.virtual_processors
        check(size > 0 and size % _PAGE == 0, f"storage of {size} bytes")
        check(1 <= processors <= MAXIMUM_PROCESSORS, f"{processors} virtual processors")
        slots = {its.slot for its in configuration.consoles}
        check(state.run.consoles.keys() == slots, "consoles that are none of the partition's")
        files: dict[str, Reader] = {
            name: self._file.section(name)
            for name in (starts.KERNEL, starts.INITRD, starts.PROGRAM)
            if name in self._file.sections
        }
        storage, table = _Stored(self._file, STORAGE, LAYOUT, size), None
        if (saved_table := state.partition.page_table) is not None:
            table_bytes = 1 << saved_table.shift
            table = _Stored(self._file, PAGE_TABLE, PAGE_TABLE_LAYOUT, table_bytes)
        return Saved(state, storage, table, files)

    def of_number(self, number: int) -> Saved:
        """What was saved, if of that partition."""
        its = self.saved.state.configuration.number
        check(number == its, f"{self.path} is of partition number {its}; this is {number}")
        return self.saved

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> SavedPartition:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
