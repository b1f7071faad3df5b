"""The file a partition is saved in: named sections, compressed in blocks, all of it checked.

    header    magic, format, where the table lies, SHA-256 of the table; zeros up to 4096
    blocks    the sections one behind the other, in blocks of 1 MiB, each compressed for itself
              (Zstandard) or stored as it is
    table     for each section its name, length and encoding, and for each of its blocks the
              stored length and SHA-256; the file ends with it

Not a byte of a file is believed before every digest was compared, and no size before it was held
against the file's own.  A file is written beside its place and moved there when it is whole.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import struct
from concurrent.futures import Future, ThreadPoolExecutor, wait
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from emu.state import StateError
from emu.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    Progress = Callable[[float], None]
    """Told now and then which part of the work is done, 0 to 1."""

MAGIC = b"\x89PYPHYP\n"
FORMAT = 22
STORAGE = "storage"
"""The section that is most of a file."""
DATA_AT = 4096
BLOCK_BYTES = 1 << 20
_HEADER = struct.Struct(">8sIIQQ32s")
_SECTION = struct.Struct(">16sQII")
_BLOCK = struct.Struct(">I32s")
_SECTIONS_AT_MOST = 64
_LEVEL = 1
_WORKERS = 4
_LAID_OUT_AT_MOST = 64
"""Blocks of a section that a file in memory may hold besides, decompressed."""
_POLL = 0.05
"""Seconds between two looks at how far a file is verified."""


class SaveFileError(StateError):
    """A file that holds no saved partition, or none this version can read."""


class Encoding(IntEnum):
    """How the blocks of a section are stored."""

    PLAIN = 0
    ZSTANDARD = 1


@frozen
class Content:
    """A section to be written: its bytes, in pieces of any length."""

    name: str
    pieces: Sequence[bytes | memoryview]

    @property
    def length(self) -> int:
        return sum(len(piece) for piece in self.pieces)


# -- writing ---------------------------------------------------------------------------------


def write(
    path: Path,
    contents: Sequence[Content],
    encoding: Encoding = Encoding.ZSTANDARD,
    progress: Progress = lambda done: None,
) -> None:
    """Save `contents` to `path`, whole or not at all; the first starts on a page."""
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, contents, encoding, progress)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write(
    file: BinaryIO, contents: Sequence[Content], encoding: Encoding, progress: Progress
) -> None:
    total, done = sum(content.length for content in contents) or 1, 0
    table = [struct.pack(">I", len(contents))]
    file.seek(DATA_AT)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for content in contents:
            count = -(-content.length // BLOCK_BYTES)
            name = content.name.encode()
            table.append(_SECTION.pack(name, content.length, encoding, count))
            encode = _compressed if encoding is Encoding.ZSTANDARD else _plain
            for stored, digest, length in _ahead(pool, encode, _blocks(content.pieces)):
                file.write(stored)
                table.append(_BLOCK.pack(len(stored), digest))
                done += length
                progress(done / total)
    table_at, packed = file.tell(), b"".join(table)
    file.write(packed)
    digest = hashlib.sha256(packed).digest()
    file.seek(0)
    file.write(_HEADER.pack(MAGIC, FORMAT, 0, table_at, len(packed), digest))


def _ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[bytes], tuple[bytes, bytes, int]],
    items: Iterator[bytes],
) -> Iterator[tuple[bytes, bytes, int]]:
    """The results of `work` in order, a bounded number of them in the making."""
    waiting = []
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > 2 * _WORKERS:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _blocks(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    parts: list[bytes | memoryview] = []
    room = BLOCK_BYTES
    for piece in pieces:
        at = 0
        while at < len(piece):
            part = piece[at : at + room]
            parts.append(part)
            at += len(part)
            room -= len(part)
            if not room:
                yield b"".join(parts)
                parts, room = [], BLOCK_BYTES
    if parts:
        yield b"".join(parts)


def _compressed(block: bytes) -> tuple[bytes, bytes, int]:
    stored = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(block)
    return stored, hashlib.sha256(stored).digest(), len(block)


def _plain(block: bytes) -> tuple[bytes, bytes, int]:
    return block, hashlib.sha256(block).digest(), len(block)


# -- reading ---------------------------------------------------------------------------------


@frozen
class _Block:
    at: int
    stored: int
    digest: bytes
    length: int


class Section:
    """One section of an open file."""

    def __init__(
        self,
        name: str,
        length: int,
        encoding: Encoding,
        blocks: list[_Block],
        file: int,
        data: mmap.mmap,
    ) -> None:
        self.name, self.length, self.encoding = name, length, encoding
        self._blocks, self._file, self._data = blocks, file, data
        self._laid_out: tuple[int, list[Future[None]]] | None = None

    def lay_out(self) -> None:
        """Begin to decompress it into a file in memory, unless it is a large one."""
        if self.encoding is not Encoding.PLAIN and len(self._blocks) <= _LAID_OUT_AT_MOST:
            file = os.memfd_create("section", os.MFD_CLOEXEC)
            pool = ThreadPoolExecutor(_WORKERS)
            written = [pool.submit(self._write_to, file, n) for n in range(len(self._blocks))]
            pool.shutdown(wait=False)
            self._laid_out = file, written

    def _write_to(self, file: int, number: int) -> None:
        content, at = memoryview(self._content(self._blocks[number])), number * BLOCK_BYTES
        while content:
            written = os.pwrite(file, content, at)
            content, at = content[written:], at + written

    def as_file(self) -> tuple[int, int] | None:
        """A descriptor and where in its file the content begins, if there is such a file.

        The descriptor is the section's, to be used before `SaveFile.close`.  Raises
        `MemoryError` where the host has no room for such a file.
        """
        if self.encoding is Encoding.PLAIN:
            return self._file, self._blocks[0].at if self._blocks else DATA_AT
        if self._laid_out is None:
            return None
        file, written = self._laid_out
        try:
            for block in written:
                block.result()
        except OSError as wrong:
            raise MemoryError(f"section {self.name!r} in memory: {wrong.strerror}") from None
        return file, 0

    def close(self) -> None:
        """The content can still be read."""
        if self._laid_out is not None:
            file, written = self._laid_out
            self._laid_out = None
            wait(written)
            os.close(file)

    def blocks(self) -> Iterator[bytes]:
        """The content, a block at a time, decompressed on several threads."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            for start in range(0, len(self._blocks), 4 * _WORKERS):
                yield from pool.map(self._content, self._blocks[start : start + 4 * _WORKERS])

    def read(self, limit: int) -> bytes:
        """All of the content; `SaveFileError` where it is longer than `limit`."""
        if self.length > limit:
            raise SaveFileError(f"section {self.name!r} of {self.length} bytes: too large")
        return b"".join(self.blocks())

    def damaged(self) -> Iterator[Callable[[], bool]]:
        """For each block a question to ask, on any thread."""
        for block in self._blocks:
            yield lambda block=block: self._damaged(block)  # type: ignore[misc]

    def _damaged(self, block: _Block) -> bool:
        with memoryview(self._data) as data, data[block.at : block.at + block.stored] as stored:
            return hashlib.sha256(stored).digest() != block.digest

    def _content(self, block: _Block) -> bytes:
        stored = self._data[block.at : block.at + block.stored]
        if self.encoding is Encoding.PLAIN:
            return stored
        try:
            if zstandard.frame_content_size(stored) != block.length:
                raise SaveFileError(f"a block of section {self.name!r} has the wrong length")
            content = zstandard.ZstdDecompressor().decompress(stored, allow_extra_data=False)
        except zstandard.ZstdError as wrong:
            raise SaveFileError(f"section {self.name!r}: {wrong}") from None
        if len(content) != block.length:
            raise SaveFileError(f"a block of section {self.name!r} has the wrong length")
        return content


class SaveFile:
    """A file that was verified from end to end; `close` it, or use it in `with`.

    Sections can be read while it is open.
    """

    def __init__(self, path: Path, progress: Progress = lambda done: None) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(self._file)
            if not stat.S_ISREG(status.st_mode) or status.st_size < DATA_AT:
                raise SaveFileError("this is no saved partition")
            self._data = mmap.mmap(self._file, status.st_size, prot=mmap.PROT_READ)
            self.sections = {s.name: s for s in self._sections(status.st_size)}
            self._verify(progress)
        except SaveFileError as wrong:
            os.close(self._file)
            raise SaveFileError(f"{path}: {wrong}") from None
        except BaseException:
            os.close(self._file)
            raise

    def close(self) -> None:
        """The sections need no descriptor and can still be read."""
        for section in self.sections.values():
            section.close()
        os.close(self._file)

    def section(self, name: str) -> Section:
        if (section := self.sections.get(name)) is None:
            raise SaveFileError(f"it has no section {name!r}")
        return section

    def _sections(self, size: int) -> Iterator[Section]:
        magic, version, zero, at, length, digest = _HEADER.unpack_from(self._data)
        if magic != MAGIC:
            raise SaveFileError("this is no saved partition")
        if version != FORMAT:
            age = "a newer" if version > FORMAT else "an older"
            raise SaveFileError(f"format {version}, of {age} pyphyp; this one reads {FORMAT}")
        if zero or any(self._data[_HEADER.size : DATA_AT]):
            raise SaveFileError("it is damaged: the header")
        if at < DATA_AT or at + length != size:
            raise SaveFileError("it is cut or damaged: its length is not what it says")
        table = self._data[at:]
        if hashlib.sha256(table).digest() != digest:
            raise SaveFileError("it is damaged: the table of its sections")
        yield from self._parsed(table, at)

    def _parsed(self, table: bytes, end: int) -> Iterator[Section]:
        try:
            (count,) = struct.unpack_from(">I", table)
            at, data_at = 4, DATA_AT
            if count > _SECTIONS_AT_MOST:
                raise SaveFileError(f"{count} sections: too many")
            for _ in range(count):
                name, length, encoding, blocks = _SECTION.unpack_from(table, at)
                at += _SECTION.size
                if blocks != -(-length // BLOCK_BYTES) or at + blocks * _BLOCK.size > len(table):
                    raise SaveFileError("its table contradicts itself")
                parsed = []
                for number in range(blocks):
                    stored, digest = _BLOCK.unpack_from(table, at)
                    rest = min(BLOCK_BYTES, length - number * BLOCK_BYTES)
                    if encoding == Encoding.PLAIN and stored != rest:
                        raise SaveFileError("its table contradicts itself")
                    parsed.append(_Block(data_at, stored, digest, rest))
                    at, data_at = at + _BLOCK.size, data_at + stored
                text = name.rstrip(b"\0").decode()
                yield Section(text, length, Encoding(encoding), parsed, self._file, self._data)
        except (struct.error, ValueError):
            raise SaveFileError("its table contradicts itself") from None
        if at != len(table) or data_at != end:
            raise SaveFileError("its table contradicts itself")

    def _verify(self, progress: Progress) -> None:
        questions = [(s, ask) for s in self.sections.values() for ask in s.damaged()]
        with ThreadPoolExecutor(_WORKERS) as pool:
            answers = pool.map(lambda question: question[1](), questions)
            for number, damaged in enumerate(answers, 1):
                section = questions[number - 1][0]
                if damaged:
                    raise SaveFileError(f"it is damaged: section {section.name!r}")
                progress(number / len(questions))


class Opening:
    """A file that a thread opens, verifies and begins to read, while its owner does other work.

    Whoever asks for the file closes it; if nobody asks, it is open until the process ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._done = 0.0
        pool = ThreadPoolExecutor(1)
        self._file = pool.submit(self._open, path)
        pool.shutdown(wait=False)

    def _open(self, path: Path) -> SaveFile:
        file = SaveFile(path, self._step)
        if STORAGE in file.sections:
            file.sections[STORAGE].lay_out()
        return file

    def _step(self, done: float) -> None:
        self._done = done

    def file(self, progress: Progress = lambda done: None) -> SaveFile:
        """The file, verified; raises what `SaveFile` raises."""
        while True:
            try:
                return self._file.result(_POLL)
            except TimeoutError:
                if self._file.done():
                    raise
                progress(self._done)
