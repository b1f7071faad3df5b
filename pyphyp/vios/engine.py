"""The engine: what a Virtual I/O Server has, and which client partition gets what.

Changes act at once: a device that is mapped answers at its address, and clients that are logged in
are told that there are other units; one that is unmapped answers no more.  What there is outlives
the machine, in the server's directory.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.san.fabric import FabricError
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.target import TARGETS, Targets
from pyphyp.network import Network

from . import units
from .error_log import ErrorLog, Event
from .ethernet import Ethernet
from .fibre_channel import FibreChannel
from .groups import VolumeGroups
from .lent import Lent
from .paths import Paths
from .records import Target, TargetKind, ViosError, check_name
from .state_file import Kept
from .storage import Storage
from .units import SharedDisks, disk_names, own_devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hypervisor.network.shared_ethernet import SharedEthernet
    from hypervisor.san.san import San
    from hypervisor.scsi.command import Nexus
    from hypervisor.scsi.unit import LogicalUnit
    from hypervisor.system.definition import VirtualIoServer

    from .fibre_channel import FcClient
    from .records import BackingDevice

_FIRST_SLOT = 10
"""Of server adapters."""


@frozen
class ServerAdapter:
    """A virtual SCSI server adapter, and the client adapter it serves."""

    name: str
    slot: int
    client: int
    """The client partition's number."""
    client_slot: int
    targets: Targets


class Vios:
    """The server of `definition` in the machine `system` (its location code); `close` it.

    `clients` are the SCSI client adapters it serves: pairs of partition number and slot;
    `fc_clients` those of Fibre Channel.  `clock` gives the time of day, `disks` has those that
    others use, too, `network` and `san` are the machine's.  What cannot be had of what was mapped
    stands in `error_log`.
    """

    def __init__(
        self,
        definition: VirtualIoServer,
        clients: Sequence[tuple[int, int]],
        *,
        system: str,
        shared_ethernet: Sequence[SharedEthernet] = (),
        clock: Callable[[], int] = lambda: 0,
        disks: SharedDisks | None = None,
        network: Network | None = None,
        fc_clients: Sequence[FcClient] = (),
        san: San | None = None,
    ) -> None:
        self.definition, self.system = definition, system
        self.clock = clock
        self._runs = True
        self.devices = own_devices(definition.units)
        kept = Kept(definition.directory)
        self.error_log = ErrorLog(definition.directory / "errlog", clock)
        self.paths = Paths(disk_names(self.devices), definition.sas, self.name, self.error_log)
        groups = VolumeGroups(kept, self.devices, self.name, self.error_log, self.paths)
        self.storage = Storage(kept, groups, definition.rootvg_mib)
        network = network or Network(definition.lans)
        try:
            self.ethernet = Ethernet(definition, shared_ethernet, system, network, self.error_log)
            self.fibre_channel = FibreChannel(
                definition, fc_clients, san, system, _FIRST_SLOT + len(clients)
            )
        except (ViosError, FabricError):
            self.storage.close()
            raise
        self.ethernet.plug()
        self.adapters = [
            ServerAdapter(f"vhost{n}", _FIRST_SLOT + n, *client, self._targets(f"vhost{n}"))
            for n, client in enumerate(sorted(clients))
        ]
        self._lent = Lent(self.name, self.devices, self.storage, self.paths, self.error_log, disks)
        self._units: dict[str, LogicalUnit] = {}
        """By name of the virtual target device; those that are defined only have none."""
        self.connect_defined()

    @property
    def name(self) -> str:
        return self.definition.name

    def served(self, client: int, slot: int) -> Targets:
        """What a client adapter sees: always the same object."""
        for adapter in self.adapters:
            if (adapter.client, adapter.client_slot) == (client, slot):
                return adapter.targets
        return self._targets("vhost")

    def _targets(self, adapter: str) -> Targets:
        def closed(nexus: Nexus) -> None:
            if self._runs:
                self.error_log.note(Event.VIO_VSCSI_CLOSE, adapter, f"client {nexus}")

        return Targets(self.name, self.definition.number, closed)

    # -- going and coming ------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        return self._runs

    def shut_down(self) -> None:
        """End: clients are told, and have nobody to speak with until it runs again."""
        self.error_log.settle()
        self.error_log.log(Event.REBOOT_ID, "SYSPROC")
        self._runs = False
        self.ethernet.unplug()
        self.fibre_channel.shut_down()
        for adapter in self.adapters:
            adapter.targets.go()

    def start(self) -> None:
        """Run again; clients are told."""
        self.error_log.log(Event.ERRLOG_ON, "errdemon")
        self._runs = True
        self.ethernet.plug()
        self.fibre_channel.start()
        for adapter in self.adapters:
            adapter.targets.come()

    # -- looking ---------------------------------------------------------------------------

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.storage.state.targets

    def targets_of(self, adapter: ServerAdapter) -> list[Target]:
        return [target for target in self.targets if target.adapter == adapter.name]

    def is_available(self, target: Target) -> bool:
        return target.name in self._units

    @property
    def tape_drives(self) -> list[TapeDrive]:
        """Those that are mapped, in the order of their names."""
        mapped = sorted(self.targets, key=lambda target: target.backing)
        units = [self._units.get(target.name) for target in mapped]
        return [unit for unit in units if isinstance(unit, TapeDrive)]

    def adapter(self, name: str) -> ServerAdapter:
        for adapter in self.adapters:
            if adapter.name == name:
                return adapter
        raise ViosError(f'Device "{name}" is not a virtual SCSI server adapter.')

    def target(self, name: str) -> Target:
        for target in self.targets:
            if target.name == name:
                return target
        raise ViosError(f'Device "{name}" is not a virtual target device.')

    def target_of(self, backing: str) -> Target | None:
        """What shows a backing device to a client, if anything does."""
        optical = TargetKind.OPTICAL
        its = (t for t in self.targets if t.backing == backing and t.kind is not optical)
        return next(its, None)

    def drives_with(self, medium: str) -> list[Target]:
        """The file-backed optical devices that a medium is loaded in."""
        return [
            target
            for target in self.targets
            if target.kind is TargetKind.OPTICAL and target.backing == medium
        ]

    # -- mapping ---------------------------------------------------------------------------

    def map(self, backing: str, adapter: str, name: str | None = None) -> Target:
        """Show a backing device, physical volume, drive or tape to a client."""
        if (other := self.target_of(backing)) is not None:
            raise ViosError(f'"{backing}" is already mapped: virtual target device {other.name}.')
        return self._new_target(self._lent.kind_of(backing), backing, adapter, name)

    def map_optical(self, adapter: str, name: str | None = None) -> Target:
        """A file-backed optical device, without a medium."""
        _ = self.storage.repository
        return self._new_target(TargetKind.OPTICAL, "", adapter, name)

    def _new_target(self, kind: TargetKind, backing: str, adapter: str, name: str | None) -> Target:
        server = self.adapter(adapter)
        taken = {target.name for target in self.targets}
        if name is not None and (check_name(name) in taken or self._is_other_name(name)):
            raise ViosError(f'Device "{name}" already exists.')
        name = name or next(n for n in _numbered(kind.prefix) if n not in taken)
        numbers = {target.number for target in self.targets_of(server)}
        free = [number for number in range(1, TARGETS) if number not in numbers]
        if not free:
            raise ViosError(f"{adapter} has as many virtual target devices as it can.")
        target = Target(name, adapter, free[0], kind, backing)
        unit = self._lent.unit_of(target)
        try:
            self._keep((*self.targets, target))
        except ViosError:
            self._lent.give_back(unit)
            raise
        self._connect(target, unit)
        return target

    def _is_other_name(self, name: str) -> bool:
        others = [*(d.name for d in self.devices), *(a.name for a in self.adapters)]
        return name in (*others, "hdisk0") or name in {d.name for d in self.storage.state.devices}

    def _connect(self, target: Target, unit: LogicalUnit) -> None:
        try:
            targets = self.adapter(target.adapter).targets
        except ViosError:
            self._lent.give_back(unit)
            raise
        targets.add(unit, target.number)
        self._units[target.name] = unit
        targets.changed()

    def unmap(self, target: Target) -> None:
        """A client sees the device no more."""
        self._keep(tuple(its for its in self.targets if its.name != target.name))
        self.unconfigure(target)

    def unconfigure(self, target: Target) -> None:
        """Have it be defined only: a client does not see it until it is connected again."""
        if (unit := self._units.pop(target.name, None)) is None:
            return
        targets = self.adapter(target.adapter).targets
        for address, other in targets:
            if other is unit:
                targets.remove(address)
        self._lent.give_back(unit)
        targets.changed()

    def grow(self, device: BackingDevice, megabytes: int, *, on: Sequence[str] = ()) -> None:
        """Let a backing device have so much more; the client that has it is told."""
        grown = self.storage.grow_device(device, megabytes, on=on)
        target = self.target_of(device.name)
        unit = self._units.get(target.name) if target is not None else None
        if unit is not None:
            self._lent.grow(unit, grown)

    def connect_defined(self) -> None:
        """Show clients what is mapped, as far as it is there; the rest stays `Defined`."""
        for target in self.targets:
            if target.name in self._units:
                continue
            try:
                self._connect(target, self._lent.unit_of(target))
            except ViosError as wrong:
                self.error_log.log(Event.VIO_VTD_CFG, target.name, str(wrong))

    def set_cable(self, adapter: str, *, plugged: bool) -> None:
        """Plug in the cable of a physical adapter, or pull it; raises `ViosError`."""
        if adapter in self.paths.adapters:
            self.paths.set_cable(adapter, plugged=plugged)
        else:
            self.ethernet.set_cable(adapter, plugged=plugged)

    def check_unmapped(self, devices: Iterable[str]) -> None:
        """Raise `ViosError` where a client has one of them."""
        for name in devices:
            if (target := self.target_of(name)) is not None:
                raise ViosError(f'"{name}" is mapped: virtual target device {target.name}.')

    def _keep(self, targets: tuple[Target, ...]) -> None:
        self.storage.keep(replace(self.storage.state, targets=targets))

    # -- media -----------------------------------------------------------------------------

    def load(self, medium: str, target: Target) -> None:
        """Put a medium of the repository into a file-backed optical device."""
        its = self.storage.medium(medium)
        if target.backing and target.kind is TargetKind.OPTICAL:
            raise ViosError(f'"{target.name}" has media loaded: {target.backing}.')
        others = self.drives_with(medium)
        if others and not its.read_only:
            raise ViosError(f'"{medium}" is loaded in {others[0].name}, and is not read-only.')
        units.load(self._units.get(target.name), self.storage.medium_path(its))
        self._set_backing(target, medium)

    def unload(self, target: Target, *, force: bool = False) -> None:
        units.unload(self._units.get(target.name), target.name, force=force)
        self._set_backing(target, "")

    def settle(self) -> None:
        """Note the media that clients have ejected; what they do side by side waits for this."""
        self.error_log.settle()
        while self._lent.ejected:
            name = self._lent.ejected.popleft()
            try:
                self._set_backing(self.target(name), "")
            except ViosError as wrong:
                self.error_log.log(Event.VIO_VTD_CFG, name, str(wrong))

    def _set_backing(self, target: Target, medium: str) -> None:
        changed = replace(target, backing=medium)
        self._keep(tuple(changed if its.name == target.name else its for its in self.targets))

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Give back all files; what is mapped stays so."""
        self.settle()
        for unit in self._units.values():
            self._lent.give_back(unit)
        self._units.clear()
        self.storage.close()


def _numbered(prefix: str) -> Iterator[str]:
    return (f"{prefix}{n}" for n in count())
