"""An unmodified Debian kernel boots both ways, finds what the tree says, and powers off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage
from guests.linux import fetch_linux
from hypervisor.abi import Mmu
from hypervisor.configuration import PartitionConfiguration
from hypervisor.partition import Ending, Partition, Progress
from pyphyp.compose import compose

if TYPE_CHECKING:
    from guests.linux import LinuxGuest

pytestmark = pytest.mark.linux

SLICE = 50_000_000
LIMIT = 3_000_000_000
SCRIPT = """\
cat /proc/cpuinfo
echo "name: $(cat /proc/device-tree/ibm,partition-name)"
dmesg -r | grep '^<[0-4]>'
echo booted
poweroff -f
"""


class Silent:
    """Nobody watches the fetch."""

    def step(self, description: str, fraction: float | None) -> None: ...


@pytest.fixture(scope="module")
def linux() -> LinuxGuest:
    return fetch_linux(Silent())


def run_to_the_end(partition: Partition) -> None:
    while partition.time_base < LIMIT:
        match partition.run(partition.time_base + SLICE):
            case Progress.ENDED:
                return
            case Progress.IDLE:
                partition.pass_time(partition.next_event)
    pytest.fail(f"the guest still runs after {LIMIT} ticks")


@pytest.mark.parametrize(
    ("direct", "mib", "mmu"),
    [
        (False, 1024, Mmu.AUTO),
        (True, 1024, Mmu.AUTO),
        (False, 512, Mmu.AUTO),
        (False, 6176, Mmu.AUTO),
        (False, 1024, Mmu.HASH),
        (True, 512, Mmu.HASH),
    ],
    ids=["client program", "direct", "small", "beyond 4 GiB", "hash", "hash, direct"],
)
def test_linux_boots_without_a_warning_and_powers_off(
    linux: LinuxGuest, direct: bool, mib: int, mmu: Mmu
) -> None:
    configuration = PartitionConfiguration(name="lpar1", memory_bytes=mib << 20, mmu=mmu)
    composition = compose(configuration, epoch=1_700_000_000, seed=1)
    shown = bytearray()
    composition.console.listeners.append(shown.extend)
    kernel, initrd = linux.kernel.read_bytes(), linux.initramfs(script=SCRIPT)
    composition.firmware.boot(BootImage(kernel, initrd, "console=hvc0", direct))
    run_to_the_end(composition.partition)
    outcome = composition.partition.outcome
    composition.close()
    text = shown.decode(errors="replace")
    assert outcome is not None, text
    assert outcome.ending is Ending.POWER_OFF, text
    assert "booted" in text
    assert "POWER9 (architected)" in text
    assert "name: lpar1" in text
    assert re.search(rf"MMU\s*: {'Hash' if mmu is Mmu.HASH else 'Radix'}", text)
    assert ("ibm,client-architecture-support... done" in text) is not direct
    warnings = re.findall(r"^<[0-4]>.*", text, re.MULTILINE)
    if mmu is Mmu.HASH:  # this kernel says so on each such partition
        warnings = [text for text in warnings if "supported only with radix" not in text]
    assert not warnings
