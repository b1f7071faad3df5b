"""pyphyp: a PowerVM machine in a Python package.

What scripts use is named here and loaded when first asked for, so that `pyphyp --help` need not
load an engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emu.state import StateError
    from firmware.boot import BootError
    from firmware.client_interface import ServiceError
    from firmware.rtas import RtasError
    from hypervisor.abi import H, HcallError
    from hypervisor.partition import Ending, Outcome

    from .api import Machine
    from .dialogue import Ended, Timeout
    from .events import Event
    from .guest_list import assemble_toy
    from .partition import Partition
    from .study import UnknownCallError

_HOMES = {
    "BootError": "firmware.boot",
    "Ended": "pyphyp.dialogue",
    "Ending": "hypervisor.partition",
    "Event": "pyphyp.events",
    "H": "hypervisor.abi",
    "HcallError": "hypervisor.abi",
    "Machine": "pyphyp.api",
    "Outcome": "hypervisor.partition",
    "Partition": "pyphyp.partition",
    "RtasError": "firmware.rtas",
    "ServiceError": "firmware.client_interface",
    "StateError": "emu.state",
    "Timeout": "pyphyp.dialogue",
    "UnknownCallError": "pyphyp.study",
    "assemble_toy": "pyphyp.guest_list",
}

__all__ = [
    "BootError",
    "Ended",
    "Ending",
    "Event",
    "H",
    "HcallError",
    "Machine",
    "Outcome",
    "Partition",
    "RtasError",
    "ServiceError",
    "StateError",
    "Timeout",
    "UnknownCallError",
    "assemble_toy",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pyphyp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
