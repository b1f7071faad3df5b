"""A partition's NVRAM in a file: there for its next run, on this machine or another.

The file is the NVRAM's bytes and nothing else.  It is written when the guest has stored something:
at the end of a run, and while it runs, at most once a second.  Of two runs over one file at the
same time, the last to write wins.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from firmware.nvram import NVRAM_BYTES, Nvram

from .replacing import check_replaceable, replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAST_SECONDS = 1.0
"""Of the host's time, between two writes while a guest runs."""


class NvramFileError(Exception):
    """The file cannot be used; the message says why."""


class NvramFile:
    """The file at `path` and the NVRAM that was read from it.

    A file that is not there yet is made.  `NvramFileError` where it cannot be read or written, or
    does not hold an NVRAM.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        try:
            check_replaceable(path)
            size = path.stat().st_size if path.exists() else NVRAM_BYTES
            if size != NVRAM_BYTES:
                raise NvramFileError(
                    f"{path} holds {size} bytes: an NVRAM has {NVRAM_BYTES}.  A file that is not "
                    "there is made"
                )
            content = path.read_bytes() if path.exists() else None
        except OSError as wrong:
            raise self._error("used", wrong) from None
        self.nvram = Nvram(content)
        self._written_stores = 0
        self._written_at = clock()
        if content is None:
            self._write()

    def follow(self, nvram: Nvram) -> None:
        """From now on keep `nvram`, which replaces the one that was read from the file."""
        self.nvram, self._written_stores = nvram, -1

    def save(self, *, if_due: bool = False) -> None:
        """Write what the guest has stored; raises `NvramFileError`.

        With `if_due` nothing is written where that was done a moment ago, and an error is put off
        to the next `save`: a full disk need not end a guest that runs.
        """
        if not self.changed or (if_due and self._clock() - self._written_at < LEAST_SECONDS):
            return
        try:
            self._write()
        except NvramFileError:
            if not if_due:
                raise
            self._written_at = self._clock()

    @property
    def changed(self) -> bool:
        """Whether the guest has stored something that is not in the file."""
        return self.nvram.stores != self._written_stores

    def _write(self) -> None:
        stores, content = self.nvram.stores, self.nvram.content
        try:
            with replacing(self.path) as file:
                file.write(content)
        except OSError as wrong:
            raise self._error("written", wrong) from None
        self._written_stores, self._written_at = stores, self._clock()

    def _error(self, what: str, wrong: OSError) -> NvramFileError:
        reason = wrong.strerror or str(wrong)
        return NvramFileError(f"NVRAM cannot be {what}: {self.path}: {reason}")
