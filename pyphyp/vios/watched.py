"""A medium that is reached by paths, and whose errors are told to the server that lends it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypervisor.scsi.backing import BackingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.scsi.backing import Backing


class Watched:
    """The `Backing` that `its` is.

    `check` is called before it is used, and may raise `BackingError`; `tell` with each error.
    Both are called in the client's thread.
    """

    def __init__(
        self,
        its: Backing,
        check: Callable[[], None],
        tell: Callable[[BackingError], None] = lambda wrong: None,
    ) -> None:
        self.its, self._check, self._tell = its, check, tell

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
            self._check()
            yield
        except BackingError as wrong:
            self._tell(wrong)
            raise
