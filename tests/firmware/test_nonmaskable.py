"""ibm,nmi-register and ibm,nmi-interlock (LoPAR 7.3.14), and the log of a machine check."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from firmware.error_log import Summary
from firmware.machine_check import Fault
from hypervisor.nonmaskable import Handlers

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

BASE = 4 << 20


@pytest.fixture
def with_rtas(guest: Guest) -> Guest:
    """A client that has instantiated RTAS."""
    rtas = guest.call("open", "/rtas")
    assert guest.method("instantiate-rtas", rtas, BASE, returns=2)[0] == 0
    return guest


def test_handlers_are_registered_once_rtas_has_an_area(guest: Guest, partition: Partition) -> None:
    assert guest.rtas("ibm,nmi-register", 0x2000, 0x3000) == (-1,)
    partition.nonmaskable.area = BASE
    assert guest.rtas("ibm,nmi-register", 0x2000, 0x3000) == (0,)
    assert partition.nonmaskable.handlers == Handlers(0x2000, 0x3000)


@pytest.mark.parametrize("wrong", [0x2002, 32 << 20, 0xFFFF_FFFC])
def test_a_handler_must_lie_where_a_branch_reaches(
    with_rtas: Guest, partition: Partition, wrong: int
) -> None:
    assert with_rtas.rtas("ibm,nmi-register", wrong, 0x3000) == (-3,)
    assert with_rtas.rtas("ibm,nmi-register", 0x2000, wrong) == (-3,)
    assert partition.nonmaskable.handlers is None


def test_the_interlock_is_the_holders_to_give_back(
    with_rtas: Guest, firmware: PlatformFirmware
) -> None:
    assert with_rtas.rtas("ibm,nmi-interlock") == (-3,)
    assert with_rtas.rtas("ibm,nmi-register", 0x2000, 0x3000) == (0,)
    firmware.machine_check(Fault.SLB_MULTIHIT, 0, 0x1234, recovered=True)
    assert with_rtas.rtas("ibm,nmi-interlock") == (0,)
    assert with_rtas.rtas("ibm,nmi-interlock") == (-3,)


@pytest.mark.parametrize(
    ("fault", "kind", "detail"),
    [(Fault.MEMORY_LOAD_STORE, 0, 0x43), (Fault.SLB_MULTIHIT, 1, 0x81), (Fault.DATA_CACHE, 5, 0)],
)
def test_the_log_says_who_found_what_and_where(
    firmware: PlatformFirmware, fault: Fault, kind: int, detail: int
) -> None:
    log = firmware.error_logs.machine_check(fault, 1, 0x1234_5678, recovered=False)
    summary = Summary(int.from_bytes(log[:4], "big"))
    assert (summary.SEVERITY, summary.DISPOSITION, summary.INITIATOR) == (3, 2, 1)
    body = log[log.index(b"MC") + 8 :]
    processor, its_kind, its_detail, address = struct.unpack_from(">4xIBB6xQ", body)
    assert (processor, its_kind, its_detail, address) == (1, kind, detail, 0x1234_5678)
