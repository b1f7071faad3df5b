"""How a partition's run ends, and how far it has come."""

from __future__ import annotations

from enum import Enum

from emu.values import frozen


class Ending(Enum):
    """How a partition's run ended."""

    POWER_OFF = "power off"
    REBOOT = "reboot"
    EXIT = "exit to firmware"
    CRASH = "crash"
    CHECKSTOP = "checkstop"


STUCK = "every processor stopped itself, joined, or sleeps until it is prodded"


@frozen
class Outcome:
    """The end of a run: how, and in words why."""

    ending: Ending
    reason: str = ""
    dump: bool = False
    """The partition is to be dumped before anything else happens to it."""

    @property
    def crashed(self) -> bool:
        return self.ending in (Ending.CRASH, Ending.CHECKSTOP)


class Progress(Enum):
    """What `Partition.run` and `run_processor` report."""

    RAN = "its time is used up"
    IDLE = "every processor waits; or the one that was run does"
    STOPPED = "a debugger has it stop"
    ENDED = "the partition ended"
