"""A host process that is killed leaves a disk with all that its guest has flushed."""

from __future__ import annotations

import random
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from pyphyp.disk_files import create_disk
from pyphyp.qcow2 import format_of
from pyphyp.raw_file import MediaError
from tests.pyphyp.terminal import PATIENCE, PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

MIB = 1 << 20
PACKAGES = ("--package", "e2fsprogs")
MAKE = "mke2fs -q -t ext4 /dev/sda && echo made"
# Others write without flushing meanwhile.
WRITE = """
mount -t ext4 /dev/sda /mnt
(while :; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64 2>/dev/null; rm /mnt/noise; done) &
n=0
while :; do
    n=$((n + 1))
    yes $n | dd of=/mnt/$n bs=512 count=$((n % 7 + 1)) iflag=fullblock conv=fsync 2>/dev/null
    echo "flushed $n"
done
"""
CHECK = """
e2fsck -f -y /dev/sda; echo "status $?"
e2fsck -f -n /dev/sda >/dev/null; echo "then $?"
mount -t ext4 /dev/sda /mnt
n=1
while [ $n -le LAST ]; do
    count=$((n % 7 + 1))
    yes $n | dd bs=512 count=$count iflag=fullblock 2>/dev/null | cmp - /mnt/$n || echo "lost $n"
    n=$((n + 1))
done
echo compared
"""


def linux(image: Path, command: str) -> list[str]:
    return [*PYPHYP, "linux", "--disk", str(image), *PACKAGES, "--timeout", "120", "-c", command]


def run(image: Path, command: str) -> str:
    done = subprocess.run(
        linux(image, command), capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "seed"), [("disk.img", 1), ("disk.qcow2", 2)])
def test_what_was_flushed_survives_the_host_process(tmp_path: Path, name: str, seed: int) -> None:
    image = tmp_path / name
    try:
        create_disk(image, 64 * MIB, format_of(image))
    except MediaError as without:
        pytest.skip(str(without))
    assert "made" in run(image, MAKE)
    enough = random.Random(seed).randrange(20, 60)
    with subprocess.Popen(linux(image, WRITE), stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        last = 0
        for line in writer.stdout:
            if found := re.search(r"flushed (\d+)", line):
                last = int(found[1])
                if last >= enough:
                    break
        writer.send_signal(signal.SIGKILL)
    assert last >= enough
    shown = run(image, CHECK.replace("LAST", str(last)))
    assert re.search(r"status [01]\b", shown), shown  # 1: the journal was replayed
    assert "then 0" in shown
    assert "lost" not in shown
    assert "compared" in shown
