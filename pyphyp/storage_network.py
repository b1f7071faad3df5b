"""The storage area network of one machine, with the files that its storage is kept in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hypervisor.san.definition import FabricDefinition, SanDefinition, Zone
from hypervisor.san.fabric import FabricError
from hypervisor.san.san import San
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.unit import Identity
from hypervisor.system.errors import ManagementError
from hypervisor.vfc.server import VfcServer
from hypervisor.vio.configuration import Medium

from .raw_file import MediaError
from .tape_library import TapeLibrary

if TYPE_CHECKING:
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.san.definition import StorageDefinition
    from hypervisor.san.fabric import ClientPort
    from hypervisor.san.storage import Storage
    from hypervisor.scsi.unit import LogicalUnit
    from hypervisor.system.definition import ManagedSystem
    from hypervisor.vio.configuration import FibreChannelAdapter, ScsiUnit
    from hypervisor.vio.sub_crq import ChannelAdapter

    from .media import MediaLibrary

DISK_PRODUCT, TAPE_PRODUCT = "2107900", "ULT3580-TD8"
"""What INQUIRY calls the units of storage, as IBM's disk storage and LTO drives do."""
_MAKER = "IBM"


class Carrier(Protocol):
    """The Fibre Channel of a Virtual I/O Server."""

    def attach(self, client: ClientPort) -> None: ...
    def detach(self, client: ClientPort) -> None: ...
    def serve(self, channel: ChannelAdapter, client: ClientPort) -> VfcServer: ...


class StorageNetwork:
    """Fabrics and storage; `close` it.  `library` opens the files; MediaError where it cannot."""

    def __init__(self, library: MediaLibrary, serial: str, *, exclusive: bool = False) -> None:
        self._library = library
        self.san = San(serial, exclusive=exclusive)
        self.servers: dict[str, Carrier] = {}
        """Virtual I/O Servers that carry adapters, by name."""
        self._opened: list[LogicalUnit] = []
        self._storage: list[StorageDefinition] = []
        self.libraries: dict[str, TapeLibrary] = {}
        """Tape libraries, by name."""

    @property
    def definition(self) -> SanDefinition:
        """What was built, with the zones that there are now."""
        fabrics = (
            FabricDefinition(its.name, tuple(Zone(*zone) for zone in its.zones.items()))
            for its in self.san.fabrics.values()
        )
        return SanDefinition(tuple(fabrics), tuple(self._storage))

    def build(self, definition: SanDefinition) -> None:
        """Have what is defined, besides what there is; raises `MediaError`, `FabricError`."""
        for fabric in definition.fabrics:
            self.san.add_fabric(fabric)
        for storage in definition.storage:
            self._add(storage)
            self._storage.append(storage)

    def _add(self, definition: StorageDefinition) -> None:
        storage = self.san.add_storage(definition.name, definition.fabrics)
        for lun, unit in enumerate(definition.units):
            storage.add(lun, self._unit(storage, lun, unit))
        if definition.library is not None:
            its = self.libraries[definition.name] = TapeLibrary(definition.library, definition.name)
            for lun, part in enumerate((its.changer, *its.drives)):
                storage.add(lun, part)

    @property
    def tape_drives(self) -> list[TapeDrive]:
        """Those of all storage and libraries."""
        inside = [drive for its in self.libraries.values() for drive in its.drives]
        return [unit for unit in self._opened if isinstance(unit, TapeDrive)] + inside

    def library(self, name: str) -> TapeLibrary:
        """Raises `FabricError`."""
        if (found := self.libraries.get(name)) is None:
            there = ", ".join(self.libraries) or "none"
            raise FabricError(f"there is no tape library {name!r}: there are {there}")
        return found

    def _unit(self, storage: Storage, lun: int, unit: ScsiUnit) -> LogicalUnit:
        made: LogicalUnit
        if unit.medium is Medium.DISK:
            path = Path(unit.path)
            made = self._library.disk(path, read_only=unit.read_only, form=unit.format)
            product = DISK_PRODUCT
        else:
            made = self._library.tapes.drive(unit, f"{storage.name}L{lun}")
            product = TAPE_PRODUCT
        made.identity = Identity(product, made.identity.serial, vendor=_MAKER)
        self._opened.append(made)
        return made

    # -- clients ---------------------------------------------------------------------------

    def plug_in(
        self, adapter: FibreChannelAdapter, configuration: PartitionConfiguration
    ) -> ClientPort:
        """The port of a partition's adapter, in its fabric; `MediaError` where that cannot be."""
        port = self.san.client(configuration.name, configuration.number, adapter.slot)
        try:
            if adapter.server:
                self.servers[adapter.server].attach(port)
            else:
                self.san.plug(port, adapter.fabric)
        except FabricError as wrong:
            raise MediaError(str(wrong)) from None
        return port

    def serve(
        self, adapter: ChannelAdapter, port: ClientPort, its: FibreChannelAdapter
    ) -> VfcServer:
        """The server of an adapter that the guest has."""
        if its.server:
            return self.servers[its.server].serve(adapter, port)
        return VfcServer(adapter, port)

    def unplug(self, port: ClientPort) -> None:
        """The adapter is no more."""
        port.listener = None
        for server in self.servers.values():
            server.detach(port)
        self.san.unplug(port)

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Give back all files."""
        for unit in self._opened:
            if isinstance(unit, TapeDrive):
                self._library.tapes.release(unit)
            else:
                self._library.release(unit)
        self._opened.clear()
        for its in self.libraries.values():
            its.close()
        self.libraries.clear()


def storage_network_of(system: ManagedSystem, library: MediaLibrary) -> StorageNetwork | None:
    """That of a managed system, if it has one; `ManagementError` where it cannot be."""
    if not system.san.fabrics and not any(p.fibre_channel_adapters for p in system.partitions):
        return None
    network = StorageNetwork(library, system.serial, exclusive=True)
    try:
        network.build(system.san)
    except (MediaError, FabricError) as wrong:
        network.close()
        raise ManagementError(str(wrong)) from None
    return network
