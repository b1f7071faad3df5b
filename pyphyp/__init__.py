"""pyphyp: a PowerVM machine in a Python package.

What scripts use is named here and loaded when first asked for, so that `pyphyp --help` need not
load an engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emu.clock import ClockError
    from emu.state import StateError
    from firmware.client_interface import ServiceError
    from firmware.elf import BootError
    from firmware.error_log import Severity, Shutdown
    from firmware.error_logs import QueueFullError
    from firmware.machine_check import Fault
    from firmware.rtas import RtasError
    from hypervisor.abi import H, HcallError
    from hypervisor.partition import Ending, Outcome

    from .api import Machine
    from .dialogue import Ended, Timeout
    from .dump import DumpError
    from .events import Event
    from .guest_list import assemble_toy
    from .nvram_file import NvramFileError
    from .partition import Partition
    from .places import PlaceError
    from .range_traces import AccessEvent, InstructionEvent
    from .study import UnknownCallError

_HOMES = {
    "AccessEvent": "pyphyp.range_traces",
    "BootError": "firmware.elf",
    "ClockError": "emu.clock",
    "DumpError": "pyphyp.dump",
    "Ended": "pyphyp.dialogue",
    "Ending": "hypervisor.partition",
    "Event": "pyphyp.events",
    "Fault": "firmware.machine_check",
    "H": "hypervisor.abi",
    "HcallError": "hypervisor.abi",
    "InstructionEvent": "pyphyp.range_traces",
    "Machine": "pyphyp.api",
    "NvramFileError": "pyphyp.nvram_file",
    "Outcome": "hypervisor.partition",
    "Partition": "pyphyp.partition",
    "PlaceError": "pyphyp.places",
    "QueueFullError": "firmware.error_logs",
    "RtasError": "firmware.rtas",
    "ServiceError": "firmware.client_interface",
    "Severity": "firmware.error_log",
    "Shutdown": "firmware.error_log",
    "StateError": "emu.state",
    "Timeout": "pyphyp.dialogue",
    "UnknownCallError": "pyphyp.study",
    "assemble_toy": "pyphyp.guest_list",
}

__all__ = [
    "AccessEvent",
    "BootError",
    "ClockError",
    "DumpError",
    "Ended",
    "Ending",
    "Event",
    "Fault",
    "H",
    "HcallError",
    "InstructionEvent",
    "Machine",
    "NvramFileError",
    "Outcome",
    "Partition",
    "PlaceError",
    "QueueFullError",
    "RtasError",
    "ServiceError",
    "Severity",
    "Shutdown",
    "StateError",
    "Timeout",
    "UnknownCallError",
    "assemble_toy",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pyphyp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
