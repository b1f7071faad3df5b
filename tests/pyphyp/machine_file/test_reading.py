"""Machine files: what they mean, and what is said of those that cannot be."""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.isa_level import IsaLevel
from guests.modules import DISK_MODULES, ETHERNET_MODULES
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.network.boot_server import BootService
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    DedicatedProcessors,
    DeviceProgram,
    DistributionLinux,
    KernelFiles,
    SharedProcessors,
    ToyKernel,
)
from hypervisor.system.share import SharingMode
from hypervisor.system.units import ProcUnits
from hypervisor.vio.configuration import (
    Backend,
    ConsoleAdapter,
    EthernetAdapter,
    Medium,
    ScsiUnit,
    TerminalProtocol,
)
from pyphyp.machine_file import FileProblem, MachineFile, MachineFileError, parse, read

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = '[machine]\ncores = 2\nmemory = "4G"\n'
PARTITION = '[[partition]]\nname = "lpar1"\nguest = "hello"\nmemory = "64M"\nunits = 0.5\n'


def wrong(text: str) -> list[str]:
    """What is said of a file that cannot be."""
    with pytest.raises(MachineFileError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def shared(file: MachineFile) -> SharedProcessors:
    """The processors of the first partition's first profile."""
    processors = file.system.partitions[0].profiles[0].processors
    assert isinstance(processors, SharedProcessors)
    return processors


# -- what files mean -----------------------------------------------------------------------


def test_disks_and_discs_are_targets_of_one_adapter(tmp_path: Path) -> None:
    for name in ("a.img", "b.img", "c.iso"):
        (tmp_path / name).write_bytes(bytes(2048))
    more = 'disks = ["a.img", "b.img,ro"]\ncdroms = ["c.iso", ""]\n'
    (adapter,) = (
        parse(MACHINE + PARTITION + more, directory=tmp_path).system.partitions[0].scsi_adapters
    )
    assert adapter.units == (
        ScsiUnit(Medium.DISK, str(tmp_path / "a.img"), 0),
        ScsiUnit(Medium.DISK, str(tmp_path / "b.img"), 1, read_only=True),
        ScsiUnit(Medium.OPTICAL, str(tmp_path / "c.iso"), 2, read_only=True),
        ScsiUnit(Medium.OPTICAL, "", 3, read_only=True),
    )


def test_boot_servers_give_out_directories(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "kernel").touch()
    more = (
        '[[partition.ethernet]]\nvlan = 7\n[[boot_server]]\ndirectory = "served"\n'
        'file = "kernel"\nvlan = 7\naddress = "10.1.0.1/16"\n'
    )
    guest = PARTITION.replace("hello", "disk")
    system = parse(MACHINE + guest + more, directory=tmp_path).system
    served = tmp_path / "served"
    address = IPv4Interface("10.1.0.1/16")
    assert system.boot_servers == (BootService(served, "kernel", vlan=7, address=address),)


def test_boot_servers_that_cannot_be_are_told(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    server = '[[boot_server]]\ndirectory = "served"\nfile = "kernel"\n'
    for more, words in (
        (server, "there is no file"),
        (server.replace("served", "none"), "there is no directory"),
        (server + server, "has a boot server"),
        (server + 'address = "10.0.0.1/31"\n', "room for clients"),
        (server + 'address = "here"\n', "here"),
    ):
        with pytest.raises(MachineFileError) as caught:
            parse(MACHINE + PARTITION + more, directory=tmp_path)
        assert any(words in str(problem) for problem in caught.value.problems), words


def test_ethernet_adapters_are_plugged_into_switches() -> None:
    more = (
        "[[partition.ethernet]]\nvlan = 10\nmore_vlans = [20, 30]\n"
        '[[partition.ethernet]]\nswitch = "other"\ntrunk_priority = 1\nmac = "0a:00:00:00:00:01"\n'
    )
    file = parse(MACHINE + PARTITION.replace("hello", "linux") + more)
    (partition,) = file.system.partitions
    assert partition.ethernet_adapters == (
        EthernetAdapter(3, vlan=10, more_vlans=(20, 30)),
        EthernetAdapter(4, "other", trunk_priority=1, address=bytes.fromhex("0a0000000001")),
    )
    assert isinstance(partition.guest, DistributionLinux)
    assert partition.guest.modules == ETHERNET_MODULES


@pytest.mark.parametrize(
    "wrong_key", ["vlan = 0", 'mac = "0b:00"', 'mac = "01:00:00:00:00:01"', "more_vlans = [1]"]
)
def test_an_ethernet_adapter_that_cannot_be_is_told(wrong_key: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION + "[[partition.ethernet]]\n" + wrong_key + "\n")
    assert "ethernet" in problem


def test_linux_with_disks_loads_their_drivers(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(512))
    text = MACHINE + PARTITION.replace("hello", "linux") + 'disks = ["a.img"]\nmodules = ["sg"]\n'
    guest = parse(text, directory=tmp_path).system.partitions[0].guest
    assert isinstance(guest, DistributionLinux)
    assert guest.modules == ("sg", *DISK_MODULES)


def test_a_partition_can_boot_what_its_disk_holds(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(512))
    text = (
        MACHINE + PARTITION.replace("hello", "disk") + 'disks = ["a.img"]\nboot_device = "disk"\n'
    )
    assert parse(text, directory=tmp_path).system.partitions[0].guest == DeviceProgram("disk")


def test_disks_that_are_not_there_and_nothing_to_boot_from_are_told() -> None:
    (problem,) = wrong(MACHINE + PARTITION + 'disks = ["none.img"]\n')
    assert "none.img" in problem
    assert "disk create" in problem
    (problem,) = wrong(MACHINE + PARTITION.replace("hello", "disk"))
    assert "disks, cdroms, vios, fc or ethernet" in problem
    (problem,) = wrong(MACHINE + PARTITION + 'boot_device = "disk"\n')
    assert "boot_device" in problem


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


# -- what is said of files that cannot be --------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "machine.toml:1: no TOML: Invalid value"),
        ("a = 1\na = 2\n", "machine.toml:2: no TOML: Cannot overwrite a value"),
        ("[machine", "machine.toml:1: no TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, said: str) -> None:
    assert wrong(text) == [said]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("unit = 1", 'partition[lpar1].unit = 1: there is no such key; did you mean units?'),
        ("weight = 256", "partition[lpar1].weight = 256: a whole number, 0 to 255"),
        ("weight = true", "partition[lpar1].weight = true: a whole number, 0 to 255"),
        ("pool = 3", "partition[lpar1].pool = 3: one of the pools: 0"),
        ("little = 1", "partition[lpar1].little = 1: true or false"),
        ("command = 'x'", 'partition[lpar1].command = "x": nothing: what boots is a toy kernel'),
        ("kernel = 'x'", 'partition[lpar1].guest = "hello": one of guest and kernel'),
        ("cpu_mode = 'power6'", 'partition[lpar1].cpu_mode = "power6": one of "power7", '
         '"power8", "power9", "power10"'),
        ("cpu_mode = 'power10'", 'partition[lpar1].cpu_mode = "power10": newer than the '
         "system's processors, power9"),
        ("dedicated = 1", "partition[lpar1].units = 0.5: nothing: the processors are dedicated"),
        ("sharing = 'keep_idle_procs'", 'partition[lpar1].sharing = "keep_idle_procs": nothing: '
         "the processors are shared"),
        ("virtual_processors = 33", "partition[lpar1].virtual_processors = 33: "
         "a whole number, 1 to 32"),
        ("virtual_processors = 11", "partition[lpar1].units = 0.5: "
         "at least 0.55: 0.05 for each of 11 virtual processors"),
        ("number = 0", "partition[lpar1].number = 0: a whole number, 1 to 1000"),
        ("default_profile = 'x'", 'partition[lpar1].default_profile = "x": '
         "one of the partition's profiles: normal"),
        ("capped = true\nweight = 1", "partition[lpar1].weight = 1: nothing: "
         "a capped partition has no weight"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_with_its_line_its_value_and_what_would_be_right(
    line: str, said: str
) -> None:
    problems = wrong(MACHINE + PARTITION + line + "\n")
    assert [text.partition(": ")[2] for text in problems] == [said]
    at = (MACHINE + PARTITION + line).split("\n")
    key = said.partition(" = ")[0].rpartition(".")[2]
    number = int(problems[0].partition(": ")[0].rpartition(":")[2])
    assert at[number - 1].startswith(f"{key} = ")


@pytest.mark.parametrize("size", ['"64"', '"1.00001M"', "64", '"big"', '"-64M"'])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace('"64M"', size))
    assert f"memory = {size}: a " in problem


@pytest.mark.parametrize("units", ["0.505", '"0.5"', "nan", "-1", "inf", "true"])
def test_units_that_are_none_are_refused(units: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace("0.5", units))
    assert "processing units, in steps of 0.01: 0.5, for example" in problem


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("{ minimum = 0.1 }", "desired and, unless they are the same, minimum and maximum"),
        ("{ desired = 0.1, most = 1 }", "desired and, unless they are the same"),
        ("{ desired = 0.1, maximum = 0.001 }", "maximum is processing units"),
        ("{ desired = 0.1, minimum = 0.2 }", "minimum = 0.2: up to what is desired, 0.10"),
        ("{ desired = 0.1, maximum = 0.05 }", "maximum = 0.05: at least what is desired, 0.10"),
    ],
)
def test_bounds_that_are_none_are_refused(bounds: str, said: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace("units = 0.5", f"units = {bounds}"))
    assert said in problem


def test_all_that_is_wrong_is_told_in_the_order_of_the_file() -> None:
    text = (
        '[machine]\ncore = 1\nmemory = "1Q"\n[[pool]]\nnumber = 0\n'
        "[[partition]]\nguest = 'hullo'\nmemory = '100M'\nunits = 0.01\n[mashine]\n"
    )
    assert wrong(text) == [
        "machine.toml:1: machine.cores: is missing: a whole number, 1 or more; "
        "or { installed, activated } of such",
        "machine.toml:2: machine.core = 1: there is no such key; did you mean cores?",
        'machine.toml:3: machine.memory = "1Q": a size: "512M", "1.5G"',
        "machine.toml:4: pool[0].maximum: is missing: processing units, in steps of 0.01",
        "machine.toml:5: pool[0].number = 0: 1 to 63; pool 0 is there of itself and has no limits",
        "machine.toml:6: partition[0].name: is missing: text",
        'machine.toml:7: partition[0].guest = "hullo": there is no such guest; did you mean hello?',
        'machine.toml:8: partition[0].memory = "100M": a multiple of the LMB, 64 MiB',
        "machine.toml:9: partition[0].units = 0.01: at least 0.05: "
        "0.05 for each of 1 virtual processors",
        "machine.toml:10: mashine = {  }: there is no such key; did you mean machine?",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = MACHINE + PARTITION.replace('guest = "hello"', 'kernel = "vmlinux"')
    with pytest.raises(MachineFileError, match=r"there is no file .*vmlinux"):
        parse(text, directory=tmp_path)


def test_an_empty_file_lacks_all_there_must_be() -> None:
    assert wrong("") == [
        "machine.toml: machine.cores: is missing: a whole number, 1 or more; "
        "or { installed, activated } of such",
        'machine.toml: machine.memory: is missing: a size: "512M", "1.5G"; '
        "or { installed, activated } of such",
        "machine.toml: partition = 0 defined: 1 to 1000 partitions in the enterprise edition",
    ]


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"# one\n# \xff\n")
    with pytest.raises(MachineFileError, match=r"m\.toml:2: a machine file is text in UTF-8"):
        read(tmp_path / "m.toml")


toml_values = st.recursive(
    st.sampled_from(
        ["1", "0", "-1", "0.5", "nan", "true", '""', '"64M"', '"linux"', "1970-01-01", "12:00:00"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["minimum", "desired", "installed", "name"]), inner, max_size=2
        ).map(lambda d: "{" + ", ".join(f"{k} = {v}" for k, v in d.items()) + "}"),
    ),
    max_leaves=4,
)
KEYS = """
name number guest kernel little memory units dedicated sharing weight pool profile cores lmb edition
epoch seed maximum reserved partitions machine partition default_profile x
"""
toml_keys = st.sampled_from(KEYS.split())
headers = st.sampled_from(
    ["[machine]", "[[partition]]", "[[pool]]", "[[partition.profile]]", "[[system_profile]]"]
)
statements = st.one_of(headers, st.builds("{} = {}".format, toml_keys, toml_values))


@given(st.lists(statements, max_size=25))
def test_any_toml_is_a_machine_or_is_told_what_is_wrong(parts: list[str]) -> None:
    text = "\n".join(parts)
    problems = _problems(text)
    assert all(problem.why for problem in problems)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = [problem.line for problem in problems if problem.line is not None]
    assert lines == sorted(lines)
    assert all(1 <= line <= len(parts) for line in lines)


def _problems(text: str) -> tuple[FileProblem, ...]:
    try:
        parse(text)
    except MachineFileError as wrong:
        return wrong.problems
    return ()


@given(st.text(max_size=200))
def test_any_text_is_a_machine_or_is_told_what_is_wrong(text: str) -> None:
    with pytest.raises(MachineFileError):
        parse(text)


def test_consoles_have_their_protocols_and_places(tmp_path: Path) -> None:
    more = (
        "\n[[partition.console]]\n"
        '\n[[partition.console]]\nprotocol = "hvsi"\nsocket = "hvc1"\n'
        '\n[[partition.console]]\nlog = "hvc2.log"\n'
    )
    partition = parse(MACHINE + PARTITION + more, directory=tmp_path).system.partitions[0]
    assert partition.consoles == (
        ConsoleAdapter(0),
        ConsoleAdapter(1, TerminalProtocol.HVSI, Backend.SOCKET, str(tmp_path / "hvc1")),
        ConsoleAdapter(32, TerminalProtocol.RAW, Backend.FILE, str(tmp_path / "hvc2.log")),
    )
    assert parse(MACHINE + PARTITION).system.partitions[0].consoles == (ConsoleAdapter(0),)


def test_a_console_has_a_socket_or_a_log() -> None:
    more = '\n[[partition.console]]\nsocket = "a"\nlog = "b"\n'
    with pytest.raises(MachineFileError, match="the console has a socket"):
        parse(MACHINE + PARTITION + more)
