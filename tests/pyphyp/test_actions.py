"""Operator's requests as records, and what is refused as one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.state import StateError
from hypervisor.vio.configuration import Backend, DiskFormat, TerminalProtocol
from pyphyp.actions import (
    ActivatePartition,
    ActivateSystemProfile,
    AddConsole,
    AddDisk,
    AddDrive,
    AddEthernet,
    ChangePool,
    ChangeProcessors,
    CrashPartition,
    EnterActivationCode,
    FailCore,
    LoadMedium,
    PlugCable,
    RemoveAdapter,
    ResetPartition,
    ShutdownPartition,
    TypeAtConsole,
    UnloadMedium,
    plain_action,
    rebuild_action,
)


@pytest.mark.parametrize(
    "action",
    [
        ActivatePartition("aix1", "night"),
        ActivatePartition("aix1"),
        ActivateSystemProfile("weekend"),
        ShutdownPartition("aix1", immediate=True),
        ResetPartition("aix1"),
        CrashPartition("aix1"),
        ChangeProcessors("aix1", units=50, capped=False),
        ChangePool(1, maximum=80),
        EnterActivationCode("0123-4567"),
        FailCore(3),
        PlugCable("v1", "ent0", plugged=False),
        TypeAtConsole("aix1", bytes(range(256))),
        TypeAtConsole("aix1", b"to hvc1", 1),
        AddDisk("aix1", "/disk.img", read_only=True, format=DiskFormat.QCOW2, slot=9),
        AddDrive("aix1"),
        AddEthernet("aix1", vlan=7, more_vlans=(8, 9)),
        AddConsole("aix1", TerminalProtocol.HVSI, Backend.SOCKET, "/socket"),
        RemoveAdapter("aix1", 5, force=True),
        LoadMedium("aix1", "/disc.iso", 1),
        UnloadMedium("aix1"),
    ],
    ids=lambda action: type(action).__name__,
)
def test_an_action_survives_the_wire(action: object) -> None:
    line = json.dumps(plain_action(action))  # type: ignore[arg-type]
    assert rebuild_action(json.loads(line)) == action


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"action": "FormatDisk"}, "there is no action 'FormatDisk'"),
        ({"action": ["FailCore"], "core": 1}, "there is no action"),
        ({"action": "FailCore", "core": -1}, "out of range"),
        ({"action": "FailCore", "core": True}, "True is no int"),
        ({"action": "FailCore"}, "core missing"),
        ({"action": "FailCore", "core": 1, "also": 2}, "also missing or unknown"),
        ({"action": "ActivatePartition", "partition": "", "profile": None}, "out of Length"),
        (
            {"action": "TypeAtConsole", "partition": "a", "text": "?", "console": 0},
            "no bytes in base 64",
        ),
        ([], "an action is an object"),
    ],
)
def test_what_is_no_action_is_refused_with_the_reason(value: object, why: str) -> None:
    with pytest.raises(StateError, match=why):
        rebuild_action(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(JSON, st.sampled_from(["FailCore", "ActivatePartition", "ChangeProcessors"]))
def test_any_value_is_an_action_or_refused(value: object, name: str) -> None:
    if isinstance(value, dict):
        value["action"] = name
    try:
        action = rebuild_action(value)
    except StateError:
        return
    assert rebuild_action(plain_action(action)) == action
