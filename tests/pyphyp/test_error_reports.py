"""What a script tells a guest about its platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.error_logs import EPOW_INTERRUPT, MOST_WAITING
from pyphyp import QueueFullError, Severity
from tests.pyphyp.guests import program, rtas

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp import Machine, Partition

# Waits for an interrupt, and keeps what it was.
ANSWERS = """
        .org    0x500
        li      r3,0x74         # H_XIRR
        sc      1
        mr      r20,r4
        b       .
"""


def waits(partition: Partition) -> None:
    token = partition.composition.firmware.rtas.token("ibm,set-xive")
    body = rtas(token, EPOW_INTERRUPT, 0, 5)
    open_up = "        li r3,0x68\n        li r4,0xff\n        sc 1\n"
    partition.load(program(body + open_up + "wait: hcall H_CEDE\n        b wait\n", ANSWERS))


def test_a_shutdown_request_interrupts_an_idle_guest(machine: Machine) -> None:
    partition = machine.add_partition(memory="16M")
    waits(partition)
    assert partition.run(seconds=1) is None
    partition.request_shutdown()
    partition.run(instructions=100)
    assert partition.registers.gpr(20) & 0xFFFFFF == EPOW_INTERRUPT


def test_logs_nobody_scanned_outlive_a_reboot_and_identifiers_go_on(machine: Machine) -> None:
    partition = machine.add_partition(memory="16M")
    reboots = partition.composition.firmware.rtas.token("system-reboot")
    partition.load(program(rtas(reboots)))
    first = partition.log_error("before")
    assert partition.request_shutdown() == first + 1
    partition.run(instructions=100)
    assert partition.boots > 1
    logs = partition.composition.firmware.error_logs
    assert len(logs) == 1
    assert partition.log_error("after") == first + 2
    found = logs.scan(0xFFFFFFFF)
    assert found is not None
    assert found.log_id == first


def test_too_many_reports_and_odd_texts_are_refused(machine: Machine) -> None:
    partition = machine.add_partition(memory="16M")
    with pytest.raises(ValueError, match="1025 bytes"):
        partition.log_error("x" * 1025)
    for _ in range(MOST_WAITING):
        partition.log_error("again", Severity.EVENT)
    with pytest.raises(QueueFullError):
        partition.log_error("once more", Severity.EVENT)


def test_equal_reports_at_equal_times_give_equal_runs(machine: Machine) -> None:
    ends = []
    for _ in range(2):
        partition = machine.add_partition(memory="16M")
        waits(partition)
        partition.run(seconds=0.1234)
        partition.request_shutdown()
        partition.run(instructions=100)
        ends.append((partition.ticks, partition.stats().instructions))
    assert ends[0] == ends[1]


def test_watchdogs_and_unread_logs_are_saved_and_restored(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M")
    watch = "        li r4,0x102\n        li r5,1\n        li r6,50\n        hcall 0x45c\n"
    partition.load(program(watch + "        b .\n"))
    partition.run(instructions=100)
    first = partition.log_error("before")
    shutdown = partition.request_shutdown()
    partition.composition.firmware.error_logs.record_failure("a-call", "broke")
    partition.save(tmp_path / "state")
    for _ in range(2):
        logs = partition.composition.firmware.error_logs
        scanned, checked, failed = (
            logs.scan(0x80000000),
            logs.check(0x40000000),
            logs.last_failure(),
        )
        assert scanned is not None
        assert checked is not None
        assert failed is not None
        assert (scanned.log_id, checked.log_id) == (first, shutdown)
        assert partition.log_error("after") == shutdown + 2
        assert partition.run(seconds=0.05) is None
        assert partition.boots == 2
        partition.restore(tmp_path / "state")


def test_nvram_of_a_restored_partition_goes_to_its_file(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "nvram"
    partition = machine.add_partition(memory="16M", nvram=file)
    partition.composition.firmware.nvram.store(0x2000, b"saved")
    partition.save(tmp_path / "state")
    partition.composition.firmware.nvram.store(0x2000, b"later")
    partition.restore(tmp_path / "state")
    partition.composition.firmware.nvram.store(0x3000, b"after")
    partition.close()
    content = file.read_bytes()
    assert (content[0x2000:0x2005], content[0x3000:0x3005]) == (b"saved", b"after")
