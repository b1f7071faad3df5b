"""The command on a real pseudo-terminal, with somebody at the keyboard."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PYPHYP = (sys.executable, "-m", "pyphyp")
PATIENCE = 60


class Terminal:
    """`pyphyp` with these arguments, its streams on a new terminal that is its own."""

    def __init__(self, *arguments: str, lines: int = 24, **streams: Any) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", lines, 80, 0, 0))
        environment = {n: v for n, v in os.environ.items() if n not in ("LINES", "COLUMNS")}
        self.mode_before = termios.tcgetattr(self.slave)
        self.output = b""
        self._unread = b""

        def own_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*PYPHYP, *arguments],
            stdin=self.slave,
            stdout=streams.get("stdout", self.slave),
            stderr=streams.get("stderr", self.slave),
            env=environment,
            start_new_session=True,
            preexec_fn=own_terminal,
        )

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def hang_up(self) -> None:
        os.close(self._master)
        self._master = -1

    def wait_for(self, words: bytes) -> None:
        end = time.monotonic() + PATIENCE
        while words not in self._unread:
            assert time.monotonic() < end, f"{words!r} did not come: {self.output[-400:]!r}"
            assert self._read(), f"the command ended before {words!r}: {self.output[-400:]!r}"
        self._unread = self._unread.partition(words)[2]

    def _read(self) -> bool:
        """Take what there is; False once the command has ended and all is read."""
        if not select.select([self._master], [], [], 0.05)[0]:
            return self.process.poll() is None
        try:
            text = os.read(self._master, 65536)
        except OSError:
            return False
        self.output += text
        self._unread += text
        return True

    def status(self) -> int:
        """Wait for the end; the exit status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"the command does not end: {self.output[-400:]!r}"
            if self._master >= 0:
                self._read()
            else:
                time.sleep(0.02)
        while self._master >= 0 and select.select([self._master], [], [], 0)[0]:
            if not self._read():
                break
        return self.process.returncode

    @property
    def restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.mode_before

    @property
    def raw(self) -> bool:
        local_modes: int = termios.tcgetattr(self.slave)[3]
        return not local_modes & termios.ICANON

    def until_raw(self) -> None:
        """Wait until the command has set the terminal's mode."""
        end = time.monotonic() + PATIENCE
        while not self.raw:
            assert time.monotonic() < end, "the terminal is never set to raw mode"
            self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        if self._master >= 0:
            os.close(self._master)
