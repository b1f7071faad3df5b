"""`pyphyp add`, `remove`, `slots` and `cdrom`: adapters and discs of a running partition."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hypervisor.network.switch import DEFAULT_SWITCH, DEFAULT_VLAN, HIGHEST_PRIORITY, HIGHEST_VLAN
from hypervisor.vio.adapter import SLOTS
from hypervisor.vio.configuration import ConsoleAdapter
from pyphyp.messages import complain, report

from .remote import REMOTE_STATUS_HELP, partition_argument, remote
from .status import Status
from .values import ConsoleWords, DiskFileName

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyphyp.actions import Action
    from pyphyp.daemon.client import Client
    from pyphyp.disk_files import DiskFile
    from pyphyp.slots import PartitionSlots, SlotUsage

_AGAIN = 0.1
_SECONDS = 20

slot_option = click.option(
    "--slot", type=click.IntRange(2, SLOTS - 1), help="The virtual slot.  [default: a free one]"
)
seconds_option = click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=_SECONDS,
    show_default=True,
    help="How long the guest is waited for, on the host's clock.",
)


@click.group("add")
def add() -> None:
    """Add a virtual adapter to a partition that runs.

    Its guest hears of it by a hot-plug event, and takes it: Debian's drmgr (powerpc-utils) does.
    The command waits for that; a guest that does not listen finds the adapter when it looks.

    \b
    Examples:
      pyphyp add disk web data.img
      pyphyp add cdrom web debian.iso
      pyphyp add ethernet web --vlan 20
      pyphyp add console web hvsi,socket=web.sock
    """


_DISK_HELP = f"""Add a virtual SCSI adapter with a disk that is kept in FILE.

\b
Examples:
  pyphyp add disk web data.img
  pyphyp add disk web shared.img,ro --slot 9

{REMOTE_STATUS_HELP}"""


@add.command("disk", help=_DISK_HELP)
@partition_argument
@click.argument("file", type=DiskFileName())
@slot_option
@seconds_option
@remote
def add_disk(
    client: Client, partition: str, file: DiskFile, slot: int | None, seconds: float
) -> int:
    from pyphyp.actions import AddDisk

    path = str(Path(file.path).absolute())
    return _added(client, AddDisk(partition, path, file.read_only, file.format, slot), seconds)


_CDROM_HELP = f"""Add a virtual SCSI adapter with an optical drive, and the image ISO in it.

\b
Examples:
  pyphyp add cdrom web
  pyphyp add cdrom web debian.iso

{REMOTE_STATUS_HELP}"""


@add.command("cdrom", help=_CDROM_HELP)
@partition_argument
@click.argument("iso", type=click.Path(exists=True, dir_okay=False), required=False)
@slot_option
@seconds_option
@remote
def add_cdrom(
    client: Client, partition: str, iso: str | None, slot: int | None, seconds: float
) -> int:
    from pyphyp.actions import AddDrive

    path = "" if iso is None else os.path.abspath(iso)
    return _added(client, AddDrive(partition, path, slot), seconds)


_ETHERNET_HELP = f"""Add a virtual Ethernet adapter.

\b
Examples:
  pyphyp add ethernet web
  pyphyp add ethernet web --switch ETHERNET1 --vlan 20 --more-vlan 30

{REMOTE_STATUS_HELP}"""


@add.command("ethernet", help=_ETHERNET_HELP)
@partition_argument
@click.option("--switch", default=DEFAULT_SWITCH, show_default=True, help="The virtual switch.")
@click.option(
    "--vlan",
    type=click.IntRange(1, HIGHEST_VLAN),
    default=DEFAULT_VLAN,
    show_default=True,
    help="The port's VLAN, whose frames carry no tag.",
)
@click.option(
    "--more-vlan",
    "more_vlans",
    type=click.IntRange(1, HIGHEST_VLAN),
    multiple=True,
    help="A further one, with tags.",
)
@click.option(
    "--trunk-priority",
    type=click.IntRange(1, HIGHEST_PRIORITY),
    default=None,
    help="Makes it a trunk.",
)
@slot_option
@seconds_option
@remote
def add_ethernet(
    client: Client,
    partition: str,
    switch: str,
    vlan: int,
    more_vlans: tuple[int, ...],
    trunk_priority: int | None,
    slot: int | None,
    seconds: float,
) -> int:
    from pyphyp.actions import AddEthernet

    action = AddEthernet(partition, switch, vlan, more_vlans, trunk_priority or 0, slot)
    return _added(client, action, seconds)


_CONSOLE_HELP = f"""Add a console; WORDS are raw or hvsi, and socket=PATH or file=PATH.

\b
Examples:
  pyphyp add console web
  pyphyp add console web hvsi,socket=web.sock

{REMOTE_STATUS_HELP}"""


@add.command("console", help=_CONSOLE_HELP)
@partition_argument
@click.argument("words", type=ConsoleWords(), default=ConsoleAdapter())
@slot_option
@seconds_option
@remote
def add_console(
    client: Client, partition: str, words: ConsoleAdapter, slot: int | None, seconds: float
) -> int:
    from pyphyp.actions import AddConsole

    action = AddConsole(partition, words.protocol, words.backend, words.path, slot)
    return _added(client, action, seconds)


def _added(client: Client, action: Any, seconds: float) -> int:
    """Perform it, and wait for the guest to take what is new."""
    from pyphyp.slots import SlotState

    partition: str = action.partition
    before = {its.slot for its in client.slots(partition).slots}
    client.perform(action)
    new = next(its for its in client.slots(partition).slots if its.slot not in before)
    report(f"{partition}: {new.what} in virtual slot {new.slot}, {new.location}")

    def taken(slots: PartitionSlots) -> bool:
        its = _find(slots, new.slot)
        return its is None or its.state is SlotState.OWNED

    slots, done = _wait(client, partition, taken, seconds)
    if done:
        report(f"{partition} has it")
        return Status.OK
    _advise(slots, partition, "does not react", f"drmgr -c slot -a -s {new.location}")
    return Status.OK if not seconds or not slots.hears else Status.ERROR


_REMOVE_HELP = f"""Take the adapter in virtual SLOT from a partition that runs.

Its guest is asked to give it back, and the command waits for that.  What it refuses is told; the
request stays, and the adapter goes when the guest has given it back.  --now pulls it, as if it
broke.

\b
Examples:
  pyphyp remove web 5
  pyphyp remove web 5 --now

{REMOTE_STATUS_HELP}"""


@click.command("remove", help=_REMOVE_HELP)
@partition_argument
@click.argument("slot", type=click.IntRange(0, SLOTS - 1))
@click.option("--now", is_flag=True, help="Take it away at once.")
@seconds_option
@remote
def remove(client: Client, partition: str, slot: int, now: bool, seconds: float) -> int:
    from pyphyp.actions import RemoveAdapter

    found = _find(client.slots(partition), slot)
    report(client.perform(RemoveAdapter(partition, slot, now)))
    slots, done = _wait(client, partition, lambda slots: _find(slots, slot) is None, seconds)
    if done:
        report(f"{partition}: virtual slot {slot} is empty")
        return Status.OK
    its = _find(slots, slot)
    if its is not None and its.refused:
        complain(f"{partition} tried to give it back, and was refused: {its.refused}")
    if found is not None:
        _advise(
            slots,
            partition,
            "has not given it back, as it may be in use",
            f"drmgr -c slot -r -s {found.location}",
        )
    return Status.ERROR if seconds else Status.OK


def _advise(slots: PartitionSlots, partition: str, reaction: str, command: str) -> None:
    what = reaction if slots.hears else "does not listen for such events"
    report(f"{partition} {what}; in it, as root: {command}")


def _find(slots: PartitionSlots, slot: int) -> SlotUsage | None:
    return next((its for its in slots.slots if its.slot == slot), None)


def _wait(
    client: Client, partition: str, done: Callable[[PartitionSlots], bool], seconds: float
) -> tuple[PartitionSlots, bool]:
    """Look until it is done, or so many seconds; no longer at a guest that does not listen."""
    end = time.monotonic() + seconds
    while True:
        slots = client.slots(partition)
        if done(slots):
            return slots, True
        if time.monotonic() >= end or not slots.hears:
            return slots, False
        time.sleep(_AGAIN)


_SLOTS_HELP = f"""Show the virtual adapters of a partition that runs, and who has each.

\b
Examples:
  pyphyp slots web
  pyphyp slots web --json

{REMOTE_STATUS_HELP}"""


@click.command("slots", help=_SLOTS_HELP)
@partition_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with all of it.")
@remote
def slots(client: Client, partition: str, as_json: bool) -> int:
    import json

    from emu.state import plain

    found = client.slots(partition)
    if as_json:
        click.echo(json.dumps(plain(found)))
        return Status.OK
    click.echo("SLOT  LOCATION                 ADAPTER, AND WHO HAS IT")
    for its in found.slots:
        refused = f"; refused: {its.refused}" if its.refused else ""
        line = f"{its.slot:>4}  {its.location:<24} {its.what}: {its.state.value}{refused}"
        click.echo(line)
    return Status.OK


@click.group("cdrom")
def cdrom() -> None:
    """Change the discs in optical drives of a partition that runs.

    \b
    Examples:
      pyphyp cdrom load web debian.iso
      pyphyp cdrom unload web
    """


_LOAD_HELP = f"""Put the image ISO into an optical drive of a partition that runs.

What was in it is taken out, unless the guest has locked the drive.  Drives count from 0 in the
order of their addresses.

\b
Example:
  pyphyp cdrom load web debian.iso

{REMOTE_STATUS_HELP}"""

drive_option = click.option(
    "--drive", type=click.IntRange(0, (1 << 16) - 1), default=0, show_default=True, help="Which."
)


@cdrom.command("load", help=_LOAD_HELP)
@partition_argument
@click.argument("iso", type=click.Path(exists=True, dir_okay=False))
@drive_option
@remote
def load(client: Client, partition: str, iso: str, drive: int) -> int:
    from pyphyp.actions import LoadMedium

    return _performed(client, LoadMedium(partition, os.path.abspath(iso), drive))


_UNLOAD_HELP = f"""Take the disc out of an optical drive of a partition that runs.

\b
Examples:
  pyphyp cdrom unload web
  pyphyp cdrom unload web --drive 1 --now

{REMOTE_STATUS_HELP}"""


@cdrom.command("unload", help=_UNLOAD_HELP)
@partition_argument
@drive_option
@click.option("--now", is_flag=True, help="Even if the guest has locked the drive.")
@remote
def unload(client: Client, partition: str, drive: int, now: bool) -> int:
    from pyphyp.actions import UnloadMedium

    return _performed(client, UnloadMedium(partition, drive, now))


def _performed(client: Client, action: Action) -> int:
    report(client.perform(action))
    return Status.OK


COMMANDS = {"add": add, "remove": remove, "slots": slots, "cdrom": cdrom}
