"""Indicators and sensors (LoPAR 7.3.5.4, 7.3.5.5): the EPOW sensor is all there is."""

from __future__ import annotations

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status

rtas = RtasGroup()

EPOW_SENSOR = 9


@rtas.define("set-indicator", papr="7.3.5.4", nargs=3, nrets=1)
def set_indicator(caller: RtasCaller, indicator: int, index: int, state: int) -> None:
    """Set indicator `index` of a kind."""
    raise RtasError(Status.PARAMETER_ERROR, f"there is no indicator {indicator}, {index}")


@rtas.define("get-sensor-state", papr="7.3.5.5", nargs=2, nrets=2)
def get_sensor_state(caller: RtasCaller, sensor: int, index: int) -> int:
    """The state of sensor `index` of a kind."""
    if (sensor, index) != (EPOW_SENSOR, 0):
        raise RtasError(Status.PARAMETER_ERROR, f"there is no sensor {sensor}, {index}")
    return caller.firmware.error_logs.epow_action
