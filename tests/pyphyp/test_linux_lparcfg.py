"""What a kernel with LPARCFG, DTL and HCALL_STATS shows of the machine: Debian's, big-endian.

It is built by `pyphyp linux --big-endian`; without it in the cache these tests are skipped.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from guests.big_endian import stored_big_endian_linux
from guests.initramfs import KERNEL_ARGUMENTS
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from pyphyp.starts import Booted

from .managed import SPINNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyphyp.starts import Start

pytestmark = [pytest.mark.linux, pytest.mark.big_endian]

MACHINE = """
[machine]
cores = { installed = 4, activated = 3 }
memory = "2G"

[[pool]]
number = 2
maximum = 1.5
reserved = 0.2

[[partition]]
name = "lpar1"
guest = "linux"
memory = { minimum = "256M", desired = "512M", maximum = "1G" }
units = { minimum = 0.2, desired = 0.6, maximum = 1.5 }
virtual_processors = { minimum = 1, desired = 2, maximum = 3 }
weight = 77
pool = 2

[[partition]]
name = "lpar2"
guest = "hello"
memory = "64M"
units = 0.4
weight = 255
pool = 2
"""
CONFIGURATION = {
    "serial_number": "IBM,02PYP0001",
    "partition_id": "1",
    "partition_name": "lpar1",
    "BoundThrds": "1",
    "CapInc": "1",
    "DisWheRotPer": "5120000",
    "MinEntCap": "20",
    "MinEntCapPerVP": "5",
    "MinMem": "256",
    "MinProcs": "1",
    "partition_max_entitled_capacity": "150",
    "system_potential_processors": "4",
    "DesEntCap": "60",
    "DesMem": "512",
    "DesProcs": "2",
    "DesVarCapWt": "77",
    "DedDonMode": "0",
    "partition_entitled_capacity": "60",
    "group": "0",
    "system_active_processors": "3",
    "pool": "2",
    "pool_capacity": "200",
    "pool_num_procs": "2",
    "unallocated_capacity_weight": "0",
    "capacity_weight": "77",
    "capped": "0",
    "unallocated_capacity": "30",
    "physical_procs_allocated_to_virtualization": "3",
    "max_proc_capacity_available": "150",
    "entitled_proc_capacity_available": "120",
    "cmo_enabled": "0",
    "partition_active_processors": "2",
    "partition_potential_processors": "3",
    "shared_processor_mode": "1",
}
"""Of 1.50 units, 0.60 and 0.40 are given, 0.20 reserved."""
ENTRY = struct.Struct(">BBHIIIQQQQ")
LOG = "/sys/kernel/debug/powerpc/dtl"
BUSY = "n=0; while [ $n -lt 3000 ]; do n=$((n+1)); done"
SHOW = f'hexdump -v -e \'{ENTRY.size}/1 "%02x" "\\n"\''


@contextmanager
def booted(file: str, linux_name: str, **others: Start) -> Iterator[ManagedMachine]:
    """Linux at its shell, and what the others boot."""
    if (linux := stored_big_endian_linux()) is None:
        pytest.skip("no big-endian Linux in the cache: pyphyp linux --big-endian builds it")
    arguments = f"console=hvc0 {KERNEL_ARGUMENTS}"
    start = Booted.of(linux.kernel, linux.initramfs(), arguments, direct=False)
    starts = {linux_name: start, **others}
    with ManagedMachine(parse(file).system, epoch=0, host_threads=1, starts=starts) as made:
        made.power_on()
        made.partitions[linux_name].console.wait_for("~# ")
        yield made


@pytest.fixture(scope="module")
def machine() -> Iterator[ManagedMachine]:
    """Linux at its shell, and a neighbour that is always busy."""
    with booted(MACHINE, "lpar1", lpar2=SPINNER) as made:
        run(made, "mount -t debugfs none /sys/kernel/debug")
        yield made


def run(machine: ManagedMachine, command: str) -> str:
    """What a command prints in the first partition."""
    console = next(iter(machine.partitions.values())).console
    begins = len(console.output)
    console.send(f"{command}; echo do''ne\n")
    console.wait_for("done")
    console.wait_for("~# ")
    return console.output[begins:]


def lparcfg(machine: ManagedMachine) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*?)\r?$", run(machine, "cat /proc/ppc64/lparcfg"), re.M))


def test_lparcfg_shows_the_machine_s_configuration(machine: ManagedMachine) -> None:
    shown = lparcfg(machine)
    assert {key: shown.get(key) for key in CONFIGURATION} == CONFIGURATION
    assert 0 < int(shown["pool_idle_time"]) <= 3 * machine.now
    assert 0 < int(shown["purr"]) <= 2 * int(shown["tbr"])
    assert 0 < int(shown["dispatches"]) <= 2 * len(machine.schedule)


def test_the_dispatch_trace_log_of_linux_is_the_schedule(machine: ManagedMachine) -> None:
    run(machine, f"exec 3<{LOG}/cpu-0 4<{LOG}/cpu-1")
    run(machine, f"{BUSY} & {BUSY}; wait")
    for number in (0, 1):
        read = f"dd bs={100 * ENTRY.size} count=1 <&{number + 3} 2>/dev/null | {SHOW}"
        lines = re.findall(r"^([0-9a-f]{96})\r?$", run(machine, read), re.M)
        mine = [d for d in machine.schedule if (d.partition, d.processor) == (1, number)]
        by_start = {dispatch.start: n for n, dispatch in enumerate(mine)}
        entries = [ENTRY.unpack(bytes.fromhex(line)) for line in lines]
        assert len(entries) > 20
        places = [by_start[entry[6]] for entry in entries]
        assert places == list(range(places[0], places[0] + len(places)))
        for (reason, preemption, core, *waits, start), n in zip(
            (entry[:7] for entry in entries), places, strict=True
        ):
            assert (reason, core) == (mine[n].reason, mine[n].core)
            assert preemption == mine[n - 1].preemption
            assert sum(waits) == start - mine[n - 1].end


def test_linux_counts_the_hypercalls_that_were_answered(machine: ManagedMachine) -> None:
    lpar = machine.partitions["lpar1"]
    before, answered_before = hcalls_counted(machine), lpar.stats().hcalls
    run(machine, "for n in 1 2 3; do cat /proc/ppc64/lparcfg; done >/dev/null")
    run(machine, f"{BUSY} & {BUSY}; wait")
    answered, counted = lpar.stats().hcalls - answered_before, hcalls_counted(machine) - before
    assert counted[0xEC] == answered["H_GET_PPP"] == 3
    assert counted[0xF8] == answered["H_PIC"] == 3


def hcalls_counted(machine: ManagedMachine) -> Counter[int]:
    """How often the kernel made each hypercall, by number, as it counted itself."""
    lines = run(machine, "cat /sys/kernel/debug/hcall_inst/cpu*")
    counts: Counter[int] = Counter()
    for number, calls in re.findall(r"^(\d+) (\d+) \d+ \d+\r?$", lines, re.M):
        counts[int(number)] += int(calls)
    return counts


DEDICATED = """
[machine]
cores = 3
memory = "2G"

[[partition]]
name = "own"
guest = "linux"
memory = "512M"
dedicated = { minimum = 1, desired = 1, maximum = 2 }
sharing = "share_idle_procs_active"

[[partition]]
name = "others"
guest = "hello"
memory = "64M"
units = 0.4
weight = 255
"""
OF_DEDICATED = {
    "partition_name": "own",
    "CapInc": "100",
    "DisWheRotPer": "0",
    "MinEntCap": "100",
    "MinProcs": "1",
    "partition_max_entitled_capacity": "200",
    "DesEntCap": "100",
    "DesProcs": "1",
    "DesVarCapWt": "0",
    "DedDonMode": "1",
    "partition_entitled_capacity": "100",
    "system_active_processors": "3",
    "pool": None,
    "capped": "1",
    "capacity_weight": "0",
    "unallocated_capacity": "0",
    "partition_active_processors": "1",
    "partition_potential_processors": "2",
    "shared_processor_mode": "0",
}


def test_lparcfg_of_a_partition_with_processors_of_its_own_shows_that_it_donates() -> None:
    with booted(DEDICATED, "own", others=SPINNER) as machine:
        shown = lparcfg(machine)
        assert {key: shown.get(key) for key in OF_DEDICATED} == OF_DEDICATED
