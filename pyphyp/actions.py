"""What an operator may ask of a managed machine, as frozen records.

The command line, a script and the daemon's socket all make the same ones, and a machine takes them
between two dispatch windows: `(tick, action)` is all that is needed to repeat a run.  What the
Hardware Management Console calls each stands beside it.
"""

from __future__ import annotations

from typing import Annotated

from emu.state import Length, Plain, StateError, Ticks, check, plain, rebuild, record
from hypervisor.network.switch import DEFAULT_SWITCH, DEFAULT_VLAN
from hypervisor.scsi.tape_medium import DEFAULT_CAPACITY
from hypervisor.vio.adapter import SLOTS
from hypervisor.vio.configuration import Backend, DiskFormat, TerminalProtocol

Name = Annotated[str, Length(1, 128)]
FileName = Annotated[str, Length(1, 4096)]
Count = Annotated[int, range(1 << 16)]
SlotNumber = Annotated[int, range(SLOTS)]
PathName = Annotated[str, Length(1, 4096)]
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
class AddDisk:
    """Map a virtual disk to a partition that runs, by an adapter of its own: `mkvdev -vdev`.

    What is added to a slot, its guest may take: `chhwres -r virtualio -o a`.
    """

    partition: Name
    path: FileName
    read_only: bool = False
    format: DiskFormat = DiskFormat.RAW
    slot: SlotNumber | None = None
    """A free one if none is named."""


@record
class AddDrive:
    """As `AddDisk`, an optical drive; `path` is the image in it, if there is one."""

    partition: Name
    path: Annotated[str, Length(0, 4096)] = ""
    slot: SlotNumber | None = None


@record
class AddEthernet:
    """Add a virtual Ethernet adapter: `chhwres -r virtualio --rsubtype eth -o a`."""

    partition: Name
    switch: Name = DEFAULT_SWITCH
    vlan: Count = DEFAULT_VLAN
    more_vlans: Annotated[tuple[Count, ...], Length(0, 20)] = ()
    trunk_priority: Count = 0
    slot: SlotNumber | None = None


@record
class AddConsole:
    """Add a virtual serial adapter: `chhwres -r virtualio --rsubtype serial -o a`."""

    partition: Name
    protocol: TerminalProtocol = TerminalProtocol.RAW
    backend: Backend = Backend.TERMINAL
    path: Annotated[str, Length(0, 4096)] = ""
    slot: SlotNumber | None = None


@record
class RemoveAdapter:
    """Have a guest give an adapter back: `chhwres -r virtualio -o r`, with `--force` at once."""

    partition: Name
    slot: SlotNumber
    force: bool = False


@record
class LoadMedium:
    """Put an image into an optical drive: `loadopt`."""

    partition: Name
    path: FileName
    drive: Count = 0


@record
class UnloadMedium:
    """Take the disc out of an optical drive: `unloadopt`."""

    partition: Name
    drive: Count = 0
    force: bool = False


SlotAction = (
    AddDisk | AddDrive | AddEthernet | AddConsole | RemoveAdapter | LoadMedium | UnloadMedium
)


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
class RunViosCommand:
    """Run a command of a Virtual I/O Server's padmin: `viosvrcmd -p SERVER -c COMMAND`."""

    server: Name
    command: Annotated[str, Length(0, 4096)]


@record
class PlugCable:
    """Put the cable into an Ethernet or SAS adapter of a Virtual I/O Server, or pull it."""

    server: Name
    adapter: Name
    plugged: bool


@record
class UnloadTape:
    """Take the tape out of a drive."""

    partition: Name
    drive: Count = 0


Members = Annotated[tuple[Name, ...], Length(0, 1024)]


@record
class AddToZone:
    """Let ports of a fabric see each other: add members to a zone, which is made if need be."""

    fabric: Name
    zone: Name
    members: Members


@record
class RemoveFromZone:
    """Take members out of a zone; without any, the zone goes."""

    fabric: Name
    zone: Name
    members: Members = ()


@record
class SetLink:
    """Pull the cable of a port, or of all that have a name, or plug it in."""

    port: Name
    up: bool


@record
class ResetStorage:
    """Storage begins anew: its initiators are logged out, its units as after power-on."""

    storage: Name


@record
class FreezeStorage:
    """Storage answers no commands any more, as if it hung; or it does again."""

    storage: Name
    frozen: bool = True


@record
class LogInSecond:
    """Log in the second names of a partition's ports, or of one, as before it is moved; or out."""

    port: Name
    logged_in: bool = True


@record
class InsertCartridge:
    """Put a cartridge into an import/export element of a tape library."""

    library: Name
    barcode: Name


@record
class ExportCartridge:
    """Take one out of there."""

    library: Name
    barcode: Name


SanAction = (
    AddToZone
    | RemoveFromZone
    | SetLink
    | ResetStorage
    | FreezeStorage
    | LogInSecond
    | InsertCartridge
    | ExportCartridge
)

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
    | SlotAction
    | SanAction
    | RunViosCommand
    | PlugCable
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
