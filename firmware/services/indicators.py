"""Indicators and sensors (LoPAR 7.3.5.4, 7.3.5.5, 7.3.17 to 7.3.19; 13.5.2.3, 13.5.2.4).

By index there are the EPOW sensor and what the connectors of virtual slots have: whether there is
an adapter, whether the guest has it, whether it is isolated.  The lamps of the machine's parts go
by location code.
"""

from __future__ import annotations

from enum import IntEnum

from firmware.device_tree import cells, string
from firmware.lamps import Lamp
from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status, buffer, location_code
from hypervisor.vio.connectors import ConnectorError, InUseError

rtas = RtasGroup()

EPOW_SENSOR = 9
ISOLATION_STATE, ALLOCATION_STATE = 9001, 9003
"""Indicators of a connector."""
DR_ENTITY_SENSE = 9003
"""The sensor of a connector."""
VALID_OUTSTANDING_TRANSLATION = -9001
BY_LOCATION = 0xFFFF_FFFF
"""The index of what goes by its location code."""
MORE = 1
"""Status: the caller's area holds only a part of the list."""


class Isolation(IntEnum):
    ISOLATE = 0
    UNISOLATE = 1


class Allocation(IntEnum):
    """Of those that LoPAR has; nothing is there to be exchanged or recovered."""

    UNUSABLE = 0
    USABLE = 1


@rtas.define("set-indicator", papr="7.3.5.4", nargs=3, nrets=1)
def set_indicator(caller: RtasCaller, indicator: int, index: int, state: int) -> None:
    """Isolate or allocate what the connector `index` has, or the opposite."""
    connectors, firmware = caller.partition.virtual_io.connectors, caller.firmware
    try:
        slot = connectors.slot(index)
        match indicator, state:
            case (n, Isolation.ISOLATE) if n == ISOLATION_STATE:
                connectors.isolate(slot)
                firmware.adapter_leaves(slot)
            case (n, Isolation.UNISOLATE) if n == ISOLATION_STATE:
                connectors.unisolate(slot)
                firmware.adapter_comes(slot)
            case (n, Allocation.UNUSABLE) if n == ALLOCATION_STATE:
                connectors.deallocate(slot)
                firmware.list_devices()
            case (n, Allocation.USABLE) if n == ALLOCATION_STATE:
                connectors.allocate(slot)
                firmware.list_devices()
            case _:
                raise ConnectorError(f"there is no indicator {indicator} with state {state}")
    except InUseError as used:
        raise RtasError(VALID_OUTSTANDING_TRANSLATION, str(used)) from None
    except ConnectorError as wrong:
        raise RtasError(Status.PARAMETER_ERROR, str(wrong)) from None


@rtas.define("get-sensor-state", papr="7.3.5.5", nargs=2, nrets=2)
def get_sensor_state(caller: RtasCaller, sensor: int, index: int) -> int:
    """The state of sensor `index` of a kind."""
    if sensor == DR_ENTITY_SENSE:
        connectors = caller.partition.virtual_io.connectors
        try:
            return connectors.sense(index)
        except ConnectorError as wrong:
            raise RtasError(Status.PARAMETER_ERROR, str(wrong)) from None
    if (sensor, index) != (EPOW_SENSOR, 0):
        raise RtasError(Status.PARAMETER_ERROR, f"there is no sensor {sensor}, {index}")
    return caller.firmware.error_logs.epow_action


lamps = RtasGroup()
"""Later than the others: tokens follow the order of the groups."""


def _lamp(kind: int) -> Lamp:
    if kind not in tuple(Lamp):
        raise RtasError(Status.PARAMETER_ERROR, f"nothing of kind {kind} goes by location code")
    return Lamp(kind)


@lamps.define("ibm,get-indices", papr="7.3.17", nargs=5, nrets=2)
def get_indices(
    caller: RtasCaller, sensors: int, kind: int, address: int, length: int, start: int
) -> int:
    """List indicators (0) or sensors (1) of a kind from number `start` on; gives the next."""
    if sensors > 1:
        raise RtasError(Status.PARAMETER_ERROR, f"{sensors}: 0 for indicators, 1 for sensors")
    _lamp(kind)
    buffer(caller.memory, address, length)
    locations = caller.firmware.lamps.locations
    listed, at = b"", start
    while 0 < at <= len(locations):
        name = string(locations[at - 1])
        padded = name.ljust(-(-len(name) // 4) * 4, b"\0")
        entry = cells(BY_LOCATION, len(padded)) + padded
        if 4 + len(listed) + len(entry) > length:
            break
        listed, at = listed + entry, at + 1
    if not listed:
        raise RtasError(Status.PARAMETER_ERROR, f"nothing from {start} on fits {length} bytes")
    caller.memory.write(address, cells(at - start) + listed)
    if at <= len(locations):
        raise RtasError(MORE, "there are more", at)
    return 1


def _location(caller: RtasCaller, address: int) -> str:
    """The location code behind its length; it must be one of a part that there is."""
    buffer(caller.memory, address, 4)
    location = location_code(caller.memory, address + 4)
    if location not in caller.firmware.lamps.locations:
        raise RtasError(Status.PARAMETER_ERROR, f"there is no part at {location!r}")
    return location


@lamps.define("ibm,set-dynamic-indicator", papr="7.3.18", nargs=3, nrets=1)
def set_dynamic_indicator(caller: RtasCaller, indicator: int, state: int, address: int) -> None:
    """Switch the lamp of a part on (1) or off (0)."""
    lamp, location = _lamp(indicator), _location(caller, address)
    if state > 1:
        raise RtasError(Status.PARAMETER_ERROR, f"state {state}: 0 or 1")
    caller.firmware.lamps.switch(lamp, location, on=bool(state))


@lamps.define("ibm,get-dynamic-sensor-state", papr="7.3.19", nargs=2, nrets=2)
def get_dynamic_sensor_state(caller: RtasCaller, sensor: int, address: int) -> int:
    """Whether the lamp of a part is on."""
    lamp, location = _lamp(sensor), _location(caller, address)
    return int(caller.firmware.lamps.is_lit(lamp, location))
