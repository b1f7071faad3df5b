"""A real kernel under either interrupt controller."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from hypervisor.abi import InterruptOffer
from hypervisor.configuration import PartitionConfiguration
from pyphyp import Ending, Machine
from pyphyp.compose import compose, hcalls_of
from tests.pyphyp.test_linux_events import Silent, boot, say

if TYPE_CHECKING:
    from pathlib import Path

    from guests.linux import LinuxGuest

CONTROLLERS = pytest.mark.parametrize("interrupts", ["xics", "xive"])
ONLINE = "/sys/devices/system/cpu/cpu1/online"
COMPLAINTS_WITH_HASH = ["vas: API is supported only with radix page tables\r"]
HOT_UNPLUG = f"for i in 1 2 3; do echo 0 >{ONLINE}; echo 1 >{ONLINE}; done"


@pytest.fixture(scope="module")
def linux() -> LinuxGuest:
    return fetch_linux(Silent())


def complaints(shown: str) -> list[str]:
    """Kernel messages of level warning and worse."""
    return re.findall(r"^<[0-4]>.*", shown, re.MULTILINE)


def test_an_offer_of_one_controller_leaves_the_others_calls_out() -> None:
    numbers = {
        offer: {call.number for call in hcalls_of(PartitionConfiguration(interrupts=offer))}
        for offer in InterruptOffer
    }
    assert numbers[InterruptOffer.AUTO] - numbers[InterruptOffer.XICS] == set(
        range(0x3A8, 0x3D4, 4)
    )
    assert numbers[InterruptOffer.AUTO] - numbers[InterruptOffer.XIVE] == {
        *(0x64, 0x68, 0x6C, 0x70, 0x74, 0x2FC)
    }


def test_xive_alone_needs_a_processor_that_has_it() -> None:
    with Machine() as machine, pytest.raises(ValueError, match="POWER9"):
        machine.add_partition(cpu_mode="power8", interrupts="xive")


def test_xive_on_offer_is_left_out_where_the_processor_has_none() -> None:
    with Machine() as machine:
        partition = machine.add_partition(cpu_mode="power8", interrupts="auto")
        sets = partition.composition.partition.hcalls.function_sets()
        assert "hcall-int-exploitation" not in sets


@pytest.mark.parametrize("offer", list(InterruptOffer))
def test_the_strings_of_the_device_tree_are_those_of_the_offer(offer: InterruptOffer) -> None:
    composition = compose(PartitionConfiguration(interrupts=offer), epoch=0, seed=0)
    sets = composition.firmware.tree.at("/rtas").properties["ibm,hypertas-functions"].split(b"\0")
    composition.close()
    assert (b"hcall-interrupt" in sets) is offer.includes_xics
    assert (b"hcall-int-exploitation" in sets) is offer.includes_xive


@pytest.mark.linux
@CONTROLLERS
@pytest.mark.parametrize("processors", [1, 4])
def test_linux_runs_on_either_controller(
    machine: Machine, linux: LinuxGuest, interrupts: str, processors: int
) -> None:
    partition = machine.add_partition(processors=processors, interrupts=interrupts)
    boot(partition, linux)
    assert ("xive: Using IRQ range [10-2f]" in say(partition, "dmesg")) is (interrupts == "xive")
    if processors > 1:
        say(partition, HOT_UNPLUG)
        say(partition, "for i in 1 2 3 4; do (echo $i | md5sum) & done; wait")
    kind = "XIVE" if interrupts == "xive" else "XICS"
    assert re.search(rf"{kind}.*hvc_console", say(partition, "cat /proc/interrupts"))
    assert not complaints(say(partition, "dmesg -r"))
    partition.request_shutdown()
    outcome = partition.run(seconds=60)
    assert outcome is not None
    assert outcome.ending is Ending.POWER_OFF
    assert "Power off requested" in partition.console.output


@pytest.mark.linux
@pytest.mark.parametrize("processors", [1, 4])
def test_linux_enters_the_pages_of_xive_into_a_hashed_page_table(
    machine: Machine, linux: LinuxGuest, processors: int
) -> None:
    partition = machine.add_partition(
        processors=processors, cpu_mode="power9", mmu="hash", interrupts="xive"
    )
    boot(partition, linux)
    said = say(partition, "cat /proc/interrupts; dmesg -r")
    assert re.search(r"XIVE.*hvc_console", said)
    assert "Initializing hash mmu with SLB" in said
    assert [line.partition("] ")[2] for line in complaints(said)] == COMPLAINTS_WITH_HASH
    partition.request_shutdown()
    outcome = partition.run(seconds=60)
    assert outcome is not None
    assert outcome.ending is Ending.POWER_OFF


@pytest.mark.linux
def test_linux_without_a_client_interface_runs_on_xive(machine: Machine, linux: LinuxGuest) -> None:
    partition = machine.add_partition(memory="512M", interrupts="xive")
    partition.boot(linux.kernel, linux.initramfs(), append="console=hvc0 quiet", direct=True)
    partition.console.wait_for("~# ")
    assert "xive: Using IRQ range" in say(partition, "dmesg")


@pytest.mark.linux
def test_linux_that_wants_no_xive_gets_xics(machine: Machine, linux: LinuxGuest) -> None:
    partition = machine.add_partition(memory="512M", interrupts="auto")
    boot(partition, linux, append="quiet xive=off")
    assert "XICS" in say(partition, "cat /proc/interrupts")


@pytest.mark.linux
def test_two_runs_under_xive_are_equal_to_the_instruction(linux: LinuxGuest) -> None:
    outputs = []
    for _ in range(2):
        with Machine(epoch=1_700_000_000, seed=5) as machine:
            partition = machine.add_partition(processors=4, interrupts="xive")
            boot(partition, linux)
            say(partition, "for i in 1 2 3; do (date; uname -a) & done; wait")
            outputs.append((partition.console.output, partition.stats().exact()))
    assert outputs[0] == outputs[1]
    assert outputs[0][1]["exits"]["device access"] > 100  # type: ignore[index,operator]


@pytest.mark.linux
def test_linux_saved_under_xive_runs_on_elsewhere(linux: LinuxGuest, tmp_path: Path) -> None:
    with Machine(epoch=1_700_000_000) as machine:
        partition = machine.add_partition(memory="512M", processors=2, interrupts="xive")
        boot(partition, linux)
        partition.save(tmp_path / "saved")
        clone = machine.clone(partition)
        with Machine(epoch=0) as other:
            restored = other.restore(tmp_path / "saved")
            command = "cat /proc/interrupts; (uptime) & wait; dmesg -r"
            shown = [say(each, command) for each in (partition, clone, restored)]
            assert shown[0] == shown[1] == shown[2]
            assert "XIVE" in shown[0]
            assert not complaints(shown[0])


@pytest.mark.linux
def test_linux_reboots_under_xive(machine: Machine, linux: LinuxGuest) -> None:
    partition = machine.add_partition(memory="512M", processors=2, interrupts="auto")
    boot(partition, linux)
    partition.console.send("reboot -f\n")
    partition.console.wait_for("~# ")
    assert partition.boots == 2
    assert "XIVE" in say(partition, "cat /proc/interrupts")
