"""What an operator may ask of a managed machine, as frozen records.

The command line, a script and the daemon's socket all make the same ones, and a machine takes them
between two dispatch windows: `(tick, action)` is all that is needed to repeat a run.  What the
Hardware Management Console calls each stands beside it.
"""

from __future__ import annotations

from typing import Annotated

from emu.state import Length, Plain, StateError, Ticks, check, plain, rebuild, record
from hypervisor.vio.adapter import SLOTS

Name = Annotated[str, Length(1, 128)]
Count = Annotated[int, range(1 << 16)]
SlotNumber = Annotated[int, range(SLOTS)]
PathName = Annotated[str, Length(1, 4096)]
DEFAULT_CAPACITY = 1 << 40
"""Bytes that go on a tape."""
TYPED_AT_ONCE = 1 << 15
"""Bytes of console input in one action."""


@record
class ActivatePartition:
    """Start a partition that is off: `chsysstate -r lpar -o on`."""

    partition: Name
    profile: Name | None = None
    """Its default profile if none is named."""


@record
class ActivateSystemProfile:
    """Start the partitions of a system profile, in its order: `chsysstate -r sysprof -o on`."""

    profile: Name


@record
class ShutdownPartition:
    """End a partition: `chsysstate -r lpar -o osshutdown`, or `-o shutdown --immed`."""

    partition: Name
    immediate: bool = False
    """Pull its plug; else its operating system is asked to power off in order."""


@record
class ResetPartition:
    """End a partition at once and boot it again: `-o shutdown --immed --restart`."""

    partition: Name


@record
class CrashPartition:
    """System reset, the interrupt that has an operating system dump itself: `-o dumprestart`."""

    partition: Name


@record
class ChangeProcessors:
    """Another share of processors, within the profile's bounds: `chhwres -r proc`.

    What is None stays.  `units` are hundredths of a processor.
    """

    partition: Name
    units: Count | None = None
    virtual_processors: Count | None = None
    weight: Count | None = None
    capped: bool | None = None
    pool: Count | None = None


@record
class ChangePool:
    """Other limits of a shared processor pool, or a new one: `chhwres -r procpool`.

    What is None stays.  Both are hundredths of a processor.
    """

    pool: Count
    maximum: Count | None = None
    reserved: Count | None = None


@record
class EnterActivationCode:
    """Activate installed capacity, or an edition: `chcod -o e`."""

    code: Name


@record
class FailCore:
    """Have a physical core break down."""

    core: Count


@record
class TypeAtConsole:
    """Keys typed at a partition's console (`mkvterm`)."""

    partition: Name
    text: Annotated[bytes, Length(0, TYPED_AT_ONCE)]
    console: SlotNumber | None = None
    """The virtual slot of the console; its first one if none is named."""


@record
class LoadTape:
    """Put an image of the daemon's host into a tape drive, in the place of what was in it."""

    partition: Name
    path: PathName
    drive: Count = 0
    read_only: bool = False
    capacity: Ticks = DEFAULT_CAPACITY


@record
class UnloadTape:
    """Take the tape out of a drive."""

    partition: Name
    drive: Count = 0


Action = (
    ActivatePartition
    | ActivateSystemProfile
    | ShutdownPartition
    | ResetPartition
    | CrashPartition
    | ChangeProcessors
    | ChangePool
    | EnterActivationCode
    | FailCore
    | TypeAtConsole
    | LoadTape
    | UnloadTape
)
ACTIONS: tuple[type[Action], ...] = Action.__args__


def plain_action(action: Action) -> dict[str, Plain]:
    """An action as JSON has it, with its name as `action`."""
    fields = plain(action)
    assert isinstance(fields, dict)
    return {"action": type(action).__name__, **fields}


def rebuild_action(value: object) -> Action:
    """What `plain_action` made `value` of; `StateError` unless it is a valid one."""
    check(isinstance(value, dict), "an action is an object")
    assert isinstance(value, dict)
    fields = dict(value)
    name = fields.pop("action", None)
    for kind in ACTIONS:
        if kind.__name__ == name:
            return rebuild(kind, fields, kind.__name__)
    raise StateError(f"there is no action {str(name)[:40]!r}")
