"""From one descriptor to another: splice and its kin."""

from __future__ import annotations

import errno
import os
import select
from typing import TYPE_CHECKING

from lx86.linux.call import CallGroup, refuse
from lx86.linux.host import checked, lib
from lx86.linux.structures import vectors
from lx86.storage import READ, WRITE

from .transfer import MOST, until, views_of, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.linux.call import Waiting
    from lx86.linux.thread import Thread

calls = CallGroup()
_SPLICE_FLAGS = 0xF


def _places(thread: Thread, *addresses: int) -> list[int | None]:
    """The offsets that a program gives by address; None where it gives none."""
    storage = thread.process.storage
    return [
        int.from_bytes(storage.view(at, 8, WRITE), "little") if at else None for at in addresses
    ]


def _moved(
    thread: Thread, addresses: tuple[int, ...], places: list[int | None], move: Callable[[], int]
) -> int:
    """What `move` gives; the offsets go on by that."""
    try:
        done = move()
    except OverflowError:
        refuse(errno.EINVAL)
    for at, start in zip(addresses, places, strict=True):
        if start is not None:
            thread.process.storage.write(at, (start + done).to_bytes(8, "little"))
    return done


@calls.define(313, "splice", "fpfpux")
def splice(
    thread: Thread, source: int, source_offset: int, out: int, offset: int, count: int, flags: int
) -> Waiting:
    visible(thread, out)
    places = _places(thread, source_offset, offset)
    yield from until(thread, source, select.POLLIN)
    return _moved(
        thread, (source_offset, offset), places,
        lambda: os.splice(source, out, min(count, MOST), places[0], places[1], flags & 0xF),
    )  # fmt: skip


@calls.define(377, "copy_file_range", "fpfpux")
def copy_file_range(
    thread: Thread, source: int, source_offset: int, out: int, offset: int, count: int, flags: int
) -> int:
    if flags:
        refuse(errno.EINVAL)
    files = visible(thread, source), visible(thread, out)
    places = _places(thread, source_offset, offset)
    return _moved(
        thread, (source_offset, offset), places,
        lambda: os.copy_file_range(*files, min(count, MOST), *places),
    )  # fmt: skip


@calls.define(315, "tee", "ffux")
def tee(thread: Thread, source: int, out: int, count: int, flags: int) -> Waiting:
    if flags & ~_SPLICE_FLAGS:
        refuse(errno.EINVAL)
    visible(thread, out)
    yield from until(thread, source, select.POLLIN)
    return checked(lib.tee(source, out, min(count, MOST), flags))


@calls.define(316, "vmsplice", "fpux")
def vmsplice(thread: Thread, file: int, vector: int, count: int, flags: int) -> Waiting:
    """Bytes are copied: the pipe holds none of the program's pages."""
    if flags & ~_SPLICE_FLAGS:
        refuse(errno.EINVAL)
    pieces = vectors(thread.process.storage, vector, count)
    yield from until(thread, file, select.POLLOUT)
    return os.writev(visible(thread, file), views_of(thread, pieces, READ))


@calls.define(314, "sync_file_range", "fllx")
def sync_file_range(thread: Thread, file: int, offset: int, length: int, flags: int) -> int:
    return checked(lib.sync_file_range(visible(thread, file), offset, length, flags))
