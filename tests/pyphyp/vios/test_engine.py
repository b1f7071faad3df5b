"""What a Virtual I/O Server does for its clients, and keeps."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.unit import padded
from hypervisor.vio.configuration import DiskFormat, Medium, ScsiUnit
from pyphyp.disk_files import create_disk
from pyphyp.vios.filters import FILTERS
from pyphyp.vios.padmin import COMMANDS, carry_out, names, words
from pyphyp.vios.records import ViosError

from .servers import CLIENTS, MIB, own_units, refused, said, server, volumes

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.scsi.target import Targets
    from pyphyp.vios.engine import Vios

CLIENT = Nexus("1:20")


def send(targets: Targets, lun: int, *cdb: int, data: bytes = b"") -> bytes:
    return targets.execute(lun.to_bytes(8, "big"), Task(CLIENT, padded(bytes(cdb)), data))


def condition(targets: Targets, lun: int, *cdb: int) -> Condition | None:
    try:
        send(targets, lun, *cdb)
    except CheckConditionError as failed:
        return failed.condition
    return None


FIRST, SECOND = 0x81 << 56, 0x82 << 56


def test_what_is_mapped_is_there_for_a_client_that_is_logged_in(tmp_path: Path) -> None:
    vios = server(tmp_path)
    targets = vios.served(*CLIENTS[0])
    targets.login(CLIENT)
    said(vios, "mkbdsp -sp rootvg 64m -bd one -vadapter vhost0")
    assert condition(targets, FIRST, 0x00) is Condition.POWER_ON_OR_RESET
    assert condition(targets, FIRST, 0x00) is Condition.REPORTED_LUNS_CHANGED
    assert condition(targets, FIRST, 0x00) is None
    assert send(targets, FIRST, 0x25)[:4] == (64 * MIB // 512 - 1).to_bytes(4, "big")
    assert vios.served(*CLIENTS[1]).find(FIRST.to_bytes(8, "big")) is None
    said(vios, "mkbdsp -sp rootvg 64m -bd two -vadapter vhost0")
    assert condition(targets, FIRST, 0x00) is Condition.REPORTED_LUNS_CHANGED
    assert send(targets, 0, 0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64)[8::8][:2] == b"\x81\x82"
    vios.close()


def test_a_physical_volume_has_the_size_of_its_disk_not_of_its_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    create_disk(image, 3 << 30, DiskFormat.QCOW2)
    unit = ScsiUnit(Medium.DISK, str(image), format=DiskFormat.QCOW2)
    vios = server(tmp_path, unit)
    assert said(vios, "lspv -free").split()[-1] == "3072"
    assert "3072" in said(vios, "lsdev -dev hdisk1 -attr")


def test_what_is_unmapped_answers_no_more(tmp_path: Path) -> None:
    vios = server(tmp_path)
    targets = vios.served(*CLIENTS[0])
    targets.login(CLIENT)
    said(vios, "mkbdsp -sp rootvg 64m -bd one -vadapter vhost0")
    said(vios, "mkbdsp -sp rootvg 64m -bd two -vadapter vhost0", "rmvdev -vdev one")
    assert condition(targets, FIRST, 0x00) is Condition.NO_SUCH_UNIT
    assert condition(targets, SECOND, 0x00) is Condition.POWER_ON_OR_RESET
    assert condition(targets, SECOND, 0x00) is Condition.REPORTED_LUNS_CHANGED
    said(vios, "mkvdev -vdev one -vadapter vhost1")  # and can be another's
    vios.close()


def test_what_clients_write_and_what_is_mapped_outlive_the_machine(tmp_path: Path) -> None:
    units = own_units(tmp_path)
    vios = server(tmp_path, *units)
    said(vios, "mksp -fb clients -sp rootvg -size 1g", "mkrep -sp rootvg -size 1g")
    said(vios, "mkbdsp -sp clients 1m -bd one -vadapter vhost0", "mkvopt -name m -size 1m")
    said(vios, "mkvdev -vdev rmt0 -vadapter vhost0", "mkvdev -fbo -vadapter vhost0")
    said(vios, "loadopt -disk m -vtd vtopt0")
    targets = vios.served(*CLIENTS[0])
    send(targets, FIRST, 0x2A, 0, 0, 0, 0, 5, 0, 0, 1, data=b"kept".ljust(512, b"\0"))
    before = said(vios, "lsmap -all", "lssp", "lsrep")
    vios.close()
    again = server(tmp_path, *units)
    assert said(again, "lsmap -all", "lssp", "lsrep") == before
    assert send(again.served(*CLIENTS[0]), FIRST, 0x28, 0, 0, 0, 0, 5, 0, 0, 1)[:4] == b"kept"
    again.close()


def test_a_medium_that_the_client_ejects_is_in_its_drive_no_more(tmp_path: Path) -> None:
    vios = server(tmp_path)
    said(vios, "mkrep -sp rootvg -size 1g", "mkvopt -name m -size 1m -ro")
    said(vios, "mkvdev -fbo -vadapter vhost0", "loadopt -disk m -vtd vtopt0")
    targets = vios.served(*CLIENTS[0])
    send(targets, FIRST, 0x1E, 0, 0, 0, 1)
    assert "locked" in refused(vios, "unloadopt -vtd vtopt0")
    said(vios, "unloadopt -vtd vtopt0 -release", "loadopt -disk m -vtd vtopt0")
    condition(targets, FIRST, 0x00)
    send(targets, FIRST, 0x1B, 0, 0, 0, 2)
    assert said(vios, "lsvopt -fmt :") == "vtopt0:No Media:n/a\n"
    vios.close()


def test_backing_that_is_gone_leaves_a_defined_device_and_an_entry_in_the_log(
    tmp_path: Path,
) -> None:
    vios = server(tmp_path)
    said(vios, "mkbdsp -sp rootvg 64m -bd one -vadapter vhost0")
    vios.close()
    (tmp_path / "vios1/pools/rootvg/one").unlink()
    again = server(tmp_path)
    assert ":vtscsi0:Defined:" in said(again, "lsmap -all -fmt :")
    assert "vtscsi0" in said(again, "errlog")
    assert "No such file" in said(again, "errlog -ls")
    assert said(again, "errlog -rm 0", "errlog") == ""
    said(again, "rmvdev -vtd vtscsi0")
    again.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format": 1, "pools": [{"name": "../x", "kind": "FBPOOL", "size": 1, "parent": "r"}]}',
        b"\xff\xfe",
    ],
)
def test_a_description_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vios1").mkdir()
    (tmp_path / "vios1/vios.json").write_bytes(content)
    with pytest.raises(ViosError, match=r"vios\.json"):
        server(tmp_path)
    assert (tmp_path / "vios1/vios.json").read_bytes() == content


def _random_line(rng: random.Random, vios: Vios, directory: Path) -> str:
    """A command with flags of its own, mostly, and values that mean something, mostly."""
    command = rng.choice(list(COMMANDS))
    sizes = ("1m", "64m", "1g", "0g", "9999999999g")
    others = ("new", "other", "../x", "-", "'", "vhost9", ":", str(directory), "rootvg", "vhost0")
    known = [*names(vios), *(its.name for its in COMMANDS)]
    line = [command.name]
    for flag, takes in command.flags.items():
        if rng.random() < 0.6:
            kinds = (sizes,) if flag == "size" else (others, known, known)
            values = [rng.choice(rng.choice(kinds)) for _ in range(1 if takes is None else takes)]
            line += [f"-{flag}", *values]
    for _ in range(rng.choice((0, 1, 1, 2, 3)) if command.words else 0):
        disks = [its.name for its in vios.devices]
        line.append(rng.choice(rng.choice((list(sizes), known, disks))))
    return " ".join(line)


@settings(max_examples=300, deadline=None)
@given(
    line=st.lists(
        st.sampled_from([*(its.name for its in COMMANDS), *FILTERS, "|", "'", '"', "\\", "-", " "])
        | st.text(max_size=5),
        max_size=9,
    ).map(" ".join)
)
def test_any_text_with_pipes_and_quotes_is_answered(
    tmp_path_factory: pytest.TempPathFactory, line: str
) -> None:
    vios = server(tmp_path_factory.mktemp("vios"))
    answer = carry_out(vios, line)
    assert answer.status in (0, 1, 127)
    assert not answer.status or answer.err or "|" in line
    words(vios, line)
    vios.close()


def test_what_is_completed_is_what_may_stand_there(tmp_path: Path) -> None:
    vios = server(tmp_path, *own_units(tmp_path))
    assert "lsmap" in words(vios)
    assert "vhost0" not in words(vios)
    behind = words(vios, "mkvdev -vdev ")
    assert {"-vadapter", "vhost0", "hdisk1", "hdisk0", "sas0"} <= set(behind)
    assert not {"-seq", "mkvdev"} & set(behind)
    assert words(vios, "lsmap -all | ") == ["grep", "head", "more", "sort", "tail", "wc"]
    assert "lsmap" in words(vios, "help ")
    for line in ("|", "'", "\\", "nothing ", "lsmap '|' "):
        words(vios, line)
    vios.close()


def test_any_command_line_is_answered_and_leaves_what_can_be_read_again(tmp_path: Path) -> None:
    rng = random.Random(11)
    units = (*own_units(tmp_path), *volumes(tmp_path, 30, 20, 100, 100))
    vios = server(tmp_path, *units)
    for n in range(4000):
        line = _random_line(rng, vios, tmp_path)
        answer = carry_out(vios, line)
        assert answer.status in (0, 1, 62, 127), line
        assert bool(answer.err) == bool(answer.status), line
        if n % 300 == 0:
            before = said(vios, "lsmap -all", "lssp")
            vios.close()
            vios = server(tmp_path, *units)
            assert said(vios, "lsmap -all", "lssp") == before
    for pool in vios.storage.pools:
        assert vios.storage.free(pool) >= 0
    assert json.loads((tmp_path / "vios1/vios.json").read_text())["format"] == 2
    assert sorted(its.name for its in tmp_path.iterdir()) == [
        "disc.iso",
        "disk.img",
        *(f"pv{n}.img" for n in range(1, 5)),
        "tape.tap",
        "vios1",
    ]
    vios.close()
