"""A partition's terminal as a script uses it: send, wait for, look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .transcript import Transcript, compile_wanted

if TYPE_CHECKING:
    import re

    from .partition import Partition


class WaitError(Exception):
    """The console did not say what was waited for."""


class Timeout(WaitError):  # noqa: N818 - a script says `except Timeout`
    """The time given is used up; the message shows the last lines of output."""


class Ended(WaitError):  # noqa: N818
    """The partition's run ended before."""


class Console:
    """A partition's terminal as a script uses it."""

    def __init__(self, partition: Partition) -> None:
        self.transcript = Transcript()
        self._partition = partition

    @property
    def output(self) -> str:
        """All the guest wrote so far."""
        return self.transcript.text

    def send(self, text: str | bytes) -> None:
        """Type `text`; the guest reads it while it runs."""
        self.transcript.send(text.encode() if isinstance(text, str) else text)

    def wait_for(self, wanted: str | re.Pattern[str], seconds: float = 60) -> re.Match[str]:
        """Run until `wanted` (plain text, or a compiled pattern) appears in the output.

        Looks behind what was found before; gives the match.  Raises `Timeout` after so many
        seconds of guest time, `Ended` if the partition ends before.
        """
        pattern = compile_wanted(wanted)
        if found := self.transcript.find(pattern):
            return found
        matches: list[re.Match[str]] = []
        last = wanted.encode()[-1:] if isinstance(wanted, str) else b""

        def look(text: bytes) -> None:
            if not matches and last in text and (match := self.transcript.find(pattern)):
                matches.append(match)
                self._partition.stop()

        self.transcript.listeners.append(look)
        try:
            outcome = self._partition.run(seconds=seconds)
        finally:
            self.transcript.listeners.remove(look)
        if matches:
            return matches[0]
        shown = wanted if isinstance(wanted, str) else wanted.pattern
        where = f"the last lines of {self._partition.name}:\n{self.transcript.last_lines()}"
        if outcome is not None:
            reason = f" ({outcome.reason})" if outcome.reason else ""
            raise Ended(f"{outcome.ending.value}{reason} before {shown!r} appeared; {where}")
        raise Timeout(f"{shown!r} did not appear in {seconds} s of guest time; {where}")
