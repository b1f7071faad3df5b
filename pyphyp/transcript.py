"""A partition's console as a script sees it: what it said, what it is sent, waiting for words."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.vio.vty import ClientTerminal

OUTPUT_LIMIT = 1 << 24
"""Characters of output that are kept; the oldest go when there are more."""
_LINES_SHOWN = 10


@record
class TranscriptState:
    """Output so far is no state: only what of its last character is still to come."""

    waiting: bytes
    undecoded: Annotated[bytes, Length(0, 3)]


class Transcript:
    """Output collected and input waiting, across the reboots of a partition."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[bytes], None]] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        # What was searched, what was not, and what came since; joined only when looked at.
        self._searched = ""
        self._unsearched = ""
        self._fresh: list[str] = []
        self._fresh_length = 0
        self._input = bytearray()
        self._terminal: ClientTerminal | None = None

    def connect(self, terminal: ClientTerminal) -> None:
        """The partition was built anew: this is its console now."""
        terminal.listeners.append(self._written)
        self._terminal = terminal

    def _written(self, text: bytes) -> None:
        characters = self._decoder.decode(text)
        self._fresh.append(characters)
        self._fresh_length += len(characters)
        if self._fresh_length > OUTPUT_LIMIT:
            self._gather()
        for listener in self.listeners:
            listener(text)

    def _gather(self) -> None:
        self._unsearched += "".join(self._fresh)
        self._fresh.clear()
        self._fresh_length = 0
        if len(self._searched) + len(self._unsearched) > OUTPUT_LIMIT:
            self._unsearched = self._unsearched[-OUTPUT_LIMIT:]
            room = OUTPUT_LIMIT - len(self._unsearched)
            self._searched = self._searched[len(self._searched) - room :] if room else ""

    @property
    def text(self) -> str:
        """All output so far; bytes that are not UTF-8 as backslash escapes."""
        self._gather()
        return self._searched + self._unsearched

    def last_lines(self) -> str:
        return "\n".join(self.text.splitlines()[-_LINES_SHOWN:])

    # -- state -----------------------------------------------------------------------------

    def state(self) -> TranscriptState:
        return TranscriptState(bytes(self._input), self._decoder.getstate()[0])

    def restore(self, state: TranscriptState) -> None:
        self._input[:] = state.waiting
        self._decoder.setstate((state.undecoded, 0))

    # -- input -----------------------------------------------------------------------------

    def send(self, text: bytes) -> None:
        self._input += text
        self.feed()

    @property
    def waiting(self) -> int:
        """Bytes of input that the guest's terminal had no room for."""
        return len(self._input)

    def feed(self) -> None:
        """Hand the guest as much of the waiting input as its terminal takes."""
        if self._input and self._terminal is not None:
            accepted = self._terminal.type(bytes(self._input))
            del self._input[:accepted]

    # -- searching -------------------------------------------------------------------------

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first match behind the last one; what was found is not found again."""
        self._gather()
        found = pattern.search(self._unsearched)
        if found:
            self._searched += self._unsearched[: found.end()]
            self._unsearched = self._unsearched[found.end() :]
        return found


def compile_wanted(wanted: str | re.Pattern[str]) -> re.Pattern[str]:
    """Plain text stands for itself; a compiled pattern is one already."""
    return re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
