"""Logical volumes of a Virtual I/O Server: where their bytes are, and what survives."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.scsi.backing import BackingError, Blank
from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.unit import padded
from hypervisor.vio.configuration import Medium, ScsiUnit
from pyphyp.raw_file import RawFile
from pyphyp.vios.padmin import carry_out
from pyphyp.vios.records import Label, ViosError
from pyphyp.vios.volume_files import Piece, VolumeFile
from pyphyp.vios.volumes import LABEL_BYTES, label_bytes, read_label

from .servers import CLIENTS, MIB, refused, said, server, volumes

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.vios.engine import Vios

CLIENT = Nexus("1:20")
FIRST = (0x81 << 56).to_bytes(8, "big")
PARTITION = 4 * MIB


def disk_of(vios: Vios, client: int = 0) -> Disk:
    unit = vios.served(*CLIENTS[client]).find(FIRST)
    assert isinstance(unit, Disk)
    return unit


def condition(disk: Disk) -> Condition | None:
    try:
        disk.execute(Task(CLIENT, padded(bytes(6))))
    except CheckConditionError as failed:
        return failed.condition
    return None


def pool(directory: Path) -> Vios:
    """Two disks, one volume on both of them, between others."""
    vios = server(directory, *volumes(directory, 33, 33))
    said(vios, "mksp datavg hdisk1 hdisk2", "mklv -lv first datavg 20", "mklv -lv last datavg 4")
    said(vios, "mklv -lv data datavg 16", "rmlv -f first", "extendlv data 12")
    said(vios, "mkvdev -vdev data -vadapter vhost0")
    return vios


def test_each_byte_is_in_the_physical_partition_that_the_map_says(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    disk = disk_of(vios).medium()
    assert disk.size == 7 * PARTITION
    content = b"".join(bytes([n + 1]) * PARTITION for n in range(7))
    disk.write(0, content)
    disk.flush()
    lines = said(vios, "lslv -map data").splitlines()[2:]
    assert len(lines) == 7
    for number, line in enumerate(lines):
        partition, name = line.split()[1:]
        at = MIB + (int(partition) - 1) * PARTITION
        image = (tmp_path / f"pv{name[-1]}.img").read_bytes()
        assert image[at : at + PARTITION] == bytes([number + 1]) * PARTITION
    assert {line.split()[2] for line in lines} == {"hdisk1", "hdisk2"}
    disk.discard(PARTITION // 2, PARTITION)
    half = PARTITION // 2
    assert disk.read(0, 2 * PARTITION) == b"\1" * half + bytes(PARTITION) + b"\2" * half
    vios.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20)), max_size=12),
)
def test_a_volume_is_one_disk_whatever_its_pieces(
    tmp_path_factory: pytest.TempPathFactory,
    cut: list[tuple[int, int]],
    writes: list[tuple[int, bytes]],
) -> None:
    """Each piece is somewhere on one of four files, and nothing else there changes."""
    directory = tmp_path_factory.mktemp("pieces")
    files = []
    for number in range(4):
        path = directory / f"{number}"
        path.write_bytes(b"\xee" * 512)
        files.append(RawFile(path))
    ends = [10] * 4
    pieces = []
    for number, length in cut:
        pieces.append(Piece(files[number], ends[number], length))
        ends[number] += length + 1
    volume, model = VolumeFile("its", pieces), bytearray()
    for piece in pieces:
        model += piece.backing.read(piece.offset, piece.length)
    for offset, data in writes:
        if offset + len(data) <= len(model):
            volume.write(offset, data)
            model[offset : offset + len(data)] = data
    volume.flush()
    assert volume.read(0, len(model)) == model
    for number, file in enumerate(files):
        own = {n for p in pieces if p.backing is file for n in range(p.offset, p.offset + p.length)}
        there = (directory / f"{number}").read_bytes()
        assert all(byte == 0xEE for n, byte in enumerate(there) if n not in own)
        file.close()


class Noted(Blank):
    """A backing that counts its flushes."""

    def __init__(self) -> None:
        super().__init__(1 << 16)
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_a_flush_reaches_each_physical_volume_once_and_a_closed_volume_has_nothing() -> None:
    disks = Noted(), Noted(), Noted()
    pieces = [Piece(disks[n], at, 512) for n, at in ((0, 0), (1, 512), (0, 1024))]
    volume = VolumeFile("its", pieces)
    disk = Disk(volume, "serial")
    disk.execute(Task(CLIENT, padded(b"\x35" + bytes(9))))
    assert [its.flushes for its in disks] == [1, 1, 0]
    with pytest.raises(BackingError, match="ends before"):
        volume.read(1500, 100)
    volume.close()
    with pytest.raises(BackingError, match="is closed"):
        volume.write(0, b"x")


def test_a_client_is_told_that_its_volume_has_grown(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    targets, disk = vios.served(*CLIENTS[0]), disk_of(vios)
    targets.login(CLIENT)
    while condition(disk) is not None:
        pass
    disk.medium().write(0, b"before")
    said(vios, "extendlv data 8m")
    assert condition(disk) is Condition.CAPACITY_CHANGED
    assert condition(disk) is None
    assert disk.blocks == 9 * PARTITION // 512
    assert disk.medium().read(0, 6) == b"before"
    disk.medium().write(9 * PARTITION - 5, b"after")
    said(vios, "mkbdsp -sp rootvg 64m -bd file -vadapter vhost1")
    said(vios, "extendlv file 64m")  # as one in a file does
    assert disk_of(vios, 1).blocks == 128 * MIB // 512
    disk_of(vios, 1).medium().write(128 * MIB - 512, bytes(512))
    vios.close()


def test_a_new_volume_reads_as_zeros_whoever_had_its_place(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    disk_of(vios).medium().write(0, b"secret" * 1000)
    said(vios, "rmbdsp -vtd vtscsi0", "mkbdsp -sp datavg 40m -bd other -vadapter vhost1")
    medium = disk_of(vios, 1).medium()
    assert not any(medium.read(0, medium.size))
    vios.close()


def test_volumes_survive_the_machine_and_disks_in_another_order(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    disk_of(vios).medium().write(5 * PARTITION - 3, b"across")
    before = said(vios, "lsvg -lv datavg", "lsmap -all")
    vios.close()
    units = volumes(tmp_path, 33, 33)
    again = server(tmp_path, *reversed(units))
    assert said(again, "lsvg -lv datavg", "lsmap -all") == before
    assert disk_of(again).medium().read(5 * PARTITION - 3, 6) == b"across"
    assert said(again, "errlog") == ""
    again.close()


def test_a_disk_that_is_gone_or_was_cut_is_told_and_its_volumes_are_defined(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    said(vios, "mklv -lv whole datavg 4 hdisk1", "mkvdev -vdev whole -vadapter vhost1")
    vios.close()
    units = volumes(tmp_path, 33, 33)
    os.truncate(tmp_path / "pv2.img", 9 * MIB)
    again = server(tmp_path, *units)
    assert ":Defined:" in said(again, "lsmap -vadapter vhost0 -fmt :")
    log = said(again, "errlog -ls")
    assert "pv2.img has 9437184 bytes, which is room for 2 of its 8 physical partitions" in log
    assert "is not active" in refused(again, "mklv datavg 4")
    assert "misses hdisk2" in refused(again, "activatevg datavg")
    said(again, "activatevg -f datavg")
    assert ":Defined:" in said(again, "lsmap -vadapter vhost0 -fmt :")
    assert ":Available:" in said(again, "lsmap -vadapter vhost1 -fmt :")
    assert "missing" in said(again, "lsvg -pv datavg")
    again.close()
    os.truncate(tmp_path / "pv2.img", 33 * MIB)
    (tmp_path / "pv1.img").write_bytes(bytes(33 * MIB))
    exchanged = server(tmp_path, *units)
    assert "no disk of this server has their labels" in said(exchanged, "errlog -ls")
    assert "has content" not in said(exchanged, "mkvg -vg new hdisk1")
    exchanged.close()


def test_of_a_disk_and_its_copy_neither_is_taken(tmp_path: Path) -> None:
    """Nobody could say which of them is right."""
    vios = server(tmp_path, *volumes(tmp_path, 33))
    said(vios, "mksp datavg hdisk1", "mkbdsp -sp datavg 8m -bd data -vadapter vhost0")
    vios.close()
    (tmp_path / "pv2.img").write_bytes((tmp_path / "pv1.img").read_bytes())
    again = server(tmp_path, *volumes(tmp_path, 33, 33))
    assert "hdisk1 and hdisk2 have one label" in said(again, "errlog -ls")
    assert "one is a copy" in refused(again, "activatevg -f datavg")
    again.close()
    (tmp_path / "pv1.img").write_bytes(bytes(33 * MIB))
    alone = server(tmp_path, *volumes(tmp_path, 33, 33))
    assert "hdisk2           " in said(alone, "lsvg -pv datavg")
    alone.close()


def test_a_disk_belongs_to_one_group_one_client_or_one_partition(tmp_path: Path) -> None:
    units = volumes(tmp_path, 33, 33, 33)
    vios = server(tmp_path, *units)
    said(vios, "mkvdev -vdev hdisk1 -vadapter vhost0", "mksp datavg hdisk2")
    for command in ("mksp other", "mkvg", "extendvg datavg", "chsp -add -sp datavg"):
        assert "is mapped" in refused(vios, f"{command} hdisk1")
        assert "is mapped" in refused(vios, f"{command} hdisk3 hdisk1")
        assert "is named twice" in refused(vios, f"{command} hdisk3 hdisk3")
        assert 'belongs to volume group "datavg"' in refused(vios, f"{command} hdisk2")
    assert "belongs to" in refused(vios, "mkvdev -vdev hdisk2 -vadapter vhost1")
    partition = RawFile(tmp_path / "pv3.img")
    assert "in use by another machine" in refused(vios, "extendvg datavg hdisk3")
    partition.close()
    (tmp_path / "pv3.img").write_bytes(b"a file system".ljust(33 * MIB))
    assert "has content" in refused(vios, "extendvg datavg hdisk3")
    said(vios, "extendvg -f datavg hdisk3", "reducevg datavg hdisk3", "mkvg hdisk3")
    vios.close()
    label = read_label((tmp_path / "pv3.img").read_bytes()[:LABEL_BYTES])
    assert label is not None
    assert (label.name, label.server) == ("vg00", "vios1")
    (tmp_path / "vios1/vios.json").unlink()  # as another server sees it
    other = server(tmp_path, *units)
    assert 'label of volume group "vg00" of vios1' in refused(other, "mksp mine hdisk3")
    said(other, "mksp -f mine hdisk3")
    other.close()


def test_disks_that_others_have_too_are_in_no_group(tmp_path: Path) -> None:
    volumes(tmp_path, 33, 33)
    first, second = (str(tmp_path / f"pv{n}.img") for n in (1, 2))
    units = (
        ScsiUnit(Medium.DISK, first, 0, shared=True),
        ScsiUnit(Medium.DISK, second, 1, read_only=True),
    )
    vios = server(tmp_path, *units)
    assert "shared with others" in refused(vios, "mksp datavg hdisk1")
    assert "read-only" in refused(vios, "mksp datavg hdisk2")
    vios.close()


def test_a_group_that_could_not_be_noted_is_none(tmp_path: Path) -> None:
    """As where the machine ends between a disk's label and the server's own note of it."""
    vios = server(tmp_path, *volumes(tmp_path, 33))
    (tmp_path / "vios1/vios.json").mkdir()
    assert "vios.json is no ordinary file" in refused(vios, "mksp datavg hdisk1")
    assert said(vios, "lsvg") == "rootvg\n"
    (tmp_path / "vios1/vios.json").rmdir()
    assert "has the label" in refused(vios, "mksp datavg hdisk1")
    said(vios, "mksp -f datavg hdisk1", "mklv datavg 32m")
    vios.close()


def test_a_map_in_which_two_have_one_partition_is_refused(tmp_path: Path) -> None:
    vios = pool(tmp_path)
    vios.close()
    file = tmp_path / "vios1/vios.json"
    whole = json.loads(file.read_text())
    good = json.dumps(whole)
    run = whole["volumes"][1]["runs"][0]
    for key, wrong in (("first", 5), ("count", 1 << 20), ("disk", "0" * 16)):
        changed = json.loads(good)
        changed["volumes"][1]["runs"][0] = {**run, key: wrong}
        file.write_text(json.dumps(changed))
        with pytest.raises(ViosError, match="does not describe"):
            server(tmp_path, *volumes(tmp_path, 33, 33))
    file.write_text(good)
    server(tmp_path, *volumes(tmp_path, 33, 33)).close()


def test_what_was_kept_before_there_were_volumes_is_read(tmp_path: Path) -> None:
    vios = server(tmp_path)
    said(vios, "mkbdsp -sp rootvg 64m -bd one -vadapter vhost0")
    before = said(vios, "lsmap -all", "lssp")
    vios.close()
    file = tmp_path / "vios1/vios.json"
    old = json.loads(file.read_text())
    for key in ("groups", "volumes", "volume_count"):
        del old[key]
    file.write_text(json.dumps({**old, "format": 1}))
    again = server(tmp_path)
    assert said(again, "lsmap -all", "lssp") == before
    again.close()


@pytest.mark.parametrize("size", ["0", "0m", "-5m", "999999999g", "9" * 400, "1t", "4m5", "1e9m"])
def test_sizes_that_are_none_or_too_large_are_refused(tmp_path: Path, size: str) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 33))
    said(vios, "mksp datavg hdisk1", "mklv -lv data datavg 4")
    before = said(vios, "lsvg datavg", "lssp")
    for line in (f"mklv datavg {size}", f"extendlv data {size}", f"mkbdsp -sp datavg {size} -bd b"):
        assert carry_out(vios, line).status == 1
    assert said(vios, "lsvg datavg", "lssp") == before
    vios.close()


@pytest.mark.parametrize("said_name", ["\x1b]0;mine\x07", "a\nb", "\ud800"])
def test_a_client_writes_no_label_that_speaks_to_the_operators_terminal(
    tmp_path: Path, said_name: str
) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 33))
    written = label_bytes(Label("0" * 16, "1" * 16, "vg00", said_name))
    with (tmp_path / "pv1.img").open("r+b") as disk:
        disk.write(written)
    assert read_label(written) is None
    assert said_name not in refused(vios, "mksp mine hdisk1")
