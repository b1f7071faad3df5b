"""A managed machine as the daemon runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.dispatching.records import WINDOW
from hypervisor.system.errors import ManagementError
from hypervisor.system.units import ProcUnits
from pyphyp import actions
from pyphyp.activated import activated
from pyphyp.managed_media import tape_drives
from pyphyp.metering import Meter
from pyphyp.refusals import refused
from pyphyp.slots import PartitionSlots
from pyphyp.tapes import warnings
from pyphyp.timeline import recorded
from pyphyp.usage import PartitionState

from .service import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyphyp.actions import Action
    from pyphyp.activated import Activated
    from pyphyp.managed import ManagedMachine
    from pyphyp.pacing import Attendant
    from pyphyp.timeline import Timeline
    from pyphyp.transcript import Transcript
    from pyphyp.usage import MachineUsage
    from pyphyp.vios.shell import Answer

_REST = 100
"""Windows that pass at once while no partition runs."""


class HostedMachine:
    """`machine` as `service.Managed`."""

    def __init__(self, machine: ManagedMachine) -> None:
        self._machine = machine
        self._meter = Meter(machine)

    @property
    def name(self) -> str:
        return self._machine.system.name

    @property
    def now(self) -> int:
        return self._machine.now

    def perform(self, action: Action) -> str:
        name = getattr(action, "partition", None)
        if name not in self._machine.io_servers.by_name:
            self._known(name)
        if isinstance(action, actions.ShutdownPartition) and not action.immediate:
            self._heard(action.partition)
        with refused():
            self._machine.perform(action)
        if isinstance(action, actions.EnterActivationCode):
            return f"activated: {self._machine.activation.newest}"
        if isinstance(action, actions.CrashPartition) and self._ended(action.partition):
            return f"{said(action)}, has no handler for it, and has crashed by that"
        if isinstance(action, actions.ActivatePartition):
            drives = tape_drives(self._machine)[action.partition]
            return "; ".join((said(action), *warnings(drives)))
        return said(action)

    def _ended(self, name: str) -> bool:
        made = self._machine.partitions.get(name)
        return made is not None and made.composition.partition.outcome is not None

    def _known(self, name: str | None) -> None:
        """Whoever mistypes a partition's name is told the names."""
        names = [partition.name for partition in self._machine.system.partitions]
        if name is not None and name not in names:
            raise ManagementError(
                f"there is no partition {name!r}", f"there are {', '.join(names)}"
            )

    def _heard(self, name: str) -> None:
        """Whoever asks a guest that hears nothing, or not yet, would wait for it in vain."""
        partition = self._machine.partitions.get(name)
        if partition is not None and partition.runs and not partition.hears_shutdown:
            raise ManagementError(
                f"{name} does not hear the power button", "pyphyp shutdown --now pulls its plug"
            )

    def run(self, *, attendant: Attendant) -> None:
        self._machine.run(until=self._sampled, attendant=attendant)

    def _sampled(self) -> bool:
        self._meter.sample()
        return False

    def pass_idle(self, attendant: Attendant) -> None:
        """No partition runs: let time pass."""
        self._machine.dispatcher.skip(attendant.wait(_REST * WINDOW) // WINDOW)
        self._meter.sample()

    def usage(self) -> MachineUsage:
        return self._meter.usage()

    def activation(self) -> Activated:
        return activated(self._machine)

    def run_vios(self, server: str, command: str) -> Answer:
        """Run a command of a Virtual I/O Server."""
        return self._machine.io_servers.run(server, command)

    def vios_words(self, server: str, line: str) -> list[str]:
        """What may be completed there, behind `line`."""
        return self._machine.io_servers.words(server, line)

    def schedule(self, first: int | None, last: int | None, most: int) -> Timeline:
        return recorded(self._machine, first, last, most)

    def standings(self) -> Mapping[str, Standing]:
        return {
            definition.name: self._standing(definition.name)
            for definition in self._machine.system.partitions
        }

    def _standing(self, name: str) -> Standing:
        made = self._machine.partitions.get(name)
        if made is None:
            return Standing(PartitionState.NOT_ACTIVATED)
        outcome = made.composition.partition.outcome
        if made.runs or outcome is None:
            return Standing(made.state)
        words = filter(None, (outcome.ending.value, outcome.reason))
        return Standing(made.state, ": ".join(words))

    def slots(self, partition: str) -> PartitionSlots:
        self._known(partition)
        made = self._machine.partitions.get(partition)
        if made is None or not made.runs:
            raise ManagementError(f"partition {partition} does not run")
        return PartitionSlots(made.hears_hot_plug, tuple(made.slots()))

    def transcripts(self) -> Mapping[tuple[str, int], Transcript]:
        return {
            (name, console.slot): console.transcript
            for name, made in self._machine.partitions.items()
            for console in made.consoles
        }

    def on_input(self, wake: Callable[[], None]) -> None:
        self._machine.wake_listeners.append(wake)


def said(action: Action) -> str:
    """A line about an action that was performed."""
    match action:
        case actions.ActivatePartition(name, profile):
            return f"{name} is activated" + (f" with profile {profile}" if profile else "")
        case actions.ActivateSystemProfile(name):
            return f"the partitions of {name} are activated"
        case actions.ShutdownPartition(name, immediate):
            return f"{name} is off" if immediate else f"{name} was asked to power off"
        case actions.ResetPartition(name):
            return f"{name} was ended and boots again"
        case actions.CrashPartition(name):
            return f"{name} was given a system reset"
        case actions.AddToZone(fabric, zone, members):
            return f"{fabric}: zone {zone} has {', '.join(members) or 'what it had'}"
        case actions.RemoveFromZone(fabric, zone, members):
            gone = f"has no {', '.join(members)} any more" if members else "is gone"
            return f"{fabric}: zone {zone} {gone}"
        case actions.SetLink(port, up):
            return f"{port}: link {'up' if up else 'down'}"
        case actions.LogInSecond(port, logged_in):
            return f"{port}: second port names are logged {'in' if logged_in else 'out'}"
        case actions.ResetStorage(storage):
            return f"{storage} was reset"
        case actions.FreezeStorage(storage, frozen):
            return f"{storage} {'answers no commands' if frozen else 'answers again'}"
        case actions.InsertCartridge(library, barcode):
            return f"{library}: {barcode} is in an import/export element"
        case actions.ExportCartridge(library, barcode):
            return f"{library}: {barcode} was taken out"
        case actions.ChangeProcessors(name):
            return f"{name}: {_changes(action)}"
        case actions.ChangePool(number, maximum, reserved):
            words = (("at most", maximum), ("reserved", reserved))
            told = [
                f"{ProcUnits(units)} units {word}" for word, units in words if units is not None
            ]
            return f"pool {number}: {', '.join(told) or 'nothing changed'}"
        case actions.EnterActivationCode():
            return "the activation code was accepted"
        case actions.FailCore(number):
            return f"core {number} has failed"
        case actions.LoadTape(name, path):
            return f"{name}: {path} is loaded"
        case actions.UnloadTape(name):
            return f"{name}: the tape is unloaded"
        case actions.RunViosCommand(name, command):
            return f"{name}: {command}"
        case actions.PlugCable(name, adapter, plugged):
            return f"{name}: the cable of {adapter} is {'plugged in' if plugged else 'pulled'}"
        case actions.TypeAtConsole(name, text):
            return f"{len(text)} bytes for {name}"
        case actions.RemoveAdapter(name, slot, force):
            how = "was taken from" if force else "is to be given back by"
            return f"what is in virtual slot {slot} {how} {name}"
        case actions.LoadMedium(name, path, drive):
            return f"{name}: {path} is in drive {drive}"
        case actions.UnloadMedium(name, drive):
            return f"{name}: drive {drive} is empty"
        case actions.AddDisk(name) | actions.AddDrive(name) | actions.AddEthernet(name):
            return f"{name} has an adapter more"
        case actions.AddConsole(name):
            return f"{name} has a console more"


def _changes(action: actions.ChangeProcessors) -> str:
    parts = []
    if action.units is not None:
        parts.append(f"{ProcUnits(action.units)} processing units")
    if action.virtual_processors is not None:
        parts.append(f"{action.virtual_processors} virtual processors")
    if action.weight is not None:
        parts.append(f"weight {action.weight}")
    if action.capped is not None:
        parts.append("capped" if action.capped else "uncapped")
    if action.pool is not None:
        parts.append(f"pool {action.pool}")
    return ", ".join(parts) or "nothing changed"
