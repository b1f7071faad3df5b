"""Where things lie in a program's address space, and the calls' view of it.

Addresses are the same in each run: programs lie where Linux has them without randomization, maps
come from the top down to below the stack.

A private map of a file is a copy of what the file holds then.
"""

from __future__ import annotations

import bisect
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lx86.storage import EXECUTE, PAGE, READ, WRITE, Page

from .call import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lx86.spaces import Space
    from lx86.storage import Storage

STACK_SIZE = 8 << 20
LOWEST = 0x1_0000
"""Nothing is put below this unless it is asked for (vm.mmap_min_addr)."""

# int 0x80 with __NR_sigreturn behind a pop, and with __NR_rt_sigreturn.
SIGRETURN = bytes.fromhex("58 b877000000 cd80")
RT_SIGRETURN = bytes.fromhex("b8ad000000 cd80")
RT_SIGRETURN_OFFSET = 16


def page_up(value: int) -> int:
    return (value + PAGE - 1) & -PAGE


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a program's parts lie."""

    signal_page: int
    """Code that ends a signal handler, for programs that bring none; 0: they have to."""
    stack_top: int
    maps_top: int
    position_independent: int

    @classmethod
    def of(cls, space: Space) -> Layout:
        if space.end > 1 << 32:
            independent = 0x5555_5555_4000
            if space.hole <= independent < space.beyond:
                independent >>= 4
            return cls(0, space.end, space.end - (128 << 20), independent & -PAGE)
        stack_top = space.end - 4 * PAGE
        signal_page = space.end - PAGE if space.word == 4 else 0
        return cls(signal_page, stack_top, stack_top - STACK_SIZE - 256 * PAGE, 0x5655_5000)


@dataclass(frozen=True, slots=True)
class Label:
    """What lies in a range, for /proc/self/maps."""

    end: int
    name: bytes
    offset: int = 0


def _data(file: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where between these offsets a file may have more than zeros: a large one may have little."""
    try:
        own = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # the program may not open it again
        yield start, end
        return
    try:
        while start < end:
            first = os.lseek(own, start, os.SEEK_DATA)
            start = os.lseek(own, first, os.SEEK_HOLE)
            yield min(first, end), min(start, end)
    except OSError as refused:
        if refused.errno != errno.ENXIO:
            yield start, end
    finally:
        os.close(own)


class Memory:
    """The layout of one program's storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.end = storage.end
        self.layout = Layout.of(storage.space)
        self.brk_start = self.brk = 0
        self.read_implies_execute = False
        self.auxiliary = b""
        """The vector the program began with."""
        self.barriers = 0
        """Which barriers of membarrier(2) the program has asked for."""
        self._labels: dict[int, Label] = {}
        self._shares_files = False

    def reset(self) -> None:
        """Nothing is mapped but the signal page."""
        self.storage.unmap(0, self.end)
        self._labels.clear()
        self.brk_start = self.brk = self.barriers = 0
        if page := self.layout.signal_page:
            self.map(page, PAGE, READ | EXECUTE, b"[sigpage]")
            self.storage.load(page, SIGRETURN.ljust(RT_SIGRETURN_OFFSET, b"\0") + RT_SIGRETURN)

    def permissions(self, protection: int) -> Page:
        """What PROT_READ, PROT_WRITE and PROT_EXEC allow: the bits are the same."""
        kind = Page(protection & 7)
        if kind & WRITE:
            kind |= READ
        if kind & READ and self.read_implies_execute:
            kind |= EXECUTE
        return kind

    # -- maps ------------------------------------------------------------------------------

    def place(self, length: int, hint: int = 0) -> int:
        """A free place; raises OSError if there is none."""
        hint = hint & -PAGE
        possible = hint >= LOWEST and not self.storage.outside(hint, length)
        if possible and self.storage.is_free(hint, length):
            return hint
        found = self.storage.find_free(length, self.layout.maps_top, LOWEST)
        if found is None:
            refuse(errno.ENOMEM)
        return found

    def map(self, start: int, length: int, kind: Page, name: bytes = b"", offset: int = 0) -> None:
        self.storage.map(start, length, kind)
        self._label(start, length, name, offset)

    def map_file(
        self, start: int, length: int, kind: Page, file: int, offset: int, *, shared: bool = False
    ) -> None:
        """Pages of a file from `offset` on; those behind its end may not be touched."""
        name = os.fsencode(os.readlink(f"/proc/self/fd/{file}"))
        if shared:
            self.storage.map_shared(start, length, kind, file, offset)
        else:
            self.storage.map(start, length, kind)
            self.copy_file(start, length, file, offset)
        self._label(start, length, name, offset)
        inside = page_up(max(0, os.fstat(file).st_size - offset))
        if shared:
            self._shares_files = True
            self.storage.find_end(start, length)
        elif inside < length and os.path.isfile(f"/proc/self/fd/{file}"):
            self.storage.file_ends(start + inside, length - inside)

    def files_were_cut(self) -> None:
        """Pages that a file has no more are not to be touched, while it has not."""
        if not self._shares_files:
            return
        for start, end, kind, label in list(self.maps()):
            if kind & Page.SHARED and label and label.name.startswith(b"/"):
                self.storage.find_end(start, end - start)

    def copy_file(self, start: int, length: int, file: int, offset: int) -> None:
        """Read `length` bytes of a file, or as many as it has, to where there are zeros."""
        view = self.storage.raw(start, length)
        for first, end in _data(file, offset, offset + length):
            at = first - offset
            while got := os.preadv(file, [view[at : end - offset]], offset + at):
                at += got
        self.storage.written(start, length)

    def map_shared(self, start: int, length: int, kind: Page) -> None:
        self.storage.map_shared(start, length, kind)
        self._label(start, length, b"/dev/zero (deleted)")

    def unmap(self, start: int, length: int) -> None:
        self.storage.unmap(start, length)
        self._cut(start, start + length)

    def protect(self, start: int, length: int, kind: Page) -> None:
        for address, size, now in list(self.storage.runs(start, length)):
            if kind & WRITE and now & Page.READ_ONLY_FILE:
                refuse(errno.EACCES)
            if address != start:
                break
            start, length = start + size, length - size
            self.storage.protect(address, size, kind)
        if length:
            refuse(errno.ENOMEM)

    def is_file(self, address: int) -> bool:
        """Whether a file's content lies there (and not only its program's name)."""
        starts = [start for start, label in self._labels.items() if start <= address < label.end]
        return bool(starts) and self._labels[starts[0]].name.startswith(b"/")

    def label_at(self, address: int) -> tuple[int, Label] | None:
        """Where the range begins that an address lies in, and what is there."""
        for start, label in self._labels.items():
            if start <= address < label.end:
                return start, label
        return None

    def is_mapped(self, start: int, length: int) -> bool:
        """Whether all of these pages are there."""
        return sum(size for _, size, _ in self.storage.runs(start, length)) == length

    def set_brk(self, wanted: int) -> int:
        """Move the break as far as it goes; gives where it is."""
        old, new = page_up(self.brk), page_up(wanted)
        if wanted < self.brk_start or new > self.layout.maps_top:
            return self.brk
        if new > old:
            if self.storage.outside(old, new - old) or not self.storage.is_free(old, new - old):
                return self.brk
            self.map(old, new - old, self.permissions(3), b"[heap]")
        elif new < old:
            self.unmap(new, old - new)
        self.brk = wanted
        return wanted

    # -- labels ----------------------------------------------------------------------------

    def _label(self, start: int, length: int, name: bytes, offset: int = 0) -> None:
        self._cut(start, start + length)
        if name:
            self._labels[start] = Label(start + length, name, offset)

    def _cut(self, start: int, end: int) -> None:
        for first, label in list(self._labels.items()):
            if first < end and label.end > start:
                del self._labels[first]
                if first < start:
                    self._labels[first] = Label(start, label.name, label.offset)
                if label.end > end:
                    self._labels[end] = Label(label.end, label.name, label.offset + end - first)

    def maps(self) -> Iterator[tuple[int, int, Page, Label | None]]:
        """Start, end, permissions and label of what is mapped, in order."""
        starts = sorted(self._labels)
        for address, length, kind in self.storage.runs():
            at, end = address, address + length
            while at < end:
                n = bisect.bisect_right(starts, at) - 1
                label = self._labels[starts[n]] if n >= 0 else None
                if label and label.end <= at:
                    label = None
                until = min(end, label.end) if label else end
                if n + 1 < len(starts):
                    until = min(until, starts[n + 1])
                if label and at > starts[n]:
                    label = Label(label.end, label.name, label.offset + at - starts[n])
                yield at, until, kind, label
                at = until
