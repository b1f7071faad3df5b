"""The time of day (LoPAR 7.3.2): kept as a difference to the time base, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from firmware.rtas import RtasCaller, RtasError, RtasGroup, Status

rtas = RtasGroup()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1970, 2999


@rtas.define("get-time-of-day", papr="7.3.2.2", nargs=0, nrets=8)
def get_time_of_day(caller: RtasCaller) -> tuple[int, ...]:
    """Year, month, day, hour, minute, second, nanoseconds."""
    now = EPOCH + timedelta(seconds=caller.partition.time_of_day.now(caller.time_base))
    return now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond * 1000


@rtas.define("set-time-of-day", papr="7.3.2.3", nargs=7, nrets=1)
def set_time_of_day(
    caller: RtasCaller,
    year: int,
    month: int,
    day: int,
    hour: int,
    minute: int,
    second: int,
    nanosecond: int,
) -> None:
    """Set the clock; the values are those get-time-of-day gives."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RtasError(
            Status.PARAMETER_ERROR, f"year {year}: {FIRST_YEAR} to {LAST_YEAR} can be set"
        )
    try:
        new = datetime(year, month, day, hour, minute, second, nanosecond // 1000, tzinfo=UTC)
    except (ValueError, OverflowError) as wrong:
        raise RtasError(Status.PARAMETER_ERROR, str(wrong)) from None
    caller.partition.time_of_day.set(caller.time_base, (new - EPOCH).total_seconds())
