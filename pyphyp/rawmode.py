"""A terminal in raw mode, given back as it was: keys go to the guest one by one, Ctrl-C too.

Output processing stays on, so that a bare newline of a guest (or of a message) starts a new line.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import termios

_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6
_INPUT_PROCESSING = (
    termios.BRKINT
    | termios.PARMRK
    | termios.ISTRIP
    | termios.INLCR
    | termios.IGNCR
    | termios.ICRNL
    | termios.IXON
)
_LINE_EDITING = termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG


class RawMode:
    """The mode of the terminal at `descriptor`; `leave` is safe at any time, also at exit."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[int | list[bytes | int]] | None = None
        atexit.register(self.leave)

    @property
    def foreground(self) -> bool:
        """Whether the terminal is ours to read and set; a job in the background must not."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            # Not our controlling terminal, so nobody's job control forbids it.
            return os.isatty(self._descriptor)

    @property
    def entered(self) -> bool:
        return self._saved is not None

    def enter(self) -> None:
        """Nothing happens in the background, or twice."""
        if self.entered or not self.foreground:
            return
        saved = termios.tcgetattr(self._descriptor)
        mode = [*saved[:_CC], list(saved[_CC])]
        mode[_IFLAG] &= ~_INPUT_PROCESSING
        mode[_CFLAG] = mode[_CFLAG] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[_LFLAG] &= ~_LINE_EDITING
        mode[_CC][termios.VMIN], mode[_CC][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)
        self._saved = saved

    def leave(self) -> None:
        """Give the terminal back; one that is gone needs nothing."""
        if self._saved is not None:
            saved, self._saved = self._saved, None
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, saved)

    def close(self) -> None:
        self.leave()
        atexit.unregister(self.leave)
