"""Holes in files: Linux's fallocate, which Python's os has not (man 2 fallocate)."""

from __future__ import annotations

import errno
import os

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS})


def punch_hole(file: int, offset: int, length: int) -> bool:
    """Let `length` bytes of a file read as zeros and need no room.

    False where the file system cannot do that; raises `OSError` for any other failure.
    """
    import ctypes  # which takes its time, and only guests that discard need it

    if not length:
        return True
    library = ctypes.CDLL(None, use_errno=True)
    call = library.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call(file, _KEEP_SIZE | _PUNCH_HOLE, offset, length) == 0:
        return True
    if (code := ctypes.get_errno()) in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code))
