"""The command `pyphyp`, which is `python -m pyphyp`.

From before anything else is loaded SIGTERM ends a command as Ctrl-C does: what it holds is given
back.  Commands that end in an order of their own see to signals themselves, later.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class _Terminated(SystemExit):
    """By a signal; `code` says by which."""

    code: int


def _terminated(number: int, frame: FrameType | None) -> None:
    raise _Terminated(128 + number)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Where Python can raise nothing, as amid an import, it goes on: then end at once."""
    if isinstance(lost.exc_value, _Terminated):
        os._exit(lost.exc_value.code)
    sys.__unraisablehook__(lost)


def main() -> int:
    """Run the command that the arguments name; gives its exit status."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # not where it is ignored
        sys.unraisablehook = _unraisable
        signal.signal(signal.SIGTERM, _terminated)
    try:
        from .cli import main as command

        status = command()
    except RuntimeError as wrapped:  # as Python wraps what is raised amid the making of a class
        if isinstance(wrapped.__cause__, _Terminated):
            raise wrapped.__cause__ from None
        raise
    if signal.getsignal(signal.SIGTERM) is _terminated:  # it is too late: the status stands
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.freeze()  # or Python would look for rubbish in all there is once more, on its way out
    return status


if __name__ == "__main__":
    sys.exit(main())
