"""Every declared hcall has the name, section and function set that LoPAR's table gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from pyphyp import absent
from pyphyp.compose import HCALL_GROUPS
from tests.spec.tables import rows

if TYPE_CHECKING:
    from hypervisor.hcall import Hcall


class Facts(NamedTuple):
    name: str
    section: str
    function_set: str


TABLE = {
    int(row["token"], 16): Facts(row["name"], row["section"], row["function_set"])
    for row in rows("lopar_hcalls.csv")
    # A second row for the same hcall, misspelt.
    if row["name"] != "X_XIRR-X /"
}

OVERRIDES = {
    # LoPAR 2.9 lacks it; Linux calls it, and other hypervisors answer it under this number.
    0x380: Facts("H_SIGNAL_SYS_RESET", "", ""),
    # The table joins two names of one call with a slash that nothing follows.
    0x74: Facts("H_XIRR", "14.5.4.7.5", "hcall-interrupt"),
    # Likewise; a hyphen cannot stand in a function's name.
    0x2FC: Facts("H_XIRR_X", "14.5.4.7.5", "hcall-interrupt"),
    # The table's set is a slip of the one that all other calls of logical LANs have.
    0x14C: Facts("H_CHANGE_LOGICAL_LAN_MAC", "17.3.3.7", "hcall-lLAN"),
    # The table has H_RESCIND_LOGICAL there; Linux and every hypervisor since 2018 use the number
    # for this call, which LoPAR 2.9 does not describe.
    0x1C8: Facts("H_GET_CPU_CHARACTERISTICS", "", ""),
    # PAPR's H_LOGICAL_* family goes on behind the two cache-inhibited calls that LoPAR kept.
    0x44: Facts("H_LOGICAL_CACHE_LOAD", "", "hcall-debug"),
    0x48: Facts("H_LOGICAL_CACHE_STORE", "", "hcall-debug"),
    0x4C: Facts("H_LOGICAL_ICBI", "", "hcall-debug"),
    0x50: Facts("H_LOGICAL_DCBF", "", "hcall-debug"),
    # LoPAR 2.9 ends before these; Linux and other hypervisors agree on them.
    0x448: Facts("H_RPT_INVALIDATE", "", "hcall-rpt-invalidate"),
    0x45C: Facts("H_WATCHDOG", "", "hcall-watchdog"),
    # 0xF000 - 0xFFFC are left to the platform: how the stubs of our firmware are entered.
    0xF000: Facts("H_RTAS", "", ""),
    0xF005: Facts("H_CLIENT_INTERFACE", "", ""),
    # In the appendix of platform dependent calls, not in the table.
    0xF080: Facts("H_GET_PERF_COUNTER_INFO", "", ""),
}
"""Where a declaration differs from the table, each with its reason."""

CALLS = [call for group in HCALL_GROUPS for call in group]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_declaration_agrees_with_the_table(call: Hcall) -> None:
    expected = OVERRIDES.get(call.number) or TABLE[call.number]
    assert Facts(call.name, call.papr, call.function_set) == expected


def test_no_override_is_superfluous() -> None:
    declared = {call.number for call in CALLS}
    for number, facts in OVERRIDES.items():
        assert number in declared
        assert TABLE.get(number) != facts


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_handler_says_what_it_does(call: Hcall) -> None:
    assert call.summary.endswith(".")


def test_reason_is_given_for_every_hcall_that_is_missing() -> None:
    declared = {call.number for call in CALLS}
    missing = {facts.function_set for number, facts in TABLE.items() if number not in declared}
    assert missing <= absent.HCALLS_MISSING.keys()
    assert absent.HCALLS_MISSING.keys() <= missing


LINUX = {int(row["token"], 16): row["name"] for row in rows("linux_hcalls.csv")}
OTHER_NAMES = {
    # A hyphen or another edition's name.
    0x37C: "H_REGISTER_PROC_TBL",
}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_linux_calls_it_by_the_same_name(call: Hcall) -> None:
    known = OTHER_NAMES.get(call.number, call.name)
    assert LINUX.get(call.number, known) == known


def test_reason_is_given_for_every_hcall_that_only_linux_knows_and_that_is_missing() -> None:
    declared = {call.number for call in CALLS}
    missing = LINUX.keys() - declared - TABLE.keys()
    assert all(absent.linux_hcall_reason(number) for number in missing)
    for (first, last), reason in absent.LINUX_HCALLS_MISSING:
        assert any(first <= number <= last for number in missing), reason
