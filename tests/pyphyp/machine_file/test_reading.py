"""Machine files: what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.isa_level import IsaLevel
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    DedicatedProcessors,
    DistributionLinux,
    KernelFiles,
    SharedProcessors,
    ToyKernel,
)
from hypervisor.system.share import SharingMode
from hypervisor.system.units import ProcUnits
from pyphyp.machine_file import MachineFile, parse, read

from .texts import MACHINE, PARTITION

if TYPE_CHECKING:
    from pathlib import Path


def shared(file: MachineFile) -> SharedProcessors:
    """The processors of the first partition's first profile."""
    processors = file.system.partitions[0].profiles[0].processors
    assert isinstance(processors, SharedProcessors)
    return processors


def test_a_small_file_means_what_it_says() -> None:
    file = parse(MACHINE + PARTITION)
    system = file.system
    assert (system.cores, system.memory_mib) == (Capacity(2, 2), Capacity(4096, 4096))
    (partition,) = system.partitions
    assert (partition.name, partition.number, partition.start) == ("lpar1", 1, True)
    assert partition.guest == ToyKernel("hello")
    (profile,) = partition.profiles
    assert profile.memory_mib == Bounds.exactly(64)
    assert profile.processors == SharedProcessors(
        Bounds.exactly(ProcUnits(50)), Bounds.exactly(1), capped=True
    )
    assert partition.default_profile == profile.name
    assert (file.epoch, file.seed) == (None, 0)


def test_a_weight_makes_a_partition_uncapped() -> None:
    assert not shared(parse(MACHINE + PARTITION + "weight = 0\n")).capped
    assert shared(parse(MACHINE + PARTITION + "capped = false\n")).weight == 128


def test_virtual_processors_are_as_few_as_can_use_the_units() -> None:
    bounds = "{ minimum = 0.3, desired = 1, maximum = 1.01 }"
    file = parse(MACHINE + PARTITION.replace("units = 0.5", f"units = {bounds}"))
    assert shared(file).virtual == Bounds(1, 1, 2)


def test_dedicated_processors_and_when_they_are_lent() -> None:
    own = PARTITION.replace("units = 0.5", 'dedicated = 2\nsharing = "share_idle_procs_always"')
    (partition,) = parse(MACHINE + own).system.partitions
    always = SharingMode.SHARE_IDLE_ALWAYS
    assert partition.profiles[0].processors == DedicatedProcessors(Bounds.exactly(2), always)


def test_numbers_count_on_from_the_partition_before() -> None:
    second = PARTITION.replace("lpar1", "lpar2") + "number = 7\n"
    third = PARTITION.replace("lpar1", "lpar3")
    system = parse(MACHINE + PARTITION + second + third).system
    assert [partition.number for partition in system.partitions] == [1, 7, 8]


def test_a_partition_has_what_the_command_s_options_give() -> None:
    options = 'cpu_mode = "power8"\nmmu = "hash"\ninterrupts = "auto"\nepoch = 1970-01-02\n'
    (partition,) = parse(MACHINE + PARTITION + options + "start = false\n").system.partitions
    assert (partition.isa_level, partition.mmu) == (IsaLevel.V2_07, Mmu.HASH)
    assert (partition.interrupts, partition.epoch) == (InterruptOffer.AUTO, 86400)
    assert not partition.start


def test_an_old_machine_s_partitions_are_as_old() -> None:
    (partition,) = parse(MACHINE + 'processors = "power7"\n' + PARTITION).system.partitions
    assert partition.isa_level is IsaLevel.V2_06


def test_linux_boots_with_what_the_command_gives_it(tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text("true\n")
    text = MACHINE + PARTITION.replace(
        '"hello"', '"linux"\nscript = "setup.sh"\ncommand = "uname"\npackages = ["bc"]'
    )
    (partition,) = parse(text, directory=tmp_path).system.partitions
    script = tmp_path / "setup.sh"
    assert partition.guest == DistributionLinux(command="uname", script=script, packages=("bc",))


def test_a_kernel_of_one_s_own_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(b"")
    file = tmp_path / "machine.toml"
    file.write_text(
        MACHINE + PARTITION.replace('guest = "hello"', 'kernel = "vmlinux"\nappend = "quiet"')
    )
    (partition,) = read(file).system.partitions
    assert partition.guest == KernelFiles(tmp_path / "vmlinux", append="quiet")
