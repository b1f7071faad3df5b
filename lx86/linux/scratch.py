"""A directory of a run's own, which goes when the last of its processes has ended in any way.

Whoever is killed removes nothing, nor does who has become another user.  So a shell makes the
directory, waits for the end of a pipe whose other end each of the run's processes has, and removes
it then.  It is nobody's child whose end a program could wait for, and has a process group of its
own, for signals go to whole groups.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .endings import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHELL = "/bin/sh"
_KEEPER = """\
trap '' HUP INT TERM
mkdir -m 700 -- "$0" || exit
exec 3<&0
{ read -r _ <&3; exec rm -rf -- "$0"; } &
"""


@contextmanager
def scratch_directory(limit: int) -> Iterator[Path]:
    """It stays, behind this, as long as processes live that were forked meanwhile.

    Their end of the pipe is a descriptor not below `limit`.  Raises `RunError`.
    """
    place = Path(tempfile.gettempdir(), f"lx86-{secrets.token_hex(8)}")
    reading, writing = os.pipe()
    held = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, limit)
    os.close(writing)
    try:
        try:
            done = subprocess.run(
                [_SHELL, "-c", _KEEPER, str(place)], stdin=reading, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd="/", env={"PATH": os.defpath}, process_group=0,
                check=False,
            )  # fmt: skip
        finally:
            os.close(reading)
        if done.returncode:
            raise RunError(f"{place} cannot be made: TMPDIR names another place for it")
        yield place
    finally:
        os.close(held)
