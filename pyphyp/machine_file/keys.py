"""Every key a machine file may have: the one source of reading, schema and documentation."""

from __future__ import annotations

from hypervisor.abi import MAXIMUM_PROCESSORS, InterruptOffer, Mmu
from hypervisor.configuration import MOST_PARTITIONS
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    ProcessorGeneration,
)
from hypervisor.system.editions import Edition
from hypervisor.system.share import DEFAULT_WEIGHT, HIGHEST_WEIGHT, MOST_POOLS, SharingMode
from hypervisor.system.units import ProcUnits
from hypervisor.vio.configuration import TerminalProtocol
from pyphyp.cpu_modes import CPU_MODES, DEFAULT_CPU_MODE, cpu_mode_level

from .io_servers import VIOS
from .kinds import (
    Activated,
    Between,
    Choice,
    Flag,
    Moment,
    Names,
    Several,
    Size,
    Text,
    Units,
    Whole,
)
from .network_keys import BOOT_SERVER, ETHERNET, LAN, SHARED_ETHERNET
from .pairs import VSCSI_SERVER, VTY_SERVER
from .storage_networks import FABRIC, STORAGE
from .tables import Key, Table

LINUX, BIG_ENDIAN_LINUX = "linux", "linux-big-endian"
"""Guests that are not toy kernels."""
DISK = "disk"
"""The guest that a disk or a disc holds."""
ONLY_PROFILE = "normal"
"""What the profile of a partition is called that has its keys beside its own."""


_PLENTY = 1 << 16

MACHINE = Table(
    "machine",
    "The machine itself.",
    (
        Key("name", Text(), "Its name.", '`"pyphyp"`'),
        Key("serial", Text(), "Its serial number, which guests see.", '`"PYP0001"`'),
        Key(
            "processors",
            Choice(tuple(g.value for g in ProcessorGeneration), ProcessorGeneration),
            "Its physical processors. A virtual processor needs 0.10 units of a POWER7 and 0.05 "
            "of later ones, so 10 or 20 micro-partitions fit a core.",
            '`"power9"`',
        ),
        Key(
            "cores",
            Activated(Whole(1)),
            "Physical processors: installed, and how many of them are activated.",
            stands_in=Capacity(_PLENTY, _PLENTY),
            required=True,
        ),
        Key(
            "memory",
            Activated(Size()),
            "Memory: installed, and how much of it is activated.",
            stands_in=Capacity(_PLENTY << 16, _PLENTY << 16),
            required=True,
        ),
        Key("lmb", Size(), "The logical memory block: memory is given out in such.", '`"64M"`'),
        Key(
            "edition",
            Choice(tuple(e.value for e in Edition), Edition),
            "What is activated of the hypervisor: express has three partitions and one pool; "
            "only enterprise has memory sharing and mobility.",
            '`"enterprise"`',
        ),
        Key("epoch", Moment(), "Time of day at power-on. Fixed, it makes runs repeatable.", "now"),
        Key("seed", Whole(0), "Seed of all that is random.", "0"),
    ),
    array=False,
)

POOL = Table(
    "pool",
    "A shared processor pool. Pool 0 is there of itself, without limits.",
    (
        Key("number", Whole(0), f"1 to {MOST_POOLS - 1}.", stands_in=1, required=True),
        Key("name", Text(), "Its name.", '`"SharedPool01"` for pool 1'),
        Key(
            "maximum",
            Units(),
            "What its members together never exceed.",
            stands_in=ProcUnits(1 << 32),
            required=True,
        ),
        Key(
            "reserved",
            Units(),
            "Kept free for its uncapped members, above their entitlement.",
            "0",
        ),
    ),
)

_PROFILE_KEYS = (
    Key(
        "memory",
        Between(Size()),
        "Memory, in whole logical memory blocks.",
        stands_in=Bounds.exactly(_PLENTY),
        required=True,
    ),
    Key(
        "units",
        Between(Units()),
        "Processing units of a shared partition: what it is entitled to.",
    ),
    Key(
        "virtual_processors",
        Between(Whole(1, MAXIMUM_PROCESSORS)),
        "Virtual processors of a shared partition.",
        "as few as can use the units",
    ),
    Key(
        "capped",
        Flag(),
        "Whether a shared partition never gets more than its units.",
        "true, unless there is a weight",
    ),
    Key(
        "weight",
        Whole(0, HIGHEST_WEIGHT),
        "An uncapped partition's claim to unused time, beside the others'; 0 gets none.",
        str(DEFAULT_WEIGHT),
    ),
    Key("pool", Whole(0, MOST_POOLS - 1), "The shared processor pool, by its number.", "0"),
    Key(
        "dedicated",
        Between(Whole(1, MAXIMUM_PROCESSORS)),
        "Instead of units: whole processors of the partition's own.",
    ),
    Key(
        "sharing",
        Choice(tuple(mode.value for mode in SharingMode), SharingMode),
        "When a dedicated partition lends its idle processors.",
        f'`"{SharingMode.SHARE_IDLE.value}"`: while it is not activated',
    ),
)

PROFILE = Table(
    "profile",
    "What a partition can be activated with. One that has a single profile can have these keys "
    "beside its own.",
    (
        Key("name", Text(), "Its name.", stands_in=ONLY_PROFILE, required=True),
        *_PROFILE_KEYS,
    ),
)

CONSOLE = Table(
    "console",
    "A console of a partition. Without any there is a plain one; the first is the one that "
    "firmware and Linux's hvc0 use. `pyphyp console` reaches all of them.",
    (
        Key(
            "protocol",
            Choice(tuple(protocol.value for protocol in TerminalProtocol), TerminalProtocol),
            "Plain characters, or packets with modem signals.",
            f'`"{TerminalProtocol.RAW.value}"`',
        ),
        Key("socket", Text("a file's name"), "A Unix socket where it is to be found, too.", "none"),
        Key("log", Text("a file's name"), "Instead of a socket: a file it is written to.", "none"),
    ),
)

PARTITION = Table(
    "partition",
    "A partition: who it is, what it boots, and its profiles or the keys of its only one.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key("number", Whole(1, MOST_PARTITIONS), "Its number.", "one more than the one before"),
        Key(
            "guest",
            Text(),
            f'What it boots: `"{LINUX}"` is Debian\'s, as `pyphyp linux` boots it, '
            f'`"{BIG_ENDIAN_LINUX}"` the big-endian one, `"{DISK}"` what firmware finds on its '
            "disks and discs, or gets from a boot server; or a toy kernel by its name "
            "(`pyphyp list`).",
        ),
        Key("little", Flag(), "A toy kernel runs little-endian.", "false"),
        Key("kernel", Text("a file's name"), "Instead of a guest: a kernel, an ELF file."),
        Key("initrd", Text("a file's name"), "The kernel's initial file system."),
        Key("append", Text(), "Arguments for Linux, the kernel or the boot loader.", "none"),
        Key(
            "boot_device",
            Text("devices, apart by blanks"),
            f'With the guest `"{DISK}"`: the devices to try, such as `"cdrom disk1"`.',
            "as boot-device in NVRAM says, or all",
        ),
        Key(
            "direct",
            Flag(),
            "Linux or the kernel is entered with a flattened device tree, without firmware.",
            "false",
        ),
        Key("command", Text(), "What Linux runs instead of a shell, to power off after it."),
        Key("script", Text("a file's name"), "A shell script Linux runs before that."),
        Key("packages", Several(Text("a package's name")), "Debian packages for Linux.", "none"),
        Key(
            "modules",
            Several(Text("a module's name")),
            "Modules of Debian's kernel to load first; those for its disks are loaded anyway.",
            "none",
        ),
        Key(
            "cpu_mode",
            Choice(CPU_MODES, cpu_mode_level),
            "The highest processor compatibility mode on offer.",
            f'`"{DEFAULT_CPU_MODE}"`, or what the processors have',
        ),
        Key(
            "mmu",
            Choice(tuple(mmu.value for mmu in Mmu), Mmu),
            "Translation on offer: hashed page tables, radix trees, or either.",
            '`"auto"`',
        ),
        Key(
            "interrupts",
            Choice(tuple(offer.value for offer in InterruptOffer), InterruptOffer),
            "Interrupt controllers on offer; auto: the one of both the guest asks for.",
            '`"xics"`',
        ),
        Key("epoch", Moment(), "Its time of day at power-on.", "the machine's"),
        Key("nvram", Text("a file's name"), "A file that keeps its NVRAM between runs.", "none"),
        Key(
            "disks",
            Several(
                Text(
                    "a file's name; behind it `,ro` if it is not written to, `,shared` if others "
                    "use it, too, `,raw` or `,qcow2`"
                )
            ),
            "Virtual SCSI disks, each a file or a block device of the host; names that end in "
            "`.qcow2` are such images, others raw, unless it is said.",
            "none",
        ),
        Key(
            "cdroms",
            Several(Text("a file's name, or nothing for an empty drive")),
            "Virtual optical drives, each with the image in it.",
            "none",
        ),
        Key(
            "tapes",
            Several(Text("a file's name, followed by `,ro` or a size, or nothing")),
            "Virtual tape drives, each with a tape image in it; `,10G` is how much it holds.",
            "none",
        ),
        Key(
            "vios",
            Several(Text("a Virtual I/O Server's name")),
            "Virtual I/O Servers that may lend it storage, each by an adapter of its own.",
            "none",
        ),
        Key(
            "fc",
            Several(Text("a fabric's name, a Virtual I/O Server's, or one of its ports: v1/fcs0")),
            "Virtual Fibre Channel adapters, each with a pair of world wide port names of its own; "
            "a server's has what `vfcmap` maps it to, the port that is named at first.",
            "none",
        ),
        Key(
            "performance_collection",
            Flag(),
            "Whether its guest may know what the shared processors do (H_PIC).",
            "true",
        ),
        Key("start", Flag(), "Whether it is activated when the machine is powered on.", "true"),
        Key(
            "default_profile",
            Text("a profile's name"),
            "The profile it is activated with if none is named.",
            "the first",
        ),
        *(Key(key.name, key.kind, key.words, key.default, key.stands_in) for key in _PROFILE_KEYS),
    ),
    (PROFILE, CONSOLE, ETHERNET, VSCSI_SERVER, VTY_SERVER),
)

SYSTEM_PROFILE = Table(
    "system_profile",
    "Partitions to be activated together.",
    (
        Key("name", Text(), "Its name.", stands_in="?", required=True),
        Key(
            "partitions",
            Names(),
            "Partitions by name, each with the profile it is activated with.",
            stands_in=(),
            required=True,
        ),
    ),
)

ROOT = Table(
    "",
    "A managed system.",
    (),
    (
        MACHINE,
        POOL,
        PARTITION,
        SHARED_ETHERNET,
        LAN,
        BOOT_SERVER,
        VIOS,
        FABRIC,
        STORAGE,
        SYSTEM_PROFILE,
    ),
    array=False,
)
