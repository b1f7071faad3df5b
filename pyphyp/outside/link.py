"""What a trunk port is bridged to."""

from __future__ import annotations

from typing import Protocol


class LinkError(Exception):
    """A way to the outside that cannot be had: why, and what would help."""


class Link(Protocol):
    """The host's side; nothing here ever waits, and nothing but `open_link` fails."""

    @property
    def descriptor(self) -> int | None:
        """Where what comes from outside announces itself; None: nothing comes."""

    def send(self, frame: bytes) -> bool:
        """Send it, with its tag if it has one; False: it is lost."""

    def receive(self) -> bytes | None:
        """The next frame that came; None: there is none, yet."""

    def close(self) -> None: ...


class NoLink:
    """Nobody is there."""

    descriptor = None

    def send(self, frame: bytes) -> bool:
        return True

    def receive(self) -> bytes | None:
        return None

    def close(self) -> None:
        pass
