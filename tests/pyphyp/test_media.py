"""Files as media of virtual disks and drives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emu.state import StateError
from hypervisor.configuration import PartitionConfiguration
from hypervisor.scsi.backing import BackingError
from hypervisor.vio.configuration import Medium, ScsiAdapter, ScsiUnit
from pyphyp import Machine
from pyphyp.media import Media, MediaLibrary
from pyphyp.raw_file import MediaError, RawFile

SIZE = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(SIZE))
    return path


def adapter(*units: ScsiUnit) -> PartitionConfiguration:
    return PartitionConfiguration(scsi_adapters=(ScsiAdapter(2, units),))


def test_what_is_written_is_in_the_file(image: Path) -> None:
    file = RawFile(image)
    file.write(1000, b"content")
    file.flush()
    assert image.read_bytes()[1000:1007] == b"content"
    assert file.read(998, 11) == b"\0\0content\0\0"
    file.close()


def test_discarded_bytes_are_zeros_and_need_no_room(image: Path) -> None:
    image.write_bytes(b"x" * SIZE)
    before = image.stat().st_blocks
    file = RawFile(image)
    file.discard(4096, SIZE - 8192)
    file.close()
    content = image.read_bytes()
    assert content == b"x" * 4096 + bytes(SIZE - 8192) + b"x" * 4096
    assert image.stat().st_blocks < before


def test_a_file_in_use_by_another_process_is_refused(image: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from pyphyp.raw_file import RawFile; "
        "file = RawFile(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, image], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(MediaError, match="in use by another machine"):
            RawFile(image)
        other.stdin.close()
    RawFile(image).close()


@pytest.mark.parametrize("size", [0, 511, 513])
def test_a_medium_has_whole_blocks(tmp_path: Path, size: int) -> None:
    path = tmp_path / "odd.img"
    path.write_bytes(bytes(size))
    with pytest.raises(MediaError, match="whole blocks"):
        RawFile(path)


def test_a_missing_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="disk create"):
        MediaLibrary().disk(tmp_path / "nothing", read_only=False)


def test_a_file_that_was_cut_is_an_error_of_the_medium(image: Path) -> None:
    file = RawFile(image)
    os.truncate(image, 4096)
    with pytest.raises(BackingError):
        file.read(4000, 1000)
    file.close()


def test_one_file_is_one_disk_for_a_whole_machine(image: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.img"
    link.hardlink_to(image)
    library = MediaLibrary()
    first, second = (
        Media(adapter(ScsiUnit(Medium.DISK, str(path))), library) for path in (image, link)
    )
    units = [next(iter(media.targets[2]))[1] for media in (first, second)]
    assert units[0] is units[1]
    first.close()
    with pytest.raises(MediaError, match="in use"):
        RawFile(image)
    second.close()
    RawFile(image).close()


def test_what_cannot_be_opened_leaves_nothing_open(image: Path, tmp_path: Path) -> None:
    bad = ScsiUnit(Medium.DISK, str(tmp_path / "nothing"), target=1)
    with pytest.raises(MediaError):
        Media(adapter(ScsiUnit(Medium.DISK, str(image)), bad), MediaLibrary())
    RawFile(image).close()


def test_media_are_loaded_and_unloaded(image: Path) -> None:
    media = Media(adapter(ScsiUnit(Medium.OPTICAL)), MediaLibrary())
    (drive,) = media.drives
    assert not drive.loaded
    media.load(image)
    media.load(image)
    assert drive.loaded
    media.unload()
    assert not drive.loaded
    with pytest.raises(MediaError, match="no optical drive 1"):
        media.load(image, 1)
    media.close()


def test_a_clone_does_not_share_a_disk_that_is_written_to(image: Path) -> None:
    disk = ScsiUnit(Medium.DISK, str(image))
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M", scsi=[ScsiAdapter(2, (disk,))])
        with pytest.raises(StateError, match="would share the disks"):
            machine.clone(partition)


def attached(image: Path) -> str:
    """A loop device over a file; skips where the machine has none."""
    if os.getuid() or not shutil.which("losetup"):
        pytest.skip("loop devices need root and losetup")
    done = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr.strip()}")
    return done.stdout.strip()


def test_a_block_device_is_a_disk_and_not_one_the_host_has_mounted(
    image: Path, tmp_path: Path
) -> None:
    device = attached(image)
    try:
        disk = RawFile(Path(device))
        assert disk.size == SIZE
        disk.write(4096, b"y" * 8192)
        disk.flush()
        assert image.read_bytes()[4096:12288] == b"y" * 8192
        disk.discard(4096, 4096)
        assert disk.read(4096, 8192) == bytes(4096) + b"y" * 4096
        with pytest.raises(MediaError, match="the host itself uses it"):
            RawFile(Path(device))
        disk.close()
        subprocess.run(["mke2fs", "-q", device], check=True)
        (tmp_path / "mnt").mkdir()
        subprocess.run(["mount", device, tmp_path / "mnt"], check=True)
        try:
            with pytest.raises(MediaError, match="is it mounted"):
                RawFile(Path(device))
        finally:
            subprocess.run(["umount", tmp_path / "mnt"], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_what_is_neither_file_nor_block_device_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(MediaError, match="neither a file nor a block device"):
            RawFile(path)
