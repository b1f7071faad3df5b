"""From the text of a machine file to a managed system."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emu.isa_level import IsaLevel
from emu.values import frozen
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    DedicatedProcessors,
    DeviceProgram,
    DistributionLinux,
    Guest,
    KernelFiles,
    ManagedSystem,
    PartitionDefinition,
    PartitionProfile,
    ProcessorGeneration,
    SharedProcessorPool,
    SharedProcessors,
    SystemProfile,
    ToyKernel,
)
from hypervisor.system.editions import Edition
from hypervisor.system.share import DEFAULT_POOL, DEFAULT_WEIGHT, SharingMode
from hypervisor.system.units import NONE, WHOLE, ProcUnits
from hypervisor.system.validation import problems as problems_of
from pyphyp.guest_list import sources

from .adapters import console_adapters, modules_for
from .changes import Change, change
from .disks import scsi_adapters
from .io_servers import VIOS, io_servers
from .keys import (
    BIG_ENDIAN_LINUX,
    CONSOLE,
    DISK,
    LINUX,
    MACHINE,
    ONLY_PROFILE,
    PARTITION,
    POOL,
    PROFILE,
    ROOT,
    SYSTEM_PROFILE,
)
from .lines import key_lines
from .network_keys import BOOT_SERVER, ETHERNET, LAN, SHARED_ETHERNET, VIOS_ETHERNET
from .networks import boot_services, ethernet_adapters, lans, shared_ethernets
from .pairs import VSCSI_SERVER, VTY_SERVER, paired
from .problems import FileProblem, MachineFileError, Problems
from .storage_networks import carried, fibre_channel_adapters, san_definition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.vio.configuration import ConsoleAdapter

    from .lines import Path as KeyPath
    from .networks import Tables
    from .tables import Table

Values = dict[str, Any]

_SHARED_KEYS = ("units", "virtual_processors", "capped", "weight", "pool")
_PROFILE_NAMES = tuple(key.name for key in PROFILE.keys if key.name != "name")
_LINUX_KEYS = ("command", "script", "packages", "modules")


@frozen
class MachineFile:
    """What a machine file says."""

    system: ManagedSystem
    epoch: int | None = None
    """Time of day at power-on, in seconds since 1970; None: the host's."""
    seed: int = 0


def read(path: Path, changes: Iterable[Change] = ()) -> MachineFile:
    """The machine that the file `path` describes, with `changes` made.

    Raises `MachineFileError` with all that is wrong, `ChangeError` if something cannot be changed,
    `OSError` if the file cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = wrong.object[: wrong.start].count(b"\n") + 1
        problem = FileProblem(str(path), line, "", "", "a machine file is text in UTF-8")
        raise MachineFileError((problem,)) from None
    return parse(text, str(path), path.parent, changes)


def parse(
    text: str,
    name: str = "machine.toml",
    directory: Path = Path(),
    changes: Iterable[Change] = (),
) -> MachineFile:
    """The machine that `text` describes; names of files in it are relative to `directory`.

    Raises `MachineFileError` with all that is wrong; `name` is what it calls the file.
    """
    text = text.replace("\r\n", "\n")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        why, line = _where(str(wrong), text)
        raise MachineFileError((FileProblem(name, line, "", "", why),)) from None
    except RecursionError:
        why = "brackets are nested too deeply"
        raise MachineFileError((FileProblem(name, None, "", "", why),)) from None
    change(content, changes)
    reading = _Reading(Problems(name, content, key_lines(text)), directory)
    machine_file = reading.machine_file(content)
    for problem in problems_of(machine_file.system):
        reading.problems.add_invalid(problem)
    if found := reading.problems.taken():
        raise MachineFileError(found)
    return machine_file


def _where(message: str, text: str) -> tuple[str, int | None]:
    """tomllib's message in two: what is wrong, and the line."""
    why, _, place = message.rpartition(" (at ")
    if place.startswith("line "):
        return f"no TOML: {why}", int(place.removeprefix("line ").partition(",")[0])
    return f"no TOML: {why or message}", text.count("\n") + 1 if why else None


class _Reading:
    """Builds the system table by table; what is wrong is noted, and something put in its place."""

    def __init__(self, problems: Problems, directory: Path) -> None:
        self.problems = problems
        self._directory = directory

    def machine_file(self, content: dict[str, Any]) -> MachineFile:
        self._values(ROOT, content, ())
        machine = self._values(MACHINE, content.get("machine", {}), ("machine",))
        pools = [self._pool(*each) for each in self._array(content, POOL, ())]
        generation = machine.get("processors", ProcessorGeneration.POWER9)
        partitions: list[PartitionDefinition] = []
        for value, path in self._array(content, PARTITION, ()):
            number = partitions[-1].number + 1 if partitions else 1
            partitions.append(self._partition(value, path, number, generation))
        disks, terminals = (self._inner(content, PARTITION, t) for t in (VSCSI_SERVER, VTY_SERVER))
        partitions = paired(partitions, disks, terminals, self.problems)
        tables, ports = self._tables(content, VIOS, ()), self._inner(content, VIOS, VIOS_ETHERNET)
        servers = io_servers(tables, ports, partitions, self._directory, self.problems)
        system = ManagedSystem(
            name=machine.get("name", "pyphyp"),
            serial=machine.get("serial", "PYP0001"),
            generation=generation,
            cores=machine["cores"],
            memory_mib=machine["memory"],
            lmb_mib=machine.get("lmb", 64),
            edition=machine.get("edition", Edition.ENTERPRISE),
            pools=tuple(pools),
            partitions=carried(partitions, servers),
            system_profiles=tuple(
                SystemProfile(**self._values(SYSTEM_PROFILE, *each))
                for each in self._array(content, SYSTEM_PROFILE, ())
            ),
            shared_ethernet=shared_ethernets(
                self._tables(content, SHARED_ETHERNET, ()), self._directory, self.problems
            ),
            boot_servers=boot_services(
                self._tables(content, BOOT_SERVER, ()), self._directory, self.problems
            ),
            io_servers=servers,
            san=san_definition(content, self._tables, self._directory, self.problems),
            lans=lans(self._tables(content, LAN, ()), self._directory, self.problems),
        )
        return MachineFile(system, machine.get("epoch"), machine.get("seed", 0))

    # -- tables ----------------------------------------------------------------------------

    def _array(self, content: Values, table: Table, path: KeyPath) -> Tables:
        """The tables of an array with their paths."""
        array = content.get(table.name, [])
        if not isinstance(array, list) or not all(isinstance(item, dict) for item in array):
            self.problems.add((*path, table.name), f"tables: [[{table.name}]]")
            return []
        return [(item, (*path, table.name, n)) for n, item in enumerate(array)]

    def _tables(self, content: Values, table: Table, path: KeyPath) -> Tables:
        """What the keys of each table of an array mean, with its path."""
        return [(self._values(table, *each), each[1]) for each in self._array(content, table, path)]

    def _values(self, table: Table, content: Any, path: KeyPath) -> Values:
        """What the keys of a table mean; those that must be there always are."""
        if not isinstance(content, dict):
            self.problems.add(path, f"a table: [{table.name}]")
            content = {}
        values: Values = {}
        for name, value in content.items():
            if (key := table.key(name)) is not None:
                try:
                    values[name] = key.kind.read(value)
                except ValueError as wrong:
                    self.problems.add((*path, name), str(wrong))
            elif name not in table.names:
                self.problems.add((*path, name), _unknown(name, table))
        for key in table.keys:
            if key.required and key.name not in values:
                values[key.name] = key.stands_in
                if key.name not in content:
                    self.problems.add((*path, key.name), f"is missing: {key.kind.words}")
        return values

    def _inner(self, content: Values, outer: Table, inner: Table) -> list[Tables]:
        """What `_tables` gives of the tables `inner` in each table `outer`."""
        return [self._tables(value, inner, path) for value, path in self._array(content, outer, ())]

    def _pool(self, content: Values, path: KeyPath) -> SharedProcessorPool:
        values = self._values(POOL, content, path)
        number = values["number"]
        name = values.get("name", SharedProcessorPool.usual_name(number))
        return SharedProcessorPool(number, name, values["maximum"], values.get("reserved", NONE))

    # -- partitions ------------------------------------------------------------------------

    def _partition(
        self, content: Values, path: KeyPath, number: int, generation: ProcessorGeneration
    ) -> PartitionDefinition:
        values = self._values(PARTITION, content, path)
        profiles = self._profiles(content, values, path)
        usual = min(IsaLevel.V3_0, generation.isa_level)
        return PartitionDefinition(
            name=values["name"],
            number=values.get("number", number),
            guest=self._guest(content, values, path),
            profiles=profiles,
            default_profile=values.get("default_profile", profiles[0].name),
            isa_level=values.get("cpu_mode", usual),
            mmu=values.get("mmu", Mmu.AUTO),
            interrupts=values.get("interrupts", InterruptOffer.XICS),
            epoch=values.get("epoch"),
            nvram=self._path(values.get("nvram")),
            performance_collection=values.get("performance_collection", True),
            consoles=self._consoles(content, path),
            scsi_adapters=scsi_adapters(values, path, self._directory, self.problems),
            ethernet_adapters=ethernet_adapters(
                self._tables(content, ETHERNET, path), self.problems
            ),
            fibre_channel_adapters=fibre_channel_adapters(values, path, self.problems),
            start=values.get("start", True),
        )

    def _profiles(
        self, content: Values, values: Values, path: KeyPath
    ) -> tuple[PartitionProfile, ...]:
        """Those of its own tables, or the one whose keys stand beside the partition's."""
        if PROFILE.name not in content:
            beside = {name: values[name] for name in _PROFILE_NAMES if name in values}
            memory = PROFILE.key("memory")
            assert memory is not None
            if "memory" not in beside:
                beside["memory"] = memory.stands_in
                if "memory" not in content:
                    self.problems.add((*path, "memory"), f"is missing: {memory.kind.words}")
            return (self._profile({**beside, "name": ONLY_PROFILE}, content, path),)
        for name in _PROFILE_NAMES:
            if name in content:
                self.problems.add((*path, name), "in one of the profiles, as there are some")
        tables = list(self._array(content, PROFILE, path))
        profiles = [
            self._profile(self._values(PROFILE, table, where), table, where)
            for table, where in tables
        ]
        if not profiles:
            self.problems.add((*path, PROFILE.name), "one profile at least")
            return (self._profile({"name": ONLY_PROFILE, "memory": Bounds.exactly(1)}, {}, path),)
        return tuple(profiles)

    def _profile(self, values: Values, content: Values, path: KeyPath) -> PartitionProfile:
        dedicated = "dedicated" in content
        for name in _SHARED_KEYS if dedicated else ("sharing",):
            if name in content:
                kind = "dedicated" if dedicated else "shared"
                self.problems.add((*path, name), f"nothing: the processors are {kind}")
        if not dedicated and "units" not in content:
            self.problems.add((*path, "units"), "is missing, and dedicated too: one of the two")
        return PartitionProfile(
            values["name"],
            values["memory"],
            self._dedicated(values) if dedicated else self._shared(values, path),
        )

    def _dedicated(self, values: Values) -> DedicatedProcessors:
        count = values.get("dedicated", Bounds.exactly(1))
        return DedicatedProcessors(count, values.get("sharing", SharingMode.SHARE_IDLE))

    def _shared(self, values: Values, path: KeyPath) -> SharedProcessors:
        capped = values.get("capped", "weight" not in values)
        if capped and "weight" in values:
            self.problems.add((*path, "weight"), "nothing: a capped partition has no weight")
        if "units" not in values:  # which has been told
            virtual = values.get("virtual_processors", Bounds.exactly(1))
            units = Bounds(*(ProcUnits.processors(count) for _, count in virtual.by_kind()))
        else:
            units = values["units"]
            virtual = values.get(
                "virtual_processors",
                Bounds(_least(units.minimum), _least(units.desired), _least(units.maximum)),
            )
        weight, pool = values.get("weight", DEFAULT_WEIGHT), values.get("pool", DEFAULT_POOL)
        return SharedProcessors(units, virtual, capped, weight, pool)

    def _consoles(self, content: Values, path: KeyPath) -> tuple[ConsoleAdapter, ...]:
        tables = self._tables(content, CONSOLE, path)
        return console_adapters(tables, self._directory, self.problems)

    # -- what it boots ---------------------------------------------------------------------

    def _guest(self, content: Values, values: Values, path: KeyPath) -> Guest:
        if ("guest" in content) == ("kernel" in content):
            both = "guest" in content
            why = "one of guest and kernel" if both else "is missing, and kernel too: one of them"
            self.problems.add((*path, "guest"), why)
            return ToyKernel("hello")
        if "kernel" in content:
            self._refuse(content, path, ("little", *_LINUX_KEYS), "a kernel of your own")
            kernel = self._file(values, "kernel", path) or Path()
            initrd = self._file(values, "initrd", path)
            direct = values.get("direct", False)
            return KernelFiles(kernel, initrd, values.get("append", ""), direct)
        self._refuse(content, path, ("initrd",), "no kernel of your own")
        if values.get("guest") == DISK:
            names = ("little", "direct", *_LINUX_KEYS)
            self._refuse(content, path, names, "what a disk holds")
            if not any(
                content.get(its) for its in ("disks", "cdroms", "vios", "fc", ETHERNET.name)
            ):
                self.problems.add(
                    (*path, "guest"), "another, or disks, cdroms, vios, fc or ethernet"
                )
            return DeviceProgram(values.get("boot_device", ""), values.get("append"))
        self._refuse(content, path, ("boot_device",), "not on a disk")
        match values.get("guest", LINUX):
            case "linux" | "linux-big-endian" as name:
                self._refuse(content, path, ("little",), "Linux")
                if name == BIG_ENDIAN_LINUX:
                    self._refuse(content, path, ("packages", "modules"), "big-endian Linux")
                return DistributionLinux(
                    big_endian=name == BIG_ENDIAN_LINUX,
                    append=values.get("append", ""),
                    direct=values.get("direct", False),
                    command=values.get("command"),
                    script=self._file(values, "script", path),
                    packages=values.get("packages", ()),
                    modules=modules_for(content, values, big_endian=name == BIG_ENDIAN_LINUX),
                )
            case name:
                keys = ("append", "direct", *_LINUX_KEYS)
                self._refuse(content, path, keys, "a toy kernel")
                guests = (LINUX, BIG_ENDIAN_LINUX, DISK, *sources())
                if name not in guests:
                    self.problems.add((*path, "guest"), _no_guest(name, guests))
                return ToyKernel(name, values.get("little", False))

    def _refuse(self, content: Values, path: KeyPath, names: Iterable[str], booted: str) -> None:
        for name in names:
            if name in content:
                self.problems.add((*path, name), f"nothing: what boots is {booted}")

    def _file(self, values: Values, name: str, path: KeyPath) -> Path | None:
        """A file that must be there."""
        file = self._path(values.get(name))
        if file is not None and not file.is_file():
            self.problems.add((*path, name), f"there is no file {file}")
        return file

    def _path(self, name: str | None) -> Path | None:
        return None if name is None else self._directory / name


def _least(units: int) -> int:
    """The fewest virtual processors that can use that many units."""
    return max(-(-units // WHOLE), 1)


def _unknown(name: str, table: Table) -> str:
    close = difflib.get_close_matches(name, table.names, n=1)
    if close:
        return f"there is no such key; did you mean {close[0]}?"
    return f"there is no such key; there are {', '.join(table.names)}"


def _no_guest(name: str, guests: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, guests, n=1)
    advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(guests)}"
    return f"there is no such guest; {advice}"
