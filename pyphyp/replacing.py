"""Files that are written whole or not at all.

What is written goes to a new file beside the old one, which takes its name at the end.  A process
killed at any moment leaves the old file or the new one, and perhaps a `.part` file beside it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


def check_replaceable(path: Path) -> None:
    """Raise `OSError` if `path` cannot be written as `replacing` does it; changes nothing."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is no ordinary file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no directory {target.parent}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"files in {target.parent} may not be written")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file for `path` to write to; it replaces the old one when the block ends well.

    Links are followed, and the old file's permissions kept.  Raises `OSError`.
    """
    check_replaceable(path)
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _keep_name(target.parent)


def _keep_name(directory: Path) -> None:
    """The new name itself survives a crash of the host, where its file system can promise that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
