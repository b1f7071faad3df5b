"""What a Virtual I/O Server notes of what went wrong, and for how long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.status import CheckConditionError
from hypervisor.scsi.unit import padded
from pyphyp.vios.error_log import DAY, MOST_ENTRIES, ErrorLog, Event

from .seas import TwoServers
from .servers import CLIENTS, MIB, own_units, refused, said, server, volumes

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.vios.engine import Vios

LAST = padded(bytes([0x28, 0, 0, 0, 0x20, 0, 0, 0, 1, 0]))


class Clock:
    def __init__(self) -> None:
        self.now = 1000 * DAY

    def __call__(self) -> int:
        return self.now


def disk_of(vios: Vios, client: int) -> Disk:
    unit = vios.served(*CLIENTS[client]).find((0x81 << 56).to_bytes(8, "big"))
    assert isinstance(unit, Disk)
    return unit


def test_errors_of_clients_disks_are_entries_by_what_is_behind_them(tmp_path: Path) -> None:
    vios = server(tmp_path, *volumes(tmp_path, 20, 20))
    said(vios, "mksp datavg hdisk1", "mkbdsp -sp datavg 16m -bd volume -vadapter vhost0")
    said(vios, "mkvdev -vdev hdisk2 -vadapter vhost1")
    for number in (1, 2):
        os.truncate(tmp_path / f"pv{number}.img", MIB)
    for client in (0, 1):
        for _ in range(3):
            with pytest.raises(CheckConditionError):
                disk_of(vios, client).execute(Task(Nexus("1:20"), LAST))
    lines = said(vios, "errlog").splitlines()
    assert [line.split(maxsplit=5)[0::3] for line in lines[1:]] == [
        ["B6267342", "H"],
        ["E86653C3", "H"],
    ]
    log = said(vios, "errlog -ls")
    assert log.count("Number of duplicates: 2") == 2
    assert "pv1.img ends before" in log
    vios.close()


def test_a_full_host_and_a_full_repository_are_entries(tmp_path: Path) -> None:
    vios = server(tmp_path)
    said(vios, "mkrep -sp rootvg -size 64m")
    refused(vios, "mkvopt -name large -size 65m")
    assert "UNABLE TO ALLOCATE SPACE IN FILE SYSTEM" in said(vios, "errlog")
    assert "65 MB are needed" in said(vios, "errlog -ls")
    vios.close()


def test_a_client_that_gives_its_queue_up_is_an_entry_and_a_server_that_ends(
    tmp_path: Path,
) -> None:
    vios = server(tmp_path, *own_units(tmp_path))
    targets = vios.served(*CLIENTS[1])
    targets.logout(Nexus("2:20"))
    assert said(vios, "errlog") == ""  # it was never there
    targets.login(Nexus("2:20"))
    targets.logout(Nexus("2:20"))
    assert " I S vhost1 " in said(vios, "errlog")
    vios.shut_down()
    vios.start()
    assert [its.event for its in vios.error_log.entries] == [
        Event.ERRLOG_ON,
        Event.REBOOT_ID,
        Event.VIO_VSCSI_CLOSE,
    ]
    vios.close()


def test_failover_and_a_pulled_cable_are_entries(tmp_path: Path) -> None:
    two = TwoServers(tmp_path)
    two.pass_time(500)
    two.vios[0].ethernet.set_cable("ent0", plugged=False)
    two.pass_time(500)
    two.vios[0].ethernet.set_cable("ent0", plugged=True)
    two.pass_time(500)
    events = [[its.event for its in reversed(vios.error_log.entries)] for vios in two.vios]
    assert events[0] == [Event.SEAHA_PRIMARY, Event.GOENT_LINK_DOWN, Event.SEAHA_PRIMARY]
    assert events[1] == [Event.SEAHA_BACKUP, Event.SEAHA_PRIMARY, Event.SEAHA_BACKUP]
    assert "I H ent3           BECOME BACKUP" in said(two.vios[1], "errlog")
    two.close()


def test_the_log_is_kept_bounded_and_cleared_by_age(tmp_path: Path) -> None:
    clock = Clock()
    log = ErrorLog(tmp_path / "errlog", clock)
    for number in range(3 * MOST_ENTRIES):
        log.log(Event.SC_DISK_ERR2, f"hdisk{number}", "x" * 5000)
    for _ in range(3 * MOST_ENTRIES):
        log.log(Event.REBOOT_ID, "SYSPROC")
    assert len((tmp_path / "errlog").read_text().splitlines()) <= 2 * MOST_ENTRIES
    again = ErrorLog(tmp_path / "errlog", clock)
    assert again.entries == log.entries
    assert len(again.entries) == MOST_ENTRIES
    assert (again.entries[0].sequence, again.entries[0].count) == (
        3 * MOST_ENTRIES + 1,
        3 * MOST_ENTRIES,
    )
    clock.now += 2 * DAY
    again.log(Event.ERRLOG_ON, "errdemon")
    again.remove_before(1)
    assert [its.event for its in ErrorLog(tmp_path / "errlog", clock).entries] == [Event.ERRLOG_ON]


def test_a_log_that_was_damaged_has_what_can_be_read(tmp_path: Path) -> None:
    log = ErrorLog(tmp_path / "errlog", Clock())
    log.log(Event.REBOOT_ID, "SYSPROC")
    log.log(Event.ERRLOG_ON, "errdemon")
    whole = (tmp_path / "errlog").read_bytes()
    for cut in range(len(whole)):
        (tmp_path / "errlog").write_bytes(whole[:cut] + b"\n\xff\n[[[\n{}\n")
        assert len(ErrorLog(tmp_path / "errlog", Clock()).entries) <= 2
    (tmp_path / "errlog").write_bytes(whole[:-5])
    assert [its.event for its in ErrorLog(tmp_path / "errlog", Clock()).entries] == [
        Event.REBOOT_ID
    ]


def test_an_entry_after_one_that_was_cut_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "errlog"
    file.write_text('{"sequence": 1, "ev')
    ErrorLog(file, Clock()).log(Event.ERRLOG_ON, "errdemon")
    assert [its.event for its in ErrorLog(file, Clock()).entries] == [Event.ERRLOG_ON]


def test_what_is_noted_side_by_side_is_in_the_order_of_its_time(tmp_path: Path) -> None:
    logs = [ErrorLog(tmp_path / name, Clock()) for name in ("one", "two")]
    noted = [("hdisk2", "b"), ("hdisk1", "a"), ("hdisk1", "b")]
    for log, order in zip(logs, (noted, noted[::-1]), strict=True):
        for resource, detail in order:
            log.note(Event.SC_DISK_ERR2, resource, detail)
        log.settle()
    assert logs[0].entries == logs[1].entries
