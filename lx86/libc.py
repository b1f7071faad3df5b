"""The host's C library, for what Python does not have of it: `libc_declarations.py` says which."""

from __future__ import annotations

from typing import Any, Final

from . import libc_types

ffi: Final[Any] = libc_types.ffi
library: Final[Any] = ffi.dlopen(None)
