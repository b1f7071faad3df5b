"""A medium whose errors are told to the server that lends it, as well as to the client."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypervisor.scsi.backing import BackingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.scsi.backing import Backing


class Watched:
    """The `Backing` that `its` is; `tell` is called with each error, in the client's thread."""

    def __init__(self, its: Backing, tell: Callable[[BackingError], None]) -> None:
        self.its, self._tell = its, tell

    @property
    def size(self) -> int:
        return self.its.size

    @property
    def read_only(self) -> bool:
        return self.its.read_only

    def read(self, offset: int, length: int) -> bytes:
        with self._watching():
            return self.its.read(offset, length)

    def write(self, offset: int, data: bytes) -> None:
        with self._watching():
            self.its.write(offset, data)

    def flush(self) -> None:
        with self._watching():
            self.its.flush()

    def discard(self, offset: int, length: int) -> None:
        with self._watching():
            self.its.discard(offset, length)

    def close(self) -> None:
        self.its.close()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        try:
            yield
        except BackingError as wrong:
            self._tell(wrong)
            raise
