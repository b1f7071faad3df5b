"""Debian's unmodified st driver, mt and tar on virtual tapes."""

from __future__ import annotations

import re
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from guests.linux import fetch_linux
from guests.modules import TAPE_MODULES, kernel_modules
from guests.userland import fetch_userland
from hypervisor.vio.configuration import Medium, ScsiAdapter, ScsiUnit
from pyphyp import Machine
from pyphyp.guest_starts import Quiet
from tests.pyphyp.linux_command import linux
from tests.pyphyp.terminal import PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux

MIB = 1 << 20


def run(command: str, *arguments: str | Path) -> str:
    packages = ("--package", "mt-st", "--package", "tar")
    done = linux(*packages, "-c", command, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\r", "")


def host(*command: str | Path, given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def parsed(image: Path) -> list[bytes | None]:
    """The blocks and filemarks of an image, by the format's description alone."""
    data, at, found = image.read_bytes(), 0, list[bytes | None]()
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : at + 4 + length] if length else None)
        if length:
            at += 4 + length + length % 2
            assert int.from_bytes(data[at : at + 4], "little") == length
        at += 4
    return found


def test_what_the_guest_writes_host_tools_read(tmp_path: Path) -> None:
    image = tmp_path / "backup.tap"
    image.touch()
    shown = run(
        "cd /tmp; mkdir d; head -c 300000 /bin/busybox >d/one; echo two >d/two;"
        "tar -cf /dev/nst0 d; tar -cf /dev/nst0 -b 64 d/two; mt-st -f /dev/nst0 status;"
        "sha256sum d/one; mt-st -f /dev/nst0 asf 1; tar -xOb 64 -f /dev/nst0; dmesg",
        "--tape",
        image,
    )
    assert "File number=2, block number=0" in shown
    assert "\ntwo\n" in shown
    assert "Attached scsi tape st0" in shown
    tape = parsed(image)
    assert (len(tape[0] or b""), tape[-1], tape.count(None)) == (10240, None, 2)
    assert len(tape[-2] or b"") == 64 * 512
    (tmp_path / "0.tar").write_bytes(b"".join(block or b"" for block in tape[: tape.index(None)]))
    content = host("tar", "-xOf", tmp_path / "0.tar", "d/one")
    assert len(content) == 300000
    summed = host("sha256sum", given=content).split()[0].decode()
    assert summed in shown
    second = host(*PYPHYP, "tape", "extract", image, "1")
    assert host("tar", "-xO", given=second) == b"two\n"
    listed = host(*PYPHYP, "tape", "list", image).decode().splitlines()
    assert listed[2].split() == ["1", "1", str(64 * 512), str(64 * 512)]


def test_what_the_host_writes_the_guest_reads_and_goes_on_from(tmp_path: Path) -> None:
    image, archive = tmp_path / "in.tap", tmp_path / "in.tar"
    (tmp_path / "hello").write_text("from the host\n")
    with tarfile.open(archive, "w") as made:
        made.add(tmp_path / "hello", "hello")
    host(*PYPHYP, "tape", "append", image, given=archive.read_bytes())
    shown = run(
        "tar -xOf /dev/nst0; mt-st -f /dev/nst0 eod; echo more >/tmp/more;"
        "tar -C /tmp -cf /dev/nst0 more; mt-st -f /dev/nst0 tell",
        "--tape",
        image,
    )
    assert "from the host" in shown
    assert host("tar", "-xO", given=host(*PYPHYP, "tape", "extract", image, "1")) == b"more\n"


def test_fixed_blocks_positions_and_the_end_of_a_tape(tmp_path: Path) -> None:
    image = tmp_path / "small.tap"
    image.touch()
    t = "mt-st -f /dev/nst0"
    shown = run(
        f"{t} setblk 512; dd if=/bin/busybox of=/dev/nst0 bs=5120 count=4 2>/dev/null; {t} weof 2;"
        f"{t} seek 30; {t} tell; {t} bsfm 1; echo bsfm $?; {t} bsr 3; echo bsr $?; {t} tell;"
        f"{t} setblk 0; {t} rewind; dd if=/dev/nst0 bs=100 count=1 of=/dev/null; echo short $?;"
        f"{t} fsf 2; {t} compression 0; dd if=/dev/zero of=/dev/nst0 bs=64k 2>&1; {t} tell;"
        f"{t} offline; {t} status; {t} load; {t} tell",
        "--tape",
        f"{image},2M",
    )
    assert "At block 30." in shown
    assert "No space left on device" in shown
    assert "DR_OPEN" in shown
    assert re.search(r"short [1-9]", shown)
    assert "At block 0." in shown[shown.index("DR_OPEN") :]
    assert image.stat().st_size <= 2 * MIB
    tape = parsed(image)
    assert (len(tape[0] or b""), tape[40:42]) == (512, [None, None])
    assert len(tape[42] or b"") == 65536


def test_a_tape_that_is_protected_or_damaged_is_told(tmp_path: Path) -> None:
    image = tmp_path / "cut.tap"
    block = (8).to_bytes(4, "little") + b"contents" + (8).to_bytes(4, "little")
    image.write_bytes(block + block[:10])
    shown = run(
        "cat /dev/nst0 >/tmp/read; cat /tmp/read; echo read $?; mt-st -f /dev/nst0 rewind;"
        "echo x >/dev/nst0; mt-st -f /dev/nst0 status; dmesg | grep -i sense",
        "--tape",
        f"{image},ro",
    )
    assert "cat: read error: Input/output error" in shown
    assert "Medium Error" in shown
    assert "WR_PROT" in shown
    assert image.read_bytes() == block + block[:10]


def test_a_reservation_conflict_is_seen_by_the_second_client(tmp_path: Path) -> None:
    image = tmp_path / "shared.tap"
    image.touch()
    quiet = Quiet()
    guest = fetch_linux(quiet)
    userland = fetch_userland(("mt-st", "sg3-utils"), quiet)
    drivers = kernel_modules(guest, quiet).load_order((*TAPE_MODULES, "sg"))
    initrd = guest.initramfs({}, None, userland, drivers)
    adapter = ScsiAdapter(2, (ScsiUnit(Medium.TAPE, str(image), capacity=MIB),))
    with Machine(epoch=0) as machine:
        first, second = (machine.add_partition(memory="512M", scsi=(adapter,)) for _ in range(2))
        for partition in (first, second):
            partition.boot(guest.kernel, initrd, "console=hvc0 quiet")
            partition.console.wait_for("~# ")
        first.console.send(
            "mt-st -f /dev/nst0 rewind; sg_raw /dev/sg0 16 0 0 0 0 0; echo reserved $?\n"
        )
        first.console.wait_for("reserved 0")
        second.console.send("echo x >/dev/nst0; echo wrote $?; dmesg | tail -3\n")
        second.console.wait_for(re.compile(r"wrote [1-9]"))
        second.console.wait_for("reservation conflict")
        first.console.send("echo y >/dev/nst0; sg_raw /dev/sg0 17 0 0 0 0 0; echo free $?\n")
        first.console.wait_for("free 0")
        second.console.send("mt-st -f /dev/nst0 rewind; echo z >/dev/nst0; echo again $?\n")
        second.console.wait_for("again 0")
    assert parsed(image) == [b"z\n", None]
