"""What keeps a partition from being booted, as an operator is told it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from emu.unicorn_library import EngineError
from firmware.error_logs import QueueFullError
from guests.packages import GuestFilesError
from hypervisor.system.errors import ManagementError

from .console_ends import ConsoleError
from .nvram_file import NvramFileError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Files that cannot be read, a host without memory and their like are refusals."""
    try:
        yield
    except QueueFullError as wrong:
        raise ManagementError(str(wrong), "shut it down with --now") from None
    except MemoryError:
        raise ManagementError("the host has not enough memory") from None
    except OSError as wrong:
        what = f"{wrong.filename}: {wrong.strerror}" if wrong.filename else str(wrong)
        raise ManagementError(what) from None
    except (ConsoleError, EngineError, GuestFilesError, NvramFileError) as wrong:
        raise ManagementError(str(wrong)) from None
